import { isDeepStrictEqual } from 'node:util';
import { restoreSecrets } from './redact.ts';
import { type Config, decodeConfig, setSetting, settingOf } from './schema.ts';
import { VARIABLES, type Variable } from './variables.ts';

/** A configuration as it is kept, and what the environment makes of it. */
export interface LayeredConfig {
  /** What the file has. */
  base: Config;
  /** The base with the environment's values. */
  active: Config;
  overridden: readonly Variable[];
}

/**
 * The base after a change. Groups merge setting by setting; lists and maps are replaced as a whole. A value that only
 * repeats what the environment says, or stands for a hidden secret, changes nothing.
 *
 * @param change parsed JSON of the current layout.
 * @throws JsonError for a value of the wrong type.
 */
export function changeConfig({ base, active, overridden }: LayeredConfig, change: unknown): Config {
  const named = VARIABLES.filter(({ name }) => isNamed(change, name));

  const ground = structuredClone(base);
  for (const { name } of named) setSetting(ground, name, emptied(settingOf(ground, name)));
  const changed = decodeConfig(change, ground);

  for (const variable of named) {
    const { name } = variable;
    const value = settingOf(changed, name);
    const running = settingOf(active, name);
    const kept = settingOf(base, name);
    const isRepeated =
      overridden.includes(variable) && isDeepStrictEqual(restoreSecrets(name, value, running), running);
    setSetting(changed, name, isRepeated ? kept : restoreSecrets(name, value, kept));
  }
  return changed;
}

/** Elements of lists and entries of maps do not inherit from what was there. */
function emptied(value: unknown): unknown {
  if (Array.isArray(value)) return [];
  return typeof value === 'object' ? {} : value;
}

/** Whether a body has the setting, `null` included; keys match regardless of case, as in the decoder. */
function isNamed(body: unknown, name: string): boolean {
  let value = body;
  for (const key of name.split('.')) {
    if (typeof value !== 'object' || value === null) return false;
    const match = Object.entries(value).find(([given]) => given.toLowerCase() === key);
    if (match === undefined) return false;
    value = match[1] as unknown;
  }
  return true;
}
