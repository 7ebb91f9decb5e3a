import type { ProcessInput } from './config.ts';
import type { ResolvedConfig } from './resolve.ts';

/** The arguments of FFmpeg, without its name. Nothing is added and nothing normalised: each entry is one argument. */
export function createCommand(config: ResolvedConfig): string[] {
  return [
    ...createProbeCommand(config),
    ...config.outputs.flatMap(({ options, address }) => [...options, address]),
  ];
}

/** The arguments to look at the inputs alone. */
export function createProbeCommand({ options, inputs }: ResolvedConfig): string[] {
  return [...options, ...inputs.flatMap((input) => [...inputOptions(input), '-i', input.address])];
}

/** Which port FFmpeg offers for an input of its own player is not for the user to say. */
function inputOptions({ address, options }: ProcessInput): readonly string[] {
  if (!/^(?:avstream|playout):/.test(address)) return options;
  return options.filter((option, index) => option !== PLAYOUT_PORT && options[index - 1] !== PLAYOUT_PORT);
}

const PLAYOUT_PORT = '-playout_httpport';
