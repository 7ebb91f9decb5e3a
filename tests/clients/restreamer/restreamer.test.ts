import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../../support/ports.ts';
import { startServer, type TestServer } from '../../support/server.ts';

// The requests of the Restreamer web interface 1.14, from its first run to a second channel, and what it reads of the
// answers. Its channels have the RTMP and SRT outputs on.

const CREDENTIALS = { username: 'admin', password: 'restreamer-secret' };
const CHANNELS = ['3f5b1d6e-0000-4000-8000-000000000001', '3f5b1d6e-0000-4000-8000-000000000002'] as const;
const SOON = { timeout: 60_000, interval: 100 };

const ingestOf = (channel: string) => `restreamer-ui:ingest:${channel}`;
const pathOf = (id: string) => `/v3/process/${encodeURIComponent(id)}`;

const run = promisify(execFile);

interface Reply {
  status: number;
  type: string;
  body: unknown;
}

const RTMP_TOKEN = 'rtmp-secret';
const SRT_TOKEN = 'srt-secret';

let server: TestServer;
let rtmpPort = 0;
let srtPort = 0;
let token = '';

async function send(method: string, path: string, body?: BodyInit, contentType?: string): Promise<Reply> {
  const response = await fetch(server.base + path, {
    method,
    headers: {
      ...(token !== '' && { authorization: `Bearer ${token}` }),
      ...(contentType !== undefined && { 'content-type': contentType }),
    },
    ...(body !== undefined && { body }),
  });
  const type = response.headers.get('content-type') ?? '';
  const text = await response.text();
  return {
    status: response.status,
    type,
    body: text !== '' && type.includes('json') ? JSON.parse(text) : text,
  };
}

/** A call of the API as the interface makes it: it discards what is not labelled as JSON. */
async function call(method: string, path: string, body?: unknown): Promise<Reply> {
  const json = body === undefined ? undefined : JSON.stringify(body);
  const reply = await send(method, `/api${path}`, json, json === undefined ? undefined : 'application/json');
  expect(reply.type).toContain('application/json');
  return reply;
}

async function read<T>(path: string): Promise<T> {
  const reply = await call('GET', path);
  expect([path, reply.status]).toEqual([path, 200]);
  return reply.body as T;
}

/** The interface updates first, and creates what is not there. */
async function upsert(id: string, config: object): Promise<void> {
  const update = await call('PUT', pathOf(id), config);
  if (update.status === 200) return;
  expect(update).toMatchObject({ status: 404, body: { code: 404, message: expect.any(String) as string } });
  expect(await call('POST', '/v3/process', config)).toMatchObject({ status: 200, body: { id } });
}

async function login(): Promise<void> {
  token = '';
  const { status, body } = await call('POST', '/login', CREDENTIALS);
  expect(status).toBe(200);
  token = (body as { access_token: string }).access_token;
  const payload = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString();
  expect(JSON.parse(payload)).toMatchObject({ exi: expect.any(Number) as number });
}

function ingest(channel: string): object {
  const tee =
    '[f=hls:start_number=0:hls_time=2:hls_list_size=6:hls_flags=append_list+delete_segments' +
    ':hls_segment_type=mpegts:hls_segment_filename={memfs^:}/' +
    `${channel}_{outputid}_%04d.ts:master_pl_name=${channel}.m3u8:method=PUT]{memfs}/${channel}_{outputid}.m3u8` +
    `|[f=flv]{rtmp,name=${channel}.stream}|[f=mpegts]{srt,name=${channel},mode=publish}`;
  const pattern = (name: string) => `memfs:/${name}`;
  return {
    type: 'ffmpeg',
    id: ingestOf(channel),
    reference: channel,
    options: ['-loglevel', 'level+info', '-err_detect', 'ignore_err', '-y'],
    input: [
      { id: 'input_0', address: 'testsrc=rate=15:size=160x90', options: ['-f', 'lavfi', '-re'] },
      { id: 'input_1', address: 'sine=frequency=440', options: ['-f', 'lavfi'] },
    ],
    output: [
      {
        id: 'output_0',
        address: tee,
        options: [
          ...[
            '-map',
            '0:0',
            '-codec:v',
            'libx264',
            '-preset:v',
            'ultrafast',
            '-g',
            '15',
            '-pix_fmt',
            'yuv420p',
          ],
          ...['-map', '1:0', '-codec:a', 'aac', '-b:a', '64k', '-b:v', '128k'],
          ...['-flags', '+global_header', '-tag:v', '7', '-tag:a', '10', '-f', 'tee'],
        ],
        cleanup: [
          { pattern: pattern(`${channel}**`), max_files: 0, max_file_age_seconds: 0, purge_on_delete: true },
          { pattern: pattern(`${channel}_{outputid}_**.ts`), max_files: 12, max_file_age_seconds: 24 },
        ],
      },
    ],
    autostart: true,
    reconnect: true,
    reconnect_delay_seconds: 15,
    stale_timeout_seconds: 30,
    limits: { cpu_usage: 0, memory_mbytes: 0, waitfor_seconds: 5 },
  };
}

function snapshot(channel: string): object {
  return {
    type: 'ffmpeg',
    id: `${ingestOf(channel)}_snapshot`,
    reference: channel,
    options: ['-err_detect', 'ignore_err'],
    input: [{ id: 'input_0', address: `{memfs}/${channel}.m3u8`, options: [] }],
    output: [
      {
        id: 'output_0',
        address: `{memfs}/${channel}.jpg`,
        options: ['-vframes', '1', '-f', 'image2', '-update', '1'],
        cleanup: [{ pattern: `memfs:/${channel}.jpg`, purge_on_delete: true }],
      },
    ],
    autostart: true,
    reconnect: true,
    reconnect_delay_seconds: 1,
    stale_timeout_seconds: 30,
  };
}

describe('the Restreamer web interface', () => {
  beforeAll(async () => {
    rtmpPort = await freePort();
    srtPort = await freePort();
    server = await startServer({
      env: {
        CORE_RTMP_ENABLE: 'true',
        CORE_RTMP_ADDRESS: `127.0.0.1:${rtmpPort}`,
        CORE_RTMP_APP: '/live',
        CORE_RTMP_TOKEN: RTMP_TOKEN,
        CORE_SRT_ENABLE: 'true',
        CORE_SRT_ADDRESS: `127.0.0.1:${srtPort}`,
        CORE_SRT_TOKEN: SRT_TOKEN,
        CORE_SRT_PASSPHRASE: 'passphrase-of-srt',
        CORE_API_AUTH_ENABLE: undefined,
        CORE_API_AUTH_USERNAME: undefined,
        CORE_API_AUTH_PASSWORD: undefined,
        CORE_SESSIONS_IP_IGNORELIST: '',
      },
    });
  });
  afterAll(() => server.close());

  test('offers the registration on a first run', async () => {
    const about = await read<{ app: string; auths: string[]; id: string; version: { number: string } }>('');
    expect(about).toMatchObject({
      app: 'datarhei-core',
      auths: [],
      id: expect.stringMatching(/./) as string,
    });
    const [major, minor] = about.version.number.split('.').map(Number) as [number, number];
    expect([major, minor >= 11]).toEqual([16, true]);
    expect((await read<{ overrides: string[] }>('/v3/config')).overrides).not.toContain('api.auth.enable');
  });

  test('registers, and logs in when the server is back', async () => {
    const before = await read<{ created_at: string }>('');
    const auth = { enable: true, ...CREDENTIALS };
    expect(await call('PUT', '/v3/config', { api: { auth }, version: 3 })).toMatchObject({ status: 200 });
    expect((await send('GET', '/api/v3/config/reload')).status).toBe(200);
    await expect
      .poll(async () => {
        const { id, created_at } = await read<{ id?: string; created_at?: string }>('');
        return (id ?? '') === '' || created_at !== before.created_at;
      }, SOON)
      .toBe(true);
    expect(await read('')).toMatchObject({ app: 'datarhei-core', auths: ['localjwt'] });
    await login();
    expect(await read('')).toMatchObject({ id: expect.stringMatching(/./) as string });
  });

  test('finds what FFmpeg can do', async () => {
    const skills = await read<Record<string, Record<string, { id: string }[]>>>('/v3/skills');
    expect(skills).toMatchObject({ ffmpeg: { version: expect.stringMatching(/^\d+\.\d+\.\d+/) as string } });
    for (const [group, names] of [
      ['codecs', ['audio', 'video']],
      ['formats', ['demuxers', 'muxers']],
      ['protocols', ['input', 'output']],
      ['devices', ['demuxers', 'muxers']],
    ] as const) {
      for (const name of names)
        expect([group, name, Array.isArray(skills[group]?.[name])]).toEqual([group, name, true]);
    }
    for (const codec of [...(skills['codecs']?.['audio'] ?? []), ...(skills['codecs']?.['video'] ?? [])]) {
      expect(Object.keys(codec)).toEqual(expect.arrayContaining(['id', 'encoders', 'decoders']));
    }
    expect((await call('GET', '/v3/metadata/restreamer-ui')).status).toBe(404);
    const metadata = { version: '1.14.0', playersite: null };
    expect(await call('PUT', '/v3/metadata/restreamer-ui', metadata)).toMatchObject({
      status: 200,
      body: metadata,
    });
    expect(await read('/v3/metadata/restreamer-ui')).toEqual(metadata);
    expect(await read('/v3/process?filter=metadata')).toEqual([]);
  });

  test('probes a source with a process that it creates and deletes', async () => {
    const id = `${ingestOf(CHANNELS[0])}_probe`;
    expect((await call('DELETE', pathOf(id))).status).toBe(404);
    const input = { id: 'input_0', address: 'testsrc=rate=15:size=160x90', options: ['-f', 'lavfi'] };
    const output = { id: 'output_0', address: '-', options: ['-dn', '-sn', '-codec', 'copy', '-f', 'null'] };
    const config = {
      id,
      type: 'ffmpeg',
      autostart: false,
      reconnect: false,
      input: [input],
      output: [output],
    };
    await upsert(id, config);
    const probe = await read<{ streams: object[]; log: string[] }>(`${pathOf(id)}/probe`);
    expect(probe.log).toBeInstanceOf(Array);
    expect(probe.streams).toMatchObject([
      {
        type: 'video',
        width: 160,
        height: 90,
        index: 0,
        stream: 0,
        format: 'lavfi',
        url: expect.any(String) as string,
      },
    ]);
    expect((await call('DELETE', pathOf(id))).status).toBe(200);
  });

  test.each(CHANNELS)('creates the channel %s and shows it', async (channel) => {
    const id = ingestOf(channel);
    expect((await call('GET', `${pathOf(id)}/state`)).status).toBe(404);
    await upsert(id, ingest(channel));
    await upsert(`${id}_snapshot`, snapshot(channel));
    const metadata = { meta: { name: 'Livestream' }, sources: [{ type: 'virtualvideo' }] };
    const key = `${pathOf(id)}/metadata/restreamer-ui`;
    expect(await call('PUT', key, metadata)).toMatchObject({ status: 200, body: metadata });
    expect(await read(key)).toEqual(metadata);

    const state = () => read<Record<string, unknown>>(`${pathOf(id)}/state`);
    await expect.poll(state, SOON).toMatchObject({
      exec: 'running',
      progress: { frame: expect.toSatisfy((n: number) => n > 30) as number },
    });
    expect(await state()).toMatchObject({
      order: 'start',
      command: expect.arrayContaining(['tee']) as string[],
      runtime_seconds: expect.any(Number) as number,
      reconnect_seconds: expect.any(Number) as number,
      last_logline: expect.any(String) as string,
      progress: { fps: expect.any(Number) as number, drop: expect.any(Number) as number },
    });
    const report = await read<{ prelude: string[]; log: [string, string][]; history: unknown[] }>(
      `${pathOf(id)}/report`,
    );
    expect(report.history).toBeInstanceOf(Array);
    expect(report.prelude.join('\n')).toContain('testsrc');
    const list = await read<{ id: string }[]>(`/v3/process?reference=${channel}&filter=state`);
    expect(list.map((process) => process.id)).toEqual([id, `${id}_snapshot`]);

    await expect.poll(() => playlist(`/memfs/${channel}.m3u8`), SOON).toContain(`${channel}_output_0.m3u8`);
    const variant = (await playlist(`/memfs/${channel}.m3u8`))
      .split('\n')
      .find((line) => /^[^#].*m3u8/.test(line));
    expect(variant).toContain('?session=');
    expect(await playlist(`/memfs/${variant ?? ''}`)).toContain(`${channel}_output_0_`);
    await expect
      .poll(async () => (await fetch(`${server.base}/memfs/${channel}.jpg`)).status, SOON)
      .toBe(200);
  });

  test('lists what its channels publish over RTMP and SRT, and both can be played', async () => {
    // As its skills are loaded: the names over RTMP, and only the keys of the publishers over SRT.
    await expect
      .poll(async () => (await read<{ name: string }[]>('/v3/rtmp')).map(({ name }) => name), SOON)
      .toEqual(CHANNELS.map((channel) => `/live/${channel}.stream`));
    await expect
      .poll(async () => {
        const { publisher } = await read<{ publisher: Record<string, number> }>('/v3/srt');
        return Object.keys(publisher).sort();
      }, SOON)
      .toEqual([...CHANNELS]);
    const [channel] = CHANNELS;
    // The addresses that it shows to copy.
    const streamId = `#!:m=request,r=${channel},token=${SRT_TOKEN}`;
    for (const address of [
      `rtmp://127.0.0.1:${rtmpPort}/live/${channel}.stream/${encodeURIComponent(RTMP_TOKEN)}`,
      `srt://127.0.0.1:${srtPort}?mode=caller&transtype=live&passphrase=passphrase-of-srt&streamid=${streamId}`,
    ]) {
      const { stdout } = await run('ffprobe', [
        ...['-v', 'error', '-show_entries', 'stream=codec_name', '-of', 'csv=p=0', address],
      ]);
      expect(new Set(stdout.trim().split(/\s+/))).toEqual(new Set(['h264', 'aac']));
    }
  });

  test('publishes a player and shows its viewers without a token', async () => {
    const [channel] = CHANNELS;
    const put = (name: string) => send('PUT', `/api/v3/fs/disk/${name}`, '<html></html>', 'application/data');
    const name = `${channel}.html`;
    expect((await put(name)).status).toBe(201);
    expect((await put(name)).status).toBe(204);
    const head = await fetch(`${server.base}/api/v3/fs/disk/index.html`, {
      method: 'HEAD',
      headers: { authorization: `Bearer ${token}` },
    });
    expect(head.status).toBe(404);
    expect((await put('index.html')).status).toBe(201);
    const page = await fetch(`${server.base}/`);
    expect([page.status, page.headers.get('content-type')]).toEqual([
      200,
      expect.stringContaining('text/html'),
    ]);
    expect(await read('/v3/fs/disk?glob=/playersite/templates/*')).toEqual([]);
    const widget = await fetch(`${server.base}/api/v3/widget/process/${ingestOf(channel)}`);
    expect(await widget.json()).toEqual({
      current_sessions: expect.any(Number) as number,
      total_sessions: expect.any(Number) as number,
      uptime: expect.any(Number) as number,
    });
  });

  test('asks again and again for viewers, metrics and the log', async () => {
    interface Session {
      reference: string;
      bandwidth_tx_kbit: number;
    }
    const active = await read<Record<string, Session[]>>('/v3/session/active?collectors=ffmpeg,hls,rtmp,srt');
    for (const collector of ['hls', 'rtmp', 'srt']) expect(active[collector]).toBeInstanceOf(Array);
    for (const session of Object.values(active).flat())
      expect(session.bandwidth_tx_kbit).toBeTypeOf('number');
    const names = ['uptime_uptime', 'cpu_ncpu', 'mem_total', 'filesystem_usage', 'session_active'];
    const query = { metrics: names.map((name) => ({ name })) };
    const { status, body } = await call('POST', '/v3/metrics', query);
    expect(status).toBe(200);
    const { metrics } = body as { metrics: { name: string; values: [number, number][] }[] };
    expect(new Set(metrics.map((metric) => metric.name))).toEqual(new Set(names));
    for (const metric of metrics) expect(metric.values[0]?.[1]).toBeTypeOf('number');
    expect((await read<string[]>('/v3/log')).every((line) => typeof line === 'string')).toBe(true);
  });

  test('changes settings, and shows which field is wrong', async () => {
    const { config } = await read<{ config: Record<string, object> }>('/v3/config');
    expect(config).toMatchObject({ host: { name: expect.any(Array) as string[] } });
    const wrong = await call('PUT', '/v3/config', { ...config, tls: { enable: true, auto: false } });
    expect(wrong.status).toBe(409);
    expect(wrong.body).toEqual({ 'tls.enable': [expect.any(String)] });
    expect((await call('PUT', '/v3/config', { ...config, name: 'changed' })).status).toBe(200);
    expect((await send('GET', '/api/v3/config/reload')).status).toBe(200);
    await expect.poll(() => read('').catch(() => ({})), SOON).toMatchObject({ name: 'changed' });
    await login();
  });

  test('stops a channel and deletes it with its files', async () => {
    const [channel] = CHANNELS;
    const id = ingestOf(channel);
    expect((await call('PUT', `${pathOf(id)}/command`, { command: 'stop' })).body).toBe('OK');
    await expect
      .poll(() => read(`${pathOf(id)}/state`), SOON)
      .toMatchObject({ exec: 'finished', order: 'stop' });
    for (const each of [`${id}_snapshot`, id]) expect((await call('DELETE', pathOf(each))).status).toBe(200);
    await expect.poll(() => read(`/v3/fs/mem?glob=/${channel}**`), SOON).toEqual([]);
  });
});

async function playlist(path: string): Promise<string> {
  const response = await fetch(server.base + path);
  return response.ok ? response.text() : '';
}
