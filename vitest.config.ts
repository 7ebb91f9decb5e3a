import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

const resolve = { conditions: ['source'] };
const ssr = { resolve: { conditions: ['source'] } };

// What a test waits for comes at once on an idle machine, and after seconds on a busy one.
const expect = { poll: { timeout: 20_000, interval: 20 } };

// Takes minutes: only `npm run soak` asks for it.
const SOAK = process.env['SOAK'] !== undefined;

export default defineConfig({
  test: {
    // Most tests wait for others most of the time: for FFmpeg, a browser, a time-out.
    maxWorkers: availableParallelism() + 2,
    reporters: process.env['CI'] ? ['default', 'hanging-process'] : ['default'],
    projects: [
      {
        resolve,
        ssr,
        test: { name: 'unit', include: ['packages/*/src/**/*.test.ts'], expect, testTimeout: 30_000 },
      },
      {
        resolve,
        ssr,
        test: {
          name: 'integration',
          include: ['tests/{integration,compat,clients}/**/*.test.ts'],
          expect,
          testTimeout: 30_000,
          hookTimeout: 30_000,
        },
      },
      {
        resolve,
        ssr,
        test: { name: 'soak', include: SOAK ? ['tests/soak/**/*.test.ts'] : [], expect },
      },
      {
        resolve,
        ssr,
        test: {
          name: 'browser',
          include: ['tests/browser/**/*.test.ts'],
          expect,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
