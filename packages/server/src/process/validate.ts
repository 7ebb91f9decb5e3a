import type { AddressFilter } from '../ffmpeg/address-filter.ts';
import { checkInputAddress, checkOutputAddress, type OutputRules } from '../ffmpeg/address.ts';
import { teeOptions } from '../ffmpeg/tee.ts';
import { CoreError, errorText } from '../util/errors.ts';
import type { ProcessInput } from './config.ts';
import type { ResolvedConfig } from './resolve.ts';

/** Which addresses FFmpeg may read and write. */
export interface AddressRules {
  input: AddressFilter;
  output: AddressFilter;
  /** Files may be written below this directory. */
  diskDir: string;
}

/** What validation finds out on the way. */
export interface Validated {
  /** Whether FFmpeg writes files to the disk. */
  writesFiles: boolean;
}

/** Checks a configuration whose references are followed. Throws `invalid` with the first reason against it. */
export function validate(config: ResolvedConfig, rules: AddressRules): Validated {
  const { id, inputs, outputs } = config;
  if (inputs.length === 0) fail(`at least one input must be defined for the process '${id}'`);
  for (const { at, address } of eachOnce('input', inputs, id)) {
    explain(`the address for input '${at}' (${address}) is invalid`, () => {
      checkInputAddress(address, rules.input);
    });
  }
  if (outputs.length === 0) fail(`at least one output must be defined for the process '#${id}'`);
  const output = { filter: rules.output, diskDir: rules.diskDir };
  let writesFiles = false;
  for (const { at, address, options } of eachOnce('output', outputs, id)) {
    explain(`the address for output '${at}' is invalid`, () => {
      if (checkOutputAddress(address, output).isFile) writesFiles = true;
    });
    const ofTee = teeOptions(address).flatMap(({ name, value }) => [`-${name}`, value]);
    checkFileOptions([...options, ...ofTee], `of output '${at}'`, output);
  }
  checkFileOptions(config.options, `of the process '${id}'`, output);
  return { writesFiles };
}

/** The trimmed inputs or outputs, one by one, each with its place in words. Checks ids and that there is an address. */
function* eachOnce(kind: 'input' | 'output', list: readonly ProcessInput[], processId: string) {
  const seen = new Set<string>();
  for (const { id: untrimmed, address: padded, options } of list) {
    const id = untrimmed.trim();
    const address = padded.trim();
    if (id === '') fail(`empty ${kind} IDs are not allowed (process '${processId}')`);
    if (seen.has(id)) fail(`the ${kind} ID '${id}' is already in use for the process \`${processId}\``);
    seen.add(id);
    const at = `#${processId}:${id}`;
    if (address === '') fail(`the address for ${kind} '${at}' must not be empty`);
    yield { at, address, options };
  }
}

/** Options that make FFmpeg write to the address that follows. */
const FILE_OPTION =
  /^--?(?:hls_segment_filename|segment_list|passlogfile|vstats_file|progress|sdp_file)(?::.*)?$/;

/** Makes FFmpeg write a log to where the server was started. */
const REPORT_OPTION = /^--?report$/;

function checkFileOptions(options: readonly string[], where: string, rules: OutputRules): void {
  for (const [index, name] of options.entries()) {
    const value = options[index + 1];
    explain(`the option '${name}' ${where} is invalid`, () => {
      if (REPORT_OPTION.test(name)) fail(`it writes outside of ${rules.diskDir}`);
      const isFile = FILE_OPTION.test(name) && value !== undefined && !value.startsWith('pipe:');
      if (isFile) checkOutputAddress(value, rules);
    });
  }
}

function explain<T>(where: string, check: () => T): T {
  try {
    return check();
  } catch (error) {
    if (!(error instanceof CoreError)) throw error;
    throw new CoreError('invalid', `${where}: ${errorText(error)}`, { cause: error });
  }
}

function fail(reason: string): never {
  throw new CoreError('invalid', reason);
}
