// What the project needs on a machine that has only Node and npm. Plain JavaScript without dependencies for
// Node 20 and newer: nothing is installed yet when it runs.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline/promises';
import { fileURLToPath } from 'node:url';

/** The folder of the checkout. */
export const ROOT = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

/** What cannot go on, said in one line to the person in front of it. */
export class SetupError extends Error {}

/**
 * Runs a script's main function: its result is the exit code, a SetupError its last line.
 *
 * @param {() => Promise<number>} main
 */
export async function run(main) {
  try {
    process.exitCode = await main();
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}

/** Installs the dependencies if what is installed is not what the lock file says. */
export function installDependencies() {
  if (isInstalled()) return;
  console.log('Installing the dependencies …');
  const { status, error } = spawnSync('npm', ['ci', '--include=dev', '--no-progress', '--loglevel=error'], {
    cwd: ROOT,
    stdio: ['ignore', 'ignore', 'inherit'],
    // The pinned Node among the dependencies is about to be replaced: npm must not run on it.
    env: { ...process.env, PATH: searchPath().join(path.delimiter) },
  });
  if (error || status !== 0) throw new SetupError('The dependencies could not be installed (npm ci failed).');
}

/** npm keeps its own record of what it installed; dates say nothing after a branch was switched. */
function isInstalled() {
  const wanted = readPackages('package-lock.json');
  const installed = readPackages('node_modules/.package-lock.json');
  return Object.entries(wanted).every(
    ([name, { version, optional }]) =>
      name === '' || !name.startsWith('node_modules/') || optional || installed[name]?.version === version,
  );
}

/** @returns {Record<string, { version?: string, optional?: boolean }>} */
function readPackages(file) {
  try {
    return JSON.parse(readFileSync(path.join(ROOT, file), 'utf8')).packages;
  } catch {
    return {};
  }
}

/** The Node that runs the project: the pinned one, or the machine's own where the pinned one has no build. */
export function projectNode() {
  const pinned = path.join(ROOT, 'node_modules', '.bin', 'node');
  if (spawnSync(pinned, ['--eval', '0']).status === 0) return pinned;
  if (Number(process.versions.node.split('.')[0]) >= 24) return process.execPath;
  throw new SetupError(`Millrace needs Node 24 or newer here; this is ${process.version}.`);
}

/** The first of the programs that the search path has, as a full path. */
export function findProgram(...names) {
  for (const name of names) {
    for (const folder of searchPath()) {
      const file = path.join(folder, name);
      if (isExecutable(file)) return file;
    }
  }
  return undefined;
}

/** The search path without what npm adds to it for scripts. */
function searchPath() {
  return (process.env.PATH ?? '')
    .split(path.delimiter)
    .filter((folder) => folder !== '' && !folder.includes('node_modules'));
}

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

const PACKAGE_MANAGERS = [
  {
    program: 'apt-get',
    commands: (name) => [`apt-get update`, `apt-get install -y --no-install-recommends ${name}`],
    packages: { ffmpeg: 'ffmpeg', chromium: 'chromium', srt: 'srt-tools' },
    needsRoot: true,
  },
  {
    program: 'dnf',
    commands: (name) => [`dnf install -y ${name}`],
    packages: { ffmpeg: 'ffmpeg-free', chromium: 'chromium' },
    needsRoot: true,
  },
  {
    program: 'apk',
    commands: (name) => [`apk add ${name}`],
    packages: { ffmpeg: 'ffmpeg', chromium: 'chromium' },
    needsRoot: true,
  },
  {
    program: 'brew',
    commands: (name) => [`brew install ${name}`],
    packages: { ffmpeg: 'ffmpeg', srt: 'srt' },
    needsRoot: false,
  },
];

/** FFmpeg's path; the system's package manager brings it if it is missing. */
export function ensureFfmpeg() {
  return ensureProgram('FFmpeg', 'ffmpeg', ['ffmpeg']);
}

/** Chromium's path; the system's package manager brings it if it is missing. */
export function ensureChromium() {
  return ensureProgram('Chromium', 'chromium', ['chromium', 'chromium-browser', 'google-chrome']);
}

/** The path of srt-live-transmit, libsrt's own program. */
export function ensureSrtLiveTransmit() {
  return ensureProgram('srt-live-transmit', 'srt', ['srt-live-transmit']);
}

async function ensureProgram(title, name, programs) {
  const present = findProgram(...programs);
  if (present) return present;
  const manager = PACKAGE_MANAGERS.find(({ program, packages }) => packages[name] && findProgram(program));
  if (!manager)
    throw new SetupError(`${title} is missing, and no package manager known here has it. Please install it.`);

  const commands = manager.commands(manager.packages[name]);
  const isRoot = process.getuid?.() === 0;
  const prefix = manager.needsRoot && !isRoot ? 'sudo ' : '';
  const typed = commands.map((command) => prefix + command).join(' && ');
  const mayInstall =
    prefix === '' ||
    (findProgram('sudo') && (await confirm(`${title} is missing. Install it with \`${typed}\`?`)));
  if (!mayInstall) throw new SetupError(`${title} is missing. Install it with: ${typed}`);

  console.log(`Installing ${title} …`);
  for (const command of commands) {
    const [program, ...args] = (prefix + command).split(' ');
    spawnSync(program, args, {
      stdio: ['inherit', 'ignore', 'inherit'],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    });
  }
  const installed = findProgram(...programs);
  if (!installed) throw new SetupError(`${title} could not be installed. Try it by hand: ${typed}`);
  return installed;
}

/** Asks on the terminal; without one the answer is no. */
async function confirm(question) {
  if (!process.stdin.isTTY || !process.stdout.isTTY) return false;
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await terminal.question(`${question} [Y/n] `);
  terminal.close();
  return /^(y(es)?)?$/i.test(answer.trim());
}
