import { once } from 'node:events';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { connect } from 'node:tls';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { Log } from '../../packages/server/src/log/logger.ts';
import { Challenges } from '../../packages/server/src/tls/challenges.ts';
import { type KeyPair, parseKeyPair } from '../../packages/server/src/tls/key-pair.ts';
import { Renewal } from '../../packages/server/src/tls/renewal.ts';
import { freePort } from '../support/ports.ts';
import { type TestServer, startServer } from '../support/server.ts';
import { selfSignedCertificate } from './certificate.ts';
import { WHY_NO_PEBBLE, startPebble } from './pebble.ts';
import { SOON } from './process-server.ts';

const HOST = 'localhost';
const DAY_MS = 86_400_000;
const silent = new Log(process.stderr, { level: 'silent', topics: [], maxLines: 0 }).component('');

function parsed(): KeyPair {
  const { cert, key } = selfSignedCertificate();
  return parseKeyPair(cert, key);
}

interface Setup {
  folder: string;
  httpPort: number;
  tlsPort: number;
  start: (env?: Record<string, string>) => Promise<TestServer>;
}

/** A folder and ports for a server with automatic certificates. */
async function setUp(directoryUrl: string, caFile = ''): Promise<Setup> {
  const folder = await mkdtemp(path.join(tmpdir(), 'millrace-acme-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const [httpPort, tlsPort] = [await freePort(), await freePort()];
  const start = async (env: Record<string, string> = {}) => {
    const server = await startServer({
      folder,
      env: {
        CORE_ADDRESS: `:${httpPort}`,
        CORE_HOST_NAME: HOST,
        CORE_TLS_ENABLE: 'true',
        CORE_TLS_AUTO: 'true',
        CORE_TLS_ADDRESS: `127.0.0.1:${tlsPort}`,
        CORE_TLS_ACME_DIRECTORY: directoryUrl,
        CORE_TLS_ACME_CA: caFile,
        ...env,
      },
    });
    onTestFinished(() => server.close());
    return server;
  };
  return { folder, httpPort, tlsPort, start };
}

/** Who vouches for the certificate that a new connection is shown. */
async function issuer(port: number): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', servername: HOST, rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const { issuer: name } = socket.getPeerCertificate();
  socket.destroy();
  return String(name.CN);
}

describe.skipIf(WHY_NO_PEBBLE !== '')(`automatic certificates ${WHY_NO_PEBBLE}`, () => {
  test('come from the authority while the server runs, and are there after a restart', async () => {
    const pebbleFolder = await mkdtemp(path.join(tmpdir(), 'millrace-pebble-'));
    onTestFinished(() => rm(pebbleFolder, { recursive: true }));
    const httpPort = await freePort();
    const pebble = await startPebble(pebbleFolder, httpPort);
    onTestFinished(() => pebble[Symbol.asyncDispose]());
    const { folder, tlsPort, start } = await setUp(pebble.directoryUrl, pebble.caFile);

    const server = await start({ CORE_ADDRESS: `:${httpPort}` });
    await vi.waitFor(() => {
      expect(server.log()).toContain('msg="Successfully acquired certificate"');
    }, SOON);
    expect(server.log()).toContain(`component="Let's Encrypt" msg="Acquiring certificate ..."`);
    expect(await issuer(tlsPort)).toMatch(/^Pebble Intermediate/);
    const dir = path.join(folder, 'config', 'cert');
    const files = (await readdir(dir, { recursive: true })).filter((name) => /\.(key|crt)$/.test(name));
    expect(files.map((name) => path.basename(name)).sort()).toEqual([
      'cert.key',
      'localhost.crt',
      'localhost.key',
    ]);
    for (const name of files) expect((await stat(path.join(dir, name))).mode & 0o777).toBe(0o600);
    expect((await stat(dir)).mode & 0o777).toBe(0o700);
    await server.close();

    const again = await start({ CORE_ADDRESS: `:${httpPort}` });
    expect(await issuer(tlsPort)).toMatch(/^Pebble Intermediate/);
    expect(again.log()).not.toContain('Acquiring certificate');
  });

  test.each([
    ['is about to run out is renewed', 1, 1],
    ['has long to live is left alone', 80, 0],
  ])('a certificate that %s', async (_what, daysLeft, orders) => {
    const folder = await mkdtemp(path.join(tmpdir(), 'millrace-acme-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const challenges = new Challenges(silent);
    const answers = createServer((request, response) => response.end(challenges.answer(request.url ?? '')));
    onTestFinished(() => void answers.close());
    await once(answers.listen(0), 'listening');
    const pebble = await startPebble(folder, (answers.address() as AddressInfo).port);
    onTestFinished(() => pebble[Symbol.asyncDispose]());

    let pair: KeyPair = {
      ...parsed(),
      validFrom: new Date(Date.now() - (90 - daysLeft) * DAY_MS),
      expires: new Date(Date.now() + daysLeft * DAY_MS),
    };
    let [looks, installed] = [0, 0];
    const certificates = {
      pairOf: () => (looks++, pair),
      install: (_host: string, renewed: KeyPair) => {
        installed++;
        pair = renewed;
      },
    };
    const renewal = new Renewal(
      { hosts: [HOST], dir: folder, ...pebble, email: 'cert@media.example' },
      { certificates, answers: challenges, env: {}, log: silent },
      { check: 10, minRetry: 10, maxRetry: 10 },
    );
    onTestFinished(() => renewal.close());
    await renewal.start();
    await vi.waitFor(() => {
      expect(installed).toBe(orders);
      expect(looks).toBeGreaterThan(5);
    }, SOON);
    expect(installed).toBe(orders);
  });
});

test('without an authority the server starts, with a certificate of its own, and says what is wrong', async () => {
  const { tlsPort, start } = await setUp(`https://127.0.0.1:${await freePort()}/dir`);
  const server = await start();
  expect(await issuer(tlsPort)).toBe('Millrace');
  await vi.waitFor(() => {
    expect(server.log()).toMatch(
      /component="Let's Encrypt" msg="Failed to acquire certificate" error=".*ECONNREFUSED/,
    );
  }, SOON);
});

test('an authority that is not trusted gets no further than the handshake', async () => {
  const { tlsPort, start } = await setUp(`https://127.0.0.1:${await freePort()}/dir`);
  const server = await start({ CORE_TLS_ACME_DIRECTORY: `https://127.0.0.1:${tlsPort}/dir` });
  await vi.waitFor(() => {
    expect(server.log()).toMatch(/Failed to acquire certificate" error=".*(self.signed|certificate)/i);
  }, SOON);
});
