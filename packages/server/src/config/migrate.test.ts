import { describe, expect, test } from 'vitest';
import { completeOldFile, upgradeConfig } from './migrate.ts';

const rtmp = (group: object) => ({ rtmp: group });

describe('layout 1', () => {
  test.each([
    [rtmp({ app: 'live' }), rtmp({ app: '/live' })],
    [rtmp({ app: '/live' }), rtmp({ app: '/live' })],
    [
      rtmp({ enable_tls: true, address: ':1935' }),
      rtmp({ enable_tls: true, enable: true, address: ':1934', address_tls: ':1935' }),
    ],
    [
      rtmp({ enable: false, enable_tls: true, address: '127.0.0.1:443' }),
      rtmp({ enable: true, enable_tls: true, address: '127.0.0.1:442', address_tls: '127.0.0.1:443' }),
    ],
    [rtmp({ enable_tls: false, address: ':1935' }), rtmp({ enable_tls: false, address: ':1935' })],
    [rtmp({ address: ':2000' }), rtmp({ address: ':2000' })],
    [rtmp({ enable_tls: true }), rtmp({ enable_tls: true, enable: true })],
    [{ name: 'x' }, { name: 'x' }],
    [
      { rtmp: 5, storage: null },
      { rtmp: 5, storage: null },
    ],
  ])('%j becomes %j', (before, after) => {
    expect(upgradeConfig(before, 1)).toEqual({ ...after, version: 3 });
  });

  test('a whole file without an RTMP address had the default one', () => {
    expect(upgradeConfig(completeOldFile(rtmp({ enable_tls: true })), 1)).toMatchObject(
      rtmp({ address: ':1934', address_tls: ':1935' }),
    );
  });
});

describe('layouts 1 and 2', () => {
  const cache = (types: unknown) => ({ storage: { disk: { dir: 'd', cache: { types } } } });

  test.each([1, 2])('%i: the list of types to cache becomes the list of allowed ones', (version) => {
    expect(upgradeConfig(cache(['.ts']), version)).toEqual({ ...cache({ allow: ['.ts'] }), version: 3 });
  });

  test.each([{}, { storage: {} }, { storage: { disk: 1 } }, cache({ allow: [] }), cache('x')])(
    '%j has nothing to change',
    (config) => {
      expect(upgradeConfig(config, 2)).toEqual({ ...config, version: 3 });
    },
  );
});

test('layout 3 stays as it is', () => {
  const config = { ...rtmp({ app: 'live', enable_tls: true, address: ':1' }), version: 3 };
  expect(upgradeConfig(config, 3)).toBe(config);
});

test('what is given is not changed', () => {
  const config = rtmp({ app: 'live', enable_tls: true, address: ':1' });
  const before = structuredClone(config);
  upgradeConfig(config, 1);
  expect(config).toEqual(before);
});
