import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseJsonText } from '../util/json.ts';
import { Metadata } from './metadata.ts';

function example(whenEmpty: Record<string, never> | null = null) {
  const stored = new Map<string, string>();
  const write = (key: string, value: string | undefined): void => {
    if (value === undefined) stored.delete(key);
    else stored.set(key, value);
  };
  return { stored, write, metadata: new Metadata([], write, whenEmpty) };
}

test('what was set is there, and after a restart as well', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (values) => {
      const { stored, write, metadata } = example();
      for (const [key, value] of Object.entries(values)) metadata.set(key, value);
      expect(JSON.stringify(new Metadata(stored, write).all())).toBe(JSON.stringify(metadata.all()));
      for (const [key, value] of Object.entries(values)) {
        const expected = value === null ? undefined : (JSON.parse(JSON.stringify(value)) as unknown);
        expect(metadata.get(key)).toEqual(expected);
      }
    }),
  );
});

test('null removes a key', () => {
  const { metadata, stored } = example();
  metadata.set('a', 1);
  metadata.set('a', null);
  expect([metadata.get('a'), metadata.all(), stored.size]).toEqual([undefined, null, 0]);
});

test('an empty set is shown as such until something was removed', () => {
  const { metadata } = example({});
  metadata.set('nope', null);
  expect(metadata.all()).toEqual({});
  metadata.set('a', 1);
  metadata.set('a', null);
  expect(metadata.all()).toBeNull();
});

test('a number that a double cannot hold keeps its digits', () => {
  const { metadata, stored, write } = example();
  metadata.set('a', parseJsonText('[12345678901234567890]'));
  expect(JSON.stringify(new Metadata(stored, write).all())).toBe('{"a":[12345678901234567890]}');
});

test('what cannot be stored is not there', () => {
  const metadata = new Metadata([], () => {
    throw new Error('disk full');
  });
  expect(() => {
    metadata.set('a', 1);
  }).toThrow('disk full');
  expect(metadata.get('a')).toBeUndefined();
});
