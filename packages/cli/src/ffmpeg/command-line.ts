import type { ProcessConfigIO } from '@millrace/client';
import { UsageError } from '../errors.ts';
import { optionKind } from './options.ts';
import { splitWords } from './words.ts';

/** The part of a process that its command line tells. */
export interface FfmpegCommand {
  /** What is about the whole program. */
  options: string[];
  /** In the order of the command line, with the ids `input_0`, `input_1`, … */
  input: ProcessConfigIO[];
  /** In the order of the command line, with the ids `output_0`, `output_1`, … */
  output: ProcessConfigIO[];
}

/**
 * Reads a command line of FFmpeg as FFmpeg does: options stand before the input or output they are for, and those
 * about the whole program anywhere. Addresses and values stay as they are. The word `ffmpeg` in front may be there, and
 * a command line of one argument is split as a shell would.
 *
 * @throws UsageError for what FFmpeg would not accept either, or what cannot be a process.
 */
export function parseFfmpegCommand(typed: readonly string[]): FfmpegCommand {
  const [only = '', ...rest] = typed;
  const words = rest.length === 0 && /\s/.test(only) ? splitWords(only) : [...typed];
  if (/^(.*\/)?ffmpeg(\.exe)?$/.test(words[0] ?? '')) words.shift();

  const command: FfmpegCommand = { options: [], input: [], output: [] };
  let pending: string[] = [];
  const file = (list: ProcessConfigIO[], kind: string, address: string) => {
    if (address === '') throw new UsageError(`the address of an ${kind} is empty`);
    list.push({ id: `${kind}_${list.length}`, address, options: pending });
    pending = [];
  };

  while (words.length > 0) {
    const word = words.shift() ?? '';
    if (word === '--') {
      const address = words.shift();
      if (address !== undefined) file(command.output, 'output', address);
    } else if (!/^-./s.test(word)) {
      file(command.output, 'output', word);
    } else if (word === '-i') {
      file(command.input, 'input', valueOf(word, words));
    } else if (word === '-dec') {
      throw new UsageError('-dec: a process cannot have decoders of its own outputs');
    } else {
      const { takesValue, isGlobal, isQuestion } = optionKind(word);
      if (isQuestion) throw new UsageError(`${word}: FFmpeg would print something and end`);
      const option = takesValue(words[0]) ? [word, valueOf(word, words)] : [word];
      (isGlobal ? command.options : pending).push(...option);
    }
  }

  if (pending.length > 0) {
    throw new UsageError(
      `${pending.join(' ')}: options have to stand before the input or output they are for, and nothing follows`,
    );
  }
  if (command.input.length === 0) throw new UsageError('no input: FFmpeg needs at least one -i address');
  if (command.output.length === 0) throw new UsageError('no output: FFmpeg needs an address to write to');
  return command;
}

/** The command line of a process, for people to read. */
export function ffmpegWords({ options, input, output }: FfmpegCommand): string[] {
  return [
    'ffmpeg',
    ...options,
    ...input.flatMap((file) => [...file.options, '-i', file.address]),
    ...output.flatMap((file) => [...file.options, file.address]),
  ];
}

function valueOf(option: string, words: string[]): string {
  const value = words.shift();
  if (value === undefined) throw new UsageError(`${option}: its value is missing`);
  return value;
}
