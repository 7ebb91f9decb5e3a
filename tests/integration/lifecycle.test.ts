import { createServer } from 'node:net';
import { once } from 'node:events';
import { randomBytes } from 'node:crypto';
import { chmod, chown, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { freePort } from '../support/ports.ts';
import { installStandIn, Program, untilGone } from '../support/program.ts';
import { makeFolder } from './process-server.ts';

const STUBBORN = ['ignore', 'INT', 'say', 'here', 'wait'];
const OBEDIENT = ['obey', 'say', 'here', 'wait'];

async function readFileIfThere(file: string): Promise<Buffer | undefined> {
  return readFile(file).catch(() => undefined);
}

interface Place {
  folder: string;
  base: string;
  env: Record<string, string>;
}

/** A folder for a server, with the settings to run there. */
async function makePlace(): Promise<Place> {
  const folder = await makeFolder();
  const port = await freePort();
  const env = {
    CORE_ADDRESS: `127.0.0.1:${port}`,
    CORE_CONFIGFILE: path.join(folder, 'config.json'),
    CORE_DB_DIR: path.join(folder, 'db'),
    CORE_STORAGE_DISK_DIR: path.join(folder, 'data'),
    CORE_FFMPEG_BINARY: await installStandIn(folder),
    CORE_API_AUTH_ENABLE: 'false',
  };
  return { folder, env, base: `http://127.0.0.1:${port}/api` };
}

async function createProcess(base: string, id: string, options: string[]): Promise<void> {
  const config = {
    id,
    options,
    autostart: true,
    input: [{ id: 'i', address: 'x' }],
    output: [{ id: 'o', address: '-' }],
  };
  const answer = await fetch(`${base}/v3/process`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(config),
  });
  expect(answer.status).toBe(200);
  const lastLine = async () => {
    const state = (await (await fetch(`${base}/v3/process/${id}/state`)).json()) as { last_logline: string };
    return state.last_logline;
  };
  await expect.poll(lastLine).toBe('here');
}

/** A server with running processes; each is given by what its child does. */
async function run(processes: Record<string, string[]>): Promise<{ program: Program; place: Place }> {
  const place = await makePlace();
  const program = new Program(place);
  await program.untilLogged('msg="Server started"');
  for (const [id, options] of Object.entries(processes)) await createProcess(place.base, id, options);
  return { program, place };
}

describe('a running server', () => {
  test.each(['SIGINT', 'SIGTERM'] as const)(
    'ends with exit code 0 after %s, and its children with it',
    async (signal) => {
      const { program } = await run({ a: OBEDIENT, b: OBEDIENT });
      const children = program.children();
      expect(children.length).toBeGreaterThanOrEqual(2);
      program.signal(signal);
      expect(await program.ended).toEqual({ code: 0, signal: null });
      await untilGone(children);
      expect(program.events().at(-1)).toBe('Complete');
      expect(program.log()).not.toContain('level=ERROR');
    },
  );

  test('asks all children to end before it waits for any of them', async () => {
    const { program } = await run({ a: STUBBORN, b: STUBBORN });
    program.signal('SIGTERM');
    expect(await program.ended).toEqual({ code: 0, signal: null });
    const ends = program.events().filter((event) => /^(Stopping|Killed)/.test(event));
    expect(ends.slice(0, 2).sort()).toEqual(['Stopping a', 'Stopping b']);
    expect(ends.slice(2).sort()).toEqual(['Killed a', 'Killed b']);
  });

  test('ends at once after a second signal, and its children with it', async () => {
    const { program } = await run({ a: STUBBORN, b: STUBBORN });
    const children = program.children();
    program.signal('SIGINT');
    await program.untilLogged('msg="Shutdown requested"');
    // A repeat that comes at once counts as the same signal.
    const insistence = setInterval(() => {
      program.signal('SIGINT');
    }, 50);
    expect(await program.ended).toEqual({ code: 130, signal: null });
    clearInterval(insistence);
    expect(program.log()).not.toContain('Complete');
    await untilGone(children);
  });

  test('leaves no child behind when it is killed', async () => {
    const { program } = await run({ a: STUBBORN, b: OBEDIENT });
    const children = program.children();
    expect(children.length).toBeGreaterThanOrEqual(2);
    program.signal('SIGKILL');
    expect(await program.ended).toEqual({ code: null, signal: 'SIGKILL' });
    await untilGone(children);
  });

  test('has its processes run again after the next start', async () => {
    const { program, place } = await run({ a: OBEDIENT });
    program.signal('SIGKILL');
    await program.ended;
    const next = new Program(place);
    await next.untilLogged('msg="Started" id="a"');
    next.signal('SIGTERM');
    expect(await next.ended).toEqual({ code: 0, signal: null });
  });

  test('reloads after SIGHUP, and its children run on', async () => {
    const { program, place } = await run({ a: OBEDIENT });
    const before = (await (await fetch(place.base)).json()) as { created_at: string };
    program.signal('SIGHUP');
    await program.untilLogged('msg="Config reloaded"');
    const after = (await (await fetch(place.base)).json()) as { created_at: string };
    expect(after.created_at).not.toBe(before.created_at);
    expect(program.events()).not.toContain('Stopping a');
  });

  test('runs on with what it has when a reload after SIGHUP fails', async () => {
    const { program, place } = await run({ a: OBEDIENT });
    await writeFile(path.join(place.folder, 'config.json'), '{"version":');
    program.signal('SIGHUP');
    await program.untilLogged('msg="Config not reloaded, the previous one runs on"');
    expect((await fetch(place.base)).status).toBe(200);
    expect(program.events()).not.toContain('Stopping a');
    expect(await readFile(path.join(place.folder, 'config.json'), 'utf8')).toBe('{"version":');
  });
});

describe('a starting server', () => {
  /** A place where the start waits until a file is there. */
  async function slowPlace() {
    const place = await makePlace();
    const [begun, gate] = [path.join(place.folder, 'begun'), path.join(place.folder, 'gate')];
    await installStandIn(
      place.folder,
      `: > ${begun}; while [ ! -e ${gate} ]; do /bin/sleep 0.02; done; echo ffmpeg version 5.1.9`,
    );
    const program = new Program(place);
    await vi.waitUntil(async () => (await readFileIfThere(begun)) !== undefined, 20_000);
    return { program, place, open: () => writeFile(gate, '') };
  }

  test('that is told to stop ends with exit code 0 and never listens', async () => {
    const { program, open } = await slowPlace();
    program.signal('SIGTERM');
    await program.untilLogged('msg="Shutdown requested"');
    await open();
    expect(await program.ended).toEqual({ code: 0, signal: null });
    expect(program.log()).not.toMatch(/Server started|level=ERROR/);
  });

  test('that is told to reload does so when it is up', async () => {
    const { program, open } = await slowPlace();
    program.signal('SIGHUP');
    await open();
    await program.untilLogged('msg="Config reloaded"');
    const events = program.events();
    expect(events.indexOf('Config reloaded')).toBeGreaterThan(events.indexOf('Server started'));
  });
});

/** Prepares a place in which a start must fail. */
type Spoil = (place: Place) => Promise<unknown>;

describe('a start fails with exit code 1 and the reason', () => {
  test.each<[name: string, spoil: Spoil, reason: RegExp]>([
    [
      'if the port is taken',
      async ({ env }) => {
        const other = createServer().listen(Number(env['CORE_ADDRESS']?.split(':')[1]), '127.0.0.1');
        onTestFinished(() => void other.close());
        await once(other, 'listening');
      },
      /can't listen on 127\.0\.0\.1:\d+: .*EADDRINUSE/,
    ],
    [
      'if FFmpeg is missing',
      ({ env }) => Promise.resolve((env['CORE_FFMPEG_BINARY'] = '/no/such/ffmpeg')),
      /\/no\/such\/ffmpeg not found/,
    ],
    [
      'if FFmpeg is something else',
      ({ folder }) => installStandIn(folder, 'echo hello'),
      /invalid ffmpeg binary given: .*ffmpeg does not tell a version/,
    ],
    [
      'if a setting has a value that cannot be',
      ({ env }) => Promise.resolve((env['CORE_RTMP_ENABLE_TLS'] = 'true')),
      /rtmp\.enable_tls: RTMPS server can only be enabled if TLS is enabled/,
    ],
    [
      'if the configuration is of an unknown version',
      ({ folder }) => writeFile(path.join(folder, 'config.json'), '{"version": 99, "id": "x"}'),
      /unknown configuration layout version \(found version 99, expecting version 3\)/,
    ],
    [
      'if the configuration is cut off',
      ({ folder }) => writeFile(path.join(folder, 'config.json'), '{"version": 3, "id"'),
      /failed to read JSON from '.*config\.json': syntax error at line 1/,
    ],
    [
      'if the database is damaged and there is no copy',
      async ({ folder }) => {
        await mkdir(path.join(folder, 'db'));
        await writeFile(path.join(folder, 'db/millrace.db'), randomBytes(8192));
      },
      /the database .*millrace\.db is damaged: file is not a database/,
    ],
    [
      'if the database to import is broken',
      async ({ folder }) => {
        await mkdir(path.join(folder, 'db'));
        await writeFile(path.join(folder, 'db/db.json'), '{"version": 4, "process": {');
      },
      /failed to load data from DB .*db\.json \(syntax error at line 1/,
    ],
    [
      'if the database to import is of another version',
      async ({ folder }) => {
        await mkdir(path.join(folder, 'db'));
        await writeFile(path.join(folder, 'db/db.json'), '{"version": 3, "process": {}}');
      },
      /unsupported version of the DB file \(want: 4, have: 3\)/,
    ],
    [
      'if the folder of the files is a file',
      ({ folder }) => writeFile(path.join(folder, 'data'), ''),
      /storage\.disk\.dir: .*data is not a directory/,
    ],
    [
      'if the folder of the database is a file',
      ({ folder }) => writeFile(path.join(folder, 'db'), ''),
      /db\.dir: .*db is not a directory/,
    ],
  ])('%s', async (_, spoil, reason) => {
    const place = await makePlace();
    await spoil(place);
    const given = ['config.json', 'data', 'db', 'db/millrace.db', 'db/db.json'].map((name) =>
      path.join(place.folder, name),
    );
    const before = await Promise.all(given.map(readFileIfThere));

    const program = new Program(place);
    expect(await program.ended).toEqual({ code: 1, signal: null });

    const lines = program.log().trim().split('\n');
    expect(lines.at(-1)).toMatch(/level=ERROR component="Core" msg="Failed to start" error=/);
    expect(lines.at(-1)?.replaceAll('\\"', "'")).toMatch(reason);
    expect(program.log()).not.toMatch(/^\s+at /m);
    expect(program.log()).not.toContain('level=INFO component="HTTP" msg="Server started"');
    // What was there is as it was, and nothing unfinished lies about.
    const after = await Promise.all(given.map(readFileIfThere));
    before.forEach((content, index) => {
      if (content !== undefined) expect(after[index]).toEqual(content);
    });
    const names = await readdir(place.folder, { recursive: true });
    expect(names.filter((name) => /\.tmp$|config\.json\.\d|-wal$/.test(name))).toEqual([]);
  });

  // Permissions are nothing to root, so the server runs as somebody else then.
  const isRoot = process.getuid?.() === 0;
  test.each([
    ['the database', 'db', /Failed to start.*\/db/],
    ['the database, which is already there', 'db/millrace.db', /Failed to start.*\/db\/millrace\.db/],
  ])('if the folder of %s cannot be written', async (_, spot, reason) => {
    const place = await makePlace();
    await mkdir(path.join(place.folder, 'data'));
    if (isRoot) await chown(path.join(place.folder, 'data'), 65534, 65534);
    if (spot.includes('/')) {
      await mkdir(path.join(place.folder, 'db'));
      await chmod(path.join(place.folder, 'db'), 0o555);
    }
    await chmod(place.folder, 0o555);
    const program = new Program({ ...place, ...(isRoot && { uid: 65534 }) });
    expect(await program.ended).toEqual({ code: 1, signal: null });
    await chmod(place.folder, 0o755);
    expect(program.log().trim().split('\n').at(-1)).toMatch(reason);
    expect(program.log()).toMatch(/permission denied/i);
  });
});
