import { readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test, vi } from 'vitest';
import { Cli } from '../support/cli.ts';
import { freePort } from '../support/ports.ts';
import { PASSWORD, startServer, USERNAME } from '../support/server.ts';

// Each command is a program that starts, which takes its time on a busy machine.
vi.setConfig({ testTimeout: 120_000 });

interface Stored {
  access_token: string;
  refresh_token: string;
}

function stored(cli: Cli, name = 'default'): Stored {
  return JSON.parse(readFileSync(path.join(cli.configFolder, `profiles/${name}.json`), 'utf8')) as Stored;
}

async function loggedIn(base: string): Promise<Cli> {
  const cli = await Cli.forTest();
  await cli.ok(['login', base, '-u', USERNAME, '--password-stdin'], { input: `${PASSWORD}\n` });
  return cli;
}

test('a login is remembered, in files of the user alone and without the password, until the logout', async () => {
  await using server = await startServer();
  const cli = await Cli.forTest();

  const stranger = await cli.run(['ps', '--url', server.base]);
  expect(stranger).toMatchObject({ code: 3, stdout: '' });
  expect(stranger.stderr).toContain(`log in first: millrace login ${server.base}`);

  const login = ['login', server.base, '-u', USERNAME, '--password-stdin'];
  expect(await cli.ok(login, { input: `${PASSWORD}\n` })).toBe(
    `${server.base}: logged in as ${USERNAME} (profile default)\n`,
  );
  for (const name of readdirSync(cli.configFolder, { recursive: true, encoding: 'utf8' })) {
    const stats = statSync(path.join(cli.configFolder, name));
    expect(stats.mode & 0o777).toBe(stats.isDirectory() ? 0o700 : 0o600);
    if (stats.isFile())
      expect(readFileSync(path.join(cli.configFolder, name), 'utf8')).not.toContain(PASSWORD);
  }
  expect(JSON.parse(await cli.ok(['ps', '--json']))).toEqual([]);

  const { access_token } = stored(cli);
  await cli.ok(['logout']);
  expect(stored(cli)).toMatchObject({ access_token: '', refresh_token: '' });
  expect(await cli.run(['ps'])).toMatchObject({ code: 3 });
  const revoked = await cli.run(['ps'], { env: { MILLRACE_ACCESS_TOKEN: access_token } });
  expect(revoked).toMatchObject({ code: 3 });
});

test('an access token that has ended is replaced and the new one kept, by commands at the same time as well', async () => {
  await using server = await startServer();
  const cli = await loggedIn(server.base);
  const first = stored(cli);
  const file = path.join(cli.configFolder, 'profiles/default.json');
  writeFileSync(file, JSON.stringify({ ...first, access_token: 'ended' }), { mode: 0o600 });
  const outcomes = await Promise.all([cli.run(['ps']), cli.run(['ps']), cli.run(['fs', 'ls'])]);
  expect(outcomes.map(({ code, stderr }) => [code, stderr.includes('not logged in')])).toEqual([
    [0, false],
    [0, false],
    [0, false],
  ]);
  const { access_token, refresh_token } = stored(cli);
  expect(access_token).not.toBe('ended');
  expect(refresh_token).toBe(first.refresh_token);
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

test('programs log in by the environment and leave no files', async () => {
  await using server = await startServer();
  const cli = await Cli.forTest();
  const env = { MILLRACE_URL: server.base, MILLRACE_USERNAME: USERNAME, MILLRACE_PASSWORD: PASSWORD };
  expect(await cli.ok(['ps', '--json'], { env })).toBe('[]\n');
  expect(readdirSync(cli.folder)).toEqual([]);
});

/** Ends the session of an access token. */
async function end(base: string, accessToken: string): Promise<void> {
  const headers = { authorization: `Bearer ${accessToken}` };
  expect((await fetch(`${base}/api/logout`, { method: 'POST', headers })).status).toBe(200);
}

/** A command that looks at the server again and again. */
function watching(cli: Cli, env: Record<string, string> = {}) {
  const { ended, out } = cli.start(['top', '--count', '1000', '--interval', '1s', '--json'], env);
  const looks = () => out.stdout.split('\n').length;
  const looksAgain = async () => {
    const before = looks();
    await expect.poll(looks, { timeout: 60_000 }).toBeGreaterThan(before + 1);
  };
  return { ended, looksAgain };
}

test('commands that go on for long end with the session, and say so', async () => {
  await using server = await startServer();
  const cli = await loggedIn(server.base);
  await cli.ok(['run', '--stopped', 'cam', '-i', 'x', '-f', 'null', '-']);
  const top = watching(cli);
  const logs = cli.start(['logs', '--follow', 'cam']);
  await top.looksAgain();
  await end(server.base, stored(cli).access_token);
  for (const { ended } of [top, logs]) {
    const { code, stderr } = await ended;
    expect(code).toBe(8);
    expect(stderr).toContain(`the session with ${server.base} has ended`);
    expect(stderr).toContain(`millrace login ${server.base}`);
  }
});

test('commands that go on for long take over the session of a new login', async () => {
  await using server = await startServer();
  const cli = await loggedIn(server.base);
  const { looksAgain } = watching(cli);
  await looksAgain();
  const { access_token } = stored(cli);
  await cli.ok(['login', '-u', USERNAME, '--password-stdin'], { input: PASSWORD });
  await end(server.base, access_token);
  await looksAgain();
});

test('commands that go on for long log in again if the environment says how', async () => {
  await using server = await startServer();
  const cli = await Cli.forTest();
  const env = { MILLRACE_URL: server.base, MILLRACE_USERNAME: USERNAME, MILLRACE_PASSWORD: PASSWORD };
  const { looksAgain } = watching(cli, env);
  await looksAgain();
  expect(await server.api('POST', '/v3/auth/revoke', {})).toMatchObject({ status: 200 });
  await looksAgain();
});

test('profiles are several servers, and the tokens of one go to no other', async () => {
  await using studio = await startServer();
  await using stage = await startServer();
  const cli = await loggedIn(studio.base);
  const login = ['login', '-p', 'stage', stage.base, '-u', USERNAME, '--password-stdin'];
  await cli.ok(login, { input: PASSWORD });
  await cli.ok(['run', '--stopped', 'on-stage', '-i', 'x', '-f', 'null', '-']);

  expect(JSON.parse(await cli.ok(['ps', '--json']))).toMatchObject([{ id: 'on-stage' }]);
  expect(await cli.ok(['-p', 'default', 'ps', '--json'])).toBe('[]\n');
  expect(await cli.run(['-p', 'default', 'ps', '--url', stage.base])).toMatchObject({ code: 3 });
  await cli.ok(['profile', 'use', 'default']);
  expect(await cli.ok(['ps', '--json'])).toBe('[]\n');
  const list = JSON.parse(await cli.ok(['profile', 'ls', '--json'])) as unknown;
  expect(list).toMatchObject([
    { name: 'default', url: studio.base, is_current: true, is_logged_in: true },
    { name: 'stage', url: stage.base, is_current: false },
  ]);
  await cli.ok(['profile', 'rm', 'stage']);
  expect(await cli.run(['profile', 'rm', 'stage'])).toMatchObject({ code: 4 });
});

test('a wrong password is refused and changes no profile', async () => {
  await using server = await startServer();
  const cli = await loggedIn(server.base);
  const before = stored(cli);
  const outcome = await cli.run(['login', '-u', USERNAME, '--password-stdin'], { input: 'wrong' });
  expect(outcome).toMatchObject({ code: 3, stdout: '' });
  expect(outcome.stderr).toContain('does not accept the login');
  expect(stored(cli)).toEqual(before);
});

test('where nobody has to log in, nobody is asked to', async () => {
  await using server = await startServer({ env: { CORE_API_AUTH_ENABLE: 'false' } });
  const cli = await Cli.forTest();
  expect(await cli.ok(['login', server.base])).toContain('nobody has to log in there');
  expect(await cli.ok(['ps', '--json'])).toBe('[]\n');
});

test('a server that is not there is told as that, to programs too', async () => {
  const cli = await Cli.forTest();
  const url = `http://127.0.0.1:${await freePort()}`;
  const { code, stdout, stderr } = await cli.run(['ps', '--url', url]);
  expect({ code, stdout }).toEqual({ code: 6, stdout: '' });
  expect(stderr).toContain(`${url}: the server cannot be reached`);
  const forPrograms = await cli.run(['ps', '--url', url, '--json']);
  expect(JSON.parse(forPrograms.stderr)).toMatchObject({ error: { exit_code: 6 } });
});

test('without a terminal nobody is asked for a password', async () => {
  await using server = await startServer();
  const cli = await Cli.forTest();
  const { code, stderr } = await cli.run(['login', server.base, '-u', USERNAME]);
  expect(code).toBe(2);
  expect(stderr).toContain('there is no terminal to ask at');
});
