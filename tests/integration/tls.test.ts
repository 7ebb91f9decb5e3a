import { execFile, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect as connectTcp } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, onTestFailed, test, vi } from 'vitest';
import { closed } from '../support/sockets.ts';
import { FrameClient } from './http2-frames.ts';
import { FFMPEG, SOON } from './process-server.ts';
import { BASIC, TlsServer, answerOf, ask } from './tls-server.ts';

const hasCurl = /\bHTTP2\b/.test(spawnSync('curl', ['--version'], { encoding: 'utf8' }).stdout || '');

describe('HTTPS', () => {
  let tls: TlsServer;
  beforeAll(async () => {
    tls = await TlsServer.start();
  });
  afterAll(() => tls[Symbol.asyncDispose]());

  test('speaks HTTP/2 with clients that can', async () => {
    const session = tls.session();
    await once(session, 'connect');
    expect(session.alpnProtocol).toBe('h2');
    expect(await ask(session, { ':path': '/ping' })).toMatchObject({ status: 200, text: 'pong' });
  });

  test('speaks HTTP/1.1 with the others', async () => {
    const request = httpsRequest(`https://127.0.0.1:${tls.port}/ping`, { rejectUnauthorized: false }).end();
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    expect([response.statusCode, response.httpVersion]).toEqual([200, '1.1']);
    expect(String(Buffer.concat((await response.toArray()) as Buffer[]))).toBe('pong');
  });

  test('is refused below TLS 1.2', async () => {
    const socket = connectTls({
      port: tls.port,
      host: '127.0.0.1',
      rejectUnauthorized: false,
      minVersion: 'TLSv1.1',
      maxVersion: 'TLSv1.1',
      ciphers: 'DEFAULT@SECLEVEL=0',
    });
    await expect(once(socket, 'secureConnect')).rejects.toThrow(/alert|version/i);
  });

  test('tells who sends clear text in clear text', async () => {
    const socket = connectTcp(tls.port, '127.0.0.1').setEncoding('latin1');
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    const answer = ((await socket.toArray()) as string[]).join('');
    expect(answer).toBe('HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n');
  });

  test('hangs up on who speaks neither', async () => {
    const socket = connectTcp(tls.port, '127.0.0.1');
    socket.resume();
    socket.write(Buffer.from([0, 1, 2, 3, 4, 5, 6, 7]));
    await closed(socket);
  });

  test('serves the same application, whose API asks for a token', async () => {
    const session = tls.session();
    expect((await ask(session, { ':path': '/api/v3/config' })).status).toBe(401);
    const { access } = await tls.server.login();
    const answer = await ask(session, { ':path': '/api/v3/config', authorization: `Bearer ${access}` });
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.text)).toMatchObject({ config: { tls: { enable: true } } });
  });

  test('takes, gives, heads and removes files over HTTP/2', async () => {
    const session = tls.session();
    const at = { ':path': '/memfs/a.bin', authorization: BASIC };
    const content = Buffer.alloc(3_000_000, 'x');
    const put = await ask(session, { ...at, ':method': 'PUT' }, content);
    expect([put.status, put.headers['content-location']]).toEqual([201, '/memfs/a.bin']);
    expect((await ask(session, { ':path': '/memfs/a.bin' })).text).toBe(content.toString());
    const head = await ask(session, { ':path': '/memfs/a.bin', ':method': 'HEAD' });
    expect([head.status, head.headers['content-length'], head.text]).toEqual([200, '3000000', '']);
    expect((await ask(session, { ...at, ':method': 'DELETE' })).status).toBe(200);
    const missing = await ask(session, { ':path': '/memfs/a.bin' });
    expect([missing.status, JSON.parse(missing.text)]).toEqual([
      404,
      { code: 404, message: 'File not found', details: ['/a.bin'] },
    ]);
  });

  test('asks for an announced body over HTTP/2 only past the guards', async () => {
    const session = tls.session();
    const put = { ':path': '/memfs/expected', ':method': 'PUT', expect: '100-continue' };
    const refused = session.request(put, { endStream: false });
    let continued = 0;
    refused.on('continue', () => continued++);
    expect((await answerOf(refused)).status).toBe(401);
    expect(continued).toBe(0);
    refused.close();

    const accepted = session.request({ ...put, authorization: BASIC }, { endStream: false });
    await once(accepted, 'continue');
    accepted.end('body');
    expect((await answerOf(accepted)).status).toBe(201);
    expect((await ask(session, { ':path': '/memfs/expected' })).text).toBe('body');
  });

  test('answers an upload that it refuses and goes on with the other streams of the connection', async () => {
    const session = tls.session();
    const stream = session.request({ ':path': '/memfs/refused', ':method': 'PUT' }, { endStream: false });
    stream.on('error', () => undefined);
    stream.write(Buffer.alloc(4_000_000));
    expect((await answerOf(stream)).status).toBe(401);
    if (!stream.closed) await once(stream, 'close');
    expect(stream.rstCode).toBe(0);
    expect((await ask(session, { ':path': '/ping' })).status).toBe(200);
  });

  test.each([
    ['a preflight', 204, { ':path': '/memfs/x', ':method': 'OPTIONS' }],
    ['a redirect', 301, { ':path': '/api/swagger/' }],
    ['a file that the client has', 304, { ':path': '/memfs/known', 'if-none-match': '*' }],
  ])('answers %s without a body over HTTP/2, also to who sends one', async (_what, status, headers) => {
    const session = tls.session();
    await ask(session, { ':path': '/memfs/known', ':method': 'PUT', authorization: BASIC }, 'x');
    expect((await ask(session, headers)).status).toBe(status);
    const stream = session.request(headers, { endStream: false });
    stream.on('error', () => undefined);
    stream.write('body');
    expect((await answerOf(stream)).status).toBe(status);
    stream.close();
  });

  test('answers a body that is too large and goes on with the other streams of the connection', async () => {
    const session = tls.session();
    const headers = { ':path': '/api/login', ':method': 'POST', 'content-type': 'application/json' };
    const stream = session.request(headers, { endStream: false });
    stream.on('error', () => undefined);
    stream.write(Buffer.alloc(4_000_000, ' '));
    expect((await answerOf(stream)).status).toBe(413);
    if (!stream.closed) await once(stream, 'close');
    expect((await ask(session, { ':path': '/ping' })).status).toBe(200);
  });

  test.each(['stream', 'connection'])(
    'keeps nothing of an upload over HTTP/2 whose %s breaks off',
    async (end) => {
      const file = `/memfs/${end}`;
      const at = { ':path': file, ':method': 'PUT', authorization: BASIC };
      await ask(tls.session(), at, 'whole');
      const client = await FrameClient.connect(tls.port);
      client.headers(1, { ':scheme': 'https', ':authority': 'localhost', ...at, expect: '100-continue' });
      await client.answered();
      await client.data(1, 'half').taken();
      const before = tls.server.log().length;
      if (end === 'stream') client.reset(1);
      else client.socket.end();
      await vi.waitFor(() => {
        expect(tls.server.log().slice(before)).toContain(`method="PUT" path="${file}"`);
      }, SOON);
      expect((await ask(tls.session(), { ':path': file })).text).toBe('whole');
      client.socket.destroy();
    },
  );

  test('ends a connection whose streams are reset again and again', async () => {
    const client = await FrameClient.connect(tls.port);
    const closed = once(client.socket, 'close');
    const request = { ':method': 'GET', ':scheme': 'https', ':path': '/ping', ':authority': 'localhost' };
    for (let count = 0; count < 1000; count++) client.headers(count * 2 + 1, request).reset(count * 2 + 1);
    await closed;
    expect((await ask(tls.session(), { ':path': '/ping' })).status).toBe(200);
  });

  test('logs its requests under its own name', async () => {
    await ask(tls.session(), { ':path': '/logged-over-http2' });
    await vi.waitFor(() => {
      expect(tls.server.log()).toMatch(
        /level=WARN component="HTTPS" .*client="127.0.0.1" .*path="\/logged-over-http2" proto="HTTP\/2.0" .*status=404 status_text="Not Found"/,
      );
    }, SOON);
    await fetch(`${tls.server.base}/logged-in-clear`);
    await vi.waitFor(() => {
      expect(tls.server.log()).toMatch(/component="HTTP" .*path="\/logged-in-clear"/);
    }, SOON);
  });
});

describe.skipIf(FFMPEG === '')('FFmpeg', () => {
  test.each([
    ['a connection for each file', '0', /#EXTINF[^]*#EXT-X-ENDLIST/],
    // At its end FFmpeg resets a connection that it kept, and with it the last write, whatever server it is.
    ['one connection for all files', '1', /#EXTINF/],
  ])('writes HLS over HTTPS with %s', async (_what, isPersistent, expected) => {
    await using tls = await TlsServer.start();
    const playlist = `https://mem:secret@127.0.0.1:${tls.port}/memfs/tls.m3u8`;
    const source = ['-f', 'lavfi', '-i', 'testsrc=size=64x64:rate=25:duration=2'];
    const output = ['-c:v', 'mpeg2video', '-g', '5', '-f', 'hls', '-hls_time', '0.2', '-method', 'PUT'];
    await promisify(execFile)(FFMPEG, [...source, ...output, '-http_persistent', isPersistent, playlist]);
    // FFmpeg ends without waiting for the answers to its last uploads.
    onTestFailed(() => {
      console.log(tls.server.log());
    });
    const read = (file: string) => ask(tls.session(), { ':path': `/memfs/${file}` });
    await expect.poll(async () => (await read('tls.m3u8')).text).toMatch(expected);
    const segment = /^[^#\n]+\.ts/m.exec((await read('tls.m3u8')).text)?.[0] ?? '';
    await expect.poll(async () => (await read(segment)).status).toBe(200);
  });
});

test.skipIf(!hasCurl)('curl speaks HTTP/2 with it, also to send a file', async () => {
  await using tls = await TlsServer.start();
  const url = `https://127.0.0.1:${tls.port}/memfs/curl`;
  const curl = async (...args: string[]) =>
    (
      await promisify(execFile)('curl', [
        '-sk',
        '--http2',
        '-w',
        ' %{http_version} %{http_code}',
        ...args,
        url,
      ])
    ).stdout;
  expect(await curl('-X', 'PUT', '-d', 'body', '-u', 'mem:secret')).toBe(' 2 201');
  expect(await curl()).toBe('body 2 200');
  expect(await curl('-I')).toMatch(/^HTTP\/2 200 /);
});

test('address lists hold for the listener they name', async () => {
  await using tls = await TlsServer.start({ env: { CORE_API_ACCESS_HTTPS_BLOCK: '127.0.0.0/8' } });
  expect((await ask(tls.session(), { ':path': '/api/v3/config' })).status).toBe(403);
  expect((await fetch(`${tls.server.base}/api/v3/config`)).status).toBe(401);
});
