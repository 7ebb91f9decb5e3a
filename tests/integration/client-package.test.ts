import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { auth0Provider } from '../../packages/server/src/auth/oidc.ts';
import { installPackedClient, ROOT, runTool } from '../support/packed-client.ts';
import { PASSWORD, startServer, type TestServer, USERNAME } from '../support/server.ts';
import { AuthServer } from './auth-server.ts';
import { KeyServer, providerToken, signingKey } from './key-server.ts';

// What is published, in projects of its users: packed, installed, compiled and run.

const CLIENT = path.join(ROOT, 'packages/client');
const TYPES = path.join(ROOT, 'node_modules/@types');
const STRICT = [
  '--noEmit',
  '--strict',
  '--exactOptionalPropertyTypes',
  '--target',
  'es2023',
  '--allowImportingTsExtensions',
];
const ON_NODE = [
  ...STRICT,
  '--lib',
  'es2023',
  '--module',
  'nodenext',
  '--types',
  'node',
  '--typeRoots',
  TYPES,
];
const IN_BROWSERS = [...STRICT, '--lib', 'es2023,dom', '--module', 'esnext', '--moduleResolution', 'bundler'];

/** The blocks of TypeScript in the README. What has no client of its own goes on with that of the first. */
function readmeBlocks(): string[] {
  const text = readFileSync(path.join(CLIENT, 'README.md'), 'utf8');
  const blocks = [...text.matchAll(/```ts\n([^]*?)```/g)].map(([, block = '']) => block);
  const first = blocks[0] ?? '';
  return blocks.map((block) => (block.includes('new Client(') ? block : first + block));
}

const EXAMPLES = readdirSync(path.join(CLIENT, 'examples'));

let folder: string;
let server: TestServer;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'millrace-package-'));
  await installPackedClient(folder);
  server = await startServer();
}, 180_000);

afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true });
});

/** Runs a module in the project. */
async function runModule(name: string, text: string, args: string[] = []) {
  await writeFile(path.join(folder, name), text);
  const env = { MILLRACE_URL: server.base, MILLRACE_USERNAME: USERNAME, MILLRACE_PASSWORD: PASSWORD };
  return runTool('node', [name, ...args], { cwd: folder, env });
}

/** The text with what people put in their own for. */
function filledIn(text: string, base = server.base): string {
  return text
    .replaceAll('http://127.0.0.1:8080', base)
    .replaceAll('YOUR_USERNAME', USERNAME)
    .replaceAll('YOUR_PASSWORD', PASSWORD);
}

test('the package holds all it needs, and nothing of the tests', async () => {
  const files = readdirSync(path.join(folder, 'node_modules/@millrace/client'), {
    recursive: true,
  }) as string[];
  expect(files).toEqual(
    expect.arrayContaining(['README.md', 'dist/index.js', 'dist/index.d.ts', 'docs/reference.md']),
  );
  expect(files.filter((file) => /\.test\.|tsbuildinfo/.test(file))).toEqual([]);
  for (const file of files.filter((name) => name.startsWith('dist/') && /\.(js|d\.ts)$/.test(name))) {
    const text = await readFile(path.join(folder, 'node_modules/@millrace/client', file), 'utf8');
    const imports = [...text.matchAll(/(?:from |import\()'([^']+)'/g)].map(([, from]) => from);
    expect(imports.filter((from) => !from?.startsWith('.'))).toEqual([]);
  }
  expect(readdirSync(path.join(folder, 'node_modules'))).not.toContain('typebox');
});

describe('in an empty project on Node', () => {
  test('everything is typed without the library of the browsers, and wrong calls are refused', async () => {
    const text = `
      import { Client, type Process } from '@millrace/client';
      const client = new Client({ baseUrl: 'http://127.0.0.1' });
      export const one: Process = await client.processes.get('cam');
      export const bitrate: number | undefined = one.state?.progress.bitrate_kbit;
      // @ts-expect-error: no such member
      one.colour;
      // @ts-expect-error: no such command
      await client.processes.command('cam', 'explode');
      // @ts-expect-error: a password without a user name
      new Client({ baseUrl: 'http://127.0.0.1', password: 'x' });
    `;
    await writeFile(path.join(folder, 'typed.ts'), text);
    expect(await runTool('tsc', [...ON_NODE, 'typed.ts'], { cwd: folder })).toEqual({ code: 0, output: '' });
  }, 60_000);

  test('the examples and those of the README are typed', async () => {
    const names: string[] = [];
    for (const [index, block] of readmeBlocks().entries()) {
      names.push(`readme-${index}.ts`);
      await writeFile(path.join(folder, `readme-${index}.ts`), block);
    }
    for (const name of EXAMPLES) {
      names.push(name);
      await writeFile(path.join(folder, name), await readFile(path.join(CLIENT, 'examples', name)));
    }
    expect(await runTool('tsc', [...ON_NODE, ...names], { cwd: folder })).toEqual({ code: 0, output: '' });
  }, 60_000);

  test.each(
    readmeBlocks()
      .map((block, index) => [index, block] as const)
      .filter(([, block]) => !/auth0Token|eyJz/.test(block)),
  )(
    'example %i of the README runs as printed',
    async (index, block) => {
      const outcome = await runModule(`run-${index}.ts`, filledIn(block));
      expect(outcome).toMatchObject({ code: 0 });
    },
    60_000,
  );

  test('the examples of logging in with the tokens of others run as printed', async () => {
    const key = await signingKey('k1');
    const issuer = new KeyServer();
    issuer.keys = [key.jwk];
    await issuer.start();
    onTestFinished(() => issuer.close());
    const tenant = { domain: issuer.domain, audience: 'a', clientId: 'c', users: ['auth0|user1'] };
    const access = await AuthServer.start({
      providers: [auth0Provider(tenant, true)],
      https: { ca: issuer.ca },
    });
    onTestFinished(() => access.close());
    const now = Math.floor(Date.now() / 1000);
    const claims = { iss: issuer.issuer, sub: 'auth0|user1', aud: 'a', iat: now, exp: now + 600 };
    const token = await providerToken({ key, claims });
    const provider = createServer((_request, response) =>
      response.end(JSON.stringify({ access_token: token })),
    );
    provider.listen(0, '127.0.0.1');
    onTestFinished(() => {
      provider.close();
    });
    const { refresh } = await access.tokens();

    const base = `http://127.0.0.1:${access.port}`;
    const blocks = readmeBlocks().filter((block) => /auth0Token|eyJz/.test(block));
    expect(blocks).toHaveLength(3);
    for (const [index, block] of blocks.entries()) {
      const own = filledIn(block, base)
        .replace('eyJz93a...k4laUWw', token)
        .replace('eyJz93a...k4laUWx', refresh)
        .replace(
          'https://YOUR_DOMAIN.eu.auth0.com',
          `http://127.0.0.1:${(provider.address() as AddressInfo).port}`,
        );
      const { code, output } = await runModule(`token-${index}.ts`, own);
      expect({ index, code, output }).toEqual({ index, code: 0, output: '' });
    }
  }, 60_000);
});

describe('the examples run', () => {
  const example = async (name: string, ...args: string[]) =>
    runModule(name, await readFile(path.join(CLIENT, 'examples', name), 'utf8'), args);

  test('session.ts', async () => {
    const first = await example('session.ts', 'session.json');
    expect(first).toEqual({ code: 0, output: 'began a session with version 16.16.0\n' });
    const second = await example('session.ts', 'session.json');
    expect(second.output).toBe('continued a session with version 16.16.0\n');
  }, 60_000);

  test('restream.ts', async () => {
    const { code, output } = await example('restream.ts');
    expect([code, output]).toEqual([
      0,
      expect.stringMatching(/frames,[^]*watch it at http.*\/memfs\/example\.m3u8\n$/),
    ]);
    expect((await server.api('GET', '/v3/process?reference=example')).body).toEqual([]);
  }, 60_000);

  test('files.ts', async () => {
    const { output } = await example('files.ts', 'package.json', 'copy');
    expect(output).toMatch(/^stored \d+ bytes\nfetched copy\n$/);
    expect(await readFile(path.join(folder, 'copy'))).toEqual(
      await readFile(path.join(folder, 'package.json')),
    );
  }, 60_000);

  test('viewers.ts', async () => {
    expect(await example('viewers.ts')).toMatchObject({
      code: 0,
      output: expect.stringMatching(/ CPU [\d.]+ %/) as string,
    });
  }, 60_000);

  test('alarm.ts', async () => {
    const failing = {
      id: 'failing',
      input: [{ id: 'in', address: 'http://127.0.0.1:1/x', options: [] }],
      output: [{ id: 'out', address: '-', options: ['-f', 'null'] }],
    };
    await server.api('POST', '/v3/process', failing);
    const text = await readFile(path.join(CLIENT, 'examples/alarm.ts'), 'utf8');
    // It goes on for ever: here it ends itself after the first alarm.
    const once = text.replace('console.log(`  ${failure.advice}`);', 'process.kill(process.pid, "SIGINT");');
    expect(once).not.toBe(text);
    const { code, output } = await runModule('alarm-once.ts', once, ['0']);
    expect([code, output]).toEqual([
      0,
      expect.stringMatching(/failing failed: .*refused[^]*go on with: alarm\.ts \d+\n$/),
    ]);
    await server.api('DELETE', '/v3/process/failing');
  }, 60_000);
});

describe('on every runtime it streams, hears events and can be interrupted', () => {
  const RUNTIMES = [
    ['node'],
    ['bun'],
    ['deno', 'run', '--no-prompt', '--allow-net', '--allow-env', '--allow-read'],
  ] as const;

  // Bun and Deno are too large to come with the project: they are tried where they are installed.
  for (const [name, ...args] of RUNTIMES) {
    test.skipIf(spawnSync(name, ['--version']).error !== undefined)(
      name,
      async () => {
        await cp(path.join(ROOT, 'tests/support/client-tour.ts'), path.join(folder, 'tour.ts'));
        const tour = [...args, 'tour.ts', server.base, USERNAME, PASSWORD];
        expect(await runTool(name, tour, { cwd: folder })).toEqual({
          code: 0,
          output: [
            'version: true',
            'processes: true',
            'streamed: 4194304 132120576',
            'broken upload: network',
            'broken file: status',
            'part: 10',
            'event: process.added',
            'aborted events: enough',
            'aborted download: enough',
            'missing process: status',
            'no server: network',
            'after logout: undefined',
            '',
          ].join('\n'),
        });
      },
      60_000,
    );
  }
});

test('in a Vite app it is typed and bundled, small and without anything of Node', async () => {
  await writeFile(path.join(folder, 'index.html'), '<script type="module" src="/main.ts"></script>');
  await writeFile(
    path.join(folder, 'main.ts'),
    `
      import { Client, isMillraceError } from '@millrace/client';
      const client = new Client({ baseUrl: location.origin, username: 'admin', password: 'x' });
      try {
        for await (const event of client.events()) document.body.append(event.type);
      } catch (error) {
        if (isMillraceError(error)) document.body.append(error.message);
      }
    `,
  );
  expect(await runTool('tsc', [...IN_BROWSERS, 'main.ts'], { cwd: folder })).toEqual({ code: 0, output: '' });
  expect(await runTool('vite', ['build', '--logLevel', 'warn'], { cwd: folder })).toEqual({
    code: 0,
    output: '',
  });
  const assets = path.join(folder, 'dist/assets');
  const [bundle = ''] = readdirSync(assets);
  const text = await readFile(path.join(assets, bundle), 'utf8');
  expect(text).not.toMatch(/node:|typebox/);
  expect(text.length).toBeLessThan(40_000);
}, 60_000);
