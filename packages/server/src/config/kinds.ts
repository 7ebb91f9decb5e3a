import { accessSync, constants, statSync } from 'node:fs';
import { isIP } from 'node:net';
import { posix, resolve } from 'node:path';
import { makeDirectory } from '../util/directory.ts';
import { errorText } from '../util/errors.ts';

/** What a check may look at beside the value. */
export interface Surroundings {
  /** What relative paths start from. */
  cwd: string;
  env: Readonly<Record<string, string | undefined>>;
}

/** How one kind of value reads and writes its text form, and what is wrong with a value. */
export interface Kind<T> {
  /** Throws an error whose text says what is wrong. */
  parse(text: string): T;
  format(value: T): string;
  /** The text form without the secrets in it, if it has some. */
  mask?(value: T): string;
  /** What is wrong with the value; nothing if it is fine. */
  check(value: T, where: Surroundings): string[];
}

const fine = (): string[] => [];

export const text: Kind<string> = { parse: (value) => value, format: (value) => value, check: fine };

const TRUE = ['1', 't', 'T', 'TRUE', 'true', 'True'];
const FALSE = ['0', 'f', 'F', 'FALSE', 'false', 'False'];

export const bool: Kind<boolean> = {
  parse(value) {
    if (TRUE.includes(value)) return true;
    if (FALSE.includes(value)) return false;
    throw invalidSyntax('ParseBool', value);
  },
  format: String,
  check: fine,
};

/** A decimal number. */
export const int: Kind<number> = {
  parse: (value) => parseNumber('Atoi', DECIMAL, value),
  format: String,
  check: fine,
};

const DECIMAL = /^[+-]?[0-9]+$/;
const ANY_BASE = /^[+-]?(?:0x[0-9a-f]+|0o?[0-7]+|0b[01]+|0|[1-9][0-9]*)$/i;
const ANY_BASE_UNSIGNED = /^(?:0x[0-9a-f]+|0o?[0-7]+|0b[01]+|0|[1-9][0-9]*)$/i;

/** A number, also as `0x…`, `0o…`, `0…` or `0b…`. */
export const int64: Kind<number> = {
  parse: (value) => parseNumber('ParseInt', ANY_BASE, value),
  format: String,
  check: fine,
};

/** A number that is not negative, also as `0x…`, `0o…`, `0…` or `0b…`. */
export const uint64: Kind<number> = {
  parse: (value) => parseNumber('ParseUint', ANY_BASE_UNSIGNED, value),
  format: String,
  check: fine,
};

const MAX_PORT = 65_535;

export const port: Kind<number> = { ...int, check: (value) => checkRange(value, 0, MAX_PORT) };

/** A decimal number between two limits, both included. */
export function intBetween(min: number, max: number): Kind<number> {
  return { ...int, check: (value) => checkRange(value, min, max) };
}

/** One of a few words. */
export function oneOf(...words: string[]): Kind<string> {
  return {
    ...text,
    check: (value) => (words.includes(value) ? [] : [`${value} is none of ${words.join(', ')}`]),
  };
}

/** Texts between separators, trimmed; empty ones do not count. */
export function list(
  separator: string,
  check: (element: string) => string | undefined = () => undefined,
): Kind<string[]> {
  return {
    parse: (value) => splitList(value, separator),
    format: (value) => value.join(separator),
    check: (value) => value.map(check).filter((problem) => problem !== undefined),
  };
}

export const cidrList = list(',', (element) =>
  isCidr(element) ? undefined : `invalid CIDR address: ${element}`,
);

export const origins = list(',', (element) =>
  element.includes('*') || /^https?:\/\//.test(element)
    ? undefined
    : "bad origin: origins must contain '*' or include http://, or https://",
);

/** `host:port` or `:port`; the text form may be the bare port. */
export const address: Kind<string> = {
  parse: (value) => (/^[0-9]+$/.test(value) ? `:${value}` : value),
  format: (value) => value,
  check(value) {
    const colon = value.lastIndexOf(':');
    const host = value.slice(0, Math.max(colon, 0));
    if (colon === -1 || (host.startsWith('[') && !host.endsWith(']'))) {
      return [`${value === '' ? '' : `address ${value}: `}missing port in address`];
    }
    if (host.includes(':') && !/^\[[^[\]]*\]$/.test(host))
      return [`address ${value}: too many colons in address`];
    const digits = value.slice(colon + 1);
    if (!/^[0-9]+$/.test(digits)) return ['the port must be numerical'];
    return checkRange(Number(digits), 0, MAX_PORT);
  },
};

const MAILBOX = /^[^\s<>@]+@[^\s<>@]+$/;

/** An address as in a mail's header; only the address itself is kept. */
export const email: Kind<string> = {
  parse: (value) => /<([^<>]*)>\s*$/.exec(value)?.[1]?.trim() ?? value,
  format: (value) => value,
  check: (value) => (value === '' || MAILBOX.test(value) ? [] : ["mail: missing '@' or angle-addr"]),
};

export const url: Kind<string> = {
  ...text,
  check: (value) =>
    value === '' || (value.includes('://') && (URL.parse(value)?.host ?? '') !== '')
      ? []
      : [`${value} is not a valid URL`],
};

export const absolutePath: Kind<string> = {
  parse: (value) => (value.startsWith('/') ? posix.normalize(value) : value),
  format: (value) => value,
  check: (value) => (value.startsWith('/') ? [] : [`${value} is not an absolute path`]),
};

/** A directory, which is made if it is not there. */
export const madeDirectory: Kind<string> = {
  ...text,
  check(value, { cwd }) {
    if (value.trim() === '') return ['path name must not be empty'];
    const path = resolve(cwd, value);
    try {
      makeDirectory(path, 0o750);
    } catch (error) {
      if (statPath(path)?.isDirectory() === false) return [`${value} is not a directory`];
      return [`${value} can't be created (${errorText(error)})`];
    }
    return [];
  },
};

/** A directory that exists, or nothing. */
export const directory: Kind<string> = {
  ...text,
  check: (value, { cwd }) =>
    checkPath(value, cwd, (stats) => (stats.isDirectory() ? undefined : 'a directory')),
};

/** A file that exists, or nothing. */
export const file: Kind<string> = {
  ...text,
  check: (value, { cwd }) =>
    checkPath(value, cwd, (stats) => (stats.isFile() ? undefined : 'a regular file')),
};

/** A program, by its path or its name in the search path. */
export const executable: Kind<string> = {
  ...text,
  check(value, { cwd, env }) {
    const folders = value.includes('/') ? [cwd] : (env['PATH'] ?? '').split(':');
    const isFound = value !== '' && folders.some((folder) => isExecutable(resolve(cwd, folder, value)));
    return isFound ? [] : [`${value} not found or is not executable`];
  },
};

/** `source:target` pairs between blanks. */
export const map: Kind<Record<string, string>> = {
  parse: (value) =>
    Object.fromEntries(
      splitList(value, ' ').map((pair) => {
        const colon = pair.indexOf(':');
        if (colon === -1) throw new Error(`${pair} has no target, expected source:target`);
        return [pair.slice(0, colon), pair.slice(colon + 1)];
      }),
    ),
  format: (value) =>
    Object.entries(value)
      .map((pair) => pair.join(':'))
      .join(' '),
  check: fine,
};

function splitList(value: string, separator: string): string[] {
  return value
    .split(separator)
    .map((element) => element.trim())
    .filter((element) => element !== '');
}

function parseNumber(parser: string, pattern: RegExp, value: string): number {
  if (!pattern.test(value)) throw invalidSyntax(parser, value);
  const isNegative = value.startsWith('-');
  const digits = value.replace(/^[+-]/, '');
  const isDecimal = pattern === DECIMAL;
  const size = isDecimal ? BigInt(digits) : BigInt(digits.replace(/^0(?=[0-7])/, '0o'));
  const number = Number(isNegative ? -size : size);
  if (!Number.isSafeInteger(number)) throw goError(parser, value, 'value out of range');
  return number;
}

function invalidSyntax(parser: string, value: string): Error {
  return goError(parser, value, 'invalid syntax');
}

// compat: clients and scripts know these messages in the words of the reference's language.
function goError(parser: string, value: string, reason: string): Error {
  return new Error(`strconv.${parser}: parsing ${JSON.stringify(value)}: ${reason}`);
}

function checkRange(value: number, min: number, max: number): string[] {
  return value >= min && value <= max ? [] : [`${value} is not in the range of [${min}, ${max}]`];
}

function isCidr(value: string): boolean {
  const [, ip = '', bits = ''] = /^([^/%]+)\/([0-9]{1,3})$/.exec(value) ?? [];
  const version = isIP(ip);
  return version !== 0 && Number(bits) <= (version === 4 ? 32 : 128);
}

type Stats = NonNullable<ReturnType<typeof statSync>>;

function checkPath(value: string, cwd: string, wrong: (stats: Stats) => string | undefined): string[] {
  if (value === '') return [];
  const stats = statPath(resolve(cwd, value));
  if (stats === undefined) return [`${value} does not exist`];
  const expected = wrong(stats);
  return expected === undefined ? [] : [`${value} is not ${expected}`];
}

/** `throwIfNoEntry` still throws where a file stands in the place of a folder, or one may not look. */
function statPath(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

function isExecutable(path: string): boolean {
  if (statPath(path)?.isFile() !== true) return false;
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
