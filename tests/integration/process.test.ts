import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import {
  endless,
  FFMPEG,
  NOWHERE,
  openScripted,
  openServer,
  PICTURE,
  scripted,
  SOON,
  type ProcessClient,
} from './process-server.ts';

async function untilFrame(client: ProcessClient, id: string, frame: number): Promise<void> {
  await client.until(id, (state) => {
    expect(state.progress.frame).toBeGreaterThanOrEqual(frame);
  });
}

describe.skipIf(FFMPEG === '')('a process', () => {
  test('writes HLS to the disk and tells how it is doing', async () => {
    const client = await openServer();
    await client.create(
      endless('hls', {
        autostart: true,
        options: ['-loglevel', 'level+info', '-y'],
        output: [
          {
            id: 'out',
            address: '{diskfs}/{processid}.m3u8',
            options: ['-codec:v', 'mpeg2video', '-g', '5', '-f', 'hls', '-hls_time', '0.2'],
          },
        ],
      }),
    );
    await vi.waitFor(async () => {
      const files = await readdir(path.join(client.server.folder, 'data'));
      expect(files).toContain('hls.m3u8');
      expect(files.filter((name) => name.endsWith('.ts')).length).toBeGreaterThan(2);
    }, SOON);
    await untilFrame(client, 'hls', 30);
    const { progress, ...state } = await client.state('hls');
    expect(state).toMatchObject({ order: 'start', exec: 'running', reconnect_seconds: -1 });
    expect(progress.inputs).toMatchObject([{ id: 'in', format: 'lavfi', width: 64, avstream: null }]);
    expect(progress.outputs).toMatchObject([{ id: 'out', format: 'hls', codec: 'mpeg2video' }]);
  });

  test('runs on when an update changes nothing of its command', async () => {
    const client = await openServer();
    await client.create(endless('p', { autostart: true, reference: 'one' }));
    await untilFrame(client, 'p', 5);
    const { status } = await client.update('p', {
      reference: 'two',
      reconnect: true,
      reconnect_delay_seconds: 7,
      stale_timeout_seconds: 60,
      limits: { memory_mbytes: 4000 },
    });
    expect(status).toBe(200);
    const before = await client.state('p');
    await untilFrame(client, 'p', before.progress.frame + 5);
    expect(client.starts('p')).toBe(1);
    expect((await client.call('GET', '/process/p/config')).body).toMatchObject({
      reference: 'two',
      reconnect_delay_seconds: 7,
    });
  });

  test('is replaced when an update changes its command, and keeps what it wrote', async () => {
    const client = await openServer();
    await client.create(endless('p', { autostart: true }));
    await untilFrame(client, 'p', 5);
    const { created_at: createdAt } = (await client.call('GET', '/process/p')).body as { created_at: number };
    await client.update('p', { options: ['-y'] });
    await untilFrame(client, 'p', 5);
    expect(client.starts('p')).toBe(2);
    expect((await client.state('p')).command).toContain('-y');
    expect((await client.report('p')).history).toHaveLength(1);
    expect((await client.call('GET', '/process/p')).body).toMatchObject({ created_at: createdAt });
  });

  test('runs on when an update is refused', async () => {
    const client = await openServer();
    await client.create(endless('p', { autostart: true }));
    await untilFrame(client, 'p', 5);
    const { status, body } = await client.update('p', { output: [{ address: '/etc/x' }] });
    expect([status, body]).toEqual([400, expect.objectContaining({ message: "Process can't be updated" })]);
    const before = await client.state('p');
    await untilFrame(client, 'p', before.progress.frame + 5);
    expect(client.starts('p')).toBe(1);
    expect(before.command?.at(-1)).toBe('-');
  });

  test('goes on under another id, with its metadata and reports', async () => {
    const client = await openServer();
    await client.create(endless('old', { autostart: true }));
    await client.call('PUT', '/process/old/metadata/ui', { a: 1 });
    await untilFrame(client, 'old', 5);
    expect((await client.update('old', { id: 'new' })).body).toMatchObject({ id: 'new' });
    await untilFrame(client, 'new', 5);
    expect((await client.call('GET', '/process/old')).status).toBe(404);
    expect((await client.call('GET', '/process/new/metadata/ui')).body).toEqual({ a: 1 });
    expect((await client.report('new')).history).toHaveLength(1);
  });

  test('does not take the id of another one', async () => {
    const client = await openServer();
    await client.create(endless('a'));
    await client.create(endless('b'));
    expect((await client.update('a', { id: 'b' })).body).toEqual({
      code: 400,
      message: "Process can't be updated",
      details: ['process already exists'],
    });
  });

  test('reads what another one writes', async () => {
    const client = await openServer();
    await client.create(endless('src', { output: [{ id: 'o', address: '{srt,name=x}' }] }));
    await client.create(endless('dst', { input: [{ id: 'i', address: '#src:output=o' }] }));
    const { command } = await client.state('dst');
    expect(command?.[1]).toMatch(/^srt:.*streamid=x,mode:request$/);
  });

  test('can be probed, whatever it does', async () => {
    const client = await openServer();
    await client.create(endless('p', { options: ['-loglevel', 'level+info'] }));
    expect((await client.call('GET', '/process/p/probe')).body).toMatchObject({
      streams: [{ url: PICTURE.address, type: 'video', format: 'lavfi', width: 64 }],
    });
    expect(await client.state('p')).toMatchObject({ order: 'stop', exec: 'finished' });
  });

  test('that makes no progress is ended, and the report tells why', async () => {
    const client = await openServer();
    await client.create(endless('p', { autostart: true, options: ['-nostats'], stale_timeout_seconds: 1 }));
    await client.untilExec('p', 'finished');
    expect((await client.state('p')).order).toBe('start');
    expect((await client.lines('p')).join('\n')).toMatch(/^Stale timeout after 1s/m);
  });

  test('that takes too much memory is ended, and the report tells why', async () => {
    const client = await openServer();
    await client.create(endless('p', { autostart: true, limits: { memory_mbytes: 1 } }));
    await client.untilExec('p', 'finished');
    expect((await client.state('p')).order).toBe('start');
    expect((await client.lines('p')).join('\n')).toContain('limits are exceeded');
  });

  test('has its surplus files removed, and the others with it', async () => {
    const client = await openServer();
    await client.create(
      endless('p', {
        output: [
          { ...NOWHERE, cleanup: [{ pattern: 'mem:/{processid}/*', max_files: 1, purge_on_delete: true }] },
        ],
      }),
    );
    for (const name of ['p/a', 'p/b', 'q/a']) await client.call('PUT', `/fs/mem/${name}`, 'x');
    const names = async () =>
      ((await client.call('GET', '/fs/mem?sort=name')).body as { name: string }[]).map(({ name }) => name);
    await vi.waitFor(async () => {
      expect(await names()).toEqual(['/p/b', '/q/a']);
    }, SOON);
    await client.update('p', { reference: 'x' });
    expect(await names()).toEqual(['/p/b', '/q/a']);
    await client.call('DELETE', '/process/p');
    expect(await names()).toEqual(['/q/a']);
  });
});

const RUN = ['obey', 'say', 'here', 'wait'];
const END = ['say', 'here'];

/** A process in each of the conditions a command can meet. */
const CONDITIONS = {
  'not ordered to run': async (client: ProcessClient) => {
    await client.create(scripted('p', RUN));
  },
  running: async (client: ProcessClient) => {
    await client.create(scripted('p', RUN, { autostart: true }));
    await vi.waitFor(async () => {
      expect(await client.lines('p')).toContain('here');
    }, SOON);
  },
  'that ended': async (client: ProcessClient) => {
    await client.create(scripted('p', END, { autostart: true }));
    await client.untilExec('p', 'finished');
  },
  'waiting to reconnect': async (client: ProcessClient) => {
    await client.create(
      scripted('p', END, { autostart: true, reconnect: true, reconnect_delay_seconds: 600 }),
    );
    await client.until('p', (state) => {
      expect(state.reconnect_seconds).toBeGreaterThan(0);
    });
  },
};

describe('a command', () => {
  test.each<[string, keyof typeof CONDITIONS, string, string, number]>([
    ['start', 'not ordered to run', 'start', 'running', 1],
    ['stop', 'not ordered to run', 'stop', 'finished', 0],
    ['restart', 'not ordered to run', 'stop', 'finished', 0],
    ['reload', 'not ordered to run', 'stop', 'finished', 0],
    ['start', 'running', 'start', 'running', 1],
    ['stop', 'running', 'stop', 'finished', 1],
    ['restart', 'running', 'start', 'running', 2],
    ['reload', 'running', 'start', 'running', 2],
    ['start', 'that ended', 'start', 'finished', 2],
    ['stop', 'that ended', 'stop', 'finished', 1],
    ['restart', 'that ended', 'start', 'finished', 2],
    ['reload', 'that ended', 'start', 'finished', 2],
    ['start', 'waiting to reconnect', 'start', 'finished', 2],
    ['stop', 'waiting to reconnect', 'stop', 'finished', 1],
    ['restart', 'waiting to reconnect', 'start', 'finished', 2],
    ['reload', 'waiting to reconnect', 'start', 'finished', 2],
  ])('%s of a process %s: ordered to %s, %s, %i starts', async (command, condition, order, exec, starts) => {
    const client = await openScripted();
    await CONDITIONS[condition](client);
    expect(await client.command('p', command)).toMatchObject({ status: 200, body: 'OK' });
    await client.untilExec('p', exec);
    expect([(await client.state('p')).order, client.starts('p')]).toEqual([order, starts]);
  });

  test('that cannot be carried out leaves a running process alone', async () => {
    const client = await openScripted();
    await client.create(scripted('src', RUN, { output: [{ id: 'o', address: 'udp://127.0.0.1:9' }] }));
    await client.create(
      scripted('p', RUN, { autostart: true, input: [{ id: 'i', address: '#src:output=o' }] }),
    );
    await client.call('DELETE', '/process/src');
    expect((await client.command('p', 'reload')).body).toEqual({
      code: 400,
      message: 'Command failed',
      details: ["reference error for '#p:i': unknown process 'src' (#src:output=o)"],
    });
    expect(await client.state('p')).toMatchObject({ order: 'start', exec: 'running' });
    await client.command('p', 'stop');
    await client.untilExec('p', 'finished');
  });
});

describe('a process that does not react', () => {
  const STUBBORN = ['ignore', 'INT', 'say', 'here', 'wait'];

  test('keeps up nobody else, and no second one runs beside it', async () => {
    const client = await openScripted();
    await client.create(scripted('p', STUBBORN, { autostart: true }));
    await vi.waitFor(async () => {
      expect(await client.lines('p')).toContain('here');
    }, SOON);
    const order: string[] = [];
    const note = (name: string) => () => order.push(name);
    const update = client.update('p', { options: [...STUBBORN, '2'] }).then(note('update'));
    await client.untilExec('p', 'finishing');
    const removal = client.call('DELETE', '/process/p').then(note('delete'));
    await client.create(scripted('other', RUN, { autostart: true }));
    await client.call('DELETE', '/process/other');
    note('other')();
    await Promise.all([update, removal]);
    expect(order).toEqual(['other', 'update', 'delete']);
    expect((await client.call('GET', '/process/p')).status).toBe(404);
    const events = client.server
      .log()
      .split('\n')
      .filter((line) => line.includes('id="p"'))
      .flatMap((line) => /msg="(Started|Stopped)"/.exec(line)?.[1] ?? []);
    expect(events.join()).toBe(events.map((_, index) => (index % 2 === 0 ? 'Started' : 'Stopped')).join());
  });
});

describe('max_processes', () => {
  const limited = () => openScripted({ env: { CORE_FFMPEG_MAXPROCESSES: '1' } });
  const refusal = 'max. number of running processes (1) reached';

  test('refuses a new process that would run, and does not keep it', async () => {
    const client = await limited();
    await client.create(scripted('a', RUN, { autostart: true }));
    expect((await client.call('POST', '/process', scripted('b', RUN, { autostart: true }))).body).toEqual({
      code: 400,
      message: 'Invalid process config',
      details: [refusal],
    });
    expect((await client.call('GET', '/process/b')).status).toBe(404);
  });

  test('counts what runs, not what was ordered', async () => {
    const client = await limited();
    await client.create(scripted('a', END, { autostart: true }));
    await client.untilExec('a', 'finished');
    await client.create(scripted('b', RUN, { autostart: true }));
    expect((await client.command('a', 'start')).body).toMatchObject({
      message: 'Command failed',
      details: [refusal],
    });
    await client.command('a', 'stop');
    await client.command('a', 'stop');
    expect((await client.command('a', 'start')).status).toBe(400);
    await client.command('b', 'stop');
    expect((await client.command('a', 'start')).status).toBe(200);
  });
});

test('a process that is being removed cannot be changed any more', async () => {
  const client = await openScripted();
  await client.create(scripted('p', ['ignore', 'INT', 'say-pid', 'wait'], { autostart: true }));
  let pid = 0;
  await vi.waitFor(async () => {
    pid = Number(/pid (\d+)/.exec((await client.lines('p')).join('\n'))?.[1]);
    expect(pid).toBeGreaterThan(0);
  }, SOON);
  const removal = client.call('DELETE', '/process/p');
  await client.untilExec('p', 'finishing');
  expect(await client.call('PUT', '/process/p/metadata/key', 1)).toMatchObject({
    status: 404,
    body: { code: 404, message: 'Unknown process ID', details: ['unknown process'] },
  });
  const update = client.update('p', { reference: 'late' });
  process.kill(pid, 'SIGKILL');
  expect((await removal).status).toBe(200);
  expect(await update).toMatchObject({
    status: 404,
    body: { code: 404, message: 'Process not found', details: ['p'] },
  });
});

test('FFmpeg gets the variables that are named, and never our own', async () => {
  const client = await openScripted({
    env: { CORE_FFMPEG_ENVIRONMENT: 'TZ,MISSING,CORE_API_AUTH_PASSWORD', TZ: 'UTC' },
  });
  await client.create(scripted('p', ['environment'], { autostart: true }));
  await client.untilExec('p', 'finished');
  const text = (await client.lines('p')).join('\n');
  expect(text).toContain('TZ=UTC');
  expect(text).not.toMatch(/CORE_|MISSING|HOME=/);
});

test('no key of the metadata is no route, whether there is the process or not', async () => {
  const { server } = await openScripted();
  for (const method of ['GET', 'PUT']) {
    const { status, body } = await server.api(
      method,
      '/v3/process/nope/metadata/',
      method === 'PUT' ? 1 : undefined,
    );
    expect({ status, body }).toEqual({
      status: 404,
      body: { code: 404, message: 'Not Found', details: ['Not Found'] },
    });
  }
});
