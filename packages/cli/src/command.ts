import type { Context } from './context.ts';
import { UsageError } from './errors.ts';
import type { ExitCode } from './exit-codes.ts';
import { parseBytes, parseDuration } from './terminal/units.ts';

/** What the shell offers for a word. */
export type Completion =
  'process' | 'profile' | 'setting' | 'file' | 'storage' | 'storage-or-file' | readonly string[];

/** An argument of a command, and what becomes of its words. */
export interface Argument<T> {
  about: string;
  complete?: Completion;
  isOptional?: boolean;
  isRepeated?: boolean;
  /** @throws UsageError */
  parse(words: string[]): T;
}

/** An option of a command, and what becomes of its values. */
export interface Option<T> {
  about: string;
  /** One letter. */
  short?: string;
  /** What its value is called; it takes none without. */
  value?: string;
  complete?: Completion;
  /**
   * @param words the values, one for each time it stands there; empty texts if it takes none.
   * @throws UsageError
   */
  parse(words: string[]): T;
}

type Arguments = Readonly<Record<string, Argument<unknown>>>;
type Options = Readonly<Record<string, Option<unknown>>>;
type Parsed<T> = { [Key in keyof T]: T[Key] extends { parse(words: string[]): infer Value } ? Value : never };

/** A command, from which parsing, help, completion and the documentation follow. */
export interface Command {
  /** `ps`, or with that of its group in front: `fs ls`. */
  name: string;
  /** One line. */
  summary: string;
  /** Paragraphs, parted by empty lines. */
  description?: string;
  arguments: Arguments;
  options: Options;
  examples: readonly (readonly [command: string, says: string])[];
  /** Whether everything after the first argument belongs to another program. */
  passesOn?: boolean;
  /** Whether it is left out of help and documentation. */
  isHidden?: boolean;
  run(
    args: Record<string, unknown>,
    options: Record<string, unknown>,
    context: Context,
  ): Promise<ExitCode | undefined>;
}

/** Declares a command; what `run` is given has the types that its arguments and options are parsed to. */
export function defineCommand<A extends Arguments, O extends Options>(
  command: Omit<Command, 'arguments' | 'options' | 'run'> & {
    arguments: A;
    options: O;
    run(args: Parsed<A>, options: Parsed<O>, context: Context): Promise<ExitCode | undefined>;
  },
): Command {
  return command;
}

/** A word. */
export function word(about: string, complete?: Completion): Argument<string> {
  return { about, ...(complete && { complete }), parse: ([text = '']) => text };
}

/** A word that may be left out. */
export function optionalWord(about: string, complete?: Completion): Argument<string | undefined> {
  return { about, ...(complete && { complete }), isOptional: true, parse: ([text]) => text };
}

/** One word or more; none as well if it is optional. */
export function words(about: string, complete?: Completion, isOptional = false): Argument<string[]> {
  return { about, ...(complete && { complete }), isRepeated: true, isOptional, parse: (texts) => texts };
}

/** An option that is there or not. */
export function flag(about: string, short?: string): Option<boolean> {
  return { about, ...(short !== undefined && { short }), parse: (texts) => texts.length > 0 };
}

interface ValueDetails {
  short?: string;
  complete?: Completion;
}

/** An option with a text; the last one counts. */
export function text(about: string, value: string, details: ValueDetails = {}): Option<string | undefined> {
  return { about, value, ...details, parse: (texts) => texts.at(-1) };
}

/** An option that may stand there several times. */
export function texts(about: string, value: string, details: ValueDetails = {}): Option<string[]> {
  return { about, value, ...details, parse: (all) => all };
}

/** An option with one of these words. */
export function choice<const T extends string>(
  about: string,
  value: string,
  choices: readonly T[],
  details: ValueDetails = {},
): Option<T | undefined> {
  return {
    about: `${about}: ${choices.join(', ')}`,
    value,
    complete: choices,
    ...details,
    parse: (all) => {
      const given = all.at(-1);
      const chosen = choices.find((one) => one === given);
      if (chosen === undefined && given !== undefined)
        throw new UsageError(`${JSON.stringify(given)} is none of ${choices.join(', ')}`);
      return chosen;
    },
  };
}

/** An option with a whole number, 0 included. */
export function count(about: string, value: string, details: ValueDetails = {}): Option<number | undefined> {
  return number(
    about,
    value,
    'a whole number',
    (given) => (/^\d{1,9}$/.test(given) ? Number(given) : undefined),
    details,
  );
}

/** An option with a time span; parsed to seconds. */
export function duration(
  about: string,
  value: string,
  details: ValueDetails = {},
): Option<number | undefined> {
  return number(about, value, 'a time span such as 30s, 5m, 2h', parseDuration, details);
}

/** An option with a size; parsed to bytes. */
export function size(about: string, value: string, details: ValueDetails = {}): Option<number | undefined> {
  return number(about, value, 'a size such as 512M or 2G', parseBytes, details);
}

function number(
  about: string,
  value: string,
  kind: string,
  parse: (given: string) => number | undefined,
  details: ValueDetails,
): Option<number | undefined> {
  return {
    about,
    value,
    ...details,
    parse: (all) => {
      const given = all.at(-1);
      if (given === undefined) return undefined;
      const result = parse(given);
      if (result === undefined) throw new UsageError(`${JSON.stringify(given)} is not ${kind}`);
      return result;
    },
  };
}
