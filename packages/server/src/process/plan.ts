import type { CleanupRule } from '../storage/cleanup.ts';
import { CoreError } from '../util/errors.ts';
import { createCommand, createProbeCommand } from './command.ts';
import type { ProcessConfig } from './config.ts';
import { followReferences, type OutputsOf } from './references.ts';
import type { Resolver } from './resolve.ts';
import { validate, type AddressRules } from './validate.ts';

/** What a configuration amounts to at present. */
export interface Plan {
  /** Arguments of FFmpeg. */
  command: readonly string[];
  /** Arguments to look at the inputs. */
  probeCommand: readonly string[];
  cleanup: readonly CleanupRule[];
  /** Whether FFmpeg writes files to the disk. */
  writesFiles: boolean;
}

/** Replaces placeholders, follows references and checks the result. Throws `invalid` with the reason against it. */
export function createPlan(
  config: ProcessConfig,
  resolver: Resolver,
  rules: AddressRules,
  outputsOf: OutputsOf,
): Plan {
  if (config.id.trim() === '') throw new CoreError('invalid', 'an empty ID is not allowed');
  const resolved = followReferences(resolver.config(config), outputsOf);
  const { writesFiles } = validate(resolved, rules);
  checkLimits(config);
  return {
    command: createCommand(resolved),
    probeCommand: createProbeCommand(resolved),
    cleanup: resolved.outputs.flatMap(({ cleanup }) => cleanup),
    writesFiles,
  };
}

function checkLimits({ limits: { cpuPercent } }: ProcessConfig): void {
  if (cpuPercent >= 0 && cpuPercent <= 100) return;
  throw new CoreError('invalid', `the CPU limit must be between 0 and 100 percent (have: ${cpuPercent})`);
}
