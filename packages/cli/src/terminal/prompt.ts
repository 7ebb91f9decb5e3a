import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { UsageError } from '../errors.ts';
import type { Input, Output } from '../context.ts';

interface Terminal {
  stdin: Input;
  stderr: Output;
  signal: AbortSignal;
}

/** The longest text that is taken from a pipe, in bytes. */
const MAX_LENGTH = 64 * 1024;

/** Asks a person. Throws UsageError if nobody is at a terminal. */
export async function ask(terminal: Terminal, question: string, preset = ''): Promise<string> {
  const suffix = preset === '' ? ': ' : ` [${preset}]: `;
  return (await line(terminal, question + suffix, false)) || preset;
}

/** Asks a person for a text that is not shown. Throws UsageError if nobody is at a terminal. */
export async function askHidden(terminal: Terminal, question: string): Promise<string> {
  const text = await line(terminal, `${question}: `, true);
  terminal.stderr.write('\n');
  return text;
}

/** The first line that comes through a pipe. */
export async function readSecret(stdin: Input): Promise<string> {
  let text = '';
  for await (const chunk of stdin.setEncoding('utf8') as AsyncIterable<string>) {
    text += chunk;
    if (text.includes('\n') || text.length > MAX_LENGTH) break;
  }
  return (text.split('\n', 1)[0] ?? '').replace(/\r$/, '');
}

async function line(
  { stdin, stderr, signal }: Terminal,
  question: string,
  isHidden: boolean,
): Promise<string> {
  if (stdin.isTTY !== true) {
    throw new UsageError(`${question.replace(/\W*$/, '')}: there is no terminal to ask at`);
  }
  // The question is written past readline, which would show the answer with it.
  stderr.write(question);
  const echo = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      if (!isHidden) stderr.write(chunk);
      done();
    },
  });
  const reader = createInterface({ input: stdin, output: echo, terminal: true });
  try {
    return await new Promise<string>((resolve, reject) => {
      const interrupted = () => {
        reject(new DOMException('interrupted', 'AbortError'));
      };
      signal.addEventListener('abort', interrupted, { once: true });
      // Readline puts the terminal into raw mode, where Ctrl-C is only a character.
      reader.once('SIGINT', interrupted).once('close', interrupted).once('line', resolve);
    });
  } finally {
    reader.close();
  }
}
