import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { freePort } from '../support/ports.ts';

const UP = path.join(import.meta.dirname, '../../scripts/up.mjs');

describe('npm run up', () => {
  let folder: string;
  let port: number;
  const running: Up[] = [];

  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'millrace-up-'));
    port = await freePort();
  });

  afterEach(async () => {
    for (const up of running.splice(0)) await up.stop();
    await rm(folder, { recursive: true });
  });

  function up(): Up {
    const started = new Up(folder, `127.0.0.1:${port}`);
    running.push(started);
    return started;
  }

  test(
    'streams the test pattern, shows the password once and keeps the data',
    { timeout: 90_000 },
    async () => {
      const first = up();
      const greeting = await first.until(/Ctrl-C ends the server/);
      expect(greeting).toContain(`http://127.0.0.1:${port}/ui/`);
      const password = /Password {2}(\S+)/.exec(greeting)?.[1] ?? '';
      expect(password).toHaveLength(20);
      expect((await fetch(`http://127.0.0.1:${port}/ui/`)).status).toBe(200);
      expect(await (await fetch(`http://127.0.0.1:${port}/memfs/test-pattern.m3u8`)).text()).toMatch(
        /^#EXTM3U/,
      );
      const { id, createdAt } = await testPattern(port, password);
      expect(await first.stop()).toBe(0);

      const second = up();
      const again = await second.until(/Ctrl-C ends the server/);
      expect(again).not.toContain(password);
      expect(await testPattern(port, password)).toEqual({ id, createdAt });
      expect(await second.stop()).toBe(0);
    },
  );

  test('keeps what it writes from other users of the machine', async () => {
    await up().until(/Ctrl-C ends the server/);
    for (const name of ['config.json', 'db/millrace.db']) {
      expect((await stat(path.join(folder, 'home', name))).mode & 0o077).toBe(0);
    }
  });

  test('says in one line that the address is taken', async () => {
    const other = createServer().listen(port, '127.0.0.1');
    await once(other, 'listening');
    const blocked = up();
    expect(await blocked.ended()).toBe(1);
    expect(blocked.output).toBe(
      `127.0.0.1:${port} is taken. Another address: CORE_ADDRESS=127.0.0.1:${port + 1} npm run up\n`,
    );
    other.close();
    await once(other, 'close');
  });

  test('says in one line that the configuration cannot be read, and leaves it alone', async () => {
    const file = path.join(folder, 'config.json');
    await writeFile(file, '{"version":3,');
    const broken = new Up(folder, `127.0.0.1:${port}`, file);
    running.push(broken);
    expect(await broken.ended()).toBe(1);
    expect(broken.output).toMatch(/^The configuration .*config\.json cannot be read: .*\n$/);
    expect(await readFile(file, 'utf8')).toBe('{"version":3,');
  });

  test.each([
    ['is no object', 'null', undefined],
    ['has an address that is a number', '{"version":3,"address":8080}', undefined],
    ['is overridden by an address without a port', '{"version":3}', 'here'],
    ['is overridden by an address with no such port', '{"version":3}', '127.0.0.1:99999'],
  ])(
    'leaves it to the server to say what is wrong when the configuration %s',
    async (_what, text, address) => {
      const file = path.join(folder, 'wrong.json');
      await writeFile(file, text);
      const wrong = new Up(folder, address, file);
      running.push(wrong);
      expect(await wrong.ended()).toBe(1);
      expect(wrong.output).toMatch(/level=ERROR component="Core" msg="Failed to start" error=".*"\n$/);
    },
  );
});

/** A run of the script with a configuration of its own. */
class Up {
  output = '';
  readonly #child: ChildProcess;
  readonly #ended: Promise<number | null>;

  constructor(folder: string, address: string | undefined, file = path.join(folder, 'home', 'config.json')) {
    const child = spawn(process.execPath, [UP], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env['PATH'],
        HOME: folder,
        CORE_ADDRESS: address,
        CORE_CONFIGFILE: file,
      },
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => (this.output += text));
    }
    this.#child = child;
    this.#ended = once(child, 'close').then(([code]) => code as number | null);
  }

  /** All output, once it matches. Throws if the script ends before. */
  async until(pattern: RegExp): Promise<string> {
    while (!pattern.test(this.output)) {
      if (this.#child.exitCode !== null) throw new Error(`ended early:\n${this.output}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return this.output;
  }

  /** The exit code, once it has ended. */
  ended(): Promise<number | null> {
    return this.#ended;
  }

  async stop(): Promise<number | null> {
    this.#child.kill('SIGINT');
    return this.#ended;
  }
}

async function testPattern(port: number, password: string): Promise<{ id: string; createdAt: number }> {
  const base = `http://127.0.0.1:${port}/api`;
  const login = await fetch(`${base}/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username: 'admin', password }),
  });
  const { access_token: token } = (await login.json()) as { access_token: string };
  const list = await fetch(`${base}/v3/process`, { headers: { authorization: `Bearer ${token}` } });
  const processes = (await list.json()) as { id: string; created_at: number }[];
  expect(processes.map(({ id }) => id)).toEqual(['test-pattern']);
  return { id: processes[0]?.id ?? '', createdAt: processes[0]?.created_at ?? 0 };
}
