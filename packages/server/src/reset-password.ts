import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { hashPassword } from './auth/password.ts';
import { parseEnvFile } from './config/env-file.ts';
import { mergeEnvironment } from './config/env.ts';
import { configText, findConfigFile, readConfigFile, writeConfigFile } from './config/file.ts';
import { CURRENT_VERSION } from './config/migrate.ts';
import type { Surroundings } from './config/kinds.ts';
import { errorText } from './util/errors.ts';

/** The longest password that is taken, in bytes. */
const MAX_LENGTH = 1024;
/** How long a running server may take to say so, in milliseconds. */
const PATIENCE = 2000;
const DEFAULT_USERNAME = 'admin';
const USAGE = `Usage: millrace-server reset-password [--username NAME] [--config-file PATH] < PASSWORD

Sets the password of the API in the configuration file, as a hash. The new password is the first line of the
standard input; "millrace reset-password" asks for it.`;

export interface ResetOptions extends Surroundings {
  args: readonly string[];
  stdin: AsyncIterable<Buffer | string> & { isTTY?: boolean };
  stdout: { write(text: string): unknown };
  stderr: { write(text: string): unknown };
}

/**
 * Gives the account of the API a new password in the configuration file, whether the server runs or not. Returns the exit code:
 * 0, 1 if nothing could be changed, 2 if the arguments make no sense.
 */
export async function resetPassword(options: ResetOptions): Promise<number> {
  const { stdout, stderr } = options;
  let given;
  try {
    given = parseArgs({
      args: [...options.args],
      options: {
        username: { type: 'string' },
        'config-file': { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (error) {
    stderr.write(`${errorText(error)}\n\n${USAGE}\n`);
    return 2;
  }
  if (given.help === true) {
    stdout.write(`${USAGE}\n`);
    return 0;
  }
  try {
    const lines = await changePassword(options, given.username, given['config-file']);
    stdout.write(`${lines.join('\n')}\n`);
    return 0;
  } catch (error) {
    stderr.write(`The password was not changed: ${errorText(error)}\n`);
    return 1;
  }
}

/** Returns what is to be told about it. */
async function changePassword(
  { env: ownEnv, cwd, stdin }: ResetOptions,
  username: string | undefined,
  asked: string | undefined,
): Promise<string[]> {
  const envFile =
    parseEnvFile(await readFile(join(cwd, '.env'), 'utf8').catch(() => '')) ?? new Map<string, string>();
  const where: Surroundings = { cwd, env: { ...Object.fromEntries(envFile), ...ownEnv } };
  const path = asked === undefined ? await findConfigFile(where) : resolve(cwd, asked);
  const before = await readConfigFile(path);
  if (before === undefined) {
    throw new Error(
      `there is no configuration in ${path}; name the file with --config-file or CORE_CONFIGFILE`,
    );
  }
  const { overridden } = mergeEnvironment(before.config, where);
  const override = overridden.find(({ name }) => name === 'api.auth.password');
  if (override !== undefined) {
    throw new Error(
      `${override.env ?? override.name} sets it and counts more than the file; change it there`,
    );
  }
  const password = await readPassword(stdin);

  const config = structuredClone(before.config);
  const { auth } = config.api;
  auth.username = username ?? (auth.username || DEFAULT_USERNAME);
  auth.password = await hashPassword(password);
  config.created_at = new Date().toISOString();
  // The server goes on with the copy if the file is lost: that must not bring the old password back.
  await writeConfigFile(path, config, { ...before, text: configText(config) });

  const isOff = !auth.enable && !overridden.some(({ name }) => name === 'api.auth.enable');
  return [
    `The password of ${auth.username} was changed in ${path}.`,
    `Its copy ${path}.bak has the new one as well.`,
    ...(before.version === CURRENT_VERSION
      ? []
      : [`The file of the layout before is kept as ${path}.v${before.version}.bak, with the old password.`]),
    ...(isOff ? ['Nobody needs it as long as api.auth.enable is off.'] : []),
    '',
    ...(await nextSteps(mergeEnvironment(config, where).config.address)),
  ];
}

async function nextSteps(address: string): Promise<string[]> {
  const base = `http://${address.replace(/^(0\.0\.0\.0|\[::\])?:/, '127.0.0.1:')}`;
  const change =
    'If the environment of the server sets CORE_API_AUTH_PASSWORD, change it there as well: it counts more.';
  if (!(await isRunning(base))) return ['It counts from the next start of the server.', change];
  return [
    `A server answers at ${base}. Until it takes this in, the old password counts there, and a change of its`,
    'configuration through the API would undo this. Have it take this in now, without interrupting streams, by sending',
    'it SIGHUP (kill -HUP with its process id; systemctl kill -s HUP; docker kill -s HUP), or restart it.',
    'All sessions end with that.',
    change,
  ];
}

async function isRunning(base: string): Promise<boolean> {
  try {
    const response = await fetch(`${base}/ping`, {
      signal: AbortSignal.timeout(PATIENCE),
      redirect: 'manual',
    });
    await response.body?.cancel();
    return true;
  } catch {
    // Not there, or not to be reached in this way: both is said as what counts for sure.
    return false;
  }
}

/** The first line. */
async function readPassword(stdin: ResetOptions['stdin']): Promise<string> {
  if (stdin.isTTY === true) throw new Error('it would be seen here; use millrace reset-password, or a pipe');
  let text = '';
  for await (const chunk of stdin) {
    text += chunk.toString();
    if (text.includes('\n') || text.length > MAX_LENGTH) break;
  }
  const [line = ''] = text.split(/\r?\n/, 1);
  if (line === '') throw new Error('there is no password in the standard input');
  if (Buffer.byteLength(line) > MAX_LENGTH) throw new Error(`it is longer than ${MAX_LENGTH} bytes`);
  return line;
}
