import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { ProcessState } from '@millrace/api';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { startServer } from '../support/server.ts';
import { freePort } from '../support/ports.ts';
import {
  makeFolder,
  openScripted,
  openServer,
  type ProcessClient,
  scripted,
  SOON,
  type Given,
} from './process-server.ts';

const RUN = ['obey', 'say', 'here', 'wait'];
const UNKNOWN = "reference error for '#bad:i': unknown process 'nope' (#nope:output=o)";

/** A process of the reference's database. */
function stored(config: Given & Record<string, unknown>, change: object = {}) {
  const { id = '' } = config;
  return {
    id,
    reference: '',
    config: {
      reference: '',
      ffversion: '^5.1.9',
      input: [{ id: 'in', address: 'x', options: null, cleanup: [] }],
      output: [{ id: 'out', address: '-', options: [], cleanup: [] }],
      options: RUN,
      reconnect: false,
      reconnect_delay_seconds: 0,
      autostart: true,
      stale_timeout_seconds: 0,
      limit_cpu_usage: 0,
      limit_memory_bytes: 0,
      limit_waitfor_seconds: 0,
      ...config,
    },
    created_at: 1700000000,
    updated_at: 1700000001,
    order: 'stop',
    ...change,
  };
}

const BAD = stored(
  { id: 'bad', input: [{ id: 'i', address: '#nope:output=o', options: [] }] },
  { order: 'start' },
);

/** A folder with the reference's database in the place where a server looks for it. */
async function folderWith(database: unknown): Promise<string> {
  const folder = await makeFolder();
  await mkdir(path.join(folder, 'config'));
  const text = typeof database === 'string' ? database : JSON.stringify(database);
  await writeFile(path.join(folder, 'config', 'db.json'), text);
  return folder;
}

async function ids(client: ProcessClient): Promise<string[]> {
  const { body } = await client.call('GET', '/process?filter=metadata');
  return (body as { id: string }[]).map(({ id }) => id);
}

describe('after a restart', () => {
  test('processes, metadata and reports are there, and what ran runs', async () => {
    const folder = await makeFolder();
    const before = await openScripted({ folder });
    await before.create(scripted('on', RUN, { autostart: true, reference: 'r' }));
    await before.create(scripted('off', RUN));
    await before.call('PUT', '/process/off/metadata/a', { deep: [12345678901] });
    await vi.waitFor(async () => {
      expect(await before.lines('on')).toContain('here');
    }, SOON);
    const was = (await before.call('GET', '/process?filter=config,metadata')).body;
    await before.server.close();

    const after = await openScripted({ folder });
    expect((await after.call('GET', '/process?filter=config,metadata')).body).toEqual(was);
    await after.untilExec('on', 'running');
    expect((await after.state('off')).exec).toBe('finished');
    const { history } = await after.report('on');
    expect(history.map(({ prelude }) => prelude)).toEqual([['here']]);
    expect(history[0]?.log.map(([, text]) => text)).toContain('Exited with code 255.');
  });

  test('metadata of the server is there, with no process as well', async () => {
    const folder = await makeFolder();
    const before = await openServer({ folder });
    await before.call('PUT', '/metadata/restreamer-ui', { a: 1 });
    await before.server.close();
    const after = await openServer({ folder });
    expect((await after.call('GET', '/metadata')).body).toEqual({ 'restreamer-ui': { a: 1 } });
  });

  test('starts can be spread over a while, which nobody has to wait for', async () => {
    const folder = await makeFolder();
    const before = await openScripted({ folder });
    await before.create(scripted('on', RUN, { autostart: true }));
    await before.server.close();

    const after = await openScripted({ folder, env: { CORE_FFMPEG_START_JITTER_SEC: '3600' } });
    expect(await after.state('on')).toMatchObject({ order: 'start', exec: 'finished' });
    await after.command('on', 'start');
    await after.untilExec('on', 'running');
  });

  test('no more processes run than may, and the others can be started when there is room', async () => {
    const folder = await makeFolder();
    const before = await openScripted({ folder });
    for (const id of ['a', 'b']) await before.create(scripted(id, RUN, { autostart: true }));
    await before.server.close();

    const after = await openScripted({ folder, env: { CORE_FFMPEG_MAXPROCESSES: '1' } });
    await after.untilExec('a', 'running');
    expect(await after.state('b')).toMatchObject({ order: 'start', exec: 'finished', reconnect_seconds: -1 });
    await after.command('a', 'stop');
    expect((await after.command('b', 'start')).status).toBe(200);
    await after.untilExec('b', 'running');
    expect((await after.command('a', 'start')).status).toBe(400);
  });
});

describe("the reference's database", () => {
  test('is taken over once, and left as it is', async () => {
    const cleanup = { pattern: 'memfs:/x*.ts', max_files: 4, max_file_age_seconds: 0, purge_on_delete: true };
    const database = {
      version: 4,
      process: {
        p: stored(
          {
            id: 'p',
            reference: 'r',
            output: [{ id: 'o', address: '-', options: [], cleanup: [cleanup] }],
            limit_memory_bytes: 10 * 1024 * 1024,
            limit_cpu_usage: 500,
            unknown: 1,
          },
          { order: 'start' },
        ),
        q: stored({ id: 'q' }, { order: 'paused' }),
      },
      metadata: { system: { ui: [1] }, process: { p: { a: 'b' }, q: null, gone: { a: 1 } } },
    };
    const folder = await folderWith(database);
    const file = path.join(folder, 'config', 'db.json');
    const text = await readFile(file, 'utf8');
    const client = await openScripted({ folder });
    expect((await client.call('GET', '/process/p?filter=config,metadata')).body).toEqual({
      id: 'p',
      type: 'ffmpeg',
      reference: 'r',
      created_at: 1700000000,
      updated_at: 1700000001,
      config: {
        id: 'p',
        type: 'ffmpeg',
        reference: 'r',
        input: [{ id: 'in', address: 'x', options: [] }],
        output: [{ id: 'o', address: '-', options: [], cleanup: [cleanup] }],
        options: RUN,
        reconnect: false,
        reconnect_delay_seconds: 0,
        autostart: true,
        stale_timeout_seconds: 0,
        limits: { cpu_usage: 100, memory_mbytes: 10, waitfor_seconds: 0 },
      },
      metadata: { a: 'b' },
    });
    await client.untilExec('p', 'running');
    expect((await client.state('q')).order).toBe('stop');
    expect((await client.call('GET', '/metadata')).body).toEqual({ ui: [1] });

    for (const id of ['p', 'q']) await client.call('DELETE', `/process/${id}`);
    await client.call('PUT', '/metadata/ui', null);
    await client.server.close();
    const after = await openScripted({ folder });
    expect(await ids(after)).toEqual([]);
    expect(await readFile(file, 'utf8')).toBe(text);
  });

  test('may have entries that cannot be used: they are named in the log and left out', async () => {
    const client = await openScripted({
      folder: await folderWith({
        version: 4,
        process: {
          good: stored({ id: 'good' }),
          none: null,
          bare: {},
          odd: stored({ id: 'odd', reconnect_delay_seconds: -1 }),
          ' ': stored({ id: ' ' }),
        },
        metadata: null,
      }),
    });
    expect(await ids(client)).toEqual(['good']);
    const warnings = client.server
      .log()
      .split('\n')
      .filter((line) => line.includes('level=WARN') && line.includes('Ignoring a process'))
      .map((line) => / id="([^"]*)"/.exec(line)?.[1]);
    expect(warnings).toEqual(['none', 'bare', 'odd', ' ']);
  });

  test.each([
    ['is empty', '', /failed to load data from DB .*db\.json \(syntax error at line 1/],
    ['is cut', '{"version":4,"process":{', /failed to load data from DB .*syntax error at line 1/],
    ['is none', '[]', /failed to load data from DB/],
    ['has wrong types', '{"version":4,"process":[]}', /failed to load data from DB/],
    ['is older', '{"version":3}', /unsupported version of the DB file \(want: 4, have: 3\)/],
    ['has no version', '{}', /unsupported version of the DB file \(want: 4, have: 0\)/],
  ])('that %s keeps the server from starting', async (_what, text, reason) => {
    const folder = await folderWith(text);
    await expect(startServer({ folder })).rejects.toThrow(reason);
    expect(await readFile(path.join(folder, 'config', 'db.json'), 'utf8')).toBe(text);
  });
});

describe('a process that is not valid at the start', () => {
  const open = async () => openScripted({ folder: await folderWith({ version: 4, process: { bad: BAD } }) });

  test('says so', async () => {
    const client = await open();
    expect(await client.state('bad')).toMatchObject({
      order: '',
      exec: '',
      last_logline: UNKNOWN,
      memory_bytes: 0,
      command: null,
    } satisfies Partial<ProcessState>);
    expect(await client.lines('bad')).toEqual([UNKNOWN]);
    expect((await client.call('GET', '/process/bad/probe')).body).toEqual({ streams: [], log: [] });
    expect((await client.call('GET', '/process/bad/playout/i/status')).body).toMatchObject({
      details: ['invalid process definition'],
    });
  });

  test.each([
    ['start', 400, 'invalid process definition'],
    ['restart', 400, 'invalid process definition'],
    ['reload', 400, UNKNOWN],
    ['stop', 200, undefined],
  ])('answers %s with %i', async (command, status, reason) => {
    const client = await open();
    const answer = await client.command('bad', command);
    expect(answer.status).toBe(status);
    if (reason !== undefined) expect(answer.body).toMatchObject({ details: [reason] });
  });

  test('runs as soon as an update makes it valid', async () => {
    const client = await open();
    expect((await client.update('bad', { input: [{ address: 'x' }] })).status).toBe(200);
    await client.untilExec('bad', 'running');
    expect((await client.state('bad')).last_logline).not.toBe(UNKNOWN);
  });

  test('runs after a reload, if the cause is gone', async () => {
    const client = await open();
    await client.create(scripted('nope', RUN, { output: [{ id: 'o', address: 'udp://127.0.0.1:9' }] }));
    expect((await client.command('bad', 'reload')).status).toBe(200);
    await client.untilExec('bad', 'running');
  });

  test('can be removed', async () => {
    const client = await open();
    expect((await client.call('DELETE', '/process/bad')).body).toBe('OK');
    expect(await ids(client)).toEqual([]);
  });
});

const MAIN = path.resolve(import.meta.dirname, '../../packages/server/bin.js');

/** A server in a process of its own, without authentication. */
async function launch(folder: string): Promise<{ server: ChildProcess; base: string }> {
  const base = `http://127.0.0.1:${await freePort()}`;
  const server = spawn(process.execPath, ['--conditions=source', MAIN], {
    cwd: folder,
    stdio: 'ignore',
    env: {
      PATH: process.env['PATH'],
      CORE_ADDRESS: new URL(base).host,
      CORE_CONFIGFILE: path.join(folder, 'config.json'),
      CORE_DB_DIR: path.join(folder, 'config'),
      CORE_STORAGE_DISK_DIR: path.join(folder, 'data'),
      CORE_API_AUTH_ENABLE: 'false',
    },
  });
  onTestFinished(() => {
    server.kill('SIGKILL');
  });
  await vi.waitFor(async () => {
    expect((await fetch(`${base}/ping`)).status).toBe(200);
  }, SOON);
  return { server, base };
}

test('whatever was confirmed is there after the server was killed amid writes', async () => {
  const folder = await makeFolder();
  const { server, base } = await launch(folder);
  const confirmed: string[] = [];
  const write = async (writer: number): Promise<void> => {
    for (let count = 0; ; count++) {
      const id = `w${writer}-${count}`;
      const body = JSON.stringify(scripted(id, ['x'.repeat(2000)]));
      const headers = { 'content-type': 'application/json' };
      const answer = await fetch(`${base}/api/v3/process`, { method: 'POST', headers, body });
      if (answer.status === 200) confirmed.push(id);
    }
  };
  const writers = Promise.allSettled([write(1), write(2), write(3)]);
  await vi.waitFor(() => {
    expect(confirmed.length).toBeGreaterThan(30);
  }, SOON);
  server.kill('SIGKILL');
  await Promise.all([once(server, 'exit'), writers]);

  const after = await openServer({ folder });
  const found = new Set(await ids(after));
  expect(confirmed.filter((id) => !found.has(id))).toEqual([]);
});
