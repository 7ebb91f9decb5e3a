// `npm run up`: from a fresh checkout to a stream in the browser. Brings what is missing, starts the server with
// authentication on, gives it a test pattern to stream, and says where to look.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { assemblePage } from './page.mjs';
import { ROOT, SetupError, ensureFfmpeg, installDependencies, projectNode, run } from './setup.mjs';
import { ensureTestPattern } from './test-pattern.mjs';

const CONFIG_FILE = path.resolve(ROOT, process.env.CORE_CONFIGFILE || '.millrace/config.json');
const PAGE_FOLDER = path.join(path.dirname(CONFIG_FILE), 'page');
const DEFAULT_ADDRESS = '127.0.0.1:8080';
const READY_TIMEOUT_MS = 30_000;

await run(async () => {
  installDependencies();
  await ensureFfmpeg();
  const isFirstStart = !existsSync(CONFIG_FILE);
  if (isFirstStart) writeFirstConfig();
  const { address, username, password } = readSettings();
  await assertFree(address);
  assemblePage(PAGE_FOLDER);

  const server = startServer(address);
  const base = `http://${address.replace(/^(0\.0\.0\.0|\[::\])?:/, '127.0.0.1:')}`;
  try {
    if (await isReady(base, server)) {
      const note = await ensureTestPattern(base, { username, password }, server.ended);
      if (!server.hasEnded()) console.log(greeting({ base, username, password, isFirstStart, note }));
    }
  } catch (error) {
    const hasLost = server.isEnding();
    server.stop();
    const code = await server.ended;
    if (!hasLost) throw error;
    return code;
  }
  return server.ended;
});

/** The settings that differ from the defaults; the server adds the rest, its own secrets among them. */
function writeFirstConfig() {
  const folder = path.dirname(CONFIG_FILE);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const config = {
    version: 3,
    address: process.env.CORE_ADDRESS || DEFAULT_ADDRESS,
    db: { dir: path.join(folder, 'db') },
    storage: { disk: { dir: path.join(folder, 'data') } },
    api: { auth: { enable: true, username: 'admin', password: randomBytes(15).toString('base64url') } },
  };
  writeFileSync(CONFIG_FILE, `${JSON.stringify(config, null, 4)}\n`, { mode: 0o600, flag: 'wx' });
}

/** What this script has to know of the configuration: as for the server, the environment wins over the file. */
function readSettings() {
  let config;
  try {
    config = JSON.parse(readFileSync(CONFIG_FILE, 'utf8'));
  } catch (error) {
    throw new SetupError(`The configuration ${CONFIG_FILE} cannot be read: ${error.message}`);
  }
  const { env } = process;
  return {
    address: String(env.CORE_ADDRESS ?? config?.address ?? DEFAULT_ADDRESS),
    username: env.CORE_API_AUTH_USERNAME ?? config?.api?.auth?.username ?? '',
    password: env.CORE_API_AUTH_PASSWORD ?? config?.api?.auth?.password ?? '',
  };
}

async function assertFree(address) {
  const colon = address.lastIndexOf(':');
  const [host, port] = [address.slice(0, colon), Number(address.slice(colon + 1))];
  // The server says what is wrong with it.
  if (colon < 0 || !(port <= 65_535)) return;
  const probe = createServer();
  const error = await new Promise((resolve) => {
    probe
      .once('error', resolve)
      .listen({ port, ...(host && { host: host.replace(/^\[|\]$/g, '') }) }, () =>
        probe.close(() => resolve()),
      );
  });
  if (error?.code === 'EADDRINUSE') {
    throw new SetupError(
      `${address} is taken. Another address: CORE_ADDRESS=127.0.0.1:${port + 1} npm run up`,
    );
  }
  if (error) throw new SetupError(`Cannot listen on ${address}: ${error.message}`);
}

function startServer(address) {
  // A process group of its own: Ctrl-C reaches the server once, through this script, and not also from the terminal.
  const child = spawn(projectNode(), ['--conditions=source', path.join(ROOT, 'packages/server/bin.js')], {
    cwd: ROOT,
    stdio: ['ignore', 'inherit', 'inherit'],
    detached: true,
    env: {
      ...process.env,
      CORE_CONFIGFILE: CONFIG_FILE,
      CORE_ADDRESS: address,
      CORE_ROUTER_UI_PATH: PAGE_FOLDER,
    },
  });
  const ended = new Promise((resolve) => {
    child.once('error', () => resolve(1));
    child.once('exit', (code) => resolve(code ?? 1));
  });
  let asked = 0;
  const stop = () => {
    // npm passes Ctrl-C on after the terminal already has: what follows at once is the same key press.
    if (Date.now() - asked < 1000) return;
    asked = Date.now();
    child.kill('SIGTERM');
  };
  process.on('SIGINT', stop).on('SIGTERM', stop).on('SIGHUP', stop);
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
  return { ended, stop, hasEnded, isEnding: () => asked > 0 || hasEnded() };
}

/** Whether the server answers; false if it ended before, having said why. */
async function isReady(base, server) {
  const deadline = Date.now() + READY_TIMEOUT_MS;
  while (!server.hasEnded()) {
    const isUp = await fetch(`${base}/ping`).then(
      (response) => response.ok,
      () => false,
    );
    if (isUp) return true;
    if (Date.now() > deadline) throw new SetupError(`The server does not answer on ${base}.`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return false;
}

function greeting({ base, username, password, isFirstStart, note }) {
  const lines = ['', `  Millrace is running. Watch the stream:  ${base}/ui/`, ''];
  if (isFirstStart) {
    lines.push(`  User      ${username}`, `  Password  ${password}`, '');
    lines.push(
      `  The password is shown this once; it is kept in ${path.relative(process.cwd(), CONFIG_FILE)}.`,
    );
  }
  if (note) lines.push(`  ${note}`);
  lines.push('  Ctrl-C ends the server.', '');
  return lines.join('\n');
}
