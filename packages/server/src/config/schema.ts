import { ConfigData } from '@millrace/api';
import type { TSchema } from 'typebox';
import { decodeJson } from '../util/decode.ts';

/** Every member there: what the file and the API may leave out has its default in memory. */
type Complete<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { [Key in keyof T]-?: Complete<NonNullable<T[Key]>> }
    : T;

/** The whole configuration in the shape of its file, version 3. Read only once it is loaded. */
export type Config = Complete<ConfigData>;

/** The dotted names of all settings. Lists and maps are one setting each, whatever they hold. */
export type ConfigPath = Paths<Config>;

type Paths<T> = {
  [Key in keyof T & string]: IsGroup<T[Key]> extends true ? `${Key}.${Paths<T[Key]>}` : Key;
}[keyof T & string];

type IsGroup<T> = T extends readonly unknown[]
  ? false
  : T extends object
    ? string extends keyof T
      ? false
      : true
    : false;

/** The type of the setting with that dotted name. */
export type ConfigValue<Path extends string, T = Config> = Path extends `${infer Key}.${infer Rest}`
  ? Key extends keyof T
    ? ConfigValue<Rest, T[Key]>
    : never
  : Path extends keyof T
    ? T[Path]
    : never;

/** The JSON Schema of `Config`: that of the API with nothing optional, but for the elements of lists. */
const CONFIG_SCHEMA = complete(ConfigData);

function complete(schema: TSchema): TSchema {
  if (!('properties' in schema)) return schema;
  const properties = Object.entries(schema.properties as Record<string, TSchema>);
  return {
    ...schema,
    properties: Object.fromEntries(properties.map(([name, member]) => [name, complete(member)])),
    required: properties.map(([name]) => name),
  };
}

/** Lays parsed JSON over a configuration. Throws JsonError for a value of the wrong type. */
export function decodeConfig(value: unknown, base: Config): Config {
  return decodeJson(CONFIG_SCHEMA, value, base) as Config;
}

/** The value of a setting in a tree of the configuration's shape; `undefined` if a group is missing. */
export function settingOf(config: unknown, path: string): unknown {
  let value = config;
  for (const key of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return value;
}

/** Sets a setting, making the groups on the way. */
export function setSetting(config: object, path: string, value: unknown): void {
  const keys = path.split('.');
  const last = keys.pop() ?? '';
  let group = config as Record<string, unknown>;
  for (const key of keys) group = (group[key] ??= {}) as Record<string, unknown>;
  group[last] = value;
}

/** Removes a setting, and the groups that have nothing left in them. */
export function removeSetting(config: object, path: string): void {
  const dot = path.lastIndexOf('.');
  const parentPath = path.slice(0, Math.max(dot, 0));
  const parent = dot === -1 ? config : settingOf(config, parentPath);
  if (typeof parent !== 'object' || parent === null) return;
  Reflect.deleteProperty(parent, path.slice(dot + 1));
  if (dot !== -1 && Object.keys(parent).length === 0) removeSetting(config, parentPath);
}
