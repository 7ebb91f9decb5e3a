import { CoreError } from '../util/errors.ts';
import type { ResolvedConfig, ResolvedOutput } from './resolve.ts';

/** The resolved outputs of a process; `undefined` if there is none of that id. */
export type OutputsOf = (processId: string) => readonly ResolvedOutput[] | undefined;

// Process ids may contain colons.
const REFERENCE = /^#(.+):output=(.+)/;

/**
 * Puts the addresses of other processes' outputs in the place of inputs that refer to them (`#process:output=id`).
 * Throws `invalid` for the first reference that leads nowhere, and for an input without an address.
 */
export function followReferences(config: ResolvedConfig, outputsOf: OutputsOf): ResolvedConfig {
  return {
    ...config,
    inputs: config.inputs.map((input) => {
      const problem = (text: string) =>
        new CoreError('invalid', `reference error for '#${config.id}:${input.id}': ${text}`);
      return { ...input, address: follow(input.address, config.id, outputsOf, problem) };
    }),
  };
}

function follow(
  address: string,
  ownId: string,
  outputsOf: OutputsOf,
  problem: (text: string) => CoreError,
): string {
  if (address === '') throw problem('empty address');
  if (!address.startsWith('#')) return address;
  const [, processId = '', outputId = ''] = REFERENCE.exec(address) ?? [];
  if (processId === '') throw problem(`invalid format (${address})`);
  if (processId === ownId) throw problem(`self-reference not possible (${address})`);
  const outputs = outputsOf(processId);
  if (outputs === undefined) throw problem(`unknown process '${processId}' (${address})`);
  const output = outputs.find(({ id }) => id === outputId);
  if (output === undefined) {
    throw problem(`the process '${processId}' has no outputs with the ID '${outputId}' (${address})`);
  }
  return output.readAddress;
}
