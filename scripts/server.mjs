// A fresh server in a folder of its own, for the scripts that hold one against others.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { ROOT, SetupError, projectNode } from './setup.mjs';

const READY_TIMEOUT_MS = 30_000;

/**
 * Runs a server with these settings from the environment and no others but its addresses and folders, for as long
 * as `use` takes; returns what that returns.
 *
 * @template T
 * @param {Record<string, string>} settings
 * @param {(origin: string) => Promise<T>} use is given `http://127.0.0.1:port`.
 */
export async function withServer(settings, use) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'millrace-server-'));
  const server = await startServer(folder, settings);
  process.on('SIGINT', server.kill).on('SIGTERM', server.kill);
  try {
    return await use(server.origin);
  } finally {
    process.off('SIGINT', server.kill).off('SIGTERM', server.kill);
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function startServer(folder, settings) {
  const [http, rtmp, srt] = await freePorts(3);
  for (const name of ['config', 'data']) mkdirSync(path.join(folder, name));
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('CORE_'));
  const child = spawn(projectNode(), ['--conditions=source', path.join(ROOT, 'packages/server/bin.js')], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: {
      ...Object.fromEntries(inherited),
      CORE_ADDRESS: `127.0.0.1:${http}`,
      CORE_RTMP_ADDRESS: `127.0.0.1:${rtmp}`,
      CORE_SRT_ADDRESS: `127.0.0.1:${srt}`,
      CORE_CONFIGFILE: path.join(folder, 'config', 'config.json'),
      CORE_DB_DIR: path.join(folder, 'config'),
      CORE_STORAGE_DISK_DIR: path.join(folder, 'data'),
      CORE_STORAGE_MIMETYPES_FILE: path.join(ROOT, 'packages/server/mime.types'),
      ...settings,
    },
  });
  const ended = once(child, 'exit');
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text) => (log = (log + text).slice(-20_000)));

  const deadline = Date.now() + READY_TIMEOUT_MS;
  while (!(await answers(`http://127.0.0.1:${http}/ping`))) {
    if (child.exitCode !== null || Date.now() > deadline) {
      child.kill('SIGKILL');
      throw new SetupError(`The server did not start:\n${log}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return {
    origin: `http://127.0.0.1:${http}`,
    kill: () => child.kill('SIGKILL'),
    stop: async () => {
      child.kill('SIGTERM');
      const [code] = await ended;
      if (code !== 0) throw new SetupError(`The server ended with exit code ${code}:\n${log}`);
    },
  };
}

async function answers(url) {
  return fetch(url).then(
    (response) => response.ok,
    () => false,
  );
}

/** Ports that were free a moment ago; held open together so that they differ. */
async function freePorts(count) {
  const servers = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise((resolve) => {
          const server = createServer().listen(0, '127.0.0.1', () => resolve(server));
        }),
    ),
  );
  const ports = servers.map((server) => server.address().port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
