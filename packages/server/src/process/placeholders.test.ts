import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createTemplates, replacePlaceholder, type PlaceholderSources } from './placeholders.ts';

const SOURCES: PlaceholderSources = {
  diskDir: '/core/data',
  address: ':8080',
  filesystems: [
    { name: 'mem', mount: '/memfs' },
    { name: 's3Main', mount: '/s3', auth: { username: 'u', password: 'p' } },
  ],
  rtmp: { address: ':1935', app: '/live', token: '' },
  srt: { address: '127.0.0.1:6000', token: '', passphrase: '' },
};
const VARIABLES = { processid: 'PID', reference: 'ref', inputid: 'i3' };

function replace(text: string, name: string, sources = SOURCES): string {
  return replacePlaceholder(text, name, createTemplates(sources, 'request'), VARIABLES);
}

describe('what each placeholder stands for', () => {
  test.each([
    ['{diskfs}/a', 'diskfs', '/core/data/a'],
    ['{fs:disk}/a', 'fs:*', '/core/data/a'],
    ['{memfs}/a', 'memfs', 'http://localhost:8080/memfs/a'],
    ['{fs:mem}/a', 'fs:*', 'http://localhost:8080/memfs/a'],
    ['{fs:s3Main}/a', 'fs:*', 'http://u:p@localhost:8080/s3/a'],
    ['{fs:nope}', 'fs:*', ''],
    ['{rtmp,name=foo}', 'rtmp', 'rtmp://localhost:1935/live/foo'],
    ['{rtmp}', 'rtmp', 'rtmp://localhost:1935/live/{name}'],
    [
      '{srt,name=foo}',
      'srt',
      'srt://127.0.0.1:6000?mode=caller&transtype=live&latency=20000&streamid=foo,mode:request',
    ],
    [
      '{srt,name=foo,latency=42}',
      'srt',
      'srt://127.0.0.1:6000?mode=caller&transtype=live&latency=42&streamid=foo,mode:request',
    ],
    ['{processid}', 'processid', 'PID'],
    ['{reference}', 'reference', 'ref'],
    ['{inputid}', 'inputid', 'i3'],
    ['{outputid}', 'outputid', ''],
  ])('%s as %s is %s', (text, name, expected) => {
    expect(replace(text, name)).toBe(expected);
  });

  test.each([
    ['{rtmp,name=foo}', 'rtmp', 'rtmp://127.0.0.1:11935/foo?token=rtok'],
    [
      '{srt,name=foo}',
      'srt',
      'srt://[::1]:6000?mode=caller&transtype=live&latency=20000&streamid=foo,mode:request,token:s/t=k %&passphrase=secret%26secret/%2B',
    ],
    ['{memfs}', 'memfs', 'http://m%3Ap%40%2Fw:a+b%21@10.0.0.1:80/memfs'],
  ])('%s with other settings is %s', (text, name, expected) => {
    const sources: PlaceholderSources = {
      ...SOURCES,
      address: '10.0.0.1:80',
      filesystems: [{ name: 'mem', mount: '/memfs', auth: { username: 'm:p@/w', password: 'a+b!' } }],
      rtmp: { address: '127.0.0.1:11935', app: '/', token: 'rtok' },
      srt: { address: '[::1]:6000', token: 's/t=k %', passphrase: 'secret&secret/+' },
    };
    expect(replace(text, name, sources)).toBe(expected);
  });

  test.each([
    ['publish', '{rtmp,name=cam}', 'rtmp://localhost:1935/live/cam?token=key-of-cam'],
    ['publish', '{rtmp,name=other}', 'rtmp://localhost:1935/live/other?token=rtok'],
    ['publish', '{rtmp}', 'rtmp://localhost:1935/live/{name}?token=rtok'],
    ['request', '{rtmp,name=cam}', 'rtmp://localhost:1935/live/cam?token=rtok'],
  ] as const)('to %s a path that has a key, %s is %s', (mode, text, expected) => {
    const rtmp = { ...SOURCES.rtmp, token: 'rtok', keys: { '/live/cam': 'key-of-cam' } };
    const templates = createTemplates({ ...SOURCES, rtmp }, mode);
    expect(replacePlaceholder(text, 'rtmp', templates, {})).toBe(expected);
  });

  test.each([
    ['0.0.0.0:6000', '127.0.0.1:6000'],
    ['[::]:6000', '[::1]:6000'],
    [':6000', 'localhost:6000'],
    ['10.0.0.1:6000', '10.0.0.1:6000'],
  ])('the SRT server on %s is called at %s', (address, called) => {
    const sources = { ...SOURCES, srt: { ...SOURCES.srt, address } };
    expect(replace('{srt,name=a}', 'srt', sources)).toContain(`srt://${called}?`);
  });

  test('an output publishes to the SRT server', () => {
    const templates = createTemplates(SOURCES, 'publish');
    expect(replacePlaceholder('{srt,name=a}', 'srt', templates, {})).toMatch(/streamid=a,mode:publish$/);
  });
});

describe('the form of a placeholder', () => {
  test.each([
    ['unknown names stay', '{unknown} {date,format=x}', 'memfs', '{unknown} {date,format=x}'],
    ['other names stay', '{memfs}', 'diskfs', '{memfs}'],
    ['no filesystem is named', '{fs:} {fs:*}', 'fs:*', '{fs:} {fs:*}'],
    ['nothing to escape is named', '{memfs^} {memfs^:.}', 'memfs', '{memfs^} {memfs^:.}'],
    ['a character is escaped', '{memfs^:}', 'memfs', 'http\\\\://localhost\\\\:8080/memfs'],
    [
      'escaping goes with parameters',
      '{rtmp^:,name=a:b}',
      'rtmp',
      'rtmp\\\\://localhost\\\\:1935/live/a\\\\:b',
    ],
    ['each one is replaced', '{inputid}-{inputid}', 'inputid', 'i3-i3'],
    [
      'parameters are form-encoded',
      '{srt,name=a%2Cb+c,latency=1}',
      'srt',
      expect.stringContaining('streamid=a,b c,'),
    ],
    ['an undecodable parameter is left out', '{rtmp,name=%zz}', 'rtmp', 'rtmp://localhost:1935/live/{name}'],
    ['a parameter without a value is left out', '{rtmp,name}', 'rtmp', 'rtmp://localhost:1935/live/{name}'],
    [
      'variables are replaced where they are known',
      '{rtmp,name=$processid-$inputid-$outputid}',
      'rtmp',
      'rtmp://localhost:1935/live/PID-i3-$outputid',
    ],
    [
      'an outer brace hides what is inside',
      '{rtmp,name={processid}.x}',
      'processid',
      '{rtmp,name={processid}.x}',
    ],
  ])('%s: %s', (_what, text, name, expected) => {
    expect(replace(text, name)).toEqual(expected);
  });

  test('backslashes are escaped before the character is', () => {
    expect(replacePlaceholder('{reference^:}', 'reference', new Map(), { reference: 'a\\b:c' })).toBe(
      'a\\\\\\b\\\\:c',
    );
    expect(replacePlaceholder('{reference^\\}', 'reference', new Map(), { reference: 'a\\b' })).toBe(
      'a\\\\\\b',
    );
  });

  test('values are inserted as they are, whatever they look like', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (value) => {
        expect(replacePlaceholder('<{reference}>', 'reference', new Map(), { reference: value })).toBe(
          `<${value}>`,
        );
      }),
    );
  });

  test('text without placeholders stays as it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        fc.pre(!text.includes('{'));
        expect(replace(text, 'memfs')).toBe(text);
      }),
    );
  });

  test('is found where the expression of the specification finds it', () => {
    const form = /\{([a-z]+(?::[0-9A-Za-z]+)?)(?:\^(.))?(?:,(.*?))?\}/gu;
    const pieces = fc.constantFrom(
      '{',
      '}',
      'a',
      'memfs',
      'fs',
      ':',
      'Z0',
      '^',
      ',',
      '=',
      '\n',
      '\u2028',
      '😀',
    );
    fc.assert(
      fc.property(fc.array(pieces), (parts) => {
        const text = parts.join('');
        const expected = text.replace(form, (whole, name) => (name === 'a' ? '' : whole));
        expect(replacePlaceholder(text, 'a', new Map(), {})).toBe(expected);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('a hostile text', () => {
  test('with a hundred thousand open braces is looked through once', () => {
    const text = '{memfs,'.repeat(100_000);
    expect(replace(text, 'memfs')).toBe(text);
  });

  const long = 'a'.repeat(100_000);
  test.each([
    ['of many placeholders', '{reference}'.repeat(100_000)],
    ['of many escaped ones', '{reference^a}'.repeat(100_000)],
    ['of many variables', `{rtmp,name=${'$reference'.repeat(100_000)}}`],
  ])('%s does not grow without limit', (_what, text) => {
    const templates = createTemplates(SOURCES, 'request');
    const grow = () => {
      for (const name of ['reference', 'rtmp'])
        replacePlaceholder(text, name, templates, { reference: long });
    };
    expect(grow).toThrow('gets longer than 131072 characters');
  });
});
