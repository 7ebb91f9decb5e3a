import { execFile, execFileSync, spawn } from 'node:child_process';
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
const MODULE = `github.com/letsencrypt/pebble/v2/cmd/pebble@${VERSION}`;

/** Why there is no Pebble; empty if it is there or can be made. */
export const WHY_NO_PEBBLE = existsSync(BINARY) || hasGo() ? '' : 'Go is needed to build Pebble';

function hasGo(): boolean {
  try {
    execFileSync('go', ['version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Builds Pebble from its Go module, once for all tests to come. */
export async function buildPebble(): Promise<void> {
  if (existsSync(BINARY)) return;
  await promisify(execFile)('go', ['install', MODULE], { env: { ...process.env, GOBIN: FOLDER } });
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
