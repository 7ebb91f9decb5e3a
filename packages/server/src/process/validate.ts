import { dirname } from 'node:path';
import { AddressFilter } from '../ffmpeg/address-filter.ts';
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
  for (const { at, address } of eachOnce('output', outputs, id)) {
    explain(`the address for output '${at}' is invalid`, () => {
      if (checkOutputAddress(address, output).isFile) writesFiles = true;
    });
  }
  checkFileOptions([...argumentsOf(config)], output);
  return { writesFiles };
}

/** The trimmed inputs or outputs, one by one, each with its place in words. Checks ids and that there is an address. */
function* eachOnce(kind: 'input' | 'output', list: readonly ProcessInput[], processId: string) {
  const seen = new Set<string>();
  for (const { id: untrimmed, address: padded } of list) {
    const id = untrimmed.trim();
    const address = padded.trim();
    if (id === '') fail(`empty ${kind} IDs are not allowed (process '${processId}')`);
    if (seen.has(id)) fail(`the ${kind} ID '${id}' is already in use for the process \`${processId}\``);
    seen.add(id);
    const at = `#${processId}:${id}`;
    if (address === '') fail(`the address for ${kind} '${at}' must not be empty`);
    yield { at, address };
  }
}

interface Argument {
  text: string;
  /** Whose it is, in words. */
  where: string;
  /** Of the output it belongs to, or of its part of a tee list. */
  address?: string;
}

/** All that FFmpeg may take for an option or its value, in its order: it does not know where one list ends. */
function* argumentsOf({ id, options, inputs, outputs }: ResolvedConfig): Generator<Argument> {
  for (const text of options) yield { text, where: `of the process '${id}'` };
  for (const input of inputs) {
    const where = `of input '#${id}:${input.id.trim()}'`;
    for (const text of [...input.options, '-i', input.address]) yield { text, where };
  }
  for (const output of outputs) {
    const where = `of output '#${id}:${output.id.trim()}'`;
    for (const text of [...output.options, output.address]) yield { text, where, address: output.address };
    for (const { name, value, address } of teeOptions(output.address)) {
      yield { text: `-${name}`, where, address };
      yield { text: value, where };
    }
  }
}

/** Options that make FFmpeg write to the address that follows. */
const FILE_OPTION =
  /^--?(?:hls_segment_filename|segment_list|passlogfile|vstats_file|progress|sdp_file|dump_attachment|segment_header_filename|stats_(?:enc_pre|enc_post|mux_pre))(?::.*)?$/;

/** Options that name a file beside the output, to which the lists have been applied. */
const NAME_OPTION =
  /^--?(?:hls_fmp4_init_filename|master_pl_name|hls_master_name|init_seg_name|media_seg_name|single_file_name)(?::.*)?$/;

/** Make FFmpeg write a log, under a name of its own, to where the server was started. */
const LOG_OPTION = /^--?(?:report|vstats)$/;

const ANY_ADDRESS = new AddressFilter({ allow: [], block: [] });

function checkFileOptions(all: readonly Argument[], rules: OutputRules): void {
  for (const [index, { text: name, where, address }] of all.entries()) {
    const value = all[index + 1]?.text;
    explain(`the option '${name}' ${where} is invalid`, () => {
      if (LOG_OPTION.test(name)) fail(`it writes outside of ${rules.diskDir}`);
      if (value === undefined || value.startsWith('pipe:')) return;
      if (FILE_OPTION.test(name)) checkOutputAddress(value, rules);
      if (NAME_OPTION.test(name) && address !== undefined) {
        checkOutputAddress(`${dirname(address.trim())}/${value}`, { ...rules, filter: ANY_ADDRESS });
      }
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
