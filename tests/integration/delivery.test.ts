import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import path from 'node:path';
import { Readable } from 'node:stream';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BASIC, FileServer, type FileServerOptions } from '../support/files.ts';

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

const TEXT = 'text '.repeat(1000);
const errorBody = (code: number, message: string, ...details: string[]) => ({ code, message, details });
const viaApi = (method: string, name: string, body?: string) =>
  server.send(method, `/api/v3/fs/${name}`, body === undefined ? {} : { body });

describe('writing and reading below a mount', () => {
  test('a file is made, replaced, read and removed', async () => {
    const made = await server.put('/a.txt?x=1', 'one');
    expect([made.status, made.text]).toEqual([201, '']);
    expect(made.headers).toMatchObject({
      'content-location': '/memfs/a.txt?x=1',
      'content-type': 'text/plain; charset=UTF-8',
    });
    const replaced = await server.put('/a.txt', 'two!');
    expect([replaced.status, replaced.headers['content-location']]).toEqual([204, '/memfs/a.txt']);
    const read = await server.get('/memfs/a.txt');
    expect([read.status, read.text, read.headers['content-type']]).toEqual([200, 'two!', 'text/plain']);
    const removed = await server.send('DELETE', '/memfs/a.txt', { headers: { authorization: BASIC } });
    expect([removed.status, removed.text]).toEqual([200, 'Deleted: /a.txt']);
    const missing = await server.get('/memfs/a.txt');
    expect([missing.status, JSON.parse(missing.text)]).toEqual([
      404,
      errorBody(404, 'File not found', '/a.txt'),
    ]);
  });

  test('POST writes like PUT', async () => {
    const options = { headers: { authorization: BASIC }, body: 'x' };
    expect((await server.send('POST', '/memfs/a', options)).status).toBe(201);
    expect((await server.send('POST', '/memfs/a', options)).status).toBe(204);
  });

  test('an upload that announces no body makes an empty file', async () => {
    const client = connect(server.port).setEncoding('utf8');
    client.write(`PUT /memfs/a HTTP/1.1\r\nHost: a\r\nAuthorization: ${BASIC}\r\nConnection: close\r\n\r\n`);
    expect((await client.toArray()).join('')).toMatch(/^HTTP\/1\.1 201 /);
    expect((await server.get('/memfs/a')).body).toHaveLength(0);
  });

  test('a replaced file is answered with 204 also to a client that accepts gzip', async () => {
    await server.put('/a.txt', 'x');
    expect((await server.put('/a.txt', 'x', { 'accept-encoding': 'gzip' })).status).toBe(204);
  });

  test('HEAD tells what GET would, without the body', async () => {
    await server.put('/a.ts', 'hello');
    const head = await server.send('HEAD', '/memfs/a.ts');
    expect([head.status, head.text]).toEqual([200, '']);
    expect(head.headers).toMatchObject({ 'content-type': 'video/MP2T', 'content-length': '5' });
    expect(head.headers['last-modified']).toMatch(/GMT$/);
    const missing = await server.send('HEAD', '/memfs/nope');
    expect([missing.status, missing.text, missing.headers['content-type']]).toEqual([404, '', undefined]);
  });

  test('an upload in chunks of any size is read back whole', async () => {
    const parts = Array.from({ length: 300 }, (_, i) => Buffer.alloc(i * 17, i));
    expect((await server.put('/big', Readable.from(parts))).status).toBe(201);
    const { body, headers } = await server.get('/memfs/big');
    expect(body.equals(Buffer.concat(parts))).toBe(true);
    expect(headers['content-length']).toBe(String(body.length));
  });

  test.each(['/memfs', '/memfs/', '/memfs/dir'])('%s is no file', async (url) => {
    await server.put('/dir/a', 'x');
    expect((await server.get(url)).status).toBe(404);
  });

  test('other methods are unknown', async () => {
    const answer = await server.send('PATCH', '/memfs/a', { headers: { authorization: BASIC }, body: 'x' });
    expect([answer.status, JSON.parse(answer.text)]).toEqual([404, errorBody(404, 'Not Found', 'Not Found')]);
  });

  test.each(['PUT', 'POST', 'DELETE'])('%s is not possible below the root', async (method) => {
    const answer = await server.send(method, '/a', { headers: { authorization: BASIC } });
    expect([answer.status, JSON.parse(answer.text)]).toEqual([404, errorBody(404, 'Not Found', 'Not Found')]);
  });

  test('a directory on disk is answered with its index page', async () => {
    expect(JSON.parse((await server.get('/')).text)).toEqual(errorBody(404, 'File not found', '/index.html'));
    await viaApi('PUT', 'disk/sub/index.html', '<p>index</p>');
    for (const url of ['/sub', '/sub/']) {
      const answer = await server.get(url);
      expect([answer.status, answer.text, answer.headers['content-type']]).toEqual([
        200,
        '<p>index</p>',
        'text/html',
      ]);
    }
  });
});

describe('names', () => {
  test.each([
    ['with%20space', '/with space'],
    ['a+b', '/a+b'],
    ['%C3%BC', '/ü'],
    ['100%25', '/100%'],
    ['a%2525b', '/a%25b'],
    ['odd%2Fslash', '/odd/slash'],
    ['odd//double/', '/odd/double'],
    ['./x/../dots', '/dots'],
    ['../../../escape', '/escape'],
    ['%2e%2e/%2e%2e/escape', '/escape'],
    ['..%2f..%2fescape', '/escape'],
    ['a%0Ab', '/a\nb'],
    ['back%5C..%5Cslash', '/back\\..\\slash'],
  ])('%s is decoded once, in memory as on disk', async (escaped, name) => {
    expect((await server.put(`/${escaped}`, 'x')).status).toBe(201);
    expect((await viaApi('PUT', `disk/${escaped}`, 'x')).status).toBe(201);
    for (const filesystem of [server.memory, server.disk]) {
      expect((await filesystem.list()).map((file) => file.name)).toEqual([name]);
    }
    expect((await server.get(`/memfs/${escaped}`)).text).toBe('x');
    expect((await server.get(`/${escaped}`)).text).toBe('x');
  });

  test.each([
    '/..%2f..%2f..%2f..%2fetc%2fhostname',
    '/../../../../../../etc/hostname',
    '/%2e%2e/disk/../secret',
  ])('%s does not leave the root', async (url) => {
    await writeFile(path.join(server.folder, 'secret'), 'secret');
    expect((await server.get(url)).status).toBe(404);
  });

  test('a name with NUL or of enormous length is refused or not there', async () => {
    for (const name of ['a%00b', 'x'.repeat(10_000)]) {
      expect((await server.get(`/${name}`)).status).toBe(404);
      expect((await server.get(`/memfs/${name}`)).status).toBe(404);
      expect((await server.put(`/${name}`, 'x')).status).toBe(400);
      expect((await viaApi('PUT', `disk/${name}`, 'x')).status).toBe(400);
    }
  });

  test('an escape that is none is a bad request', async () => {
    expect((await server.get('/memfs/%zz')).status).toBe(400);
  });

  test('the path in an error is one detail, as it was asked for', async () => {
    const { text } = await server.get('/memfs/../%25d%0Ax');
    expect(JSON.parse(text)).toEqual(errorBody(404, 'File not found', '/../%d\nx'));
  });
});

describe('basic authentication of writes', () => {
  test.each([
    ['no credentials', undefined],
    ['another scheme', 'Bearer abc'],
    ['a wrong password', `Basic ${Buffer.from('mem:wrong').toString('base64')}`],
    ['a wrong user', `Basic ${Buffer.from('x:secret').toString('base64')}`],
    ['nothing behind the scheme', 'Basic '],
    ['no colon', `Basic ${Buffer.from('memsecret').toString('base64')}`],
  ])('%s: 401', async (_what, authorization) => {
    for (const method of ['PUT', 'POST', 'DELETE']) {
      const headers = authorization === undefined ? {} : { authorization };
      const answer = await server.send(method, '/memfs/a.txt', { headers, body: 'x' });
      expect([answer.status, answer.headers['www-authenticate']]).toEqual([401, 'basic realm=Restricted']);
      expect(JSON.parse(answer.text)).toEqual(errorBody(401, 'Unauthorized', 'Unauthorized'));
    }
    expect(await server.memory.list()).toEqual([]);
  });

  test.each(['%%%', 'abc', BASIC.replace(/^Basic |=+$/g, ''), `${BASIC.slice(6)}=`])(
    'credentials that are not base64, %s: 400',
    async (credentials) => {
      const answer = await server.put('/a', 'x', { authorization: `Basic ${credentials}` });
      expect([answer.status, JSON.parse(answer.text)]).toEqual([
        400,
        errorBody(400, 'Bad Request', 'Bad Request'),
      ]);
    },
  );

  test('the scheme may be in lower case', async () => {
    expect((await server.put('/a', 'x', { authorization: BASIC.replace('Basic', 'basic') })).status).toBe(
      201,
    );
  });

  test('reading needs none, and wrong ones do not matter', async () => {
    await server.put('/a', 'x');
    expect((await server.get('/memfs/a', { authorization: 'Basic eDp5' })).status).toBe(200);
  });

  test('a body that waits for 100-continue is refused instead of asked for', async () => {
    const client = httpRequest({
      port: server.port,
      method: 'PUT',
      path: '/memfs/a',
      headers: { expect: '100-continue', 'transfer-encoding': 'chunked' },
      agent: false,
    });
    client.on('continue', () => {
      expect.unreachable('asked for the body');
    });
    client.flushHeaders();
    const [response] = (await once(client, 'response')) as [{ statusCode: number }];
    expect(response.statusCode).toBe(401);
    client.on('error', () => undefined).destroy();
  });
});

describe('ranges and conditions', () => {
  beforeEach(async () => {
    await server.put('/digits.txt', '0123456789');
    await viaApi('PUT', 'disk/digits.txt', '0123456789');
  });

  test.each(['/memfs/digits.txt', '/digits.txt', '/api/v3/fs/disk/digits.txt', '/ui/digits.txt'])(
    'a range of %s',
    async (url) => {
      const part = await server.get(url, { range: 'bytes=2-4' });
      expect([part.status, part.text, part.headers['content-range'], part.headers['content-length']]).toEqual(
        [206, '234', 'bytes 2-4/10', '3'],
      );
      const none = await server.get(url, { range: 'bytes=50-60' });
      expect([none.status, none.headers['content-range']]).toEqual([416, 'bytes */10']);
      const whole = await server.get(url, { range: 'bytes=0-1,4-5' });
      expect([whole.status, whole.text]).toEqual([200, '0123456789']);
    },
  );

  test.each(['/memfs/digits.txt', '/digits.txt'])('%s is not sent again to who has it', async (url) => {
    const first = await server.get(url);
    const etag = first.headers.etag ?? '';
    const modified = first.headers['last-modified'] ?? '';
    for (const headers of [{ 'if-none-match': etag }, { 'if-modified-since': modified }]) {
      const again = await server.get(url, headers);
      expect([again.status, again.text, again.headers.etag]).toEqual([304, '', etag]);
    }
    expect((await server.get(url, { 'if-match': '"other"' })).status).toBe(412);
    expect((await server.get(url, { range: 'bytes=0-0', 'if-range': '"other"' })).status).toBe(200);
    expect((await server.get(url, { range: 'bytes=0-0', 'if-range': etag })).status).toBe(206);
  });

  test('a write can be made to depend on what is there', async () => {
    expect((await server.put('/digits.txt', 'x', { 'if-none-match': '*' })).status).toBe(412);
    expect((await server.put('/new.txt', 'x', { 'if-none-match': '*' })).status).toBe(201);
    const { etag = '' } = (await server.get('/memfs/new.txt')).headers;
    expect((await server.put('/new.txt', 'y', { 'if-match': etag })).status).toBe(204);
    expect((await server.put('/new.txt', 'z', { 'if-match': etag })).status).toBe(412);
    expect((await server.get('/memfs/new.txt')).text).toBe('y');
  });
});

describe('compression', () => {
  const GZIP = { 'accept-encoding': 'gzip' };

  test('a text of 1000 bytes is compressed, one of 999 is not', async () => {
    await server.put('/1000.txt', 'x'.repeat(1000));
    await server.put('/999.txt', 'x'.repeat(999));
    const long = await server.get('/memfs/1000.txt', GZIP);
    expect(long.headers).toMatchObject({
      'content-encoding': 'gzip',
      'content-length': String(long.body.length),
    });
    expect(gunzipSync(long.body).toString()).toBe('x'.repeat(1000));
    const short = await server.get('/memfs/999.txt', GZIP);
    expect([short.headers['content-encoding'], short.text.length]).toEqual([undefined, 999]);
  });

  test.each([
    ['gzip', true],
    ['br, gzip;q=0.5, deflate', true],
    ['gzip;q=0', false],
    ['deflate', false],
    ['identity', false],
  ])('with Accept-Encoding %s: %s', async (accepted, isCompressed) => {
    await server.put('/large.txt', TEXT);
    const answer = await server.get('/memfs/large.txt', { 'accept-encoding': accepted });
    expect(answer.headers['content-encoding'] === 'gzip').toBe(isCompressed);
    expect(answer.headers.vary).toContain('Accept-Encoding');
  });

  test('segments, pictures and style sheets are not, but for the API', async () => {
    for (const name of ['a.ts', 'a.png', 'a.css', 'a.bin']) {
      await server.put(`/${name}`, TEXT);
      const answer = await server.get(`/memfs/${name}`, GZIP);
      expect([answer.headers['content-encoding'], answer.headers.vary]).toEqual([undefined, 'Origin']);
      expect((await server.get(`/api/v3/fs/mem/${name}`, GZIP)).headers['content-encoding']).toBe('gzip');
    }
  });

  test('the compressed form follows a replaced file and has a tag of its own', async () => {
    await server.put('/live.m3u8', TEXT);
    const first = await server.get('/memfs/live.m3u8', GZIP);
    const plain = await server.get('/memfs/live.m3u8');
    expect(first.headers.etag).not.toBe(plain.headers.etag);
    expect(
      (await server.get('/memfs/live.m3u8', { ...GZIP, 'if-none-match': first.headers.etag ?? '' })).status,
    ).toBe(304);
    await server.put('/live.m3u8', TEXT.toUpperCase());
    const second = await server.get('/memfs/live.m3u8', GZIP);
    expect(gunzipSync(second.body).toString()).toBe(TEXT.toUpperCase());
  });

  test('a range is never compressed', async () => {
    await server.put('/large.txt', TEXT);
    const answer = await server.get('/memfs/large.txt', { ...GZIP, range: 'bytes=0-1999' });
    expect([answer.status, answer.headers['content-encoding'], answer.text]).toEqual([
      206,
      undefined,
      TEXT.slice(0, 2000),
    ]);
  });

  test('a file too large to keep its compressed form is compressed on its way', async () => {
    const large = 'a line of text\n'.repeat(200_000);
    await viaApi('PUT', 'disk/large.txt', large);
    await server.put('/large.txt', large);
    for (const url of ['/large.txt', '/memfs/large.txt']) {
      expect(gunzipSync((await server.get(url, GZIP)).body).toString() === large).toBe(true);
    }
  });
});

describe('the API of the filesystems', () => {
  test('the filesystems are listed with their mounts', async () => {
    expect(JSON.parse((await viaApi('GET', '').then(() => server.get('/api/v3/fs'))).text)).toEqual([
      { name: 'disk', type: 'disk', mount: '/' },
      { name: 'mem', type: 'mem', mount: '/memfs' },
    ]);
  });

  test.each([
    ['', ['/b.txt', '/a.txt', '/sub/c.ts']],
    ['?sort=name', ['/a.txt', '/b.txt', '/sub/c.ts']],
    ['?sort=name&order=desc', ['/sub/c.ts', '/b.txt', '/a.txt']],
    ['?sort=name&order=up', ['/a.txt', '/b.txt', '/sub/c.ts']],
    ['?sort=size', ['/a.txt', '/sub/c.ts', '/b.txt']],
    ['?sort=size&order=desc', ['/b.txt', '/sub/c.ts', '/a.txt']],
    ['?sort=lastmod', ['/b.txt', '/a.txt', '/sub/c.ts']],
    ['?sort=none&order=desc', ['/sub/c.ts', '/a.txt', '/b.txt']],
    ['?sort=color&order=up', ['/sub/c.ts', '/a.txt', '/b.txt']],
    ['?sort=&order=', ['/b.txt', '/a.txt', '/sub/c.ts']],
    ['?glob=/*.txt', ['/b.txt', '/a.txt']],
    ['?glob=*.txt', []],
    ['?glob=**.ts', ['/sub/c.ts']],
    ['?glob=/%5B', []],
    ['?glob=&glob=x', ['/b.txt', '/a.txt', '/sub/c.ts']],
  ])('the list %s', async (query, names) => {
    for (const [name, size] of [
      ['b.txt', 3],
      ['a.txt', 1],
      ['sub/c.ts', 2],
    ] as const) {
      await viaApi('PUT', `mem/${name}`, 'x'.repeat(size));
    }
    const files = JSON.parse((await viaApi('GET', `mem${query}`)).text) as { name: string }[];
    expect(files.map(({ name }) => name)).toEqual(names);
  });

  test('a file is listed with its size and time', async () => {
    await viaApi('PUT', 'mem/a.txt', 'hello');
    const [file] = JSON.parse((await viaApi('GET', 'mem')).text) as Record<string, unknown>[];
    expect(file).toEqual({ name: '/a.txt', size_bytes: 5, last_modified: expect.any(Number) as number });
    expect(Math.abs(Number(file?.['last_modified']) - Date.now() / 1000)).toBeLessThan(10);
  });

  test.each(['GET', 'HEAD', 'PUT', 'DELETE'])('%s of an unknown filesystem: 404', async (method) => {
    const answer = await viaApi(method, 'nope/a', 'x');
    expect(answer.status).toBe(404);
    if (method === 'HEAD') return;
    expect(JSON.parse(answer.text)).toEqual(errorBody(404, 'File not found', 'unknown filesystem: nope'));
  });

  test.each(['POST', 'PATCH'])('%s of a file: 405', async (method) => {
    const answer = await viaApi(method, 'mem/a', 'x');
    expect([answer.status, answer.headers.allow]).toEqual([405, 'OPTIONS, DELETE, GET, HEAD, PUT']);
    expect(JSON.parse(answer.text)).toEqual(errorBody(405, 'Method Not Allowed', 'Method Not Allowed'));
  });

  test.each(['PUT', 'DELETE'])('%s in read-only mode: 405, but below the mount it works', async (method) => {
    await restart({ isReadOnly: true });
    const answer = await viaApi(method, 'mem/a', 'x');
    expect([answer.status, answer.headers.allow]).toEqual([405, 'OPTIONS, GET, HEAD']);
    expect((await server.put('/a', 'x')).status).toBe(201);
    expect((await viaApi('GET', 'mem/a')).text).toBe('x');
  });

  test.each(['/api/nope', '/api/v3/nope', '/api/v3/fs/'])(
    'the disk does not show through at %s',
    async (url) => {
      await viaApi('PUT', `disk${url}`, 'x');
      expect(JSON.parse((await server.get(url)).text)).toEqual(errorBody(404, 'Not Found', 'Not Found'));
    },
  );
});

describe('directories and redirects', () => {
  beforeEach(async () => {
    await mkdir(path.join(server.folder, 'disk/sub'), { recursive: true });
    await writeFile(path.join(server.folder, 'disk/index.html'), '<p>home</p>');
    await writeFile(path.join(server.folder, 'disk/sub/index.html'), '<p>sub</p>');
  });

  test('the directory itself is redirected to its slash, with the query', async () => {
    const answer = await server.get('/ui?a=1');
    expect([answer.status, answer.headers.location]).toEqual([301, '/ui/?a=1']);
  });

  test.each([
    ['/ui/', '<p>home</p>'],
    ['/files:all/sub', '<p>sub</p>'],
    ['/relative/sub', '<p>sub</p>'],
    ['/ui/sub', '<p>sub</p>'],
    ['/ui/sub/', '<p>sub</p>'],
  ])('%s is an index page', async (url, page) => {
    const answer = await server.get(url);
    expect([answer.status, answer.text, answer.headers['content-type']]).toEqual([
      200,
      page,
      'text/html; charset=utf-8',
    ]);
  });

  test('every method reads', async () => {
    expect((await server.send('POST', '/ui/', { body: 'x' })).text).toBe('<p>home</p>');
    expect((await server.send('HEAD', '/ui/')).headers['content-length']).toBe('11');
  });

  test.each([
    ['index.html', '<p>', 'text/html; charset=utf-8'],
    ['LICENSE', 'Use it.', 'text/plain; charset=utf-8'],
    ['page.in', '<!doctype html><p>', 'text/html; charset=utf-8'],
    ['data.unknown', '\0\x01', 'application/octet-stream'],
    ['empty', '', 'text/plain; charset=utf-8'],
  ])('%s has the type of its name, or of its content', async (name, content, type) => {
    await writeFile(path.join(server.folder, 'disk', name), content);
    const answer = await server.get(`/ui/${name}`);
    expect([answer.status, answer.headers['content-type'], answer.text]).toEqual([200, type, content]);
  });

  test('a page is not sent again to who has it', async () => {
    const { headers } = await server.get('/ui/');
    const again = await server.get('/ui/', { 'if-modified-since': headers['last-modified'] ?? '' });
    expect([again.status, again.text]).toEqual([304, '']);
  });

  test('no directory takes the place of a mount or of the API', async () => {
    await server.put('/index.html', 'memory');
    expect((await server.get('/memfs/index.html')).text).toBe('memory');
    expect((await server.get('/index.html')).headers['content-type']).toBe('text/html');
    expect((await server.get('/api/index.html')).status).toBe(404);
    expect((await server.get('/ping')).text).toBe('pong');
    expect((await server.get('/ping/')).text).toBe('<p>home</p>');
  });

  test('a missing file is not looked for elsewhere', async () => {
    expect(JSON.parse((await server.get('/ui/nope')).text)).toEqual(errorBody(404, 'Not Found', 'Not Found'));
  });

  test.each([
    ['/old?a=1', '/new/place'],
    ['/%6fld', '/new/place'],
    ['/memfs/moved', '/ping'],
  ])('%s is redirected to %s, without its query and whatever is there', async (url, target) => {
    await server.put('/moved', 'x');
    for (const method of ['GET', 'HEAD', 'POST', 'DELETE']) {
      const answer = await server.send(method, url);
      expect([answer.status, answer.headers.location]).toEqual([301, target]);
    }
  });

  test.each(['/old/', '/older', '/Old', '/old%'])('%s is not', async (url) => {
    expect((await server.get(url)).headers.location).toBeUndefined();
  });

  test('a redirect to another server is ignored', async () => {
    expect((await server.get('/out')).status).toBe(404);
  });
});
