import { ConfigData } from '@millrace/api';
import { describe, expect, expectTypeOf, test } from 'vitest';
import {
  type ConfigPath,
  type ConfigValue,
  decodeConfig,
  removeSetting,
  setSetting,
  settingOf,
} from './schema.ts';
import { VARIABLES, defaultConfig, withoutUnusedAdditions } from './variables.ts';

/** The settings of the schema, and whether each may be left out. */
function leaves(schema: object, prefix = '', isOptional = false): [string, boolean][] {
  if (!('properties' in schema)) return [[prefix, isOptional]];
  const required = 'required' in schema ? (schema.required as string[]) : [];
  return Object.entries(schema.properties as Record<string, object>).flatMap(([name, member]) =>
    leaves(member, prefix === '' ? name : `${prefix}.${name}`, isOptional || !required.includes(name)),
  );
}

describe('table and schema', () => {
  test('name the same settings', () => {
    const inSchema = leaves(ConfigData).map(([name]) => name);
    expect(VARIABLES.map(({ name }) => name).toSorted()).toEqual(inSchema.toSorted());
  });

  test('agree on what is not known to the reference', () => {
    const optional = leaves(ConfigData).flatMap(([name, isOptional]) => (isOptional ? [name] : []));
    const additions = VARIABLES.filter(({ since }) => since === 'millrace').map(({ name }) => name);
    expect(additions.toSorted()).toEqual(optional.toSorted());
  });

  test('types follow the dotted names', () => {
    expectTypeOf<ConfigValue<'log.topics'>>().toEqualTypeOf<string[]>();
    expectTypeOf<ConfigValue<'api.auth.jwt.access_lifetime_sec'>>().toEqualTypeOf<number>();
    expectTypeOf<'router.routes'>().toExtend<ConfigPath>();
    expectTypeOf<'router.routes.x'>().not.toExtend<ConfigPath>();
  });
});

test('no name of a variable is used twice', () => {
  const names = VARIABLES.flatMap(({ env = [], spellings = [], aliases = [] }) =>
    [env, spellings, aliases].flat(),
  );
  expect(new Set(names).size).toBe(names.length);
});

test('every default is of its type and, as far as it needs no file, valid', () => {
  const config = defaultConfig();
  expect(decodeConfig(JSON.parse(JSON.stringify(config)), defaultConfig())).toEqual(config);
});

test('secrets are drawn anew', () => {
  const [a, b] = [defaultConfig(), defaultConfig()];
  expect(a.api.auth.jwt.secret).toHaveLength(44);
  expect(a.storage.memory.auth.password).toMatch(/^[A-Za-z0-9]{18}$/);
  expect(a.name).toMatch(/^[a-z]+-[a-z]+-[0-9]{4}$/);
  expect(a.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect([a.id, a.api.auth.jwt.secret, a.storage.memory.auth.password]).not.toEqual([
    b.id,
    b.api.auth.jwt.secret,
    b.storage.memory.auth.password,
  ]);
});

describe('additions to the reference', () => {
  test('are not shown where they have their default', () => {
    const shown = withoutUnusedAdditions(defaultConfig());
    expect(shown.api.auth).not.toHaveProperty('oidc');
    expect(Object.keys(shown.api.auth.jwt)).toEqual(['secret']);
    expect(Object.keys(shown.log)).toEqual(['level', 'topics', 'max_lines']);
    expect(Object.keys(shown.api.access)).toEqual(['http', 'https']);
    expect(Object.keys(shown.api.auth.auth0)).toEqual(['enable', 'tenants']);
  });

  test('are shown where they are in use', () => {
    const config = defaultConfig();
    config.log.format = 'json';
    config.api.auth.auth0.audience_check = false;
    const shown = withoutUnusedAdditions(config);
    expect(shown.log.format).toBe('json');
    expect(shown.api.auth.auth0.audience_check).toBe(false);
  });

  test('come back with their defaults when read', () => {
    const config = defaultConfig();
    expect(decodeConfig(withoutUnusedAdditions(config), defaultConfig())).toEqual(config);
  });
});

test('settings are found, set and removed by their dotted names', () => {
  const tree = {};
  setSetting(tree, 'a.b.c', 1);
  setSetting(tree, 'a.d', 2);
  expect(settingOf(tree, 'a.b.c')).toBe(1);
  expect(settingOf(tree, 'a.x.y')).toBeUndefined();
  expect(settingOf(tree, 'constructor')).toBeUndefined();
  removeSetting(tree, 'a.b.c');
  expect(tree).toEqual({ a: { d: 2 } });
  removeSetting(tree, 'a.d');
  expect(tree).toEqual({});
});
