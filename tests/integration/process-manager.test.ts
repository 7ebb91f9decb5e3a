import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { Children } from '../../packages/server/src/child/children.ts';
import { Database } from '../../packages/server/src/database/database.ts';
import { Log } from '../../packages/server/src/log/logger.ts';
import type { PreparedChange } from '../../packages/server/src/components.ts';
import type { ProcessConfig } from '../../packages/server/src/process/config.ts';
import { ProcessManager } from '../../packages/server/src/process/manager.ts';
import type { ProcessOptions, ProcessParts } from '../../packages/server/src/process/setting.ts';
import { makeFolder, SOON } from './process-server.ts';

const FAKE = join(import.meta.dirname, '../support/fake-ffmpeg.sh');
const RUN = ['obey', 'say', 'here', 'wait'];

function config(id: string, change: Partial<ProcessConfig> = {}): ProcessConfig {
  return {
    id,
    reference: '',
    inputs: [{ id: 'in', address: 'x', options: [] }],
    outputs: [{ id: 'out', address: '-', options: [], cleanup: [] }],
    options: RUN,
    reconnect: false,
    reconnectDelaySeconds: 0,
    autostart: true,
    staleTimeoutSeconds: 0,
    limits: { cpuPercent: 0, memoryBytes: 0, waitForSeconds: 0 },
    ...change,
  };
}

/** A manager with a database of its own, whose children are stand-ins. */
async function open(change: Partial<ProcessParts> = {}) {
  const folder = await makeFolder();
  const log = new Log({ write: () => true }, { level: 'debug', topics: [], maxLines: 1000 });
  const children = new Children(log.component('Process'));
  await children.start();
  onTestFinished(() => children.close());
  const database = new Database(join(folder, 'db'), log.component('DB'));
  await database.start();
  onTestFinished(() => database.close());
  const parts: ProcessParts = {
    spawner: children,
    ffmpeg: {
      binary: FAKE,
      version: '5.1.9',
      probe: () => Promise.resolve({ streams: [], log: [] }),
    },
    database,
    cleanup: { set: () => Promise.resolve() },
    disk: { usage: () => Promise.resolve({ bytes: 0, limit: 0 }) },
    log: log.component('Process'),
    ...change,
  };
  const options: ProcessOptions = {
    maxProcesses: 0,
    placeholders: {
      diskDir: join(folder, 'data'),
      address: ':8080',
      filesystems: [{ name: 'mem', mount: '/memfs' }],
      rtmp: { address: ':1935', app: '/', token: '' },
      srt: { address: ':6000', token: '', passphrase: '' },
    },
    input: { allow: [], block: [] },
    output: { allow: [], block: [] },
    maxLogLines: 50,
    startJitterMs: 0,
    maxReconnectDelayMs: 0,
    playoutPorts: undefined,
    maxHistory: 3,
    importFile: join(folder, 'db.json'),
  };
  const manager = new ProcessManager(options, parts);
  await manager.start();
  await manager.run();
  onTestFinished(() => manager.close());
  const exec = (id: string) => manager.get(id)?.state().exec;
  const starts = (id: string) =>
    log.events().filter(({ message, fields }) => message === 'Started' && fields['id'] === id).length;
  const untilHere = (id: string) =>
    vi.waitFor(() => {
      expect(manager.get(id)?.state().lastLogLine).toBe('here');
    }, SOON);
  return { manager, options, parts, database, log, exec, starts, untilHere };
}

async function carryOut(change: PreparedChange): Promise<void> {
  change.commit();
  await change.settle?.();
}

/** Makes every later write fail, as a full disk does. */
function fillDisk(database: Database): void {
  database.sqlite.exec('PRAGMA query_only = ON');
}

describe('when nothing can be written', () => {
  test('a new process is refused and not kept', async () => {
    const { manager, database } = await open();
    fillDisk(database);
    await expect(manager.add(config('p'))).rejects.toThrow(/readonly/);
    expect(manager.list()).toEqual([]);
  });

  test.each<[string, (manager: ProcessManager) => Promise<unknown>]>([
    ['update', (manager) => manager.update('p', () => config('p', { options: ['wait'] }))],
    ['change of the id', (manager) => manager.update('p', () => config('q'))],
    ['removal', (manager) => manager.remove('p')],
    ['order to stop', (manager) => manager.command('p', 'stop')],
  ])('a(n) %s is refused and the process runs on', async (_what, change) => {
    const { manager, database, exec, starts, untilHere } = await open();
    await manager.add(config('p'));
    await untilHere('p');
    fillDisk(database);
    await expect(change(manager)).rejects.toThrow(/readonly/);
    expect([exec('p'), starts('p'), manager.get('p')?.config.options]).toEqual(['running', 1, RUN]);
    expect(manager.get('p')?.record.order).toBe('start');
    expect(manager.list()).toHaveLength(1);
  });

  test('metadata stays as it was', async () => {
    const { manager, database } = await open();
    manager.metadata.set('a', 1);
    fillDisk(database);
    expect(() => {
      manager.metadata.set('a', 2);
    }).toThrow(/readonly/);
    expect(manager.metadata.get('a')).toBe(1);
  });
});

describe('a change of the configuration', () => {
  test('replaces only the children it concerns', async () => {
    const { manager, options, parts, starts, untilHere } = await open();
    await manager.add(config('rtmp', { inputs: [{ id: 'i', address: '{rtmp,name=a}', options: [] }] }));
    await manager.add(config('plain'));
    await Promise.all([untilHere('rtmp'), untilHere('plain')]);
    const rtmp = { address: ':1936', app: '/', token: '' };
    const change = manager.prepare(
      { ...options, maxLogLines: 5, placeholders: { ...options.placeholders, rtmp } },
      parts,
    );
    await carryOut(change);
    await untilHere('rtmp');
    expect(manager.get('rtmp')?.plan?.command).toContain('rtmp://localhost:1936/a');
    expect([starts('rtmp'), starts('plain')]).toEqual([2, 1]);
  });

  test('ends what it forbids, which comes back when it is allowed again', async () => {
    const { manager, options, parts, exec, untilHere } = await open();
    await manager.add(config('p'));
    await untilHere('p');
    await carryOut(manager.prepare({ ...options, input: { allow: [], block: ['^x$'] } }, parts));
    expect([exec('p'), manager.get('p')?.state().lastLogLine]).toEqual([
      undefined,
      "the address for input '#p:in' (x) is invalid: address is not allowed",
    ]);
    await carryOut(manager.prepare(options, parts));
    await untilHere('p');
    expect(exec('p')).toBe('running');
  });

  test('that cannot work changes nothing', async () => {
    const { manager, options, parts, exec, starts, untilHere } = await open();
    await manager.add(config('p'));
    await untilHere('p');
    expect(() => manager.prepare({ ...options, input: { allow: ['('], block: [] } }, parts)).toThrow(
      'invalid expression',
    );
    void manager.prepare({ ...options, maxProcesses: 1 }, parts).abort();
    await manager.add(config('q'));
    expect([exec('p'), starts('p')]).toEqual(['running', 1]);
  });

  test.each<[string, (manager: ProcessManager) => Promise<unknown>]>([
    ['removed', (manager) => manager.remove('p')],
    ['renamed', (manager) => manager.update('p', (current) => ({ ...current, id: 'q' }))],
  ])('does not bring back a process that is being %s', async (_, act) => {
    const { manager, options, parts, untilHere, starts, log } = await open();
    await manager.add(config('p', { inputs: [{ id: 'i', address: '{rtmp,name=a}', options: [] }] }));
    await untilHere('p');
    const rtmp = { address: ':1936', app: '/', token: '' };
    const change = manager.prepare({ ...options, placeholders: { ...options.placeholders, rtmp } }, parts);
    const acted = act(manager);
    change.commit();
    await Promise.all([acted, change.settle?.()]);
    expect(manager.get('p')).toBeUndefined();
    expect(starts('p')).toBe(1);
    const changes = log.events().filter(({ message }) => ['Started', 'Stopped'].includes(message));
    const alive = changes.filter(({ message }) => message === 'Started').length * 2 - changes.length;
    expect(alive).toBe(manager.list().length);
  });

  test('to another database leaves no child of the processes there were', async () => {
    const { manager, options, parts, untilHere, log } = await open();
    await manager.add(config('p'));
    await untilHere('p');
    const other = new Database(join(await makeFolder(), 'db'), log.component('DB'));
    await other.start();
    onTestFinished(() => other.close());
    const change = manager.prepare(options, { ...parts, database: other });
    const renamed = manager.update('p', (current) => ({ ...current, id: 'q' }));
    await Promise.resolve();
    change.commit();
    await expect(manager.add(config('r'))).rejects.toThrow('not open to changes');
    await Promise.allSettled([renamed, change.settle?.()]);
    expect(manager.list()).toEqual([]);
    const changes = log
      .events()
      .flatMap(({ message }) => (['Started', 'Stopped'].includes(message) ? [message] : []));
    expect(changes.filter((message) => message === 'Started')).toHaveLength(changes.length / 2);
    await manager.add(config('r'));
    await untilHere('r');
  });

  test('lets processes run that had no place', async () => {
    const { manager, options, parts } = await open();
    await manager.add(config('a'));
    await manager.add(config('b'));
    await manager.close();
    const later = new ProcessManager({ ...options, maxProcesses: 1 }, parts);
    onTestFinished(() => later.close());
    await later.start();
    await later.run();
    expect([later.get('a')?.state().exec, later.get('b')?.state().exec]).toEqual(['running', 'finished']);
    await carryOut(later.prepare(options, parts));
    expect(later.get('b')?.state().exec).toBe('running');
  });
});

test('a full disk ends those who write to it, for good', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => {
    vi.useRealTimers();
  });
  const { manager, options, exec, log } = await open({
    disk: { usage: () => Promise.resolve({ bytes: 10, limit: 10 }) },
  });
  const file = join(options.placeholders.diskDir, 'a.mp4');
  await manager.add(config('file', { outputs: [{ id: 'o', address: file, options: [], cleanup: [] }] }));
  await manager.add(config('null'));
  await vi.advanceTimersByTimeAsync(10_000);
  await manager.command('file', 'stop');
  expect([manager.get('file')?.record.order, exec('null')]).toEqual(['stop', 'running']);
  expect(manager.get('file')?.state().failure).toMatchObject({
    class: 'disk_full',
    line: 'Stopping because the disk is full.',
  });
  expect(manager.get('null')?.state().failure).toBeUndefined();
  expect(log.events().map(({ message }) => message)).toContain('Shutting down because filesystem is full');
});

test('children are ended at once when the server closes, however many do not react', async () => {
  const { manager, log } = await open();
  const ids = ['a', 'b', 'c'];
  for (const id of ids) await manager.add(config(id, { options: ['ignore', 'INT', 'say', 'here', 'wait'] }));
  await vi.waitFor(() => {
    expect(manager.list().map((task) => task.state().lastLogLine)).toEqual(['here', 'here', 'here']);
  }, SOON);
  await manager.close();
  const order = log
    .events()
    .flatMap(({ message }) => (/^(Stopping|Stopped)$/.test(message) ? [message] : []));
  expect(order).toEqual([...ids.map(() => 'Stopping'), ...ids.map(() => 'Stopped')]);
});

test('FFmpeg of another version than the process was made for is named in the log', async () => {
  const { manager, options, parts, log } = await open();
  await manager.add(config('p', { autostart: false }));
  await manager.close();
  const newer = new ProcessManager(options, { ...parts, ffmpeg: { ...parts.ffmpeg, version: '6.1.0' } });
  onTestFinished(() => newer.close());
  await newer.start();
  expect(log.events().find(({ level }) => level === 'warn')?.fields).toEqual({
    id: 'p',
    constraint: '^5.1.9',
    version: '6.1.0',
  });
});

test('commands to different processes do not wait for each other', async () => {
  const { manager } = await open();
  await manager.add(config('slow', { options: ['ignore', 'INT', 'say', 'here', 'wait'] }));
  await vi.waitFor(() => {
    expect(manager.get('slow')?.state().lastLogLine).toBe('here');
  }, SOON);
  const ended: string[] = [];
  const stopping = manager.command('slow', 'stop').then(() => ended.push('slow'));
  await manager.add(config('quick'));
  await manager.command('quick', 'stop');
  ended.push('quick');
  await stopping;
  expect(ended).toEqual(['quick', 'slow']);
});
