import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { askPlayer } from '../../packages/server/src/ffmpeg/player.ts';
import { freePort } from '../support/ports.ts';
import { openScripted, scripted, type ProcessClient } from './process-server.ts';

interface Seen {
  method: string | undefined;
  url: string | undefined;
  type: string | undefined;
  body: string;
}

/** A player that answers as it is told. */
async function openPlayer(answer: { status: number; type?: string; body: string | Buffer }) {
  const seen: Seen[] = [];
  const server = createServer((request: IncomingMessage, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method, url, headers } = request;
      seen.push({ method, url, type: headers['content-type'], body: Buffer.concat(chunks).toString() });
      response.writeHead(answer.status, answer.type === undefined ? {} : { 'content-type': answer.type });
      response.end(answer.body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { seen, answer, port: (server.address() as AddressInfo).port };
}

async function openWith(port: number): Promise<ProcessClient> {
  const client = await openScripted({
    env: {
      CORE_PLAYOUT_ENABLE: 'true',
      CORE_PLAYOUT_MIN_PORT: String(port),
      CORE_PLAYOUT_MAX_PORT: String(port + 1),
    },
  });
  const input = [
    { id: 'in', address: 'playout:rtmp://localhost/x', options: ['-playout_httpport', '1', '-x'] },
  ];
  await client.create(scripted('p', ['exit 0'], { input }));
  return client;
}

const url = (path: string, id = 'p', input = 'in') => `/process/${id}/playout/${input}/${path}`;

describe('a player', () => {
  let player: Awaited<ReturnType<typeof openPlayer>>;
  let client: ProcessClient;
  beforeEach(async () => {
    player = await openPlayer({ status: 202, type: 'text/x-test', body: 'answer' });
    client = await openWith(player.port);
  });

  const send = async (method: string, path: string, body?: string) => {
    const { access } = await client.server.login();
    const response = await fetch(`${client.server.base}/api/v3${url(path)}`, {
      method,
      headers: { authorization: `Bearer ${access}` },
      ...(body !== undefined && { body }),
    });
    return {
      status: response.status,
      type: response.headers.get('content-type'),
      body: await response.text(),
    };
  };

  test('gets the port that FFmpeg is told, and answers are passed on as they are', async () => {
    const { command } = (await client.state('p')) as unknown as { command: string[] };
    expect(command.join(' ')).toContain(`-x -playout_httpport ${player.port} -i playout:`);
    const upstream = [
      ['GET', 'reopen', 'GET', '/v1/reopen'],
      ['GET', 'status', 'GET', '/v1/status'],
      ['GET', 'keyframe/any.png', 'GET', '/v1/keyframe/last.png'],
      ['GET', 'keyframe/any', 'GET', '/v1/keyframe/last.jpg'],
      ['GET', 'errorframe/encode', 'GET', '/v1/errorframe/encode'],
    ] as const;
    for (const [method, path] of upstream) {
      expect(await send(method, path)).toEqual({ status: 202, type: 'text/x-test', body: 'answer' });
    }
    expect(player.seen.map(({ method, url }) => [method, url])).toEqual(
      upstream.map(([, , method, path]) => [method, path]),
    );
  });

  test('is sent what is uploaded, as it is', async () => {
    for (const [method, path] of [
      ['PUT', 'errorframe/a.jpg'],
      ['POST', 'errorframe/a.jpg'],
      ['PUT', 'stream'],
    ] as const) {
      expect((await send(method, path, 'bytes')).status).toBe(202);
    }
    const frame = {
      method: 'PUT',
      url: '/v1/errorframe.jpg',
      type: 'application/octet-stream',
      body: 'bytes',
    };
    expect(player.seen).toEqual([
      frame,
      frame,
      { method: 'PUT', url: '/v1/stream', type: 'text/plain', body: 'bytes' },
    ]);
  });

  test('tells its state, of which the API has the known part', async () => {
    Object.assign(player.answer, {
      status: 200,
      body: JSON.stringify({
        id: 'x',
        queue: 3,
        other: 1,
        input: { state: 'running', time: 5 },
        debug: { a: 1 },
      }),
    });
    const { status, body } = await client.call('GET', url('status'));
    const io = { state: '', packet: 0, time: 0, size_kb: 0 };
    expect([status, body]).toEqual([
      200,
      {
        ...{ id: 'x', url: '', stream: 0, queue: 3, aqueue: 0, dup: 0, drop: 0, enc: 0 },
        ...{ looping: false, duplicating: false, gop: '', debug: { a: 1 } },
        input: { ...io, state: 'running', time: 5 },
        output: io,
        swap: { url: '', status: '', lasturl: '', lasterror: '' },
      },
    ]);
  });

  test('that talks nonsense is a failure', async () => {
    Object.assign(player.answer, { status: 200, body: '[' });
    expect(await client.call('GET', url('status'))).toMatchObject({
      status: 500,
      body: { code: 500, message: 'Internal Server Error' },
    });
  });

  test('is not sent more than it can be meant to get', async () => {
    expect((await send('PUT', 'stream', 'x'.repeat(100_000))).status).toBe(413);
    expect(player.seen).toEqual([]);
  });

  test.each([
    ['POST', 'keyframe/a', 'OPTIONS, GET'],
    ['DELETE', 'errorframe/a', 'OPTIONS, POST, PUT'],
  ])('%s %s is not allowed', async (method, path, allow) => {
    const { status, headers } = await client.call(method, url(path));
    expect([status, headers.get('allow')]).toEqual([405, allow]);
  });

  test.each([
    ['reopen', 'nope', 'in', 'unknown process'],
    ['reopen', 'p', 'out', "no playout for input ID 'out' and process 'p'"],
  ])('%s of %s, %s is unknown', async (path, id, input, reason) => {
    expect((await client.call('GET', url(path, id, input))).body).toEqual({
      code: 404,
      message: 'Unknown process or input',
      details: [reason],
    });
  });
});

test('a player that does not listen is a failure that says so', async () => {
  const port = await freePort();
  const client = await openWith(port);
  expect((await client.call('GET', url('status'))).body).toEqual({
    code: 500,
    message: 'Internal Server Error',
    details: [
      `Get "http://127.0.0.1:${port}/v1/status": dial tcp 127.0.0.1:${port}: connect: connection refused`,
    ],
  });
});

test('ports run out, stay where they are, and come back', async () => {
  const port = await freePort();
  const client = await openWith(port);
  const input = [
    { id: 'a', address: 'avstream:x' },
    { id: 'b', address: 'playout:x' },
  ];
  expect((await client.call('POST', '/process', scripted('q', ['exit 0'], { input }))).body).toMatchObject({
    message: 'Invalid process config',
    details: [`no more ports available from range [${port},${port + 1}]`],
  });
  await client.update(
    'p',
    scripted('p', ['exit 0'], { reference: 'new', input: [{ id: 'in', address: 'playout:y' }] }),
  );
  expect(JSON.stringify((await client.state('p')).command)).toContain(`"${port}"`);
  await client.call('DELETE', '/process/p');
  await client.create(scripted('q', ['exit 0'], { input }));
  expect(JSON.stringify((await client.state('q')).command)).toMatch(new RegExp(`"${port}".*"${port + 1}"`));
});

test('a player that does not answer is given up', async () => {
  const server = createServer(() => {
    // Says nothing.
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  await expect(askPlayer(port, { method: 'GET', path: '/v1/status' }, 50)).rejects.toThrow(
    `Get "http://127.0.0.1:${port}/v1/status": context deadline exceeded`,
  );
});
