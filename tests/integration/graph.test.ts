import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startServer, type TestServer } from '../support/server.ts';

let server: TestServer;

beforeAll(async () => {
  server = await startServer();
});

afterAll(async () => {
  await server.close();
});

const query = (text: string) => server.api('POST', '/graph/query', { query: text });

test('the Go client may ask below /api/v3', async () => {
  const { body } = await server.api('PUT', '/v3/graph', { query: '{ping}' });
  expect(body).toEqual({ data: { ping: 'pong' } });
});

test('the schema can be asked for', async () => {
  const { body } = await query(
    '{__schema{queryType{name} types{name fields{name type{name ofType{name}}}}}}',
  );
  expect(body).toMatchObject({ data: { __schema: { queryType: { name: 'Query' } } } });
});

test('metrics have a value and a time, and labels that are no texts do not count', async () => {
  const { body } = await query(
    '{metrics(query:{metrics:[{name:"uptime_uptime",labels:{core:1}}]}){timerange_seconds metrics{name labels values}}}',
  );
  expect(body).toMatchObject({
    data: {
      metrics: { metrics: [{ name: 'uptime_uptime', values: [[expect.any(Number), expect.any(Number)]] }] },
    },
  });
});

test('a process that there is not is told by its name in the query', async () => {
  const { status, body } = await query('{process(id:"nope"){id}}');
  expect({ status, body }).toEqual({
    status: 200,
    body: { errors: [{ message: 'unknown process', path: ['process'] }], data: { process: null } },
  });
});

test('the log has the lines of the console', async () => {
  const { body } = await query('{log}');
  expect((body as { data: { log: string[] } }).data.log[0]).toContain('component=');
});

describe('a query is refused', () => {
  test.each([
    ['for many levels', '{__typename ...on Query{about' + '{a'.repeat(10) + '}'.repeat(12), 'levels deep'],
    ['for more levels than can be parsed', '{a'.repeat(4900), 'levels deep'],
    ['for a value of more levels than can be parsed', `{a(b:${'['.repeat(9900)}`, 'levels deep'],
    ['for a type of more levels than can be parsed', `query A($a:${'['.repeat(9900)}`, 'levels deep'],
    [
      'for many probes',
      `{${['a', 'b', 'c', 'd', 'e', 'f'].map((name) => `${name}:probe(id:"x"){log}`).join(' ')}}`,
      'points',
    ],
    [
      'for fragments that multiply',
      `query{...f0} ${Array.from({ length: 40 }, (_, n) => `fragment f${n} on Query{...f${n + 1} ...f${n + 1}}`).join(' ')} fragment f40 on Query{ping}`,
      'points',
    ],
    ['for two operations without a name', 'query A{ping} query B{ping}', 'operation  not found'],
  ])('%s', async (_why, text, reason) => {
    const { status, body } = await query(text);
    expect({ status, message: (body as { errors: [{ message: string }] }).errors[0].message }).toEqual({
      status: 422,
      message: expect.stringContaining(reason) as string,
    });
  });

  test.each([
    [
      'as part of a batch',
      '[{"query":"{ping}"}]',
      'json: cannot unmarshal array into Go value of type graphql.RawParams',
    ],
    ['as a text', '"{ping}"', 'json: cannot unmarshal string into Go value of type graphql.RawParams'],
    [
      'that is no text',
      '{"query":1}',
      'json: cannot unmarshal number into Go struct field RawParams.query of type string',
    ],
    [
      'with a list of variables',
      '{"query":"{ping}","variables":[]}',
      'json: cannot unmarshal array into Go struct field RawParams.variables of type map[string]interface {}',
    ],
    ['that breaks off', '{"query":', 'unexpected EOF'],
    ['that is no JSON', '{ping}', "invalid character 'p' looking for beginning of object key string"],
  ])('%s', async (_how, body, reason) => {
    const { access } = await server.login();
    const answer = await fetch(`${server.base}/api/graph/query`, {
      method: 'POST',
      headers: { authorization: `Bearer ${access}`, 'content-type': 'application/json' },
      body,
    });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toEqual({
      errors: [{ message: `json request body could not be decoded: ${reason} body:${body}` }],
      data: null,
    });
  });

  test('above 256 KiB', async () => {
    const { status } = await query(`{ping}${' '.repeat(256 * 1024)}`);
    expect(status).toBe(413);
  });
});

test('the schema is kept back, and values of metadata are as large as the configuration says', async () => {
  await using strict = await startServer({
    env: { CORE_API_GRAPHQL_INTROSPECTION: 'false', CORE_API_METADATA_MAX_MBYTES: '1' },
  });
  const schema = await strict.api('POST', '/graph/query', { query: '{__schema{queryType{name}}}' });
  expect(schema.status).toBe(422);
  const large = 'x'.repeat(1024 * 1024);
  expect((await strict.api('PUT', '/v3/metadata/key', large.slice(2))).status).toBe(200);
  expect((await strict.api('PUT', '/v3/metadata/key', large)).status).toBe(413);
});

test('a browser gets the page without a token', async () => {
  const answer = await fetch(`${server.base}/api/graph`, { headers: { accept: 'text/html,*/*' } });
  expect(answer.status).toBe(200);
  expect(await answer.text()).toContain('<title>GraphQL</title>');
});
