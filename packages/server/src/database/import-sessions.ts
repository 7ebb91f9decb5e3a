import { readFileSync } from 'node:fs';
import { CoreError, errorText } from '../util/errors.ts';
import type { SessionHistoryRow } from './session-history.ts';

/**
 * Reads the past sessions of one collector as the reference keeps them. `undefined` if there is no such file.
 *
 * @throws CoreError `invalid` if the file cannot be used.
 */
export function readSessionsJson(path: string): SessionHistoryRow[] | undefined {
  try {
    const { sessions } = JSON.parse(readFileSync(path, 'utf8')) as { sessions: Record<string, unknown> };
    return Object.values(sessions).map(toRow);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new CoreError('invalid', `the sessions in ${path} cannot be used: ${errorText(error)}`, {
      cause: error,
    });
  }
}

function toRow(value: unknown): SessionHistoryRow {
  const entry = value as Record<string, unknown>;
  return {
    location: text(entry['location']),
    peer: text(entry['peer']),
    reference: text(entry['reference']),
    sessions: count(entry['total_sessions']),
    rxBytes: count(entry['total_rxbytes']),
    txBytes: count(entry['total_txbytes']),
  };
}

function text(value: unknown): string {
  if (typeof value !== 'string') throw new CoreError('invalid', 'expected a text');
  return value;
}

function count(value: unknown): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0) {
    throw new CoreError('invalid', 'expected a number that counts something');
  }
  return value as number;
}
