import { beforeEach, describe, expect, test } from 'vitest';
import { type Denial, type NotBefore, Revocations, type RevocationStore } from './revocations.ts';
import { type Claims, newTokenId, sessionOf } from './tokens.ts';

const NOW = 1_795_455_515.5;

class MemoryStore implements RevocationStore {
  readonly denied = new Map<string, Denial>();
  readonly boundaries = new Map<string, NotBefore>();

  denials(): Denial[] {
    return [...this.denied.values()];
  }
  notBefore(): NotBefore[] {
    return [...this.boundaries.values()];
  }
  deny(denial: Denial): void {
    this.denied.set(denial.id, denial);
  }
  prune(now: number): void {
    for (const { id, expires } of this.denials()) if (expires <= now) this.denied.delete(id);
  }
  setNotBefore(entry: NotBefore): void {
    this.boundaries.set(entry.subject, entry);
  }
}

let store: MemoryStore;
let revocations: Revocations;

beforeEach(() => {
  store = new MemoryStore();
  revocations = new Revocations(store, { maxDenials: 3, maxSubjects: 2 });
});

function claims(more: Partial<Claims> = {}): Claims {
  const issuedAt = Math.floor(NOW);
  return { subject: 'admin', use: 'refresh', id: newTokenId(), issuedAt, expiresAt: issuedAt + 600, ...more };
}

describe('when a subject is revoked', () => {
  test('tokens of the same second are refused, and those issued next are not', () => {
    revocations.revokeSubject('admin', NOW);
    expect(revocations.reasonAgainst(claims())).toBe('revoked');
    const issuedAt = revocations.issueTime('admin', NOW);
    expect(revocations.reasonAgainst(claims({ issuedAt }))).toBeUndefined();
    expect(issuedAt - NOW).toBeLessThan(1);
  });

  test('again at once, tokens issued in between are refused too', () => {
    revocations.revokeSubject('admin', NOW);
    const between = claims({ issuedAt: revocations.issueTime('admin', NOW) });
    revocations.revokeSubject('admin', NOW);
    expect(revocations.reasonAgainst(between)).toBe('revoked');
  });

  test('over and over, new tokens do not move far into the future', () => {
    for (let i = 0; i < 1000; i++) revocations.revokeAll(NOW);
    expect(revocations.issueTime('admin', NOW) - NOW).toBeLessThanOrEqual(30);
  });

  test('others are not', () => {
    revocations.revokeSubject('admin', NOW);
    expect(revocations.reasonAgainst(claims({ subject: 'other' }))).toBeUndefined();
  });

  test('and there are too many of them, everybody is', () => {
    for (const subject of ['a', 'b', 'c']) revocations.revokeSubject(subject, NOW);
    expect(revocations.reasonAgainst(claims({ subject: 'd' }))).toBe('revoked');
    expect(store.boundaries.size).toBe(3);
  });
});

describe('when a session ends', () => {
  test('all of its tokens are refused', () => {
    const first = claims();
    const second = claims({ id: newTokenId(sessionOf(first.id)) });
    revocations.endSession(first, NOW + 600, NOW);
    expect(revocations.reasonAgainst(second)).toBe('revoked');
    expect(revocations.reasonAgainst(claims())).toBeUndefined();
  });

  test('and its token has no name, its subject is revoked', () => {
    revocations.endSession(claims({ id: '' }), NOW + 600, NOW);
    expect(revocations.reasonAgainst(claims())).toBe('revoked');
  });

  test('and there is no room to remember it, everybody is revoked rather than nobody', () => {
    for (let i = 0; i < 4; i++) revocations.endSession(claims(), NOW + 600, NOW);
    expect(store.denied.size).toBe(3);
    expect(revocations.reasonAgainst(claims())).toBe('revoked');
  });

  test('those that have expired make room', () => {
    for (let i = 0; i < 3; i++) revocations.endSession(claims(), NOW + 600, NOW);
    revocations.endSession(claims(), NOW + 2000, NOW + 1000);
    expect(store.denied.size).toBe(1);
    expect(revocations.reasonAgainst(claims())).toBeUndefined();
  });

  test('for a token without end, that can be stored', () => {
    revocations.rotate(claims({ expiresAt: 1e300 }), NOW);
    expect([...store.denied.values()][0]?.expires).toBe(Number.MAX_SAFE_INTEGER);
  });
});

test('what was revoked is so after the next start', () => {
  const [ended, rotated] = [claims(), claims()];
  revocations.endSession(ended, NOW + 600, NOW);
  revocations.rotate(rotated, NOW);
  revocations.revokeSubject('other', NOW);
  const next = new Revocations(store);
  next.load(NOW);
  expect(next.reasonAgainst(ended)).toBe('revoked');
  expect(next.reasonAgainst(rotated)).toBe('rotated');
  expect(next.reasonAgainst(claims({ subject: 'other' }))).toBe('revoked');
  expect(next.reasonAgainst(claims())).toBeUndefined();
});
