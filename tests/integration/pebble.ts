import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '../support/ports.ts';
import { selfSignedCertificate } from './certificate.ts';

const VERSION = 'v2.10.1';
const FOLDER = path.join(import.meta.dirname, `../../node_modules/.cache/pebble-${VERSION}`);
const BINARY = path.join(FOLDER, 'pebble');
const BUILD_TIMEOUT = 180_000;
const MODULE = `github.com/letsencrypt/pebble/v2/cmd/pebble@${VERSION}`;

/** Why there is no Pebble; empty if it is there. It is built once, from its Go module, for all tests to come. */
export const WHY_NO_PEBBLE = await build();

async function build(): Promise<string> {
  if (existsSync(BINARY)) return '';
  const options = { env: { ...process.env, GOBIN: FOLDER }, timeout: BUILD_TIMEOUT };
  try {
    await promisify(execFile)('go', ['install', MODULE], options);
    return '';
  } catch {
    return '(needs Go and its module proxy, to build Pebble)';
  }
}

/** Pebble, a small certificate authority that speaks ACME, which looks for proof at a port on loopback. */
export interface Pebble extends AsyncDisposable {
  readonly directoryUrl: string;
  /** The certificate of its own HTTPS. */
  readonly caFile: string;
}

/**
 * @param folder for its files.
 * @param httpPort where it looks for the answers to challenges.
 */
export async function startPebble(folder: string, httpPort: number): Promise<Pebble> {
  const [port, managementPort] = [await freePort(), await freePort()];
  const file = (name: string) => path.join(folder, name);
  const { cert, key } = selfSignedCertificate();
  await writeFile(file('pebble.crt'), cert);
  await writeFile(file('pebble.key'), key);
  const config = {
    listenAddress: `127.0.0.1:${port}`,
    managementListenAddress: `127.0.0.1:${managementPort}`,
    certificate: file('pebble.crt'),
    privateKey: file('pebble.key'),
    httpPort,
    tlsPort: httpPort,
    retryAfter: { authz: 1, order: 1 },
  };
  await writeFile(file('pebble.json'), JSON.stringify({ pebble: config }));
  const child = spawn(BINARY, ['-config', file('pebble.json')], {
    env: { ...process.env, PEBBLE_VA_NOSLEEP: '1', PEBBLE_WFE_NONCEREJECT: '30', PEBBLE_AUTHZREUSE: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const closed = once(child, 'close');
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  while (!output.includes('ACME directory available')) {
    const isOver = await Promise.race([
      closed.then(() => true),
      once(child.stdout, 'data').then(() => false),
    ]);
    if (isOver) throw new Error(`Pebble ended: ${output}`);
  }
  return {
    directoryUrl: `https://127.0.0.1:${port}/dir`,
    caFile: file('pebble.crt'),
    [Symbol.asyncDispose]: async () => {
      child.kill();
      await closed;
    },
  };
}
