import { createHmac, randomUUID } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test, vi } from 'vitest';
import { freePort } from '../support/ports.ts';
import { installStandIn, Program } from '../support/program.ts';
import { makeFolder, SOON } from './process-server.ts';

const ACCOUNT = { enable: true, username: 'admin', password: 'old password' };
const SECRET = 'a secret of thirty-two characters';

/** A configuration as datarhei Core of that layout has it, with only what matters here. */
function configOf(version: number, address: string): object {
  return {
    created_at: '2023-04-05T06:07:08.123456789Z',
    version,
    id: '125bca93-4b5e-4c1f-8a9d-0d6b8f4f3f10',
    name: 'empty-haze-2065',
    address,
    update_check: false,
    db: { dir: './config' },
    api: { auth: { ...ACCOUNT, jwt: { secret: SECRET } } },
    storage: {
      disk: { dir: './data', cache: { types: version < 3 ? ['.m4s'] : { allow: ['.m4s'], block: [] } } },
      memory: { auth: { enable: true, username: 'mem', password: 'memory secret' } },
    },
    rtmp: { enable: false, address: ':1935', app: version === 1 ? 'live' : '/live', token: 'rtmp token' },
    srt: { enable: false, address: ':6000', token: 'srt token', passphrase: 'srt passphrase' },
  };
}

/** A process as the database has it. */
function stored(id: string, change: object, order = 'start'): object {
  const config = {
    id,
    reference: '',
    ffversion: '^5.1.9',
    input: [{ id: 'i', address: 'x', options: [], cleanup: [] }],
    output: [{ id: 'o', address: '-', options: null, cleanup: null }],
    options: ['obey', 'say', 'here', 'wait'],
    reconnect: true,
    reconnect_delay_seconds: 15,
    autostart: true,
    stale_timeout_seconds: 30,
    limit_cpu_usage: 0,
    limit_memory_bytes: 0,
    limit_waitfor_seconds: 0,
    ...change,
  };
  return { id, reference: config.reference, config, created_at: 1700000000, updated_at: 1700000001, order };
}

const DATABASE = {
  version: 4,
  process: {
    camera: stored('camera', {
      reference: 'ref',
      output: [{ id: 'o', address: '{rtmp,name=a}', options: [] }],
    }),
    paused: stored('paused', {}, 'stop'),
    // Its input is gone: it stays, but cannot run.
    broken: stored('broken', { input: [{ id: 'i', address: '#gone:output=o', options: [] }] }),
    nothing: null,
  },
  metadata: {
    system: { ui: { theme: 'dark' } },
    process: { camera: { meta: [1, 2] }, gone: { a: 1 }, paused: null },
  },
};

/** A token as datarhei Core issues it. */
function tokenOf(key: string): string {
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const iat = Math.floor(Date.now() / 1000);
  const claims = {
    exi: 600,
    exp: iat + 600,
    iat,
    iss: 'datarhei-core',
    jti: randomUUID(),
    sub: 'admin',
    usefor: 'access',
  };
  const text = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`;
  return `${text}.${createHmac('sha256', key).update(text).digest('base64url')}`;
}

test.each([1, 2, 3])(
  'a folder of datarhei Core with a configuration of version %i is taken over',
  async (version) => {
    const folder = await makeFolder();
    const port = await freePort();
    const db = path.join(folder, 'config/db.json');
    const configFile = path.join(folder, 'config/config.json');
    await mkdir(path.join(folder, 'config'));
    const configText = JSON.stringify(configOf(version, `127.0.0.1:${port}`), null, 4);
    await writeFile(configFile, configText);
    const text = JSON.stringify(DATABASE, null, 4);
    await writeFile(db, text);

    const env = { CORE_FFMPEG_BINARY: await installStandIn(folder) };
    const token = tokenOf(ACCOUNT.username + ACCOUNT.password + SECRET);
    const call = async (method: string, url: string) => {
      const headers = { authorization: `Bearer ${token}`, connection: 'close' };
      const response = await fetch(`http://127.0.0.1:${port}/api${url}`, { method, headers });
      expect(response.status).toBe(200);
      return (await response.json()) as unknown;
    };
    const untilRunning = () =>
      vi.waitFor(async () => {
        expect(await call('GET', '/v3/process/camera/state')).toMatchObject({
          exec: 'running',
          last_logline: 'here',
        });
      }, SOON);

    const first = new Program({ folder, env });
    await first.untilLogged('msg="Server started"');
    await untilRunning();
    expect(await call('GET', '')).toMatchObject({
      id: '125bca93-4b5e-4c1f-8a9d-0d6b8f4f3f10',
      name: 'empty-haze-2065',
    });
    expect(await call('GET', '/v3/process')).toMatchObject([
      { id: 'broken', state: { exec: '' } },
      {
        id: 'camera',
        reference: 'ref',
        created_at: 1700000000,
        config: { reconnect_delay_seconds: 15, stale_timeout_seconds: 30 },
        state: { order: 'start', exec: 'running' },
        metadata: { meta: [1, 2] },
      },
      { id: 'paused', state: { order: 'stop', exec: 'finished' }, metadata: null },
    ]);
    expect(JSON.stringify(await call('GET', '/v3/process/camera/state'))).toContain(
      'rtmp://localhost:1935/live/a?token=rtmp%20token',
    );
    expect(await call('GET', '/v3/metadata')).toEqual({ ui: { theme: 'dark' } });
    expect(await call('GET', '/v3/config')).toMatchObject({
      config: {
        version: 3,
        storage: { memory: { auth: { password: 'memory secret' } } },
        srt: { token: 'srt token' },
      },
    });

    await call('DELETE', '/v3/process/paused');
    first.signal('SIGTERM');
    expect(await first.ended).toEqual({ code: 0, signal: null });

    const second = new Program({ folder, env });
    await second.untilLogged('msg="Server started"');
    await untilRunning();
    expect(await call('GET', '/v3/process')).toMatchObject([{ id: 'broken' }, { id: 'camera' }]);
    expect(second.log()).not.toContain('Imported');
    expect(await readFile(db, 'utf8')).toBe(text);
    // Whoever goes back finds the old layout beside the new one.
    const kept = version === 3 ? 'config/config.json' : `config/config.json.v${version}.bak`;
    const before = JSON.parse(await readFile(path.join(folder, kept), 'utf8')) as object;
    expect(before).toMatchObject(
      version === 3
        ? { version: 3, id: '125bca93-4b5e-4c1f-8a9d-0d6b8f4f3f10' }
        : (JSON.parse(configText) as object),
    );
  },
);
