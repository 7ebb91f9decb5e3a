import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { errorText } from '../util/errors.ts';
import type { Surroundings } from './kinds.ts';
import { type Config, setSetting } from './schema.ts';
import type { Problem } from './validate.ts';
import { DEFAULT_TLS_EMAIL, VARIABLES, type Variable } from './variables.ts';

/** A configuration with the environment's values in it. */
export interface MergedConfig {
  config: Config;
  /** The settings that the environment has set, in the order of the table. */
  overridden: readonly Variable[];
  /** Values that could not be read; their settings are as in the base. */
  problems: Problem[];
}

/** Lays the values of the environment over a configuration, which stays as it is. */
export function mergeEnvironment(base: Config, where: Surroundings): MergedConfig {
  const config = structuredClone(base);
  const overridden: Variable[] = [];
  const problems: Problem[] = [];
  for (const variable of VARIABLES) {
    const { name } = variable;
    try {
      const text = textOf(variable, where);
      if (text === undefined) continue;
      overridden.push(variable);
      setSetting(config, name, parse(variable, text));
    } catch (error) {
      problems.push({ level: 'error', name, text: errorText(error) });
    }
  }
  decideMemoryAuth(config, overridden);
  if (config.tls.auto && config.tls.email === '') config.tls.email = DEFAULT_TLS_EMAIL;
  return { config, overridden, problems };
}

/** Which old names of variables are in use: `[old, current]`. */
export function deprecatedNames(env: Surroundings['env']): [old: string, current: Variable][] {
  return VARIABLES.flatMap((variable) => {
    const alias =
      currentName(variable, env) === undefined && variable.aliases?.find((name) => env[name] !== undefined);
    return alias ? [[alias, variable] as [string, Variable]] : [];
  });
}

/** Variables that look like settings but are none: `[unknown, the most similar known one]`. */
export function unknownNames(env: Surroundings['env']): [unknown: string, similar: string | undefined][] {
  const known = new Set(['CORE_CONFIGFILE', ...VARIABLES.flatMap((variable) => [...allNames(variable)])]);
  return Object.keys(env)
    .filter((name) => name.startsWith('CORE_') && env[name] !== undefined && !known.has(name))
    .sort()
    .map((name) => [name, mostSimilar(name, known)]);
}

/** What is wrong with a secret is told without it. */
function parse({ kind, secret = false }: Variable, text: string): unknown {
  try {
    return kind.parse(text);
  } catch (error) {
    throw secret ? new Error('the value is not of the form that is expected', { cause: error }) : error;
  }
}

function textOf(variable: Variable, { env, cwd }: Surroundings): string | undefined {
  const name = currentName(variable, env) ?? variable.aliases?.find((alias) => env[alias] !== undefined);
  if (name === undefined) return undefined;
  if (name !== fileName(variable)) return env[name];
  return readFileSync(resolve(cwd, env[name] ?? ''), 'utf8').replace(/\r?\n$/, '');
}

/** The name, not an old one, by which the environment gives a value. */
function currentName(variable: Variable, env: Surroundings['env']): string | undefined {
  const { env: own, spellings = [] } = variable;
  return [own, ...spellings, fileName(variable)].find(
    (name) => name !== undefined && env[name] !== undefined,
  );
}

/** Secrets can also come from a file, as containers get them; the variable holds its path. */
function fileName({ env, secret = false, kind }: Variable): string | undefined {
  return env !== undefined && (secret || kind.mask) ? `${env}_FILE` : undefined;
}

function allNames(variable: Variable): string[] {
  const { env, spellings = [], aliases = [] } = variable;
  return [env, fileName(variable), ...spellings, ...aliases].filter((name) => name !== undefined);
}

/** Who gives both user and password by the environment means them to be asked for, or not if both are empty. */
function decideMemoryAuth(config: Config, overridden: readonly Variable[]): void {
  const names = new Set<string>(overridden.map(({ name }) => name));
  const { auth } = config.storage.memory;
  if (!names.has('storage.memory.auth.username') || !names.has('storage.memory.auth.password')) return;
  auth.enable = auth.username !== '' || auth.password !== '';
}

/** At most one in four characters may be wrong. */
function mostSimilar(name: string, known: ReadonlySet<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.floor(name.length / 4) + 1;
  for (const candidate of known) {
    const distance = editDistance(name, candidate);
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

/** How many characters have to be put in, taken out or replaced (Levenshtein). */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
