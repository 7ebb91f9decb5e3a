import type { Command, Completion, Option } from '../command.ts';
import { Context } from '../context.ts';
import { COMMON_OPTIONS } from '../common-options.ts';
import { kebab } from '../usage.ts';

/** The commands that there are. */
export interface CommandTable {
  commands: readonly Command[];
  /** What the groups are about, by the word that their commands begin with. */
  groups: Readonly<Record<string, string>>;
}

/** A word that could stand there. */
export interface Candidate {
  word: string;
  about: string;
}

/** What could stand there, and whether files could as well. */
export interface Candidates {
  candidates: Candidate[];
  hasFiles: boolean;
}

/** A shell does not wait longer for the server, in milliseconds. */
const PATIENCE = 2000;
const NOTHING: Candidates = { candidates: [], hasFiles: false };

type Options = Readonly<Record<string, Option<unknown>>>;

/**
 * Finds what could stand in the place of the last word.
 *
 * @param words those before it and itself, without the name of the program. The last may be empty.
 */
export async function complete(
  words: readonly string[],
  table: CommandTable,
  context: Context,
): Promise<Candidates> {
  const typed = words.at(-1) ?? '';
  const state = readWords(words.slice(0, -1), table.commands);
  const found = await candidatesFor(state, typed, table, context);
  // The shell filters as well; what does not fit need not be sent.
  return { ...found, candidates: found.candidates.filter(({ word }) => word.startsWith(typed)) };
}

interface Position {
  /** The words of the command so far. */
  name: string;
  command: Command | undefined;
  /** Arguments that are there already. */
  given: string[];
  /** The option whose value comes next. */
  pending: Option<unknown> | undefined;
  /** Values that decide which server is asked. */
  settings: { profile?: string; url?: string };
  /** Whether options are over. */
  isPast: boolean;
}

/** What the words up to the one in question say. */
function readWords(words: readonly string[], commands: readonly Command[]): Position {
  const position: Position = {
    name: '',
    command: undefined,
    given: [],
    pending: undefined,
    settings: {},
    isPast: false,
  };
  let pendingName = '';
  for (const word of words) {
    if (position.pending !== undefined) {
      if (pendingName === 'profile' || pendingName === 'url') position.settings[pendingName] = word;
      position.pending = undefined;
    } else if (word === '--') {
      position.isPast = true;
    } else if (word.startsWith('-') && !position.isPast) {
      const options = optionsOf(position.command);
      const found = Object.entries(options).find(
        ([name, { short }]) => word === `--${kebab(name)}` || word === `-${short ?? ''}`,
      );
      if (found?.[1].value !== undefined) [pendingName, position.pending] = found;
    } else {
      // A command can have others below it: `rtmp`, `rtmp kick`.
      const name = position.name === '' ? word : `${position.name} ${word}`;
      const found = position.given.length === 0 ? commands.find((one) => one.name === name) : undefined;
      if (found !== undefined || position.command === undefined) {
        position.name = name;
        position.command = found;
      } else {
        position.given.push(word);
        if (position.command.passesOn === true) position.isPast = true;
      }
    }
  }
  return position;
}

async function candidatesFor(
  position: Position,
  typed: string,
  table: CommandTable,
  context: Context,
): Promise<Candidates> {
  const { command, pending, given, isPast } = position;
  if (pending !== undefined) return fill(pending.complete, position, typed, context);
  if (typed.startsWith('-') && !isPast) {
    return {
      ...NOTHING,
      candidates: [...optionCandidates(optionsOf(command)), { word: '--help', about: 'show the help' }],
    };
  }
  if (command === undefined) return { ...NOTHING, candidates: commandCandidates(position.name, table) };
  const args = Object.values(command.arguments);
  if (args.length === 0) return { ...NOTHING, candidates: commandCandidates(position.name, table) };
  const next = args[given.length] ?? (args.at(-1)?.isRepeated === true ? args.at(-1) : undefined);
  const found = await fill(next?.complete, position, typed, context);
  return next?.isRepeated === true
    ? { ...found, candidates: found.candidates.filter(({ word }) => !given.includes(word)) }
    : found;
}

function optionsOf(command: Command | undefined): Options {
  return { ...command?.options, ...COMMON_OPTIONS };
}

function optionCandidates(options: Options): Candidate[] {
  return Object.entries(options).map(([name, { about }]) => ({ word: `--${kebab(name)}`, about }));
}

/** The commands, or those of a group. */
function commandCandidates(group: string, { commands, groups }: CommandTable): Candidate[] {
  const shown = commands.filter(({ isHidden }) => isHidden !== true);
  if (group !== '') {
    return shown
      .filter(({ name }) => name.startsWith(`${group} `))
      .map(({ name, summary }) => ({ word: name.slice(group.length + 1), about: summary }));
  }
  return [
    ...shown
      .filter(({ name }) => !name.includes(' '))
      .map(({ name, summary }) => ({ word: name, about: summary })),
    ...Object.entries(groups).map(([word, about]) => ({ word, about })),
    { word: 'help', about: 'show the help of a command' },
  ];
}

async function fill(
  completion: Completion | undefined,
  position: Position,
  typed: string,
  context: Context,
): Promise<Candidates> {
  const plain = (words: readonly string[]): Candidates => ({
    ...NOTHING,
    candidates: words.map((word) => ({ word, about: '' })),
  });
  switch (completion) {
    case undefined:
      return NOTHING;
    case 'file':
      return { ...NOTHING, hasFiles: true };
    case 'profile':
      return plain(await context.profiles.names());
    case 'setting': {
      const { SETTINGS } = await import('../settings.ts');
      const suffix = position.command?.name === 'config set' ? '=' : '';
      return plain(SETTINGS.map(({ name }) => name + suffix));
    }
    case 'process':
    case 'storage':
    case 'storage-or-file':
      return fromServer(completion, position, typed, context).catch(() => ({
        ...NOTHING,
        hasFiles: completion === 'storage-or-file',
      }));
    default:
      return plain(completion);
  }
}

/** What only the server knows; nothing if it cannot be asked. */
async function fromServer(
  completion: 'process' | 'storage' | 'storage-or-file',
  { settings }: Position,
  typed: string,
  outer: Context,
): Promise<Candidates> {
  const context = new Context(outer, { json: false, ...settings });
  const client = await context.client();
  const call = { signal: AbortSignal.any([outer.signal, AbortSignal.timeout(PATIENCE)]), retries: 0 };
  try {
    if (completion === 'process') {
      const processes = await client.processes.list({ filter: ['state'] }, call);
      const candidates = processes.map(({ id, state }) => ({ word: id, about: state?.exec ?? '' }));
      return { ...NOTHING, candidates };
    }
    const hasFiles = completion === 'storage-or-file';
    const [, storage] = /^([\w-]+):/.exec(typed) ?? [];
    if (storage === undefined) {
      const storages = await client.files.filesystems(call);
      return { hasFiles, candidates: storages.map(({ name, type }) => ({ word: `${name}:`, about: type })) };
    }
    const files = await client.files.list(storage, {}, call);
    return {
      hasFiles: false,
      candidates: files.map(({ name }) => ({ word: `${storage}:${name}`, about: '' })),
    };
  } finally {
    await context.close();
  }
}
