import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import path from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BASIC, FileServer, type FileServerOptions } from '../support/files.ts';
import { closed } from '../support/sockets.ts';

let server: FileServer;

beforeEach(async () => {
  server = await FileServer.start();
});

afterEach(async () => {
  await server.close();
});

/** Another server in place of the usual one. */
async function restart(options: FileServerOptions): Promise<void> {
  await server.close();
  server = await FileServer.start(options);
}

const errorBody = (code: number, message: string, ...details: string[]) => ({ code, message, details });

function* repeat(chunk: Buffer): Generator<Buffer> {
  for (;;) yield chunk;
}

describe('under load and in bad faith', () => {
  const MIB = Buffer.alloc(1024 * 1024, 'x');

  test('a slow reader gets the replaced file whole', async () => {
    const old = Buffer.alloc(20 * MIB.length, 'old');
    await server.put('/a.bin', old);
    const client = httpRequest({ port: server.port, path: '/memfs/a.bin', agent: false }).end();
    const [response] = (await once(client, 'response')) as [Readable];
    await server.put('/a.bin', 'new');
    expect(Buffer.concat((await response.toArray()) as Buffer[]).equals(old)).toBe(true);
    expect((await server.get('/memfs/a.bin')).text).toBe('new');
  });

  test('a slow reader gets the removed file whole, from disk as from memory', async () => {
    const old = Buffer.alloc(20 * MIB.length, 'old');
    await server.put('/a.bin', old);
    await writeFile(path.join(server.folder, 'disk/a.bin'), old);
    for (const [url, remove] of [
      ['/memfs/a.bin', () => server.memory.remove('/a.bin')],
      ['/a.bin', () => server.disk.remove('/a.bin')],
    ] as const) {
      const client = httpRequest({ port: server.port, path: url, agent: false }).end();
      const [response] = (await once(client, 'response')) as [Readable];
      expect(await remove()).toBe(true);
      expect(Buffer.concat((await response.toArray()) as Buffer[]).equals(old)).toBe(true);
    }
  });

  test('parallel uploads of one name leave one of them whole', async () => {
    const contents = ['a', 'b', 'c', 'd'].map((letter) => letter.repeat(300_000));
    const statuses = await Promise.all(
      contents.map(async (content) => (await server.put('/x', content)).status),
    );
    expect(statuses.sort()).toEqual([201, 204, 204, 204]);
    expect(contents).toContain((await server.get('/memfs/x')).text);
    expect((await server.memory.usage()).bytes).toBe(300_000);
  });

  test('an endless upload is answered with 400 as soon as the limit is reached', async () => {
    await restart({ maxBytes: 3 * MIB.length });
    const client = httpRequest({
      port: server.port,
      method: 'PUT',
      path: '/memfs/a',
      headers: { authorization: BASIC },
      agent: false,
    });
    // The connection is cut after the answer, while the client still writes.
    client.on('error', () => undefined);
    const endless = Readable.from(repeat(MIB), { highWaterMark: 1 });
    endless.pipe(client);
    const [response] = (await once(client, 'response')) as [Readable & { statusCode: number }];
    const body = Buffer.concat((await response.toArray()) as Buffer[]).toString();
    expect(response.statusCode).toBe(400);
    expect(JSON.parse(body)).toEqual(errorBody(400, 'Bad request', 'File is too big'));
    endless.destroy();
    client.destroy();
    expect(await server.memory.usage()).toMatchObject({ bytes: 0, files: 0 });
  });

  test('a client that goes on sending after its answer loses the connection', async () => {
    const socket = connect(server.port, '127.0.0.1');
    socket.write('PUT /memfs/a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n');
    let received = '';
    socket.setEncoding('latin1').on('data', (text: string) => (received += text));
    const chunk = `8000\r\n${'x'.repeat(0x8000)}\r\n`;
    const sending = setInterval(() => socket.write(chunk), 50);
    await closed(socket);
    clearInterval(sending);
    expect(received).toMatch(/^HTTP\/1.1 401/);
  });

  test('an announced size above the limit is refused before the body is sent', async () => {
    await restart({ maxBytes: 1000 });
    const socket = connect(server.port, '127.0.0.1');
    socket.write(
      `PUT /memfs/a HTTP/1.1\r\nHost: x\r\nAuthorization: ${BASIC}\r\nContent-Length: 999999999999\r\n\r\n`,
    );
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1.1 400 .*File is too big/s);
    socket.destroy();
  });

  test.each([false, true])(
    'an upload that breaks off leaves nothing; with its size announced: %s',
    async (announced) => {
      await server.put('/kept', 'old');
      const framing = announced ? 'Content-Length: 100000' : 'Transfer-Encoding: chunked';
      for (const target of ['/memfs/kept', '/memfs/new', '/api/v3/fs/disk/new']) {
        const socket = connect(server.port, '127.0.0.1');
        const head = `PUT ${target} HTTP/1.1\r\nHost: x\r\nAuthorization: ${BASIC}\r\n${framing}\r\nExpect: 100-continue\r\n\r\n`;
        socket.write(head);
        await once(socket, 'data');
        socket.write(announced ? 'part' : '4\r\npart\r\n');
        socket.end();
        socket.resume();
        await closed(socket);
      }
      await expect.poll(async () => (await server.disk.list()).length).toBe(0);
      expect((await server.memory.list()).map(({ name }) => name)).toEqual(['/kept']);
      expect((await server.get('/memfs/kept')).text).toBe('old');
    },
  );

  test('purging makes room for what arrives', async () => {
    await restart({ maxBytes: 3 * MIB.length, purge: true });
    for (const name of ['/1', '/2', '/3', '/4']) expect((await server.put(name, MIB)).status).toBe(201);
    expect((await server.memory.list()).map(({ name }) => name)).toEqual(['/2', '/3', '/4']);
  });
});
