import fc from 'fast-check';
import { expect, test } from 'vitest';
import { newTokenId, sessionOf, Tokens } from './tokens.ts';

const NOW = 1_795_455_515;
const tokens = new Tokens({ key: 'key', previousKeys: ['old'], lifetimes: { access: 600, refresh: 86_400 } });

test('a token is what the reference makes of the same claims', () => {
  const id = '00000000-0000-4000-8000-000000000001';
  const [header, payload] = tokens.issue('access', 'admin', id, 1_700_000_000).split('.');
  expect(header).toBe('eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9');
  expect(Buffer.from(payload ?? '', 'base64url').toString()).toBe(
    `{"exi":600,"exp":1700000600,"iat":1700000000,"iss":"datarhei-core","jti":"${id}","sub":"admin","usefor":"access"}`,
  );
});

test('the payload for a user name of five letters needs no padding', () => {
  const payload = tokens.issue('access', 'admin', newTokenId(), NOW).split('.')[1] ?? '';
  expect(Buffer.from(payload, 'base64url')).toHaveLength(144);
});

test('a token of any subject comes back as it was', () => {
  fc.assert(
    fc.property(
      fc.string({ minLength: 1, unit: 'grapheme' }),
      fc.constantFrom('access', 'refresh'),
      (subject, use) => {
        const id = newTokenId();
        expect(tokens.verify(tokens.issue(use, subject, id, NOW), NOW)).toMatchObject({ subject, use, id });
      },
    ),
  );
});

test('a token of a previous key is accepted', () => {
  const old = new Tokens({ key: 'old', previousKeys: [], lifetimes: { access: 600, refresh: 86_400 } });
  expect(tokens.verify(old.issue('access', 'admin', newTokenId(), NOW), NOW).subject).toBe('admin');
});

test('whatever is no token is refused, and nothing else happens', () => {
  const valid = tokens.issue('access', 'admin', newTokenId(), NOW);
  const segment = fc.oneof(
    fc.string(),
    fc.json().map((text) => Buffer.from(text).toString('base64url')),
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(segment, { maxLength: 5 }).map((all) => all.join('.')),
      ),
      (text) => {
        fc.pre(text !== valid);
        expect(() => tokens.verify(text, NOW)).toThrow(
          expect.objectContaining({ code: 'unauthorized' }) as Error,
        );
      },
    ),
  );
});

test('tokens of a session share it, and those of others do not', () => {
  const id = newTokenId();
  const next = newTokenId(sessionOf(id));
  expect(next).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(next).not.toBe(id);
  expect(sessionOf(next)).toBe(sessionOf(id));
  expect(sessionOf(newTokenId())).not.toBe(sessionOf(id));
});
