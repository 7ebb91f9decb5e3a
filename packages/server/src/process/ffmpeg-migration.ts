import semver from 'semver';
import type { ProcessConfig, ProcessInput } from './config.ts';

const RTSP = /^rtsps?:\/\//;

/**
 * Makes a configuration for an FFmpeg before 5 fit a later one: what RTSP inputs had in `-stimeout` is in `-timeout`
 * since then. Returns the same configuration if there is nothing to change.
 *
 * @param constraint the versions it was made for, as a range; `''` if that is not known.
 * @param version the installed one.
 */
export function migrateConfig(config: ProcessConfig, constraint: string, version: string): ProcessConfig {
  const installed = semver.parse(version);
  const made = semver.validRange(constraint) === null ? null : semver.minVersion(constraint);
  if (installed === null || made === null || installed.major < 5 || made.major >= 5) return config;
  if (!config.inputs.some(isOutdated)) return config;
  return {
    ...config,
    inputs: config.inputs.map((input) => (isOutdated(input) ? renameTimeout(input) : input)),
  };
}

function isOutdated({ address, options }: ProcessInput): boolean {
  return RTSP.test(address) && options.includes('-stimeout');
}

function renameTimeout(input: ProcessInput): ProcessInput {
  return { ...input, options: input.options.map((option) => (option === '-stimeout' ? '-timeout' : option)) };
}
