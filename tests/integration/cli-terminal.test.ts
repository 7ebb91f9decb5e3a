import { execFile, execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { optionKind } from '../../packages/cli/src/ffmpeg/options.ts';
import { Cli, MILLRACE } from '../support/cli.ts';
import { PASSWORD, startServer, USERNAME } from '../support/server.ts';
import { FFMPEG, SOON } from './process-server.ts';

// Each command is a program that starts, which takes its time on a busy machine.
vi.setConfig({ testTimeout: 120_000 });

const run = promisify(execFile);

function isInstalled(program: string, ...args: string[]): boolean {
  try {
    execFileSync(program, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** A terminal that a person would sit at, in which a shell runs. */
class Terminal {
  readonly #socket = `millrace-test-${randomUUID()}`;

  static async forTest(cli: Cli, columns: number, rows: number): Promise<Terminal> {
    const terminal = new Terminal();
    onTestFinished(async () => {
      await terminal.#tmux('kill-server').catch(() => undefined);
    });
    const env = Object.entries({ ...cli.env, PS1: '$ ' }).map(([name, value]) => `${name}=${value}`);
    const size = ['-x', String(columns), '-y', String(rows)];
    const shell = ['env', '-i', 'TERM=screen-256color', ...env, 'sh'];
    await terminal.#tmux('-f', '/dev/null', 'new-session', '-d', ...size, ...shell);
    return terminal;
  }

  async type(...keys: string[]): Promise<void> {
    await this.#tmux('send-keys', ...keys);
  }

  async command(...words: string[]): Promise<void> {
    const quoted = [...MILLRACE, ...words].map((word) => `'${word}'`).join(' ');
    await this.type('-l', quoted);
    await this.type('Enter');
  }

  async resize(columns: number, rows: number): Promise<void> {
    await this.#tmux('resize-window', '-x', String(columns), '-y', String(rows));
  }

  async screen(): Promise<string> {
    return this.#tmux('capture-pane', '-p');
  }

  /** What a program may have changed and has to change back. */
  async modes(): Promise<string> {
    return this.#tmux(
      'display-message',
      '-p',
      '#{alternate_on} #{cursor_flag} #{wrap_flag} #{pane_current_command}',
    );
  }

  /** Sends a signal to what runs in the shell. */
  async signal(signal: NodeJS.Signals): Promise<void> {
    const shell = (await this.#tmux('display-message', '-p', '#{pane_pid}')).trim();
    const children = readFileSync(`/proc/${shell}/task/${shell}/children`, 'utf8').trim().split(' ');
    for (const child of children) process.kill(Number(child), signal);
  }

  async untilShown(pattern: RegExp): Promise<void> {
    await expect.poll(() => this.screen(), SOON).toMatch(pattern);
  }

  async untilRestored(): Promise<void> {
    await expect.poll(() => this.modes(), SOON).toBe('0 1 1 sh\n');
    // In raw mode nothing that is typed would be shown.
    await this.type('-l', 'echo st""ill here');
    await this.type('Enter');
    await this.untilShown(/^still here$/m);
  }

  async #tmux(...args: string[]): Promise<string> {
    return (await run('tmux', ['-L', this.#socket, ...args])).stdout;
  }
}

async function loggedIn(): Promise<Cli> {
  const server = await startServer();
  onTestFinished(() => server.close());
  const cli = await Cli.forTest();
  await cli.ok(['login', server.base, '-u', USERNAME, '--password-stdin'], { input: PASSWORD });
  return cli;
}

describe.skipIf(!isInstalled('tmux', '-V'))('in a terminal', () => {
  test('top fills it, follows its size and its keys, and leaves it as it was', async () => {
    const cli = await loggedIn();
    for (const id of ['cam-1', 'cam-2', 'cam-3']) {
      await cli.ok(['run', '--stopped', id, '-i', 'x', '-f', 'null', '-']);
    }
    const terminal = await Terminal.forTest(cli, 100, 12);
    await terminal.command('top', '--interval', '1');
    await terminal.untilShown(
      /^millrace top .*\n3 processes: 3 finished[^]*CPU▾[^]*\ncam-1 +finished[^]*q quit/,
    );
    expect(await terminal.modes()).toMatch(/^1 0 0 /);

    await terminal.type('n');
    await terminal.untilShown(/ID▾[^]*cam-1[^]*cam-3/);
    await terminal.type('r');
    await terminal.untilShown(/ID▴[^]*cam-3[^]*cam-1/);
    await terminal.resize(44, 7);
    await terminal.untilShown(/\ncam-3 .*\ncam-2 .*\n1 more below {2}q quit.*…\n?$/);
    await terminal.type('Down');
    await terminal.untilShown(/\ncam-2 .*\ncam-1 .*\nq quit/);
    await cli.ok(['rm', 'cam-1']);
    await terminal.untilShown(/\n2 processes/);
    await terminal.type('q');
    await terminal.untilRestored();
  });

  test.each([
    ['Ctrl-C', (terminal: Terminal) => terminal.type('C-c')],
    ['a signal', (terminal: Terminal) => terminal.signal('SIGTERM')],
  ])('top leaves it as it was when it is ended by %s', async (_what, end) => {
    const cli = await loggedIn();
    const terminal = await Terminal.forTest(cli, 80, 24);
    await terminal.command('top', '--interval', '77');
    await terminal.untilShown(/^millrace top /);
    await end(terminal);
    await terminal.untilRestored();
  });

  test('a password is asked for and not shown', async () => {
    await using server = await startServer();
    const cli = await Cli.forTest();
    const terminal = await Terminal.forTest(cli, 100, 12);
    await terminal.command('login', server.base);
    await terminal.untilShown(/^User: *$/m);
    await terminal.type(USERNAME, 'Enter');
    await terminal.untilShown(/^Password: *$/m);
    await terminal.type('-l', PASSWORD);
    await terminal.type('Enter');
    await terminal.untilShown(/logged in as admin/);
    expect(await terminal.screen()).not.toContain(PASSWORD.slice(0, 4));
    await terminal.untilRestored();
  });
});

test('without a terminal top prints the list', async () => {
  const cli = await loggedIn();
  await cli.ok(['run', '--stopped', 'cam', '-i', 'x', '-f', 'null', '-']);
  expect(await cli.ok(['top', '--count', '2', '--interval', '1'])).toMatch(
    /^(1 process: 1 finished .*\nID .*\ncam +finished.*\n\n?){2}$/,
  );
});

describe('completion', () => {
  /** Asks a shell what it would offer for the last word. */
  const SHELLS: readonly (readonly [shell: string, args: (setup: string, line: string) => string[]])[] = [
    [
      'bash',
      (setup, line) => [
        '-c',
        `source <(${setup}); COMP_WORDS=(${line}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _millrace 2>/dev/null; printf '%s\\n' "\${COMPREPLY[@]}"`,
      ],
    ],
    ['fish', (setup, line) => ['--no-config', '-c', `${setup} | source; complete -C "${line}"`]],
  ];
  const cases = SHELLS.map(([shell, args]) => ({ shell, args }));

  test.for(cases)('of $shell offers commands and processes', async ({ shell, args }, { skip }) => {
    skip(!isInstalled(shell, '--version'), `${shell} is not installed`);
    const cli = await loggedIn();
    await cli.ok(['run', '--stopped', 'cam-1', '-i', 'x', '-f', 'null', '-']);
    await cli.ok(['run', '--stopped', 'other', '-i', 'x', '-f', 'null', '-']);
    const offers = async (line: string) => {
      const millrace = `millrace() { ${MILLRACE.join(' ')} "$@"; }; `;
      const fish = `function millrace; ${MILLRACE.join(' ')} $argv; end; `;
      const [first = '', ...rest] = args(`millrace completion ${shell}`, line);
      const before = shell === 'fish' ? fish : millrace;
      const words = [first, ...rest];
      words[words.length - 1] = before + (words.at(-1) ?? '');
      const { stdout } = await run(shell, words, { env: cli.env });
      return stdout
        .split('\n')
        .flatMap((text) => text.split('\t', 1)[0]?.trim() ?? [])
        .filter((text) => text !== '');
    };
    expect(await offers('millrace st')).toEqual(['start', 'stop']);
    expect(await offers('millrace start ca')).toEqual(['cam-1']);
  });

  test('of zsh is a script that zsh can read', async ({ skip }) => {
    skip(!isInstalled('zsh', '--version'), 'zsh is not installed');
    const cli = await Cli.forTest();
    const script = await cli.ok(['completion', 'zsh']);
    await run('zsh', ['-f', '-n', '-c', script]);
  });
});

describe.skipIf(FFMPEG === '')("FFmpeg's options", () => {
  test('take values as we think they do', async () => {
    const { stdout } = await run(FFMPEG, ['-hide_banner', '-h', 'long'], { maxBuffer: 64 * 1024 * 1024 });
    const main = stdout.slice(0, stdout.search(/^\w+ AVOptions:$/m));
    const options = [...main.matchAll(/^(-\S+) ?(\S*)/gm)].map(([, name = '', value = '']) => ({
      name,
      value,
    }));
    // Whose value is named has one. FFmpeg itself is asked about the rest, and where we do not believe it.
    const asked = options
      .filter(
        ({ name, value }) =>
          !optionKind(name).isQuestion && (value === '' || !optionKind(name).takesValue('x')),
      )
      .map(({ name }) => name);
    expect(asked.length).toBeGreaterThan(30);
    const wrong: string[] = [];
    // Some leave a file behind.
    const { folder: cwd } = await Cli.forTest();
    const ask = async () => {
      for (let name = asked.shift(); name !== undefined; name = asked.shift()) {
        // Without an output, FFmpeg ends before it does anything.
        const child = await run(FFMPEG, ['-hide_banner', name], { cwd, timeout: 20_000 }).catch(
          (error: unknown) => error as { stdout: string; stderr: string },
        );
        const wantsValue = child.stderr.includes('Missing argument for option');
        // Those that wanted one once and do not any more are told by what comes after them.
        const isFormer = /^-auto(rotate|scale)$/.test(name);
        if (!isFormer && wantsValue !== optionKind(name).takesValue(undefined)) wrong.push(name);
      }
    };
    await Promise.all([ask(), ask(), ask()]);
    expect(wrong).toEqual([]);
  });

  test('are about the whole program where we think they are', async () => {
    const { stdout } = await run(FFMPEG, ['-hide_banner', '-h', 'long'], { maxBuffer: 64 * 1024 * 1024 });
    const sections = [...stdout.matchAll(/^(.*lobal options.*):\n((?:(?:-| ).*\n)+)/gm)].map(
      ([, , body = '']) => body,
    );
    const names = sections.flatMap((body) => [...body.matchAll(/^(-\S+)/gm)].map(([, name = '']) => name));
    expect(names).toEqual(expect.arrayContaining(['-y', '-filter_complex']));
    expect(names.filter((name) => !optionKind(name).isGlobal)).toEqual([]);
  });
});
