import type { Server } from 'node:http';
import { expect, test } from 'vitest';
import { createPlainServer } from './plain-server.ts';

test('who is late with the headers is noticed soon after the time is over', () => {
  const server = createPlainServer(() => undefined) as unknown as Server & {
    connectionsCheckingInterval: number;
  };
  expect(server.headersTimeout).toBe(10_000);
  expect(server.connectionsCheckingInterval).toBeLessThanOrEqual(1_000);
});
