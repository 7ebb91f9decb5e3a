// The contract check: replays recorded exchanges with datarhei Core against a fresh server and fails on every
// difference that tests/compat/differences.json does not name, and on every entry there that no longer applies.
//
//   node scripts/contract.mjs FOLDER_OF_THE_CONTRACT [options of its check/exchange.mjs, such as --only 'fs/.*']
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { withServer } from './server.mjs';
import { ROOT, SetupError, ensureFfmpeg, run } from './setup.mjs';

/** The recordings of what is built so far. */
const RECORDINGS = [
  ...['login', 'http', 'config', 'fs', 'mounts', 'process', 'placeholders', 'probe', 'metadata', 'skills'],
  ...['log', 'metrics', 'sessions', 'graph', 'swagger', 'streams'],
];
const CREDENTIALS = { api: ['admin', 'contract-secret'], memory: ['memory', 'contract-memory'] };

/** The contract's README asks for these settings and no others. */
const SETTINGS = {
  CORE_RTMP_ENABLE: 'true',
  CORE_SRT_ENABLE: 'true',
  CORE_API_AUTH_ENABLE: 'true',
  CORE_API_AUTH_USERNAME: CREDENTIALS.api[0],
  CORE_API_AUTH_PASSWORD: CREDENTIALS.api[1],
  CORE_STORAGE_MEMORY_AUTH_ENABLE: 'true',
  CORE_STORAGE_MEMORY_AUTH_USERNAME: CREDENTIALS.memory[0],
  CORE_STORAGE_MEMORY_AUTH_PASSWORD: CREDENTIALS.memory[1],
  CORE_METRICS_ENABLE: 'true',
  CORE_METRICS_ENABLE_PROMETHEUS: 'true',
  CORE_SESSIONS_IP_IGNORELIST: '',
  CORE_UPDATE_CHECK: 'false',
  CORE_SERVICE_ENABLE: 'false',
};

await run(async () => {
  const [contract, ...options] = process.argv.slice(2);
  if (!contract) throw new SetupError('usage: node scripts/contract.mjs FOLDER_OF_THE_CONTRACT [options]');
  await ensureFfmpeg();

  const [username, password] = CREDENTIALS.api;
  const output = await withServer(SETTINGS, (origin) =>
    replay(contract, origin.replace('//', `//${username}:${password}@`), options),
  );
  return judge(output, options.includes('--only'));
});

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
      // What either side has, where the place alone would excuse too much.
      textPattern: new RegExp(entry.text ?? '', 's'),
      uses: 0,
    }),
  );
  const mistakes = [];
  for (const { exchange, differences } of parseDifferences(output)) {
    const unexplained = differences.filter(({ at, text }) => {
      const entry = allowed.find(
        ({ exchangePattern, pathPattern, textPattern }) =>
          exchangePattern.test(exchange) && pathPattern.test(at) && textPattern.test(text),
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
