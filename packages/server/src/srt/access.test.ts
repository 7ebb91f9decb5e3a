import { expect, test } from 'vitest';
import { type Caller, type Secrets, checkCaller, checkResource } from './access.ts';

const PASSPHRASE = '0123456789ab';
const plain = (streamId: string): Caller => ({
  streamId,
  handshakeVersion: 5,
  isEncrypted: false,
  address: '192.0.2.1:5000',
});
const encrypted = (streamId: string): Caller => ({ ...plain(streamId), isEncrypted: true });
const old: Caller = { ...plain(''), handshakeVersion: 4 };
const secrets = (token = '', passphrase = ''): Secrets => ({ token, passphrase });

test.each<[string, Caller, Secrets, object]>([
  ['a request', plain('foo'), secrets(), { resource: 'foo', mode: 'request' }],
  ['a publisher', plain('foo,mode:publish'), secrets(), { resource: 'foo', mode: 'publish' }],
  ['the right token', plain('foo,token:x,y'), secrets('x,y'), { resource: 'foo', mode: 'request' }],
  ['a token nobody asks for', plain('foo,token:x'), secrets(), { resource: 'foo', mode: 'request' }],
  ['encryption as wanted', encrypted('foo'), secrets('', PASSPHRASE), { resource: 'foo', mode: 'request' }],
  ['version 4', old, secrets(), { resource: '192.0.2.1:5000', mode: 'publish' }],
  [
    'version 4, whose keys come later',
    old,
    secrets('', PASSPHRASE),
    { resource: '192.0.2.1:5000', mode: 'publish' },
  ],
])('%s is let in', (_case, caller, wanted, wish) => {
  expect(checkCaller(caller, wanted)).toEqual(wish);
});

test.each<[Caller, Secrets, string, string, number]>([
  [plain(''), secrets(), 'INVALID', 'stream resource not provided', 2400],
  [plain(''), secrets('x', PASSPHRASE), 'INVALID', 'stream resource not provided', 2400],
  [plain('#!::m=publish'), secrets(), 'INVALID', 'stream resource not provided', 2400],
  [plain('foo\nlevel=ERROR'), secrets(), 'INVALID', 'the stream id has control characters', 2400],
  [plain('foo\u2028'), secrets(), 'INVALID', 'the stream id has control characters', 2400],
  [plain('foo'), secrets('', PASSPHRASE), 'FORBIDDEN', 'connection has to be encrypted', 1011],
  [plain('foo,mode:bogus'), secrets('x', PASSPHRASE), 'FORBIDDEN', 'connection has to be encrypted', 1011],
  [encrypted('foo'), secrets(), 'INVALID', 'connection must not be encrypted', 1011],
  [encrypted('foo,mode:bogus'), secrets('x'), 'INVALID', 'connection must not be encrypted', 1011],
  [plain('foo,mode:bogus'), secrets(), 'INVALID', 'invalid connection mode', 2405],
  [plain('foo,mode:bogus'), secrets('x'), 'INVALID', 'invalid connection mode', 2405],
  [plain('foo'), secrets('x'), 'FORBIDDEN', 'token required', 2401],
  [plain('foo,token:SECRET'), secrets('x'), 'FORBIDDEN', 'invalid token (***)', 2401],
  [encrypted('foo,token:SECRET'), secrets('x', PASSPHRASE), 'FORBIDDEN', 'invalid token (***)', 2401],
  [old, secrets('x'), 'FORBIDDEN', 'token required', 2401],
])('%j with %j is refused: %s %s', (caller, wanted, status, message, code) => {
  const refusal = checkCaller(caller, wanted);
  expect(refusal).toMatchObject({ status, message, code });
  expect(JSON.stringify(refusal)).not.toContain('SECRET');
});

test('what cannot be logged names no resource', () => {
  expect(checkCaller(plain('foo\u0007'), secrets())).toMatchObject({ resource: '' });
  expect(checkCaller(plain('foo'), secrets('x'))).toMatchObject({ resource: 'foo' });
});

test('one publisher a resource, and players only where there is one', () => {
  const publish = { resource: 'foo', mode: 'publish' } as const;
  const request = { resource: 'foo', mode: 'request' } as const;
  expect(checkResource(publish, false)).toBeUndefined();
  expect(checkResource(publish, true)).toEqual({
    status: 'CONFLICT',
    resource: 'foo',
    message: 'already publishing',
    code: 2409,
  });
  expect(checkResource(request, true)).toBeUndefined();
  expect(checkResource(request, false)).toEqual({
    status: 'NOTFOUND',
    resource: 'foo',
    message: 'no publisher for this resource found',
    code: 2404,
  });
});
