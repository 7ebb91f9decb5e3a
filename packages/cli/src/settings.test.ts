import { describe, expect, test } from 'vitest';
import { findSetting, formatSetting, isSecret, parseSetting, toChange, valueAt } from './settings.ts';

describe('a setting', () => {
  test.each([
    ['log.level', 'debug', 'debug'],
    ['log.level', '', ''],
    ['log.max_lines', '500', 500],
    ['api.auth.enable', 'true', true],
    ['api.auth.enable', 'Off', false],
    ['host.name', 'a.example.com, b.example.com', ['a.example.com', 'b.example.com']],
    ['host.name', '', []],
    ['host.name', '["a,b"]', ['a,b']],
    ['sessions.max_bitrate_mbit', '10', 10],
    ['router.routes', '{"/a":"/b"}', { '/a': '/b' }],
    ['storage.s3', '[{"name":"x"}]', [{ name: 'x' }]],
  ])('%s takes %j', (name, text, value) => {
    expect(parseSetting(findSetting(name), text)).toEqual(value);
  });

  test.each([
    ['log.max_lines', 'many'],
    ['log.max_lines', '1.5'],
    ['log.max_lines', ''],
    ['api.auth.enable', 'maybe'],
    ['router.routes', '{'],
    ['storage.s3', 'x'],
  ])('%s does not take %j', (name, text) => {
    expect(() => parseSetting(findSetting(name), text)).toThrow(`${name}: ${JSON.stringify(text)} is not`);
  });

  test('that does not exist is told with what is like it', () => {
    expect(() => findSetting('auth.enable')).toThrow(
      expect.objectContaining({ hint: expect.stringContaining('api.auth.enable') as string }),
    );
    expect(() => findSetting('log')).toThrow(
      expect.objectContaining({ hint: 'perhaps log.level, log.topics, log.max_lines, log.format' }),
    );
  });

  test('with a secret is known by its name', () => {
    const secret = [
      'api.auth.password',
      'api.auth.jwt.secret',
      'rtmp.token',
      'srt.passphrase',
      'metrics.auth.token',
    ];
    expect(secret.filter((name) => !isSecret(name))).toEqual([]);
    expect(['log.level', 'api.auth.jwt.access_lifetime_sec'].filter(isSecret)).toEqual([]);
  });
});

test('values by dotted names are the change of a tree, and back', () => {
  const values = { 'log.level': 'debug', 'api.auth.enable': true, 'api.auth.username': 'x' };
  const change = toChange(values);
  expect(change).toEqual({ log: { level: 'debug' }, api: { auth: { enable: true, username: 'x' } } });
  for (const [name, value] of Object.entries(values)) expect(valueAt(change, name)).toBe(value);
  expect(valueAt(change, 'log.nothing.here')).toBeUndefined();
  expect(valueAt(change, 'toString')).toBeUndefined();
});

test.each([
  [['a', 'b'], 'a,b'],
  [['a,b'], '["a,b"]'],
  [{ a: 1 }, '{"a":1}'],
  [true, 'true'],
  ['text', 'text'],
])('%j is shown as %s', (value, shown) => {
  expect(formatSetting(value)).toBe(shown);
});
