import type { CleanupRule } from '../storage/cleanup.ts';
import { CoreError } from '../util/errors.ts';
import { createCommand, createProbeCommand, hasPlayer } from './command.ts';
import type { ProcessConfig } from './config.ts';
import type { PortsByInput } from './playout-ports.ts';
import { followReferences, type OutputsOf } from './references.ts';
import type { Resolver } from './resolve.ts';
import { validate, type AddressRules } from './validate.ts';

/** In bytes of UTF-8. Escaped in a URL each may take three, and the headers of a request end at 64 KiB. */
const MAX_ID_BYTES = 16_384;

/** What a configuration amounts to at present. */
export interface Plan {
  /** Arguments of FFmpeg. */
  command: readonly string[];
  /** Arguments to look at the inputs. */
  probeCommand: readonly string[];
  cleanup: readonly CleanupRule[];
  /** On which port FFmpeg's player of an input listens. */
  playout: PortsByInput;
  /** Whether FFmpeg writes files to the disk. */
  writesFiles: boolean;
}

/**
 * Replaces placeholders, follows references and checks the result. Throws `invalid` with the reason against it.
 *
 * @param portsFor finds ports for the inputs that FFmpeg plays itself.
 */
export function createPlan(
  config: ProcessConfig,
  resolver: Resolver,
  rules: AddressRules,
  outputsOf: OutputsOf,
  portsFor: (inputs: readonly string[]) => PortsByInput,
): Plan {
  checkId(config.id);
  const resolved = followReferences(resolver.config(config), outputsOf);
  const { writesFiles } = validate(resolved, rules);
  checkLimits(config);
  const playout = portsFor(resolved.inputs.filter(hasPlayer).map(({ id }) => id));
  return {
    command: createCommand(resolved, playout),
    probeCommand: createProbeCommand(resolved),
    cleanup: resolved.outputs.flatMap(({ cleanup }) => cleanup),
    playout,
    writesFiles,
  };
}

function checkId(id: string): void {
  if (id.trim() === '') throw new CoreError('invalid', 'an empty ID is not allowed');
  if (Buffer.byteLength(id) > MAX_ID_BYTES)
    throw new CoreError('invalid', `an ID of more than ${MAX_ID_BYTES} bytes is not allowed`);
}

function checkLimits({ limits: { cpuPercent } }: ProcessConfig): void {
  if (cpuPercent >= 0 && cpuPercent <= 100) return;
  throw new CoreError('invalid', `the CPU limit must be between 0 and 100 percent (have: ${cpuPercent})`);
}
