import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { Cli } from '../support/cli.ts';
import { PASSWORD, startServer, type TestServer, USERNAME } from '../support/server.ts';
import { makeFolder } from './process-server.ts';

// Each command is a program that starts, which takes its time on a busy machine.
vi.setConfig({ testTimeout: 120_000 });

async function open(folder?: string): Promise<{ cli: Cli; server: TestServer }> {
  // What the environment sets could not be changed.
  const env = { CORE_API_AUTH_PASSWORD: undefined };
  const home = folder ?? (await makeFolder());
  const auth = { enable: true, username: USERNAME, password: PASSWORD };
  const file = path.join(home, 'config.json');
  if (!existsSync(file)) writeFileSync(file, JSON.stringify({ version: 3, api: { auth } }));
  const server = await startServer({ folder: home, env });
  onTestFinished(() => server.close());
  const cli = await Cli.forTest();
  await cli.ok(['login', server.base, '-u', USERNAME, '--password-stdin'], { input: PASSWORD });
  return { cli, server };
}

describe('files', () => {
  test('are copied both ways, as streams, byte by byte', async () => {
    const { cli } = await open();
    const bytes = Buffer.alloc(5_000_003, 'millrace\0\u00ff');
    const file = path.join(cli.folder, 'a file.bin');
    writeFileSync(file, bytes);

    await cli.ok(['fs', 'cp', file, 'mem:/dir/']);
    await cli.ok(['fs', 'cp', 'mem:/dir/a file.bin', 'disk:/copy.bin']);
    await cli.ok(['fs', 'cp', 'diskfs:/copy.bin', path.join(cli.folder, 'back.bin')]);
    expect(readFileSync(path.join(cli.folder, 'back.bin')).equals(bytes)).toBe(true);
    await cli.ok(['fs', 'cp', '-', 'mem:/from-stdin'], { input: bytes });
    await cli.ok(['fs', 'cp', 'mem:/from-stdin', `${cli.folder}/`]);
    expect(readFileSync(path.join(cli.folder, 'from-stdin')).equals(bytes)).toBe(true);
    await cli.ok(['fs', 'cp', '-', 'mem:/text'], { input: 'käse\n' });
    expect(await cli.ok(['fs', 'cp', 'mem:/text', '-'])).toBe('käse\n');

    expect(await cli.ok(['fs', 'ls'])).toMatch(/^STORAGE .*\ndisk +disk .*\nmem +mem .*\n$/);
    expect(await cli.ok(['fs', 'ls', 'mem:/dir/'])).toMatch(
      /SIZE +CHANGED +NAME\n4\.77 MiB .* \/dir\/a file\.bin\n$/,
    );
    await cli.ok(['fs', 'rm', 'mem:/**']);
    expect(await cli.ok(['fs', 'ls', 'mem:', '--json'])).toBe('[]\n');
  });

  test('are copied with their folders, both ways and within the server', async () => {
    const { cli } = await open();
    const at = (...steps: string[]) => path.join(cli.folder, ...steps);
    mkdirSync(at('ui/css'), { recursive: true });
    writeFileSync(at('ui/index.html'), 'page');
    writeFileSync(at('ui/css/a b#[1].css'), 'style');
    symlinkSync('..', at('ui/up'));
    const contents = async (glob: string) => {
      const files = JSON.parse(await cli.ok(['fs', 'ls', glob, '--json'])) as { name: string }[];
      return files.map(({ name }) => name);
    };

    const refused = await cli.run(['fs', 'cp', 'ui', 'disk:/']);
    expect(refused).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/ui is a folder[^]*-r/) as string,
    });
    const { code, stderr } = await cli.run(['fs', 'cp', '-r', 'ui', 'disk:/']);
    expect(code).toBe(0);
    expect(stderr).toContain('ui/up is neither a file nor a folder: left out');
    expect(await contents('disk:')).toEqual(['/ui/css/a b#[1].css', '/ui/index.html']);

    expect(await cli.run(['fs', 'cp', 'disk:/ui', 'back'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('disk:/ui is a folder') as string,
    });
    await cli.ok(['fs', 'cp', '-r', 'disk:/ui', 'mem:/www']);
    await cli.ok(['fs', 'cp', '-r', 'mem:/www', 'back']);
    expect(readFileSync(at('back/css/a b#[1].css'), 'utf8')).toBe('style');
    expect(readFileSync(at('back/index.html'), 'utf8')).toBe('page');

    await cli.ok(['fs', 'cp', 'mem:/www/**.css', 'styles/']);
    expect(readFileSync(at('styles/css/a b#[1].css'), 'utf8')).toBe('style');
    await cli.ok(['fs', 'cp', 'mem:/www/css/a b#[1].css', 'plain.css']);
    expect(readFileSync(at('plain.css'), 'utf8')).toBe('style');
  });

  test('that are not there are told, and leave nothing', async () => {
    const { cli } = await open();
    const before = readdirSync(cli.folder);
    for (const args of [
      ['fs', 'cp', 'mem:/nothing', 'x'],
      ['fs', 'cp', 'nothing', 'mem:/x'],
      ['fs', 'cp', 'nowhere:/x', 'x'],
      ['fs', 'ls', 'nowhere:'],
      ['fs', 'rm', 'mem:/nothing'],
      ['fs', 'rm', 'mem:/*.nothing'],
    ]) {
      expect([args, (await cli.run(args)).code]).toEqual([args, 4]);
    }
    expect(await cli.run(['fs', 'cp', 'a', 'b'])).toMatchObject({ code: 2 });
    expect(await cli.run(['fs', 'cp', '-', 'mem:'], { input: 'x' })).toMatchObject({ code: 2 });
    expect(readdirSync(cli.folder)).toEqual(before);
    expect(await cli.ok(['fs', 'ls', 'mem:', '--json'])).toBe('[]\n');
  });

  test('go no further than their reader', async () => {
    const { cli } = await open();
    await cli.ok(['fs', 'cp', '-', 'mem:/large'], { input: Buffer.alloc(20_000_000, 'x') });
    const copy = cli.start(['fs', 'cp', 'mem:/large', '-']);
    copy.process.stdout.destroy();
    expect((await copy.ended).code).toBe(141);
  });
});

describe('the configuration', () => {
  test('is shown, changed by dotted names and taken into use', async () => {
    const { cli } = await open();
    await cli.ok(['config', 'set', 'log.max_lines=123', 'host.name=a.example.com,b.example.com', '--reload']);
    expect(await cli.ok(['config', 'get', 'log.max_lines'])).toBe('123\n');
    expect(await cli.ok(['config', 'get', 'host.name'])).toBe('a.example.com,b.example.com\n');
    expect(await cli.ok(['config', 'get', 'api.auth'])).toMatch(
      /api\.auth\.enable +true +from the environment\n/,
    );
    expect(await cli.ok(['config', 'get', 'api.auth.username'])).toBe(`${USERNAME}\n`);
    expect(await cli.ok(['config', 'get'])).not.toContain(PASSWORD);
    expect(JSON.parse(await cli.ok(['config', 'get', 'log', '--json']))).toMatchObject({ max_lines: 123 });
    expect(await cli.run(['config', 'get', 'log.nothing'])).toMatchObject({ code: 4 });
  });

  test('that is not valid is refused setting by setting, and nothing of it is stored', async () => {
    const { cli } = await open();
    const set = ['config', 'set', 'rtmp.enable=true', 'rtmp.address=127.0.0.1:x', 'log.max_lines=77'];
    const { code, stderr } = await cli.run(set);
    expect(code).toBe(5);
    expect(stderr).toMatch(/nothing was stored\n +rtmp\.address: /);
    expect(await cli.ok(['config', 'get', 'log.max_lines'])).toBe('1000\n');
    expect(await cli.run(['config', 'set', 'log.levle=debug'])).toMatchObject({ code: 2 });
    expect(await cli.run(['config', 'set', 'log.level'])).toMatchObject({ code: 2 });
  });

  test('keeps what is changed at the same time', async () => {
    const { cli } = await open();
    const changes = [
      'log.max_lines=11',
      'log.topics=http',
      'sessions.session_timeout_sec=12',
      'host.name=a.example',
    ];
    await Promise.all(changes.map((change) => cli.ok(['config', 'set', change])));
    const values = await Promise.all(
      changes.map(async (change) => {
        const name = change.replace(/=.*/, '');
        return `${name}=${(await cli.ok(['config', 'get', name])).trim()}`;
      }),
    );
    expect(values).toEqual(changes);
  });

  test('that the environment sets can be changed, and it is said that it has no effect', async () => {
    const { cli } = await open();
    const { code, stderr } = await cli.run(['config', 'set', 'update_check=true']);
    expect(code).toBe(0);
    expect(stderr).toContain('update_check: the environment of the server sets it');
  });
});

describe('a new password', () => {
  test('counts after the file is taken in, and is there as a hash', async () => {
    const folder = await makeFolder();
    const { cli, server } = await open(folder);
    const file = path.join(folder, 'config.json');
    const env = { CORE_CONFIGFILE: file, CORE_ADDRESS: new URL(server.base).host };
    const said = await cli.ok(['reset-password', '--password-stdin'], { env, input: 'brand new\n' });
    expect(said).toContain(`A server answers at ${server.base}.`);
    expect(said).toContain('SIGHUP');

    const text = readFileSync(file, 'utf8');
    expect(text).not.toContain('brand new');
    expect((JSON.parse(text) as { api: { auth: { password: string } } }).api.auth.password).toMatch(
      /^\$argon2id\$/,
    );
    // The server goes on with the copy if the file is lost.
    expect(readFileSync(`${file}.bak`, 'utf8')).toBe(text);
    expect(text).not.toContain(PASSWORD);
    expect([file, `${file}.bak`].map((name) => statSync(name).mode & 0o777)).toEqual([0o600, 0o600]);

    const login = ['login', server.base, '-u', USERNAME, '--password-stdin'];
    expect(await cli.run(['ps'])).toMatchObject({ code: 0 });
    await server.app.reload();
    expect(await cli.run(['ps'])).toMatchObject({ code: 8 });
    expect(await cli.run(login, { input: PASSWORD })).toMatchObject({ code: 3 });
    await cli.ok(login, { input: 'brand new' });
    await cli.ok(['ps']);
  });

  test('is made up where the server does not run', async () => {
    const folder = await makeFolder();
    const file = path.join(folder, 'config.json');
    writeFileSync(file, JSON.stringify({ version: 3, address: '127.0.0.1:1' }), { mode: 0o644 });
    const cli = await Cli.forTest();
    const said = await cli.ok(['reset-password', '--generate', '--config-file', file]);
    const [, password = ''] = /^The new password is (\S+)$/m.exec(said) ?? [];
    expect(password.length).toBeGreaterThanOrEqual(20);
    expect(said).toContain('It counts from the next start');
    expect(said).toContain('api.auth.enable is off');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const { username } = (JSON.parse(readFileSync(file, 'utf8')) as { api: { auth: { username: string } } })
      .api.auth;
    expect(username).toBe('admin');
  });

  test('is not set where that would have no effect', async () => {
    const folder = await makeFolder();
    const file = path.join(folder, 'config.json');
    const before = JSON.stringify({ version: 3 });
    writeFileSync(file, before);
    const cli = await Cli.forTest();
    const reset = ['reset-password', '--password-stdin', '--config-file', file];
    const overridden = await cli.run(reset, { input: 'x', env: { CORE_API_AUTH_PASSWORD: 'secret' } });
    expect(overridden).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('CORE_API_AUTH_PASSWORD sets it') as string,
    });
    expect(await cli.run(reset, { input: '' })).toMatchObject({ code: 2 });
    expect(readFileSync(file, 'utf8')).toBe(before);
    const missing = ['reset-password', '--generate', '--config-file', `${file}.nothing`];
    expect(await cli.run(missing)).toMatchObject({ code: 1 });
  });
});

test('sessions, RTMP and SRT have lists', async () => {
  const { cli } = await open();
  expect(await cli.ok(['sessions'])).toMatch(/^KIND +STREAM /);
  expect(await cli.ok(['sessions', '--summary', 'hls'])).toMatch(/^KIND +NOW .*\nhls +0 /);
  for (const name of ['rtmp', 'srt']) {
    const { code, stdout, stderr } = await cli.run([name]);
    // Where the server has them; where not, that is what is said.
    if (code === 0) expect(stdout).toMatch(/^STREAM/);
    else
      expect([code, stderr]).toEqual([1, expect.stringContaining(`the server has no GET /api/v3/${name}`)]);
  }
});
