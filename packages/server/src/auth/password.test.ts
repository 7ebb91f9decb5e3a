import { argon2Sync, scryptSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Account, hashPassword, passwordKind } from './password.ts';

const NONCE = Buffer.from('0123456789abcdef');
const base64 = (bytes: Buffer): string => bytes.toString('base64').replace(/=+$/, '');

function argon2id(password: string): string {
  const parameters = {
    message: password,
    nonce: NONCE,
    parallelism: 1,
    tagLength: 32,
    memory: 64,
    passes: 1,
  };
  return `$argon2id$v=19$m=64,t=1,p=1$${base64(NONCE)}$${base64(argon2Sync('argon2id', parameters))}`;
}

function scrypt(password: string): string {
  const key = scryptSync(password, NONCE, 32, { cost: 16, blockSize: 8, parallelization: 1 });
  return `$scrypt$ln=4,r=8,p=1$${base64(NONCE)}$${base64(key)}`;
}

describe.each([
  ['plain text', (password: string) => password],
  ['an argon2id hash', argon2id],
  ['a scrypt hash', scrypt],
])('an account with %s', (_what, store) => {
  const account = new Account('admin', store('Pässwörd 🔑'));

  test.each([
    ['admin', 'Pässwörd 🔑', true],
    ['admin', 'Pässwörd 🔑 ', false],
    ['admin', 'pässwörd 🔑', false],
    ['admin', 'Pässwörd 🔑'.normalize('NFD'), false],
    ['Admin', 'Pässwörd 🔑', false],
    ['', 'Pässwörd 🔑', false],
    ['admin', '', false],
    ['adminP', 'ässwörd 🔑', false],
  ])('%s with %s: %s', async (username, password, isRight) => {
    expect(await account.matches(username, password)).toBe(isRight);
  });

  test('does not take what is stored for the password, unless it is', async () => {
    const stored = store('x');
    expect(await new Account('admin', stored).matches('admin', stored)).toBe(stored === 'x');
  });
});

test('known hashes of others are understood', async () => {
  // A test vector of the algorithm's authors: password, somesalt, t=2, m=2^16, p=1.
  const hash = '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc';
  expect(await new Account('admin', hash).matches('admin', 'password')).toBe(true);
});

test.each([
  ['secret', 'plain'],
  ['$ecret', 'plain'],
  [argon2id('x'), 'hash'],
  [scrypt('x'), 'hash'],
  ['$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ', 'broken hash'],
  ['$argon2i$v=19$m=64,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc', 'broken hash'],
  ['$argon2id$v=16$m=64,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc', 'broken hash'],
  ['$argon2id$v=19$m=9999999,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc', 'broken hash'],
  ['$scrypt$ln=40,r=8,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc', 'broken hash'],
])('%s is %s', (password, kind) => {
  expect(passwordKind(password)).toBe(kind);
});

test('hashing goes on beside other work, turns away what would pile up, and recovers', async () => {
  const account = new Account('admin', scrypt('secret'));
  const many = Array.from({ length: 100 }, () => account.matches('admin', 'secret'));
  const settled = await Promise.allSettled(many);
  const refused = settled.filter(({ status }) => status === 'rejected');
  expect(refused).toHaveLength(100 - 2 - 64);
  expect(await account.matches('admin', 'secret')).toBe(true);
});

test('only the very same texts match', async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), async (stored, given) => {
      const account = new Account('admin', stored);
      expect(await account.matches('admin', given)).toBe(Buffer.from(stored).equals(Buffer.from(given)));
    }),
  );
});

test('a password is hashed into what an account takes, differently each time', async () => {
  const hashes = [await hashPassword('Pässwörd 🔑'), await hashPassword('Pässwörd 🔑')];
  expect(hashes[0]).not.toBe(hashes[1]);
  for (const hash of hashes) {
    expect(passwordKind(hash)).toBe('hash');
    expect(await new Account('admin', hash).matches('admin', 'Pässwörd 🔑')).toBe(true);
    expect(await new Account('admin', hash).matches('admin', 'other')).toBe(false);
  }
});
