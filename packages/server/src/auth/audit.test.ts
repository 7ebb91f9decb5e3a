import fc from 'fast-check';
import { beforeEach, expect, test } from 'vitest';
import { Log } from '../log/logger.ts';
import { Audit, type AuditEntry, printable } from './audit.ts';

let lines: string[] = [];
let log: Log;
let audit: Audit;

beforeEach(() => {
  lines = [];
  log = new Log({ write: (text: string) => lines.push(text) }, { level: 'info', topics: [], maxLines: 10 });
  audit = new Audit(log.component('Auth'));
});

const ENTRY: AuditEntry = {
  event: 'login',
  result: 'failure',
  method: 'local',
  caller: { address: '192.0.2.1', peer: '10.0.0.1', userAgent: 'curl' },
  subject: 'admin',
  reason: 'invalid username or password',
};

test('a decision is one line with who, what and why', () => {
  audit.record({ ...ENTRY, tokenId: 'id' });
  expect(log.events()).toMatchObject([
    {
      level: 'warn',
      component: 'Auth',
      fields: {
        event: 'login',
        result: 'failure',
        method: 'local',
        subject: 'admin',
        client: '192.0.2.1',
        peer: '10.0.0.1',
        jti: 'id',
        reason: 'invalid username or password',
        user_agent: 'curl',
      },
    },
  ]);
});

test.each([
  ['failure', false, 'warn'],
  ['success', false, 'info'],
] as const)('a %s is recorded as it deserves', (result, isRoutine, level) => {
  audit.record({ ...ENTRY, result, isRoutine });
  expect(log.events()[0]?.level).toBe(level);
});

test('what is routine is counted, but leaves no line', () => {
  audit.record({ ...ENTRY, isRoutine: true });
  audit.record(ENTRY);
  audit.record({ ...ENTRY, result: 'success' });
  expect(log.events()).toHaveLength(2);
  expect(audit.attempts()).toEqual([
    { method: 'local', result: 'failure', count: 2 },
    { method: 'local', result: 'success', count: 1 },
  ]);
});

test('nobody can forge a line with a user name', () => {
  audit.record({ ...ENTRY, subject: 'x\nts=2026 level=INFO component="Auth"\u202e\u0000' });
  expect(lines).toHaveLength(1);
  expect(lines[0]?.trimEnd()).not.toMatch(/[\n\u202e\u0000]/);
});

test('texts from outside are short and harmless', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 500 }), (text) => {
      expect(printable(text)).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
      expect(printable(text).length).toBeLessThan(129 * 10);
    }),
  );
});
