import type { CleanupRule } from '../storage/cleanup.ts';
import type { ProcessConfig, ProcessInput, ProcessOutput } from './config.ts';
import {
  createTemplates,
  replacePlaceholder,
  type PlaceholderSources,
  type Templates,
  type Variables,
} from './placeholders.ts';

/** An output whose placeholders are replaced. */
export interface ResolvedOutput extends ProcessInput {
  cleanup: readonly CleanupRule[];
  /** Where another process reads what this output writes. */
  readAddress: string;
}

/** A configuration whose placeholders are replaced. */
export interface ResolvedConfig {
  id: string;
  options: readonly string[];
  inputs: readonly ProcessInput[];
  outputs: readonly ResolvedOutput[];
}

/** Which placeholders are replaced in which place, in this order: what one inserts is seen by those after it. */
const ID = ['processid', 'reference'];
const GLOBAL_OPTION = ['diskfs', 'fs:*'];
const INPUT_OPTION = ['inputid', 'processid', 'reference', 'diskfs', 'memfs', 'fs:*'];
const INPUT_ADDRESS = [...INPUT_OPTION, 'rtmp', 'srt'];
const OUTPUT_OPTION = ['outputid', 'processid', 'reference', 'diskfs', 'memfs', 'fs:*'];
const OUTPUT_ADDRESS = [...OUTPUT_OPTION, 'rtmp', 'srt'];
const CLEANUP_PATTERN = ['outputid', 'processid', 'reference'];

/** Replaces the placeholders of configurations. */
export class Resolver {
  readonly #reading: Templates;
  readonly #writing: Templates;

  constructor(sources: PlaceholderSources) {
    this.#reading = createTemplates(sources, 'request');
    this.#writing = createTemplates(sources, 'publish');
  }

  config(config: ProcessConfig): ResolvedConfig {
    const { id, reference } = config;
    const variables = { processid: id, reference };
    return {
      id,
      options: config.options.map((option) => replace(option, GLOBAL_OPTION, this.#writing, variables)),
      inputs: config.inputs.map((input) => this.#input(input, variables)),
      outputs: this.outputs(config),
    };
  }

  /** The outputs alone: what references of other processes need. */
  outputs({ id, reference, outputs }: ProcessConfig): ResolvedOutput[] {
    return outputs.map((output) => this.#output(output, { processid: id, reference }));
  }

  #input({ id, address, options }: ProcessInput, ofProcess: Variables): ProcessInput {
    const inputid = replace(id, ID, this.#reading, ofProcess);
    const variables = { inputid, ...ofProcess };
    return {
      id: inputid,
      address: replace(address, INPUT_ADDRESS, this.#reading, variables),
      options: options.map((option) => replace(option, INPUT_OPTION, this.#reading, variables)),
    };
  }

  #output({ id, address, options, cleanup }: ProcessOutput, ofProcess: Variables): ResolvedOutput {
    const outputid = replace(id, ID, this.#writing, ofProcess);
    const variables = { outputid, ...ofProcess };
    return {
      id: outputid,
      address: replace(address, OUTPUT_ADDRESS, this.#writing, variables),
      readAddress: replace(address, OUTPUT_ADDRESS, this.#reading, variables),
      options: options.map((option) => replace(option, OUTPUT_OPTION, this.#writing, variables)),
      cleanup: cleanup.map((rule) => ({
        ...rule,
        pattern: replace(rule.pattern, CLEANUP_PATTERN, this.#writing, variables),
      })),
    };
  }
}

function replace(text: string, names: readonly string[], templates: Templates, variables: Variables): string {
  if (!text.includes('{')) return text;
  return names.reduce((result, name) => replacePlaceholder(result, name, templates, variables), text);
}
