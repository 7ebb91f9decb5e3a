import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { type Child, type Exit } from '../../packages/server/src/child/child.ts';
import { Children } from '../../packages/server/src/child/children.ts';
import { Log } from '../../packages/server/src/log/logger.ts';

const root = resolve(import.meta.dirname, '../..');
const fake = resolve(root, 'tests/support/fake-ffmpeg.sh');
const silent = new Log({ write: () => true }, { level: 'silent', topics: [], maxLines: 0 }).component(
  'Process',
);

async function open(): Promise<Children> {
  const children = new Children(silent);
  await children.start();
  onTestFinished(() => children.close());
  return children;
}

async function run(child: Child): Promise<{ exit: Exit; lines: string[] }> {
  const lines: string[] = [];
  child.on('line', (line) => lines.push(line));
  const [exit] = (await once(child, 'ended')) as [Exit];
  return { exit, lines };
}

async function fakeRun(...args: string[]): Promise<{ exit: Exit; lines: string[] }> {
  return run((await open()).spawn({ binary: fake, args }));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

describe('a child', () => {
  test('gets its arguments exactly as they are', async () => {
    const args = ['a b', '$HOME', '"', "'", '\\', '', 'ü', '*', '-n'];
    const { lines } = await fakeRun(...args);
    expect(lines).toEqual(args.map((arg) => `argument [${arg}]`));
  });

  test('has an empty environment', async () => {
    const { lines } = await fakeRun('environment');
    // What the shell itself sets.
    expect(lines.filter((line) => !/^(PWD|SHLVL|_|OLDPWD)=/.test(line))).toEqual([]);
  });

  test('gets the environment that is asked for', async () => {
    const children = await open();
    const child = children.spawn({ binary: fake, args: ['environment'], env: { TZ: 'UTC' } });
    expect((await run(child)).lines).toContain('TZ=UTC');
  });

  test('has nothing to read', async () => {
    expect(await fakeRun('copy-input', 'say', 'end')).toEqual({
      exit: { kind: 'code', code: 0 },
      lines: ['end'],
    });
  });

  test('stays in the process group of the server', async () => {
    const children = await open();
    const child = children.spawn({ binary: fake, args: ['obey', 'say', 'ready', 'wait'] });
    await once(child, 'line');
    const group = (pid: number | 'self') =>
      readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ')[2];
    expect(group(child.pid ?? -1)).toBe(group('self'));
  });

  test.each<[string, string[], Exit]>([
    ['an exit code', ['exit', '3'], { kind: 'code', code: 3 }],
    ['a signal', ['kill-itself', 'SEGV'], { kind: 'signal', signal: 'SIGSEGV', outOfMemory: false }],
  ])('that ends with %s tells it', async (_, args, exit) => {
    expect((await fakeRun(...args)).exit).toEqual(exit);
  });

  test('that does not exist ends with an error', async () => {
    const children = await open();
    const { exit } = await run(children.spawn({ binary: '/no/such/program', args: [] }));
    expect(exit).toMatchObject({
      kind: 'error',
      error: { message: 'fork/exec /no/such/program: no such file or directory' },
    });
  });

  test.each([
    ['an impossible argument', 'secret\0b', 'invalid argument'],
    ['more arguments than the system takes', 'x'.repeat(200_000), 'argument list too long'],
  ])('with %s ends with an error that does not show it', async (_, argument, reason) => {
    expect((await fakeRun(argument)).exit).toMatchObject({
      kind: 'error',
      error: { message: `fork/exec ${fake}: ${reason}` },
    });
  });

  test('reacts to a stop with its own exit code', async () => {
    const children = await open();
    const child = children.spawn({ binary: fake, args: ['obey', 'say', 'ready', 'wait'] });
    await once(child, 'line');
    child.stop();
    expect((await run(child)).exit).toEqual({ kind: 'code', code: 255 });
    expect(child.forced).toBe(false);
  });

  test('that ignores a stop is killed', async () => {
    const children = await open();
    const child = children.spawn({ binary: fake, args: ['ignore', 'INT', 'say', 'ready', 'wait'] });
    await once(child, 'line');
    child.stop();
    expect((await run(child)).exit).toEqual({ kind: 'signal', signal: 'SIGKILL', outOfMemory: false });
    expect(child.forced).toBe(true);
  });

  test('counts as ended though a program it left behind keeps its output open', async () => {
    const { exit, lines } = await fakeRun('leave-behind', '60', 'say', 'last words', 'exit', '1');
    expect(exit).toEqual({ kind: 'code', code: 1 });
    expect(lines).toEqual(['last words']);
  });

  test('is not slowed down by lines without an end', async () => {
    const children = await open();
    const { exit, lines } = await run(
      children.spawn({ binary: '/bin/sh', args: ['-c', 'head -c 20000000 /dev/zero | tr "\\0" x >&2'] }),
    );
    expect(exit).toEqual({ kind: 'code', code: 0 });
    expect(lines.map((line) => line.length)).toEqual([65_536]);
  });

  test('shows what it takes of CPU and memory', async () => {
    const children = await open();
    const child = children.spawn({ binary: fake, args: ['busy'] });
    await vi.waitUntil(() => child.usage.cpuPercent > 1 && child.usage.memoryBytes > 100_000, {
      timeout: 20_000,
    });
    expect(child.usage.cpuPercent).toBeLessThanOrEqual(110);
    expect(child.usage.memoryBytes).toBeLessThan(50_000_000);
  });

  test('is killed when the server closes', async () => {
    const children = await open();
    const child = children.spawn({
      binary: fake,
      args: ['ignore', 'INT', 'ignore', 'TERM', 'say', 'ready', 'wait'],
    });
    await once(child, 'line');
    const guardian = children.guardianPid ?? -1;
    await children.close();
    expect(isAlive(child.pid ?? -1)).toBe(false);
    expect(isAlive(guardian)).toBe(false);
  });

  test('cannot be started after the server closed', async () => {
    const children = await open();
    await children.close();
    const { exit } = await run(children.spawn({ binary: fake, args: [] }));
    expect(exit).toMatchObject({ kind: 'error' });
  });
});

describe.runIf(process.platform === 'linux')('when the server is killed', () => {
  interface Report {
    guardian: number;
    children: number[];
  }

  /** A server with children, and the reports it prints. */
  async function abandon(count: number, mode = '') {
    const server = spawn(
      process.execPath,
      ['--conditions=source', resolve(root, 'tests/support/abandoning-server.ts'), fake, String(count), mode],
      { stdio: ['ignore', 'pipe', 'inherit'], cwd: root },
    );
    onTestFinished(() => {
      server.kill('SIGKILL');
    });
    const lines = createInterface({ input: server.stdout });
    const next = async () => JSON.parse(((await once(lines, 'line')) as [string])[0]) as Report;
    const kill = async () => {
      const gone = once(server, 'exit');
      server.kill('SIGKILL');
      await gone;
    };
    return { pid: server.pid ?? -1, next, kill, report: await next() };
  }

  /** All that inherited the mark of that server. */
  function childrenOf(server: number): string[] {
    return readdirSync('/proc').filter((pid) => {
      if (!/^\d+$/.test(pid)) return false;
      try {
        return readlinkSync(`/proc/${pid}/fd/3`).startsWith(`/proc/${server}/stat`);
      } catch {
        return false;
      }
    });
  }

  const soon = { timeout: 15_000, interval: 50 };

  test('its children, stubborn and silent, are killed', async () => {
    const { report, kill } = await abandon(5);
    expect(report.children.map(isAlive)).toEqual([true, true, true, true, true]);
    await kill();
    await vi.waitUntil(() => !report.children.some(isAlive), soon);
  });

  test('the guardian ends, too', async () => {
    const { report, kill } = await abandon(1);
    await kill();
    await vi.waitUntil(() => !isAlive(report.guardian), soon);
  });

  test('a new guardian has taken over from one that died', async () => {
    const { report, next, kill } = await abandon(2, 'new-guardian');
    process.kill(report.guardian, 'SIGKILL');
    let latest = report;
    // While there is none, the report has no guardian.
    while (!latest.guardian || latest.guardian === report.guardian) latest = await next();
    await kill();
    await vi.waitUntil(() => !report.children.some(isAlive), soon);
  });

  test('children that are just being started are killed, too', async () => {
    const { pid, kill } = await abandon(1, 'storm');
    await vi.waitUntil(() => childrenOf(pid).length > 20, soon);
    await kill();
    await vi.waitUntil(() => childrenOf(pid).length === 0, soon);
    expect(existsSync(`/proc/${pid}`)).toBe(false);
  });
});
