import { EventEmitter } from 'node:events';
import type { FastifyReply } from 'fastify';
import { expect, test } from 'vitest';
import { untilGone } from './gone.ts';

test.each([
  ['goes away before it was answered', false, true],
  ['goes away with the answer', true, false],
])('of a client that %s', (_title, writableEnded, isAborted) => {
  const raw = Object.assign(new EventEmitter(), { writableEnded });
  const gone = untilGone({ raw } as unknown as FastifyReply);
  expect(gone.aborted).toBe(false);
  raw.emit('close');
  expect(gone.aborted).toBe(isAborted);
});
