import type { Logger } from '../log/logger.ts';

export type AuditEvent = 'login' | 'refresh' | 'deny' | 'logout' | 'revoke' | 'throttle' | 'bypass_localhost';
export type AuditResult = 'success' | 'failure';

/** Who asked: the client's address, that of the socket's other end, and what the client calls itself. */
export interface Caller {
  address: string;
  peer: string;
  userAgent: string;
}

/** What was decided. Neither passwords nor tokens are part of it; a token is named by its `jti`. */
export interface AuditEntry {
  event: AuditEvent;
  result: AuditResult;
  /** How the caller wanted to prove who it is, or a word for the kind of check. */
  method: string;
  caller: Caller;
  subject?: string | undefined;
  tokenId?: string | undefined;
  reason?: string | undefined;
  /** Not worth a line in normal operation. */
  isRoutine?: boolean;
}

const MAX_TEXT_LENGTH = 128;

/** Writes one line a decision, and counts the decisions. */
export class Audit {
  readonly #log: Logger;
  readonly #counts = new Map<string, { method: string; result: AuditResult; count: number }>();

  /** @param log of the component `Auth`. */
  constructor(log: Logger) {
    this.#log = log;
  }

  record(entry: AuditEntry): void {
    this.#count(entry);
    const level = entry.isRoutine ? 'debug' : entry.result === 'failure' ? 'warn' : 'info';
    if (!this.#log.enabled(level)) return;
    const { event, result, method, caller, subject, tokenId, reason } = entry;
    const fields: Record<string, string> = { event, result, method };
    if (subject !== undefined) fields['subject'] = printable(subject);
    fields['client'] = printable(caller.address);
    fields['peer'] = caller.peer;
    if (tokenId) fields['jti'] = printable(tokenId);
    if (reason !== undefined) fields['reason'] = printable(reason, 2 * MAX_TEXT_LENGTH);
    fields['user_agent'] = printable(caller.userAgent);
    this.#log[level]('', fields);
  }

  /** How many attempts there were by method and result: `auth_attempts_total`. */
  attempts(): { method: string; result: AuditResult; count: number }[] {
    return [...this.#counts.values()].map((entry) => ({ ...entry }));
  }

  #count({ method, result }: AuditEntry): void {
    const key = `${method} ${result}`;
    const entry = this.#counts.get(key);
    if (entry) entry.count++;
    else this.#counts.set(key, { method, result, count: 1 });
  }
}

/** A text from outside, of bounded length and without characters that could forge or hide part of a line. */
export function printable(text: string, maxLength = MAX_TEXT_LENGTH): string {
  const shortened = text.length > maxLength ? `${text.slice(0, maxLength)}…` : text;
  return shortened.replace(
    /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${character.codePointAt(0)?.toString(16) ?? ''}}`,
  );
}
