import type { CleanupRule } from '../storage/cleanup.ts';
import { createShortId } from './short-id.ts';

/** An input or output of FFmpeg. Options and address may contain placeholders. */
export interface ProcessInput {
  id: string;
  address: string;
  /** Each entry is one argument. */
  options: readonly string[];
}

export interface ProcessOutput extends ProcessInput {
  /** Which files go when; from the creation of the process to its removal. */
  cleanup: readonly CleanupRule[];
}

/** What a user wants FFmpeg to do. Kept as it was given, placeholders and references included. */
export interface ProcessConfig {
  id: string;
  /** Groups processes as the user likes; need not be unique. */
  reference: string;
  inputs: readonly ProcessInput[];
  outputs: readonly ProcessOutput[];
  /** Global options of FFmpeg. */
  options: readonly string[];
  /** Start FFmpeg again when it ended by itself. */
  reconnect: boolean;
  reconnectDelaySeconds: number;
  /** Whether a new process is ordered to run. */
  autostart: boolean;
  /** How long FFmpeg may make no progress; 0 is for ever. */
  staleTimeoutSeconds: number;
  limits: ProcessLimits;
}

/** What FFmpeg may take; 0 is no limit. */
export interface ProcessLimits {
  /** 100 is all CPUs. */
  cpuPercent: number;
  memoryBytes: number;
  /** How long a limit must have been exceeded. */
  waitForSeconds: number;
}

/** Gives an id to inputs and outputs that have none. */
export function completeIds(config: ProcessConfig): ProcessConfig {
  const complete = <T extends ProcessInput>(io: T): T => (io.id === '' ? { ...io, id: createShortId() } : io);
  return { ...config, inputs: config.inputs.map(complete), outputs: config.outputs.map(complete) };
}
