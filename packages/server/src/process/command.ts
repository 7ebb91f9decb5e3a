import type { ProcessInput } from './config.ts';
import type { PortsByInput } from './playout-ports.ts';
import type { ResolvedConfig } from './resolve.ts';

/** The arguments of FFmpeg, without its name. Nothing is added and nothing normalised: each entry is one argument. */
export function createCommand(config: ResolvedConfig, ports: PortsByInput = new Map()): string[] {
  return [
    ...inputArguments(config, ports),
    ...config.outputs.flatMap(({ options, address }) => [...options, address]),
  ];
}

/** The arguments to look at the inputs alone. Their players get no ports: those may be in use. */
export function createProbeCommand(config: ResolvedConfig): string[] {
  return inputArguments(config, new Map());
}

/** Whether FFmpeg reads an input with a player of its own, which can be controlled while it runs. */
export function hasPlayer({ address }: ProcessInput): boolean {
  return /^(?:avstream|playout):/.test(address);
}

const PLAYOUT_PORT = '-playout_httpport';

function inputArguments({ options, inputs }: ResolvedConfig, ports: PortsByInput): string[] {
  return [
    ...options,
    ...inputs.flatMap((input) => [...inputOptions(input, ports.get(input.id)), '-i', input.address]),
  ];
}

/** Which port FFmpeg offers for an input of its own player is not for the user to say. */
function inputOptions(input: ProcessInput, port: number | undefined): readonly string[] {
  const { options } = input;
  if (!hasPlayer(input)) return options;
  const rest = options.filter(
    (option, index) => option !== PLAYOUT_PORT && options[index - 1] !== PLAYOUT_PORT,
  );
  return port === undefined ? rest : [...rest, PLAYOUT_PORT, String(port)];
}
