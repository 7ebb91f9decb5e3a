import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { defineCommand, flag, text } from '../command.ts';
import type { Context } from '../context.ts';
import { CommandError, UsageError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import { askHidden, readSecret } from '../terminal/prompt.ts';

const SERVER = 'millrace-server';

export const resetPassword = defineCommand({
  name: 'reset-password',
  summary: "set a new password of the server, on the server's machine",
  description: `For who cannot log in any more: it changes the configuration file, so it has to run on the machine of the server, as the user whose server it is, and with its environment (CORE_CONFIGFILE) or in its folder. The server may run or not; it is said what is to be done then.

The file holds only a hash of the password afterwards. All sessions end.`,
  arguments: {},
  options: {
    username: text('give the account another name as well', 'name', { short: 'u' }),
    passwordStdin: flag('read the password from the standard input'),
    generate: flag('make a password up and print it'),
    configFile: text('the configuration file, if it is not the one that the server would use', 'path', {
      complete: 'file',
    }),
  },
  examples: [
    ['sudo -u millrace millrace reset-password', 'asks for the new password'],
    ['millrace reset-password --generate --config-file /core/config/config.json', 'of another server'],
  ],
  async run(_args, { username, passwordStdin, generate, configFile }, context) {
    const password = await newPassword(context, passwordStdin, generate);
    const [command, ...before] = serverCommand();
    const args = [
      ...before,
      'reset-password',
      ...(username === undefined ? [] : ['--username', username]),
      ...(configFile === undefined ? [] : ['--config-file', configFile]),
    ];
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'], signal: context.signal });
    // It may end before it has read anything; its exit code tells.
    child.stdin.on('error', () => undefined).end(`${password}\n`);
    const said = child.stdout.setEncoding('utf8').toArray() as Promise<string[]>;
    try {
      const [code] = (await once(child, 'close')) as [number | null];
      if (code === 2) throw new CommandError('the server that is installed here does not know this command');
      if (code !== 0) return EXIT.failed;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      throw new CommandError('the server is not installed here', {
        hint: 'run this on the machine of the server',
        cause: error,
      });
    }
    const lines = (await said).join('').trimEnd();
    context.show({ ...(generate && { password }) }, () => [
      ...(generate ? [`The new password is ${password}`] : []),
      lines,
    ]);
    return EXIT.done;
  },
});

async function newPassword(context: Context, fromStdin: boolean, isGenerated: boolean): Promise<string> {
  if (fromStdin && isGenerated) throw new UsageError('--password-stdin and --generate exclude each other');
  if (isGenerated) return randomBytes(15).toString('base64url');
  const password = fromStdin ? await readSecret(context.stdin) : await askHidden(context, 'New password');
  if (password === '') throw new UsageError('the password is empty');
  if (!fromStdin && (await askHidden(context, 'Once more')) !== password) {
    throw new UsageError('these are two different passwords; nothing was changed');
  }
  return password;
}

/** The server that is installed beside this program, else the one in the path. */
function serverCommand(): [command: string, ...args: string[]] {
  try {
    const main = fileURLToPath(import.meta.resolve('@millrace/server'));
    return [process.execPath, ...process.execArgv, main];
  } catch {
    return [SERVER];
  }
}
