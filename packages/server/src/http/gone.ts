import type { FastifyReply } from 'fastify';

/** Aborted when the client goes away before it was answered. */
export function untilGone({ raw }: FastifyReply): AbortSignal {
  const gone = new AbortController();
  raw.once('close', () => {
    // To abort what is over already would cost more than many an answer.
    if (!raw.writableEnded) gone.abort();
  });
  return gone.signal;
}
