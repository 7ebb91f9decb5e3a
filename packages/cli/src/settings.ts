import { ConfigData } from '@millrace/api';
import { UsageError } from './errors.ts';

/** A setting of the server. */
export interface Setting {
  /** Dotted: `api.auth.enable`. */
  name: string;
  kind: 'text' | 'whole' | 'number' | 'switch' | 'list' | 'json';
}

interface Schema {
  type?: string;
  properties?: Record<string, Schema>;
  items?: Schema;
}

const KINDS: Readonly<Record<string, Setting['kind']>> = {
  string: 'text',
  integer: 'whole',
  number: 'number',
  boolean: 'switch',
};

/** All settings that there are, in the order of the description of the API. */
export const SETTINGS: readonly Setting[] = settingsOf(ConfigData);

const SECRET = /(password|secret|secrets|secret_access_key|access_key_id|token|passphrase)$/;

/** Whether a setting holds what not everybody at the screen should see. */
export function isSecret(name: string): boolean {
  return SECRET.test(name);
}

/** @throws UsageError, with what may be meant. */
export function findSetting(name: string): Setting {
  const found = SETTINGS.find((setting) => setting.name === name);
  if (found !== undefined) return found;
  const last = name.split('.').at(-1) ?? '';
  const similar = SETTINGS.filter(
    (one) => one.name.startsWith(`${name}.`) || one.name.split('.').at(-1) === last,
  );
  const hint =
    similar.length > 0
      ? `perhaps ${similar
          .slice(0, 5)
          .map((one) => one.name)
          .join(', ')}`
      : 'millrace config get lists the settings';
  throw new UsageError(`there is no setting ${JSON.stringify(name)}`, hint);
}

/**
 * The value that a text stands for: lists are separated by commas, or JSON as other structures are.
 *
 * @throws UsageError if the setting cannot have it.
 */
export function parseSetting({ name, kind }: Setting, text: string): unknown {
  const wrong = (what: string) => new UsageError(`${name}: ${JSON.stringify(text)} is not ${what}`);
  switch (kind) {
    case 'text':
      return text;
    case 'switch':
      if (/^(true|on|yes|1)$/i.test(text)) return true;
      if (/^(false|off|no|0)$/i.test(text)) return false;
      throw wrong('true or false');
    case 'whole':
      if (/^-?\d{1,15}$/.test(text)) return Number(text);
      throw wrong('a whole number');
    case 'number':
      if (text.trim() !== '' && Number.isFinite(Number(text))) return Number(text);
      throw wrong('a number');
    case 'list':
      if (!text.trimStart().startsWith('['))
        return text === '' ? [] : text.split(',').map((item) => item.trim());
      break;
    case 'json':
      break;
  }
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw wrong('JSON');
  }
}

/** The value as it can be given back, and read by a person. */
export function formatSetting(value: unknown): string {
  if (Array.isArray(value) && value.every((item) => typeof item === 'string' && !/[,[]/.test(item))) {
    return value.join(',');
  }
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** What the configuration has under a dotted name; undefined if it has nothing. */
export function valueAt(config: unknown, name: string): unknown {
  let value = config;
  for (const key of name.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return value;
}

/** The change of the configuration that these values, by dotted names, are. */
export function toChange(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const change: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(values)) {
    const keys = name.split('.');
    let group = change;
    for (const key of keys.slice(0, -1)) group = (group[key] ??= {}) as Record<string, unknown>;
    group[keys.at(-1) ?? ''] = value;
  }
  return change;
}

function settingsOf(schema: Schema, prefix = ''): Setting[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, member]): Setting[] => {
    const name = prefix + key;
    if (member.properties !== undefined) return settingsOf(member, `${name}.`);
    if (member.type === 'array') return [{ name, kind: member.items?.type === 'string' ? 'list' : 'json' }];
    return [{ name, kind: KINDS[member.type ?? ''] ?? 'json' }];
  });
}
