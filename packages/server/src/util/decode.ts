import type { Static, TSchema } from 'typebox';
import { JsonError, numberText, placeOf } from './json.ts';

/**
 * Lays a parsed JSON value over a base value, as far as the schema goes. Neither is changed.
 *
 * Unknown keys are ignored; keys match regardless of case. `null` removes an optional member, empties an array or a
 * map, and leaves anything else as it is in the base. An array gets the value's length, each element decoded over the
 * base's element at the same index, or over the schema's zero value. Schemas name their types for messages: objects by
 * `title`, integers by `format` (`int64` if left out, `uint64` if their minimum is 0).
 *
 * @throws JsonError `expect type 'T' for 'path' at line L, character C: …`.
 */
export function decodeJson<T extends TSchema>(schema: T, value: unknown, base: Static<T>): Static<T> {
  return decodeValue(schema, value, base, { path: [], keys: [], owner: '', root: value }) as Static<T>;
}

/** What the decoder reads of a JSON Schema. */
interface Schema {
  type?: string;
  title?: string;
  format?: string;
  minimum?: number;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  patternProperties?: Record<string, Schema>;
}

interface At {
  /** Names from the root, without indices. */
  path: string[];
  /** Keys as they were given, and indices, from the root. */
  keys: (string | number)[];
  /** The name of the object type that has the member. */
  owner: string;
  /** What is decoded. */
  root: unknown;
}

function decodeValue(schema: Schema, value: unknown, base: unknown, at: At): unknown {
  if (schema.type === undefined) return value;
  if (schema.type === 'array') return decodeArray(schema, value, base, at);
  if (schema.type === 'object') {
    const items = itemsOfMap(schema);
    return items ? decodeMap(schema, items, value, base, at) : decodeObject(schema, value, base, at);
  }
  if (value === null) return base;
  if (schema.type === 'integer' || schema.type === 'number') return decodeNumber(schema, value, at);
  if (typeof value !== schema.type) fail(schema, value, at);
  return value;
}

function decodeObject(schema: Schema, value: unknown, base: unknown, at: At): unknown {
  if (value === null) return base;
  if (!isObject(value)) fail(schema, value, at);
  const result = { ...(base as Record<string, unknown>) };
  const { properties = {} } = schema;
  for (const [key, given] of Object.entries(value)) {
    const name = matchName(properties, key);
    const member = name === undefined ? undefined : properties[name];
    if (name === undefined || member === undefined) continue;
    const isOptional = !schema.required?.includes(name);
    if (given === null && isOptional) {
      Reflect.deleteProperty(result, name);
    } else {
      const place = {
        ...at,
        path: [...at.path, name],
        keys: [...at.keys, key],
        owner: schema.title ?? '',
      };
      result[name] = decodeValue(member, given, result[name] ?? zero(member), place);
    }
  }
  return result;
}

function decodeMap(schema: Schema, items: Schema, value: unknown, base: unknown, at: At): unknown {
  if (value === null) return {};
  if (!isObject(value)) fail(schema, value, at);
  const decoded = Object.entries(value).map(([key, given]) => {
    const place = { ...at, path: [...at.path, key], keys: [...at.keys, key] };
    return [key, decodeValue(items, given, zero(items), place)] as const;
  });
  // Built from entries, so that a key `__proto__` is one like any other.
  return Object.fromEntries([...Object.entries(base as object), ...decoded]);
}

function decodeArray(schema: Schema, value: unknown, base: unknown, at: At): unknown {
  if (value === null) return [];
  const { items = {} } = schema;
  if (!Array.isArray(value)) return fail(schema, value, at);
  const before: unknown[] = Array.isArray(base) ? base : [];
  return value.map((given, index) =>
    decodeValue(items, given, before[index] ?? zero(items), { ...at, keys: [...at.keys, index] }),
  );
}

const INTEGER = /^-?[0-9]+$/;

function decodeNumber(schema: Schema, value: unknown, at: At): number {
  const text = numberText(value);
  if (text === undefined) return fail(schema, value, at);
  // Adding 0 turns a negative zero into a plain one.
  const number = Number(text) + 0;
  if (schema.type === 'number' && Number.isFinite(number)) return number;
  const isUnsigned = schema.minimum === 0;
  const isInteger =
    INTEGER.test(text) && Number.isSafeInteger(number) && !(isUnsigned && text.startsWith('-'));
  return schema.type === 'integer' && isInteger ? number : fail(schema, value, at, ` ${text}`);
}

/** The value of a member that nobody gave. */
function zero(schema: Schema): unknown {
  switch (schema.type) {
    case 'string':
      return '';
    case 'integer':
    case 'number':
      return 0;
    case 'boolean':
      return false;
    case 'array':
      return [];
    case 'object': {
      const required = schema.required ?? [];
      return Object.fromEntries(required.map((name) => [name, zero(schema.properties?.[name] ?? {})]));
    }
    default:
      return null;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return kindOf(value) === 'object';
}

function matchName(properties: Record<string, Schema>, key: string): string | undefined {
  if (Object.hasOwn(properties, key)) return key;
  const lower = key.toLowerCase();
  return Object.keys(properties).find((name) => name.toLowerCase() === lower);
}

function itemsOfMap(schema: Schema): Schema | undefined {
  return Object.values(schema.patternProperties ?? {})[0];
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  if (value === null) return 'null';
  if (numberText(value) !== undefined) return 'number';
  return typeof value === 'boolean' ? 'bool' : typeof value;
}

function fail(schema: Schema, value: unknown, at: At, number = ''): never {
  const type = typeName(schema);
  const path = at.path.join('.');
  const target = path === '' ? 'value' : `struct field ${at.owner}.${path}`;
  const place = placeOf(at.root, at.keys);
  throw new JsonError(
    // compat: clients know these messages in the words of the reference's language.
    `expect type '${type}' for '${path}' at ${place}: json: cannot unmarshal ${kindOf(value)}${number} into Go ${target} of type ${type}`,
  );
}

function typeName(schema: Schema): string {
  switch (schema.type) {
    case 'array':
      return `[]${typeName(schema.items ?? {})}`;
    case 'object': {
      const items = itemsOfMap(schema);
      if (items) return `map[string]${typeName(items)}`;
      return schema.title === undefined ? 'object' : `api.${schema.title}`;
    }
    case 'integer':
      return schema.format ?? (schema.minimum === 0 ? 'uint64' : 'int64');
    case 'number':
      return 'float64';
    case 'boolean':
      return 'bool';
    default:
      return schema.type ?? 'interface {}';
  }
}
