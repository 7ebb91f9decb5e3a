import { spawn } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { defineCommand, flag, text } from '../command.ts';
import { CommandError } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';

const SERVER = 'millrace-server';

export const resetPassword = defineCommand({
  name: 'reset-password',
  summary: "set a new password of the server, on the server's machine",
  description: `For who cannot log in any more: it changes the configuration file, so it has to run on the machine of the server, as the user whose server it is, and with its environment (CORE_CONFIGFILE). The server may run or not; what is to be done then is said.

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
    ['CORE_CONFIGFILE=/core/config/config.json millrace reset-password --generate', 'of another file'],
  ],
  async run(_args, { username, passwordStdin, generate, configFile }, { signal }) {
    const args = [
      'reset-password',
      ...(username === undefined ? [] : ['--username', username]),
      ...(passwordStdin ? ['--password-stdin'] : []),
      ...(generate ? ['--generate'] : []),
      ...(configFile === undefined ? [] : ['--config-file', configFile]),
    ];
    const [command, ...before] = serverCommand();
    const child = spawn(command, [...before, ...args], { stdio: 'inherit', signal });
    try {
      const [code] = (await once(child, 'close')) as [number | null];
      return (code ?? EXIT.failed) as ExitCode;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      throw new CommandError('the server is not installed here', {
        hint: `run this on the machine of the server, or there: ${SERVER} reset-password`,
        cause: error,
      });
    }
  },
});

/** The server that is installed beside this program, else the one in the path. */
function serverCommand(): [command: string, ...args: string[]] {
  try {
    const main = fileURLToPath(import.meta.resolve('@millrace/server'));
    return [process.execPath, ...process.execArgv, main];
  } catch {
    return [SERVER];
  }
}
