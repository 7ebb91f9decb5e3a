import { PassThrough, Writable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import type { Command } from './command.ts';
import { COMMANDS, GROUPS } from './commands.ts';
import { COMMON_OPTIONS } from './common-options.ts';
import { EXIT, EXIT_CODES } from './exit-codes.ts';
import { splitWords } from './ffmpeg/words.ts';
import { createProgram, parseGiven, runProgram } from './program.ts';
import { kebab } from './usage.ts';

function terminal() {
  const texts = { out: '', err: '' };
  const collect = (name: keyof typeof texts) =>
    new Writable({
      write(chunk, _encoding, done) {
        texts[name] += String(chunk);
        done();
      },
    });
  const { signal } = new AbortController();
  const streams = { stdin: new PassThrough(), stdout: collect('out'), stderr: collect('err') };
  return { surroundings: { env: {}, ...streams, signal }, out: () => texts.out, err: () => texts.err };
}

/** What a command line is understood as. */
async function parse(words: readonly string[]): Promise<{ name: string; args: unknown; options: unknown }> {
  let found: { name: string; args: unknown; options: unknown } | undefined;
  const { surroundings, err } = terminal();
  const program = createProgram(surroundings, (command, given, options) => {
    found = { name: command.name, ...parseGiven(command, given, options) };
    return Promise.resolve();
  });
  await program.parseAsync(words, { from: 'user' }).catch((error: unknown) => {
    throw new Error(`${words.join(' ')}: ${err()}`, { cause: error });
  });
  if (found === undefined) throw new Error(`${words.join(' ')}: nothing was run`);
  return found;
}

/** The command lines of millrace among those that are written together. */
function partsOf(example: string): string[][] {
  const parts: string[][] = [[]];
  for (const word of splitWords(example.replaceAll(/<\(|\)$/g, ' '))) {
    if (['|', '||', '&&', '>', 'source'].includes(word)) parts.push([]);
    else parts.at(-1)?.push(word);
  }
  return parts.flatMap((words) => {
    const at = words.indexOf('millrace', words[0] === 'sudo' ? 3 : 0);
    return at === -1 || (at > 0 && words[0] !== 'sudo') ? [] : [words.slice(at + 1)];
  });
}

const SHOWN: readonly (readonly [string, Command])[] = COMMANDS.filter(
  ({ isHidden }) => isHidden !== true,
).map((command) => [command.name, command] as const);

describe('the table of commands', () => {
  test('has every name once', () => {
    const names = COMMANDS.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const name of names.filter((one) => one.includes(' '))) {
      expect([...Object.keys(GROUPS), ...SHOWN.map(([one]) => one)]).toContain(name.split(' ')[0]);
    }
  });

  test.each(SHOWN)('%s has options that do not get in the way of each other', (_name, command) => {
    const options = { ...command.options, ...COMMON_OPTIONS };
    expect(Object.keys(options)).toHaveLength(
      Object.keys(command.options).length + Object.keys(COMMON_OPTIONS).length,
    );
    const letters = ['h', ...Object.values(options).flatMap(({ short }) => short ?? [])];
    expect(new Set(letters).size).toBe(letters.length);
    // --no-x would be taken for the opposite of --x.
    expect(
      Object.keys(options)
        .map(kebab)
        .filter((name) => /^(no-|help$|version$)/.test(name)),
    ).toEqual([]);
  });

  test.each(SHOWN)('%s has examples that it understands', async (name, { examples }) => {
    expect(examples.length).toBeGreaterThan(0);
    const parsed = [];
    for (const words of examples.flatMap(([line]) => partsOf(line))) parsed.push(await parse(words));
    expect(parsed.map((one) => one.name)).toContain(name);
  });

  test.each(SHOWN)('%s shows its help', async (name) => {
    const { surroundings, out, err } = terminal();
    expect(await runProgram([...name.split(' '), '--help'], surroundings)).toBe(EXIT.done);
    expect(err()).toBe('');
    const help = out();
    expect(help).toContain(`Usage: millrace ${name} `);
    expect(help).toContain('Examples:');
  });
});

describe('a command line', () => {
  test('has the options of all commands before or after the command', async () => {
    const { surroundings, err } = terminal();
    const url = 'http://127.0.0.1:1/nothing';
    expect(await runProgram(['--json', 'ps', '--url', url], surroundings)).toBe(EXIT.unreachable);
    expect(JSON.parse(err())).toMatchObject({ error: { exit_code: EXIT.unreachable } });
  });

  test('leaves everything behind the id to FFmpeg', async () => {
    expect(await parse(['run', '--wait', 'cam', '-re', '-i', 'a', '--json', '-p', 'x'])).toMatchObject({
      args: { id: 'cam', command: ['-re', '-i', 'a', '--json', '-p', 'x'] },
      options: { wait: true, replace: false },
    });
  });

  test.each([
    [[], EXIT.usage],
    [['nothing'], EXIT.usage],
    [['fs'], EXIT.usage],
    [['fs', 'nothing'], EXIT.usage],
    [['ps', '--nothing'], EXIT.usage],
    [['start'], EXIT.usage],
    [['ps', 'a', 'b'], EXIT.usage],
    [['logs', '-n', 'many', 'cam'], EXIT.usage],
    [['run', 'cam', '-i', 'a'], EXIT.usage],
    [['ps', '--url', 'ftp://x'], EXIT.usage],
    [['completion', 'tcsh'], EXIT.usage],
    [['help'], EXIT.done],
    [['--version'], EXIT.done],
    [['run', '--dry-run', 'cam', '-i', 'a', 'b'], EXIT.done],
  ])('%j ends with %i', async (words, code) => {
    const { surroundings, out, err } = terminal();
    expect(await runProgram(words, surroundings)).toBe(code);
    const text = [out(), err()];
    expect(text[code === EXIT.done ? 0 : 1]).not.toBe('');
  });

  test('tells what was meant', async () => {
    const { surroundings, err } = terminal();
    await runProgram(['strat', 'cam'], surroundings);
    expect(err()).toMatch(/unknown command 'strat'[^]*Did you mean/);
  });
});

test('every exit code is documented', () => {
  expect(EXIT_CODES.map(([code]) => code)).toEqual(Object.values(EXIT).toSorted((a, b) => a - b));
});
