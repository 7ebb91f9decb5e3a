import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { providers, tenants } from './identity.ts';
import {
  type Kind,
  absolutePath,
  address,
  bool,
  cidrList,
  directory,
  email,
  executable,
  file,
  int,
  int64,
  list,
  madeDirectory,
  map,
  oneOf,
  origins,
  port,
  text,
  uint64,
  url,
} from './kinds.ts';
import { errorText } from '../util/errors.ts';
import { s3List } from './s3.ts';

const WHERE = { cwd: import.meta.dirname, env: { PATH: '/usr/bin:/bin' } };

describe('a text form that is no value', () => {
  test.each<[string, Kind<never>, string, string]>([
    ['bool', bool as never, 'yes', 'strconv.ParseBool: parsing "yes": invalid syntax'],
    ['bool', bool as never, '', 'strconv.ParseBool: parsing "": invalid syntax'],
    ['int', int as never, 'abc', 'strconv.Atoi: parsing "abc": invalid syntax'],
    ['int', int as never, '0x10', 'strconv.Atoi: parsing "0x10": invalid syntax'],
    ['int64', int64 as never, '1.5', 'strconv.ParseInt: parsing "1.5": invalid syntax'],
    [
      'int64',
      int64 as never,
      '9'.repeat(30),
      `strconv.ParseInt: parsing "${'9'.repeat(30)}": value out of range`,
    ],
    ['uint64', uint64 as never, '-1', 'strconv.ParseUint: parsing "-1": invalid syntax'],
    ['map', map as never, '/a:/b /c', '/c has no target, expected source:target'],
    ['tenants', tenants as never, '', 'invalid JSON in tenant 0: unexpected end of JSON input'],
    [
      'tenants',
      tenants as never,
      'auth0://a@b?aud=c,ab cd',
      'invalid base64 encoding of tenant 1: illegal base64 data at input byte 2',
    ],
    ['tenants', tenants as never, 'auth0://a%@b?aud=c', 'invalid url encoding of tenant 0: not a URL'],
    ['s3', s3List as never, 'ftp://a', 'the address of s3 storage 0 must be an http or https URL'],
    ['providers', providers as never, '[5]', 'invalid JSON in provider 0: expect type'],
  ])('%s', (_name, kind, given, expected) => {
    let text = '';
    try {
      kind.parse(given);
    } catch (error) {
      text = errorText(error);
    }
    // From its beginning on: nothing stands before it.
    expect(text.slice(0, expected.length)).toBe(expected);
  });
});

describe('a text form', () => {
  test.each<[string, Kind<never>, string, unknown]>([
    ...['1', 't', 'T', 'TRUE', 'true', 'True'].map((word): [string, Kind<never>, string, unknown] => [
      'bool',
      bool as never,
      word,
      true,
    ]),
    ...['0', 'f', 'F', 'FALSE', 'false', 'False'].map((word): [string, Kind<never>, string, unknown] => [
      'bool',
      bool as never,
      word,
      false,
    ]),
    ['int', int as never, '-12', -12],
    ['int', int as never, '007', 7],
    ['int64', int64 as never, '0x1F', 31],
    ['int64', int64 as never, '-0b101', -5],
    ['int64', int64 as never, '0o17', 15],
    ['int64', int64 as never, '017', 15],
    ['uint64', uint64 as never, '0', 0],
    ['list', list(',') as never, ' a, ,b ,', ['a', 'b']],
    ['list', list(',') as never, '', []],
    ['list of blanks', list(' ') as never, ' .a  .b ', ['.a', '.b']],
    ['address', address as never, '8080', ':8080'],
    ['address', address as never, 'localhost:1', 'localhost:1'],
    ['email', email as never, 'Foo <a@b.c>', 'a@b.c'],
    ['abspath', absolutePath as never, '/a/../live', '/live'],
    ['map', map as never, '/a:/b:c  /d/*:/e', { '/a': '/b:c', '/d/*': '/e' }],
    [
      'tenant as URL',
      tenants as never,
      ' auth0://c%40id@x.eu.auth0.com:8443?aud=https://api.example.com&user=auth0|u1&user=a%2Cb+c',
      [
        {
          domain: 'x.eu.auth0.com:8443',
          audience: 'https://api.example.com',
          clientid: 'c@id',
          users: ['auth0|u1', 'a,b c'],
        },
      ],
    ],
    [
      'tenants in both forms',
      tenants as never,
      `auth0://c@d?aud=a, ${Buffer.from('{"domain":"e","audience":"?>","clientid":"g","users":["h"],"x":1}').toString('base64url')}`,
      [
        { domain: 'd', audience: 'a', clientid: 'c', users: [] },
        { domain: 'e', audience: '?>', clientid: 'g', users: ['h'] },
      ],
    ],
    [
      'providers',
      providers as never,
      '[{"issuer":"https://a","audience":"b","user_claim":"email"}]',
      [{ issuer: 'https://a', audience: 'b', clientid: '', algorithms: [], users: [], user_claim: 'email' }],
    ],
    [
      's3',
      s3List as never,
      'https://KEY:a%2Fb@eu.s3.example.com:9000/bucket?name=aaa&mount=/abc&username=u&password=p|http://K:S@r.e/b?name=n&mount=/m',
      [
        {
          name: 'aaa',
          mountpoint: '/abc',
          auth: { enable: true, username: 'u', password: 'p' },
          endpoint: 's3.example.com:9000',
          access_key_id: 'KEY',
          secret_access_key: 'a/b',
          bucket: 'bucket',
          region: 'eu',
          use_ssl: true,
        },
        {
          name: 'n',
          mountpoint: '/m',
          auth: { enable: false, username: '', password: '' },
          endpoint: 'e',
          access_key_id: 'K',
          secret_access_key: 'S',
          bucket: 'b',
          region: 'r',
          use_ssl: false,
        },
      ],
    ],
    ['s3', s3List as never, '', []],
    [
      's3',
      s3List as never,
      'http://id:key@east.192.0.2.1:9000/bucket?name=a&mount=/a',
      [
        {
          name: 'a',
          mountpoint: '/a',
          auth: { enable: false, username: '', password: '' },
          endpoint: '192.0.2.1:9000',
          access_key_id: 'id',
          secret_access_key: 'key',
          bucket: 'bucket',
          region: 'east',
          use_ssl: false,
        },
      ],
    ],
  ])('of %s is read', (_name, kind, given, expected) => {
    expect(kind.parse(given)).toEqual(expected);
  });
});

describe('a value that is not allowed', () => {
  test.each<[string, Kind<never>, unknown, string[]]>([
    ['port', port as never, 70_000, ['70000 is not in the range of [0, 65535]']],
    ['port', port as never, -1, ['-1 is not in the range of [0, 65535]']],
    ['address', address as never, 'bar', ['address bar: missing port in address']],
    ['address', address as never, '::1:80', ['address ::1:80: too many colons in address']],
    ['address', address as never, '[::1]', ['address [::1]: missing port in address']],
    ['address', address as never, ':http', ['the port must be numerical']],
    ['address', address as never, ':70000', ['70000 is not in the range of [0, 65535]']],
    [
      'cidrlist',
      cidrList as never,
      ['127.0.0.1', '::1/129'],
      ['invalid CIDR address: 127.0.0.1', 'invalid CIDR address: ::1/129'],
    ],
    ['cidrlist', cidrList as never, ['10.0.0.0/33'], ['invalid CIDR address: 10.0.0.0/33']],
    [
      'origins',
      origins as never,
      ['*', 'example.com'],
      ["bad origin: origins must contain '*' or include http://, or https://"],
    ],
    ['email', email as never, 'nobody', ["mail: missing '@' or angle-addr"]],
    ['url', url as never, 'example', ['example is not a valid URL']],
    ['url', url as never, 'http:a', ['http:a is not a valid URL']],
    ['url', url as never, 'a://', ['a:// is not a valid URL']],
    ['url', url as never, 'mailto:a@b', ['mailto:a@b is not a valid URL']],
    ['dir', directory as never, '/nonexistent/ui', ['/nonexistent/ui does not exist']],
    ['dir', directory as never, 'kinds.ts', ['kinds.ts is not a directory']],
    ['dir', directory as never, 'kinds.ts/x', ['kinds.ts/x does not exist']],
    ['file', file as never, '/nonexistent/cert.pem', ['/nonexistent/cert.pem does not exist']],
    ['file', file as never, '.', ['. is not a regular file']],
    ['mustdir', madeDirectory as never, ' ', ['path name must not be empty']],
    ['mustdir', madeDirectory as never, 'kinds.ts', ['kinds.ts is not a directory']],
    ['address', address as never, '', ['missing port in address']],
    [
      'exec',
      executable as never,
      'nonexistent-ffmpeg',
      ['nonexistent-ffmpeg not found or is not executable'],
    ],
    ['exec', executable as never, './kinds.ts', ['./kinds.ts not found or is not executable']],
    ['exec', executable as never, '', [' not found or is not executable']],
    ['abspath', absolutePath as never, 'live', ['live is not an absolute path']],
    ['word', oneOf('a', 'b') as never, 'c', ['c is none of a, b']],
    [
      'tenants',
      tenants as never,
      [{ domain: '', audience: '', clientid: '', users: [] }],
      ['the domain for tenant 0 is missing', 'the audience for tenant 0 is missing'],
    ],
    [
      'providers',
      providers as never,
      [
        {
          issuer: 'http://a',
          audience: '',
          clientid: '',
          algorithms: ['ES256', 'HS256'],
          users: [],
          jwks_uri: 'x',
        },
      ],
      [
        'the issuer for provider 0 must be an https URL',
        'the audience for provider 0 is missing',
        'the algorithm HS256 for provider 0 is not allowed',
        'the jwks_uri for provider 0 must be an https URL',
      ],
    ],
    [
      's3list',
      s3List as never,
      [
        { name: '', mountpoint: '', auth: { enable: true, username: '', password: '' } },
        { name: 'a b', mountpoint: '/x', auth: { enable: false, username: '', password: '' } },
      ],
      [
        'the name for s3 storage 0 is missing',
        'the mountpoint for s3 storage 0 is missing',
        'auth is enabled, but no username and password are set for s3 storage 0',
        'the name for s3 storage must match the pattern ^[A-Za-z0-9_-]+$',
      ],
    ],
  ])('%s: %j', (_name, kind, value, expected) => {
    expect(kind.check(value as never, WHERE)).toEqual(expected);
  });
});

test.each<[string, Kind<never>, unknown]>([
  ['port', port as never, 0],
  ['address', address as never, ':8080'],
  ['address', address as never, '[::1]:8080'],
  ['address', address as never, 'localhost:0'],
  ['cidrlist', cidrList as never, ['127.0.0.1/32', '::1/128', '0.0.0.0/0']],
  ['origins', origins as never, ['*', 'http://a', 'https://b', '*.example.com']],
  ['email', email as never, 'a@b.c'],
  ['email', email as never, ''],
  ['url', url as never, ''],
  ['url', url as never, 'https://service.datarhei.com'],
  ['dir', directory as never, ''],
  ['dir', directory as never, '.'],
  ['file', file as never, ''],
  ['file', file as never, 'kinds.ts'],
  ['mustdir', madeDirectory as never, '.'],
  ['exec', executable as never, 'sh'],
  ['exec', executable as never, '/bin/sh'],
  ['abspath', absolutePath as never, '/'],
])('%s may be %j', (_name, kind, value) => {
  expect(kind.check(value as never, WHERE)).toEqual([]);
});

// Where Node's own way of making directories never ends.
test('a directory that the file system does not know how to make is refused', () => {
  expect(madeDirectory.check('/proc/nothing/here', WHERE)).toEqual([
    expect.stringMatching(/^\/proc\/nothing\/here can't be created \(.+\)$/),
  ]);
});

describe('what is written is read back', () => {
  const word = fc.stringMatching(/^[a-z0-9./_-]{1,12}$/);
  const host = fc.stringMatching(/^[a-z]{1,8}(\.[a-z]{1,8}){1,2}$/);
  const anyText = fc.string({ unit: 'grapheme' });
  const cases: [string, Kind<never>, fc.Arbitrary<unknown>][] = [
    ['text', text as never, anyText],
    ['bool', bool as never, fc.boolean()],
    ['int', int as never, fc.maxSafeInteger()],
    ['int64', int64 as never, fc.maxSafeInteger()],
    ['uint64', uint64 as never, fc.maxSafeNat()],
    ['list', list(',') as never, fc.array(word)],
    ['list of blanks', list(' ') as never, fc.array(word)],
    ['map', map as never, fc.dictionary(word, word)],
    [
      'tenants',
      tenants as never,
      fc.array(fc.record({ domain: host, audience: anyText, clientid: word, users: fc.array(anyText) }), {
        minLength: 1,
      }),
    ],
    [
      'providers',
      providers as never,
      fc.array(
        fc.record({
          issuer: fc.webUrl(),
          audience: anyText,
          clientid: anyText,
          algorithms: fc.array(word),
          users: fc.array(anyText),
        }),
      ),
    ],
    [
      's3',
      s3List as never,
      fc.array(
        fc.record({
          name: word,
          mountpoint: anyText,
          auth: fc.record({ enable: fc.constant(true), username: anyText, password: anyText }),
          endpoint: host,
          access_key_id: anyText,
          secret_access_key: anyText,
          bucket: fc.stringMatching(/^[a-z0-9]{1,12}$/),
          region: fc.stringMatching(/^[a-z]{1,8}$/),
          use_ssl: fc.boolean(),
        }),
      ),
    ],
  ];
  test.each(cases)('%s', (_name, kind, values) => {
    fc.assert(
      fc.property(values, (value) => {
        expect(kind.parse(kind.format(value as never))).toEqual(value);
      }),
    );
  });

  test('the region of an S3 storage may stand in front of an IP address', () => {
    const read = (address: string) => s3List.parse(`http://k:s@${address}/b?name=n&mount=/m`)[0];
    expect(read('us-east-1.192.0.2.1:9000')).toMatchObject({
      region: 'us-east-1',
      endpoint: '192.0.2.1:9000',
    });
    expect(read('eu.[2001:db8::1]:9000')).toMatchObject({ region: 'eu', endpoint: '[2001:db8::1]:9000' });
    expect(read('localhost:9000')).toMatchObject({ region: '', endpoint: 'localhost:9000' });
  });

  test('reading any text only ever fails with an error', () => {
    for (const [, kind] of cases) {
      fc.assert(
        fc.property(fc.string(), (given) => {
          try {
            kind.parse(given);
          } catch (error) {
            expect(error).toBeInstanceOf(Error);
            expect(error).not.toBeInstanceOf(TypeError);
          }
        }),
      );
    }
  });
});

test('the masked form of an S3 storage shows its key id but none of its secrets', () => {
  const storages = s3List.parse(
    'https://KEYID:SECRET@eu.example.com/b?name=n&mount=/m&username=u&password=PASS',
  );
  expect(s3List.mask?.(storages)).toBe(
    'https://KEYID:---@eu.example.com/b?name=n&mount=%2Fm&username=u&password=---',
  );
});
