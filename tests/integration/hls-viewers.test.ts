import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { HlsCollector, HlsSessions } from '../../packages/server/src/delivery/hls-viewers.ts';
import { BASIC, FileServer } from '../support/files.ts';
import { SOON } from './process-server.ts';

type SessionOptions = Parameters<HlsCollector['register']>[1];

/** Sessions of one protocol that never end. Loopback addresses do not count. */
class Collected implements HlsCollector {
  readonly known = new Map<string, SessionOptions & { isActive: boolean; rx: number; tx: number }>();
  top = 0;

  isCountable(address: string): boolean {
    return !address.startsWith('127.');
  }

  has(id: string): boolean {
    return this.known.has(id);
  }

  register(id: string, session: SessionOptions): void {
    if (!this.has(id)) this.known.set(id, { ...session, isActive: false, rx: 0, tx: 0 });
  }

  activate(id: string): void {
    const session = this.known.get(id);
    if (session) session.isActive = true;
  }

  ingress(id: string, bytes: number): void {
    const session = this.known.get(id);
    if (session) session.rx += bytes;
  }

  egress(id: string, bytes: number): void {
    const session = this.known.get(id);
    if (session) session.tx += bytes;
  }

  topIngress(): number {
    return this.top;
  }
}

class CollectedSessions implements HlsSessions {
  readonly hls = new Collected();
  readonly hlsingress = new Collected();
  isEnabled = true;
  refused: 'sessions' | 'bitrate' | undefined;
  /** Of whom it was asked whether they can be admitted. */
  readonly asked: [bitrate: number, client: string][] = [];

  collector(name: 'hls' | 'hlsingress'): Collected | undefined {
    return this.isEnabled ? this[name] : undefined;
  }

  refusal(bitrate: number, client: string) {
    this.asked.push([bitrate, client]);
    return this.refused;
  }
}

let server: FileServer;
let sessions: CollectedSessions;

beforeEach(async () => {
  sessions = new CollectedSessions();
  server = await FileServer.start({ sessions });
});

afterEach(async () => {
  await server.close();
});

const ID = 'HryVpuVPqez2AkcBod5Gpn';
const MEDIA = '#EXTM3U\n#EXTINF:2.0,\nlive_1.ts\n';
const WRAPPER = /^#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-STREAM-INF:BANDWIDTH=1024\nlive\.m3u8\?session=\w{22}$/;
const VIEWER = { 'x-forwarded-for': '192.0.2.7' };

const view = (url: string, headers: Record<string, string> = {}) =>
  server.get(url, { ...VIEWER, ...headers });
const headersOf = ({ headers }: { headers: NodeJS.Dict<string | string[]> }) => {
  const { connection, date, ...others } = headers;
  return [connection !== undefined && date !== undefined, others];
};
/** What of an answer is counted, beside its body. */
const headBytes = ({ headers }: { headers: NodeJS.Dict<string | string[]> }) =>
  Object.entries(headers)
    .filter(([name]) => !['connection', 'keep-alive', 'date', 'content-length'].includes(name))
    // Each element of `Vary` has a line of its own.
    .flatMap(([name, value]) =>
      (name === 'vary' ? String(value).split(', ') : [value]).map((text) => [name, text]),
    )
    .reduce((sum, [name, value]) => sum + String(name).length + String(value).length + 4, 0);

async function writeDisk(name: string, text: string): Promise<void> {
  const file = path.join(server.folder, 'disk', name);
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, text);
}

describe('a viewer', () => {
  test('is given an id, is pending with it, and active with the first segment', async () => {
    await server.put('/live.m3u8', MEDIA);
    await server.put('/live_1.ts', 'segment');
    const wrapper = await view('/memfs/live.m3u8');
    expect(wrapper.text).toMatch(WRAPPER);
    expect(sessions.hls.known.size).toBe(0);

    const [, id = ''] = /session=(\w+)/.exec(wrapper.text) ?? [];
    const headers = { referer: 'http://user@Player.example:8080/page', 'user-agent': 'Player/1.0' };
    const media = await view(`/memfs/live.m3u8?session=${id}`, headers);
    expect(media.text).toBe(MEDIA.replace('live_1.ts', `live_1.ts?session=${id}`));
    expect(sessions.hls.known.get(id)).toEqual({
      reference: 'live',
      location: '/memfs/live.m3u8',
      peer: 'Player.example:8080',
      extra: '[192.0.2.0] Player/1.0',
      client: '192.0.2.7',
      expectedBitrate: 0,
      isActive: false,
      rx: 0,
      tx: headBytes(media) + media.body.length,
    });

    const segment = await view(`/memfs/live_1.ts?session=${id}`);
    expect(segment.text).toBe('segment');
    expect(sessions.hls.known.get(id)).toMatchObject({
      isActive: true,
      tx: headBytes(media) + media.body.length + headBytes(segment) + 7,
    });
  });

  test.each(['.ts', '.m4s', '.mp4', '.m4a', '.m4v', '.aac', '.vtt'])(
    'of segments that end in %s becomes active',
    async (extension) => {
      await server.put('/live.m3u8', '#EXTM3U\n');
      await server.put(`/a${extension}`, 'x');
      await view(`/memfs/live.m3u8?session=${ID}`);
      await view(`/memfs/a${extension}?session=${ID}`);
      expect(sessions.hls.known.get(ID)?.isActive).toBe(true);
    },
  );

  test('does not become active by what is not there', async () => {
    await server.put('/live.m3u8', MEDIA);
    await view(`/memfs/live.m3u8?session=${ID}`);
    expect((await view(`/memfs/live_1.ts?session=${ID}`)).status).toBe(404);
    expect(sessions.hls.known.get(ID)?.isActive).toBe(false);
  });

  test('of a playlist that is not there has no session', async () => {
    expect((await view(`/memfs/live.m3u8?session=${ID}`)).status).toBe(404);
    expect(sessions.hls.known.size).toBe(0);
  });

  test('is what the first of several parameters says', async () => {
    await server.put('/live.m3u8', MEDIA);
    await view(`/memfs/live.m3u8?session=${ID}&session=x`);
    expect([...sessions.hls.known.keys()]).toEqual([ID]);
  });

  test.each([
    ['', ''],
    ['no url', ''],
    ['//host/x', 'host'],
    ['http://[::1]:80/x', '[::1]:80'],
    ['http://[broken', 'http://[broken'],
  ])('that comes from %j is at %j', async (referer, peer) => {
    await server.put('/live.m3u8', MEDIA);
    await view(`/memfs/live.m3u8?session=${ID}`, { referer });
    expect(sessions.hls.known.get(ID)?.peer).toBe(peer);
  });

  test('whose id has another form is turned away', async () => {
    await server.put('/live.m3u8', MEDIA);
    const { status, text } = await view('/memfs/live.m3u8?session=abc');
    expect([status, JSON.parse(text)]).toEqual([
      403,
      { code: 403, message: 'Forbidden', details: ['Forbidden'] },
    ]);
  });

  test.each([
    ['sessions', 'Number of sessions exceeded'],
    ['bitrate', 'Bitrate limit exceeded'],
  ] as const)(
    'for whom there is no room (%s) is told so, also of what is not there',
    async (reason, detail) => {
      sessions.refused = reason;
      sessions.hlsingress.top = 1000;
      const { status, text } = await view('/memfs/live.m3u8');
      expect([status, JSON.parse(text)]).toEqual([
        509,
        { code: 509, message: 'Bandwith limit exceeded', details: [detail] },
      ]);
      expect(sessions.asked).toEqual([[2000, '192.0.2.7']]);
    },
  );

  test('who is in stays in when there is no more room', async () => {
    await server.put('/live.m3u8', MEDIA);
    await server.put('/live_1.ts', 'x');
    await view(`/memfs/live.m3u8?session=${ID}`);
    sessions.refused = 'sessions';
    expect((await view(`/memfs/live.m3u8?session=${ID}`)).status).toBe(200);
    expect((await view(`/memfs/live_1.ts?session=${ID}`)).status).toBe(200);
    expect((await view('/memfs/live_1.ts')).status).toBe(200);
  });
});

describe('a client that does not count', () => {
  test('gets playlists as they are, with whatever id', async () => {
    await server.put('/live.m3u8', MEDIA);
    sessions.refused = 'sessions';
    for (const url of ['/memfs/live.m3u8', '/memfs/live.m3u8?session=abc']) {
      const { text, headers } = await server.get(url);
      expect([text, typeof headers.etag, headers['cache-control']]).toEqual([MEDIA, 'string', undefined]);
    }
    expect(sessions.hls.known.size).toBe(0);
  });

  test('is everybody while sessions are off', async () => {
    await server.put('/live.m3u8', MEDIA);
    sessions.isEnabled = false;
    expect((await view('/memfs/live.m3u8?session=abc')).text).toBe(MEDIA);
  });

  test('is who reads through the API', async () => {
    await server.put('/live.m3u8', MEDIA);
    expect((await view('/api/v3/fs/mem/live.m3u8')).text).toBe(MEDIA);
  });
});

describe('a rewritten playlist', () => {
  test('is for its viewer alone: never cached for others, whatever is asked for', async () => {
    await server.put('/live.m3u8', MEDIA);
    const plain = await server.get('/memfs/live.m3u8');
    const answer = await view('/memfs/live.m3u8', {
      range: 'bytes=0-3',
      'if-none-match': plain.headers.etag ?? '',
      'if-modified-since': plain.headers['last-modified'] ?? '',
    });
    expect([answer.status, answer.headers['cache-control']]).toEqual([200, 'private']);
    expect(answer.text).toMatch(WRAPPER);
    expect(answer.headers).not.toHaveProperty('etag');
    expect(answer.headers).not.toHaveProperty('accept-ranges');
  });

  test.each(['/memfs/live.m3u8', `/memfs/live.m3u8?session=${ID}`])(
    '%s: HEAD agrees with GET',
    async (url) => {
      await server.put('/live.m3u8', MEDIA);
      const get = await view(url);
      const head = await server.send('HEAD', url, { headers: VIEWER });
      expect([head.status, head.text, headersOf(head)]).toEqual([200, '', headersOf(get)]);
    },
  );

  test('is compressed for those who want it', async () => {
    await server.put('/live.m3u8', MEDIA.repeat(100));
    const plain = await view(`/memfs/live.m3u8?session=${ID}`);
    const { headers, body } = await view(`/memfs/live.m3u8?session=${ID}`, { 'accept-encoding': 'gzip' });
    expect([headers['content-encoding'], headers['cache-control']]).toEqual(['gzip', 'private']);
    expect(gunzipSync(body).toString()).toBe(plain.text);
  });

  test('follows the file', async () => {
    await server.put('/live.m3u8', MEDIA);
    await view(`/memfs/live.m3u8?session=${ID}`);
    await server.put('/live.m3u8', 'live_2.ts\n');
    expect((await view(`/memfs/live.m3u8?session=${ID}`)).text).toBe(`live_2.ts?session=${ID}\n`);
  });

  test('tells other hosts nothing', async () => {
    await server.put('/live.m3u8', `http://elsewhere/a.ts\nhttp://127.0.0.1:${server.port}/memfs/a.ts\n`);
    expect((await view(`/memfs/live.m3u8?session=${ID}`)).text).toBe(
      `http://elsewhere/a.ts\nhttp://127.0.0.1:${server.port}/memfs/a.ts?session=${ID}\n`,
    );
  });

  test('leads back with the parameters of the request', async () => {
    await server.put('/live.m3u8', MEDIA);
    const { text } = await view('/memfs/live.m3u8?b=2&a=%20x');
    expect(text).toMatch(/\nlive\.m3u8\?a=\+x&b=2&session=\w{22}$/);
  });

  test('is none if it is too large', async () => {
    const large = MEDIA.repeat(200_000);
    await server.put('/live.m3u8', large);
    expect((await view('/memfs/live.m3u8')).text).toBe(large);
  });
});

describe('from disk', () => {
  test('a viewer gets a wrapper that ends with a line break, as all lines do', async () => {
    await writeDisk('live.m3u8', MEDIA);
    expect((await view('/live.m3u8')).text).toMatch(/session=\w{22}\n$/);
  });

  test('absolute paths of the machine become those of the server, for everybody', async () => {
    const disk = path.join(server.folder, 'disk');
    await writeDisk('hls/live.m3u8', `#EXTM3U\n${disk}/hls/live_1.ts\n`);
    expect((await server.get('/hls/live.m3u8')).text).toBe('#EXTM3U\n/hls/live_1.ts\n');
    expect((await view(`/hls/live.m3u8?session=${ID}`)).text).toBe(`#EXTM3U\n/hls/live_1.ts?session=${ID}\n`);
  });

  test('these are below the path at which a proxy serves the server', async () => {
    await writeDisk('hls/live.m3u8', `${path.join(server.folder, 'disk')}/hls/live_1.ts\n`);
    expect((await server.get('/hls/live.m3u8')).text).toBe('/hls/live_1.ts\n');
    const { text } = await view(`/hls/live.m3u8?session=${ID}`, { 'x-forwarded-prefix': '/media' });
    expect(text).toBe(`/media/hls/live_1.ts?session=${ID}\n`);
  });

  test('a playlist without them is the file itself for those who do not count', async () => {
    await writeDisk('live.m3u8', '#EXTM3U\r\nlive_1.ts');
    const { text, headers } = await server.get('/live.m3u8');
    expect([text, typeof headers.etag]).toEqual(['#EXTM3U\r\nlive_1.ts', 'string']);
  });
});

describe('the bytes of a viewer', () => {
  beforeEach(async () => {
    await server.put('/live.m3u8', MEDIA);
    await view(`/memfs/live.m3u8?session=${ID}`);
  });

  /** By how much they grow. */
  async function counted(act: () => Promise<unknown>): Promise<number> {
    const before = sessions.hls.known.get(ID)?.tx ?? 0;
    await act();
    return (sessions.hls.known.get(ID)?.tx ?? 0) - before;
  }

  test.each([1, 300_000, 3_000_000])('are those of a segment of %i bytes, to the byte', async (size) => {
    const segment = Buffer.alloc(size, 'x');
    await server.put('/a.ts', segment);
    let head = 0;
    const bytes = await counted(async () => {
      const answer = await view(`/memfs/a.ts?session=${ID}`);
      expect([answer.headers['content-length'], answer.body.equals(segment)]).toEqual([String(size), true]);
      head = headBytes(answer);
    });
    expect(bytes - head).toBe(size);
  });

  test('are those of a segment on disk', async () => {
    await writeDisk('a.ts', 'x'.repeat(500_000));
    const bytes = await counted(() => view(`/a.ts?session=${ID}`));
    expect(bytes).toBeGreaterThan(500_000);
    expect(bytes).toBeLessThan(501_000);
  });

  test('are those of a range', async () => {
    await server.put('/a.ts', Buffer.alloc(1_000_000));
    const bytes = await counted(() => view(`/memfs/a.ts?session=${ID}`, { range: 'bytes=100-299' }));
    expect(bytes).toBeGreaterThan(200);
    expect(bytes).toBeLessThan(1000);
  });

  test('are those of HEAD: the header', async () => {
    await server.put('/a.ts', 'x');
    const bytes = await counted(() => server.send('HEAD', `/memfs/a.ts?session=${ID}`, { headers: VIEWER }));
    expect(bytes).toBeGreaterThan(50);
  });

  test('are no more than what was taken when the viewer leaves', async () => {
    const size = 64 * 1024 * 1024;
    await server.put('/a.ts', Buffer.alloc(size));
    const bytes = await counted(async () => {
      const client = connect(server.port, '127.0.0.1');
      client.write(`GET /memfs/a.ts?session=${ID} HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 192.0.2.7\r\n\r\n`);
      await once(client, 'readable');
      client.destroy();
      await once(client, 'close');
    });
    expect(bytes).toBeGreaterThan(1000);
    expect(bytes).toBeLessThan(size / 2);
  });

  test('grow while a download is under way', async () => {
    await server.put('/a.ts', Buffer.alloc(64 * 1024 * 1024));
    const client = connect(server.port, '127.0.0.1');
    client.write(`GET /memfs/a.ts?session=${ID} HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 192.0.2.7\r\n\r\n`);
    const tx = () => sessions.hls.known.get(ID)?.tx ?? 0;
    await vi.waitFor(() => {
      expect(tx()).toBeGreaterThan(100_000);
    }, SOON);
    client.destroy();
    await once(client, 'close');
    expect(tx()).toBeLessThan(64 * 1024 * 1024);
  });
});

describe('a sender', () => {
  const ingest = () => sessions.hlsingress.known.get('/memfs/s/live.m3u8');
  const agent = { 'user-agent': 'Lavf/1' };

  test('counts with its playlist and the segments that this names, each once', async () => {
    await server.put('/s/init.mp4', 'i'.repeat(1000));
    await server.put('/s/live_1.m4s', 'x'.repeat(10_000));
    await server.put('/other.m4s', 'x'.repeat(100_000));
    expect(sessions.hlsingress.known.size).toBe(0);
    const playlist = '#EXTM3U\n#EXT-X-MAP:URI="init.mp4"\nlive_1.m4s\nlive_0.m4s\n';
    await server.put('/s/live.m3u8', playlist, agent);
    expect(ingest()).toMatchObject({
      reference: 'live',
      location: '/memfs/s/live.m3u8',
      peer: '',
      extra: 'Lavf/1',
      isActive: true,
    });
    const first = ingest()?.rx ?? 0;
    expect(first).toBeGreaterThan(11_000 + playlist.length);
    expect(first).toBeLessThan(12_000);
    await server.put('/s/live.m3u8', playlist, agent);
    // Of the header, all but the host.
    const header = `authorization: ${BASIC}\r\nuser-agent: Lavf/1\r\ncontent-length: ${playlist.length}\r\nconnection: close\r\n`;
    expect((ingest()?.rx ?? 0) - first).toBe(header.length + playlist.length);
  });

  test('counts while an upload is under way that a playlist names already', async () => {
    const upload = httpRequest({
      ...{ host: '127.0.0.1', port: server.port, method: 'PUT', path: '/memfs/s/live_1.ts' },
      headers: { authorization: BASIC },
    });
    upload.write('x'.repeat(5000));
    const arrives = server.put('/s/live.m3u8', 'live_1.ts\n');
    await arrives;
    const until = async (bytes: number) => {
      await vi.waitFor(async () => {
        await server.put('/s/live.m3u8', 'live_1.ts\n');
        expect(ingest()?.rx).toBeGreaterThan(bytes);
      }, SOON);
    };
    await until(5000);
    const before = ingest()?.rx ?? 0;
    upload.write('x'.repeat(50_000));
    await until(before + 50_000);
    upload.end();
    const [response] = (await once(upload, 'response')) as [NodeJS.ReadableStream & { statusCode: number }];
    response.resume();
    expect(response.statusCode).toBe(201);
  });

  test('does not count without credentials, nor without a body', async () => {
    await server.send('PUT', '/memfs/s/live.m3u8', { body: 'live_1.ts\n' });
    await server.put('/s/live.m3u8', '');
    expect(sessions.hlsingress.known.size).toBe(0);
  });

  test('sends whole files, though they are counted on their way', async () => {
    const segment = Buffer.from(Array.from({ length: 1_000_000 }, (_, i) => i % 251));
    await server.put('/s/live_1.ts', segment);
    expect((await server.get('/memfs/s/live_1.ts')).body.equals(segment)).toBe(true);
    await server.put('/s/live.m3u8', MEDIA);
    expect((await server.get('/memfs/s/live.m3u8')).text).toBe(MEDIA);
  });
});
