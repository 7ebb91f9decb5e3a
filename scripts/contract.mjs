// The contract check: replays recorded exchanges with datarhei Core against a fresh server and fails on every
// difference that tests/compat/differences.json does not name, and on every entry there that no longer applies.
//
//   node scripts/contract.mjs FOLDER_OF_THE_CONTRACT [options of its check/exchange.mjs, such as --only 'fs/.*']
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { ROOT, SetupError, ensureFfmpeg, projectNode, run } from './setup.mjs';

/** The recordings of what is built so far. */
const RECORDINGS = [
  ...['login', 'http', 'config', 'fs', 'mounts', 'process', 'placeholders', 'probe', 'metadata', 'skills'],
  ...['log', 'metrics', 'sessions', 'graph', 'swagger'],
];
const READY_TIMEOUT_MS = 30_000;
const CREDENTIALS = { api: ['admin', 'contract-secret'], memory: ['memory', 'contract-memory'] };

await run(async () => {
  const [contract, ...options] = process.argv.slice(2);
  if (!contract) throw new SetupError('usage: node scripts/contract.mjs FOLDER_OF_THE_CONTRACT [options]');
  await ensureFfmpeg();

  const folder = mkdtempSync(path.join(os.tmpdir(), 'millrace-contract-'));
  const server = await startServer(folder);
  process.on('SIGINT', server.kill).on('SIGTERM', server.kill);
  try {
    const output = await replay(contract, server.address, options);
    return judge(output, options.includes('--only'));
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
});

/** A server as the contract's README describes it: with these settings from the environment and no others. */
async function startServer(folder) {
  const [http, rtmp, srt] = await freePorts(3);
  const [username, password] = CREDENTIALS.api;
  const [memoryUsername, memoryPassword] = CREDENTIALS.memory;
  for (const name of ['config', 'data']) mkdirSync(path.join(folder, name));
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('CORE_'));
  const child = spawn(
    projectNode(),
    ['--conditions=source', path.join(ROOT, 'packages/server/src/main.ts')],
    {
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
        CORE_RTMP_ENABLE: 'true',
        CORE_SRT_ENABLE: 'true',
        CORE_API_AUTH_ENABLE: 'true',
        CORE_API_AUTH_USERNAME: username,
        CORE_API_AUTH_PASSWORD: password,
        CORE_STORAGE_MEMORY_AUTH_ENABLE: 'true',
        CORE_STORAGE_MEMORY_AUTH_USERNAME: memoryUsername,
        CORE_STORAGE_MEMORY_AUTH_PASSWORD: memoryPassword,
        CORE_METRICS_ENABLE: 'true',
        CORE_METRICS_ENABLE_PROMETHEUS: 'true',
        CORE_SESSIONS_IP_IGNORELIST: '',
        CORE_UPDATE_CHECK: 'false',
        CORE_SERVICE_ENABLE: 'false',
      },
    },
  );
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
    address: `http://${username}:${password}@127.0.0.1:${http}`,
    kill: () => child.kill('SIGKILL'),
    stop: async () => {
      child.kill('SIGTERM');
      const [code] = await ended;
      if (code !== 0) throw new SetupError(`The server ended with exit code ${code}:\n${log}`);
    },
  };
}

/** The whole output of the contract's own program, which is also shown as it comes. */
async function replay(contract, address, options) {
  const [username, password] = CREDENTIALS.memory;
  const child = spawn(
    process.execPath,
    [
      path.resolve(contract, 'check/exchange.mjs'),
      ...['--mem', `${username}:${password}`, '--wipe', '--loose', ...options, 'check', address],
      ...RECORDINGS.map((name) => path.resolve(contract, 'golden', `${name}.json`)),
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text) => (output += text));
  const [code] = await once(child, 'close');
  if (code > 1) throw new SetupError(`The contract's own program failed:\n${output}`);
  return output;
}

/** Tells deliberate differences from mistakes, prints both, and returns the exit code. */
function judge(output, isPartial) {
  const allowed = JSON.parse(readFileSync(path.join(ROOT, 'tests/compat/differences.json'), 'utf8')).map(
    (entry) => ({
      ...entry,
      exchangePattern: new RegExp(`^(?:${entry.exchange})$`),
      pathPattern: new RegExp(`^(?:${entry.path})$`),
      uses: 0,
    }),
  );
  const mistakes = [];
  for (const { exchange, differences } of parseDifferences(output)) {
    const unexplained = differences.filter(({ at }) => {
      const entry = allowed.find(
        ({ exchangePattern, pathPattern }) => exchangePattern.test(exchange) && pathPattern.test(at),
      );
      if (entry) entry.uses++;
      return !entry;
    });
    if (unexplained.length > 0) mistakes.push({ exchange, unexplained });
  }

  for (const { exchange, unexplained } of mistakes) {
    console.log(`DIFFERS  ${exchange}`);
    for (const { at, text } of unexplained) console.log(`  ${at}\n${text}`);
  }
  for (const { exchange, path: at, reason, uses } of allowed) {
    if (uses > 0) console.log(`on purpose (${uses})  ${exchange}  ${at}\n  ${reason}`);
  }
  const unused = isPartial ? [] : allowed.filter(({ uses }) => uses === 0);
  for (const { exchange, path: at } of unused)
    console.log(`UNUSED   ${exchange}  ${at}: no such difference any more`);

  console.log(output.trimEnd().split('\n').at(-1));
  const deliberate = allowed.reduce((sum, { uses }) => sum + uses, 0);
  console.log(
    `contract: ${mistakes.length} exchanges differ, ${deliberate} differences on purpose, ${unused.length} unused entries`,
  );
  return mistakes.length + unused.length > 0 ? 1 : 0;
}

/** Reads the report of the contract's program: a headline an exchange, three lines a difference below it. */
function parseDifferences(output) {
  const exchanges = [];
  for (const line of output.split('\n')) {
    const headline = /^DIFF {2}(.+?) {2}\[/.exec(line);
    if (headline) exchanges.push({ exchange: headline[1], differences: [] });
    else if (/^ {8}\S/.test(line)) exchanges.at(-1)?.differences.push({ at: line.slice(8), text: '' });
    else if (/^ {10}/.test(line)) {
      const difference = exchanges.at(-1)?.differences.at(-1);
      if (difference) difference.text += `  ${line.slice(8)}\n`;
    }
  }
  return exchanges;
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
