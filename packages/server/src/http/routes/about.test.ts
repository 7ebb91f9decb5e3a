import fastify, { type FastifyInstance } from 'fastify';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Guard } from '../guard.ts';
import { aboutRoutes, goArch } from './about.ts';

let app: FastifyInstance;
let createdAt: Date;
let auths: readonly string[];
let isAuthorized: boolean;

const guard: Guard = {
  address: (_request, _reply, done) => {
    done();
  },
  token: (_request, _reply, done) => {
    done();
  },
  isAuthorized: () => isAuthorized,
  client: () => '192.0.2.1',
  prefix: () => '',
};

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.parse('2026-11-23T17:38:06.900Z') });
  createdAt = new Date();
  auths = ['localjwt'];
  isAuthorized = true;
  app = fastify({ exposeHeadRoutes: false });
  const version = { number: '16.16.0', commit: 'c', branch: 'b', buildDate: 'd' };
  const about = {
    name: 'n',
    id: 'i',
    version,
    get createdAt() {
      return createdAt;
    },
  };
  aboutRoutes(about, guard, () => auths)(app);
});

afterEach(async () => {
  await app.close();
  vi.useRealTimers();
});

async function ask(): Promise<Record<string, unknown>> {
  return (await app.inject('/api')).json();
}

test('everything is said to who has logged in', async () => {
  vi.setSystemTime(Date.parse('2026-11-23T17:39:20Z'));
  expect(await ask()).toEqual({
    app: 'datarhei-core',
    auths: ['localjwt'],
    name: 'n',
    id: 'i',
    created_at: '2026-11-23T17:38:06Z',
    uptime_seconds: 73,
    version: {
      number: '16.16.0',
      repository_commit: 'c',
      repository_branch: 'b',
      build_date: 'd',
      arch: goArch(),
      compiler: `node${process.versions.node}`,
    },
  });
});

test('the answer follows the time, reloads and the ways to log in', async () => {
  expect(await ask()).toMatchObject({ uptime_seconds: 0 });
  vi.advanceTimersByTime(2_000);
  expect(await ask()).toMatchObject({ uptime_seconds: 2, created_at: '2026-11-23T17:38:06Z' });
  createdAt = new Date();
  auths = [];
  expect(await ask()).toMatchObject({ uptime_seconds: 0, created_at: '2026-11-23T17:38:08Z', auths: [] });
});

test('others learn how to log in, and nothing that identifies the server', async () => {
  isAuthorized = false;
  expect(await ask()).toEqual({ app: 'datarhei-core', auths: ['localjwt'], version: { number: '16.0.0' } });
});

test.each([
  ['linux', 'x64', 'linux/amd64'],
  ['linux', 'arm64', 'linux/arm64'],
  ['linux', 'arm', 'linux/arm'],
  ['linux', 'ia32', 'linux/386'],
  ['darwin', 'arm64', 'darwin/arm64'],
  ['win32', 'x64', 'windows/amd64'],
])('%s on %s is %s', (platform, arch, name) => {
  expect(goArch(platform, arch)).toBe(name);
});
