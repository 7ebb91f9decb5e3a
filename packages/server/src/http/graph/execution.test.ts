import { expect, test } from 'vitest';
import type { Logger } from '../../log/logger.ts';
import { createExecutor } from './execution.ts';

const silent = { error: () => undefined } as unknown as Logger;
const execute = await createExecutor(silent, true);

/** The errors of a query that is refused, each as `line:column message`, or `path message`. */
async function refusal(query: string, variables: Record<string, unknown> = {}) {
  const { status, body } = await execute({ query, variables, operationName: '' }, {});
  expect(status).toBe(422);
  expect(body.data).toBeNull();
  return body.errors?.map(({ message, locations = [], path = [] }) =>
    [...locations.map(({ line, column }) => `${line}:${column}`), path.join('.'), message]
      .filter((part) => part !== '')
      .join(' '),
  );
}

// Words and places as the reference's library has them.
test.each([
  ['{', '1:2 Expected Name, found <EOF>'],
  [`${'#'.repeat(100)}\n{`, '2:2 Expected Name, found <EOF>'],
  ['{}', '1:2 expected at least one definition, found }'],
  ['{about{}}', '1:8 expected at least one definition, found }'],
  ['query', '1:6 Expected {, found <EOF>'],
  ['{ping}}', '1:7 Unexpected }'],
  ['query {\n ping(\n}', '3:1 Expected Name, found }'],
  ['{a "b"}', '1:5 Expected Name, found String'],
  ['{process(id 5)}', '1:13 Expected :, found Int'],
  ['fragment F{ping}', '1:11 Expected "on", found {'],
  ['foo{ping}', '1:1 Unexpected Name "foo"'],
  ['{ping} type X{a:Int}', '1:8 Unexpected Name "type"'],
  ['?', '1:1 Unexpected <Invalid>'],
  ['{a ? b}', '1:4 Expected Name, found <Invalid>'],
  ['{ping} ?', '1:8 Unexpected <Invalid>'],
  ['{process(id:"abc){id}}', '1:23 Unexpected <Invalid>'],
])('%j cannot be read', async (query, ...errors) => {
  expect(await refusal(query)).toEqual(errors);
});

test.each([
  ['', 'no operation provided'],
  [' , ', 'no operation provided'],
  ['#x', 'no operation provided'],
  ['fragment F on Query{ping}', 'no operation provided'],
  ['{ping{x}}', '1:7 Cannot query field "x" on type "String".', noSubfields('1:2', 'ping', 'String')],
  [
    '{processes{id{x}}}',
    '1:15 Cannot query field "x" on type "String".',
    noSubfields('1:12', 'id', 'String'),
  ],
  [
    '{process{nope}}',
    '1:10 Cannot query field "nope" on type "Process". Did you mean "type"?',
    '1:2 Field "process" argument "id" of type "ID!" is required, but it was not provided.',
  ],
  ['{process(id:"a",x:2){id}}', '1:2 Unknown argument "x" on field "Query.process".'],
  ['{process(id:null){id}}', '1:13 Expected value of type "ID!", found null.'],
  ['{process(id:"a",id:"b"){id}}', '1:17 There can be only one argument named "id".'],
  [
    '{ping} {ping}',
    '1:1 This anonymous operation must be the only defined operation.',
    '1:8 This anonymous operation must be the only defined operation.',
    '1:8 There can be only one operation named "".',
  ],
  ['{process(id:$x){id}}', '1:13 Variable "$x" is not defined.'],
  ['query A{ping} query A{ping}', '1:15 There can be only one operation named "A".'],
  [
    'query($x:ID){process(id:$x){id}}',
    '1:25 Variable "$x" of type "ID" used in position expecting type "ID!".',
  ],
  ['query($x:Nope){ping}', '1:7 Unknown type "Nope".', '1:7 Variable "$x" is never used.'],
  [
    '{metrics(query:{}){interval_seconds}}',
    '1:16 Field "MetricsInput.metrics" of required type "[MetricInput!]!" was not provided.',
  ],
  [
    '{metrics(query:{timerange_seconds:"1",metrics:[]}){interval_seconds}}',
    '1:36 Int cannot represent non-integer value: "1"',
  ],
  [
    '{about{...F}} fragment F on Query{ping}',
    '1:11 Fragment "F" cannot be spread here as objects of type "About" can never be of type "Query".',
  ],
  ['{...F}', '1:5 Unknown fragment "F".'],
  ['{...F} fragment F on Nope{ping}', '1:8 Unknown type "Nope".'],
  ['{ping @foo}', '1:8 Unknown directive "@foo".'],
  ['subscription{ping}', '1:1 Schema does not support operation type "subscription"'],
])('%j is invalid', async (query, ...errors) => {
  expect(await refusal(query)).toEqual(errors);
});

function noSubfields(place: string, field: string, type: string): string {
  return `${place} Field "${field}" must not have a selection since type "${type}" has no subfields.`;
}

const BY_ID = 'query($id:ID!){process(id:$id){id}}';
const BY_QUERY = 'query($m:MetricsInput!){metrics(query:$m){interval_seconds}}';

test.each<[string, string, Record<string, unknown>, string]>([
  ['is missing', BY_ID, {}, 'variable.id must be defined'],
  ['is null', BY_ID, { id: null }, 'variable.id cannot be null'],
  ['is a flag for an id', BY_ID, { id: true }, 'variable.id cannot use bool as ID'],
  ['is a list for an id', BY_ID, { id: ['a'] }, 'variable.id cannot use slice as ID'],
  [
    'is a text for a flag',
    'query($x:Boolean!){ping @skip(if:$x)}',
    { x: 'a' },
    'variable.x cannot use string as Boolean',
  ],
  ['is a text for an object', BY_QUERY, { m: 'x' }, 'variable.m must be a MetricsInput'],
  ['lacks a member', BY_QUERY, { m: {} }, 'variable.m.metrics must be defined'],
  [
    'lacks a member in a list',
    BY_QUERY,
    { m: { metrics: [{}] } },
    'variable.m.metrics.0.name must be defined',
  ],
  ['has a member too many', BY_QUERY, { m: { metrics: [], foo: 1 } }, 'variable.m.foo unknown field'],
])('a variable that %s is refused', async (_what, query, variables, error) => {
  expect(await refusal(query, variables)).toEqual([error]);
});

test('a member that is null and need not be is left out', async () => {
  const query = 'query($x:Boolean=true){ping @skip(if:$x)}';
  expect(await execute({ query, variables: {}, operationName: '' }, { ping: 'pong' })).toMatchObject({
    status: 200,
  });
});

test('the schema can be kept to oneself', async () => {
  const tightLipped = await createExecutor(silent, false);
  const ask = (query: string) => tightLipped({ query, variables: {}, operationName: '' }, { ping: 'pong' });
  expect(await ask('{__schema{queryType{name}}}')).toMatchObject({ status: 422 });
  expect(await ask('{__type(name:"Query"){name}}')).toMatchObject({ status: 422 });
  expect(await ask('{__typename ping}')).toEqual({
    status: 200,
    body: { data: { __typename: 'Query', ping: 'pong' } },
  });
});

test('a query of too many lines is refused before its mistakes are placed', async () => {
  expect(await refusal(`${'\n'.repeat(250_000)}{a b c}`)).toEqual(['the query has more than 10000 lines']);
});
