import { ProcessConfigBody, type ProcessConfig as ApiConfig } from '@millrace/api';
import type { ProcessConfig, ProcessInput, ProcessOutput } from '../../process/config.ts';
import { createShortId } from '../../process/short-id.ts';
import { decode } from '../decode.ts';
import { ApiError } from '../errors.ts';

const MEBIBYTE = 1024 * 1024;

/** A new configuration from the body of a request. Throws ApiError 400. */
export function decodeNewConfig(body: unknown): ProcessConfig {
  const config = decode(ProcessConfigBody, body, {
    id: createShortId(),
    type: 'ffmpeg',
    reference: '',
    options: [],
    reconnect: false,
    reconnect_delay_seconds: 0,
    autostart: true,
    stale_timeout_seconds: 0,
    limits: { cpu_usage: 0, memory_mbytes: 0, waitfor_seconds: 0 },
  });
  const { input, output } = requireMembers(config);
  if (config.type === '') {
    throw new ApiError(400, 'Unsupported process type', 'Supported process types are: ffmpeg');
  }
  if (input.length === 0 || output.length === 0) {
    throw new ApiError(400, 'At least one input and one output need to be defined');
  }
  return fromApi({ ...config, input, output });
}

/** A configuration as the body of a request changes it: what the body does not name stays. Throws ApiError 400. */
export function decodeChangedConfig(body: unknown, current: ProcessConfig): ProcessConfig {
  const config = decode(ProcessConfigBody, body, toApiConfig(current));
  return fromApi({ ...config, ...requireMembers(config) });
}

function requireMembers({ type, input, output }: ProcessConfigBody) {
  const violations: string[] = [];
  if (type !== '' && type !== 'ffmpeg') violations.push(violation('Type', 'oneof'));
  if (input === undefined) violations.push(violation('Input', 'required'));
  if (output === undefined) violations.push(violation('Output', 'required'));
  if (violations.length > 0) throw new ApiError(400, 'Invalid JSON', violations);
  return { input: input ?? [], output: output ?? [] };
}

function violation(field: string, tag: string): string {
  return `Key: 'ProcessConfig.${field}' Error:Field validation for '${field}' failed on the '${tag}' tag`;
}

/** The API's form of a configuration. */
export function toApiConfig(config: ProcessConfig): ApiConfig {
  const { limits } = config;
  return {
    id: config.id,
    type: 'ffmpeg',
    reference: config.reference,
    input: config.inputs.map(toApiInput),
    output: config.outputs.map(toApiOutput),
    options: [...config.options],
    reconnect: config.reconnect,
    reconnect_delay_seconds: config.reconnectDelaySeconds,
    autostart: config.autostart,
    stale_timeout_seconds: config.staleTimeoutSeconds,
    limits: {
      cpu_usage: limits.cpuPercent,
      memory_mbytes: Math.floor(limits.memoryBytes / MEBIBYTE),
      waitfor_seconds: limits.waitForSeconds,
    },
  };
}

function toApiInput({ id, address, options }: ProcessInput): ApiConfig['input'][number] {
  return { id, address, options: [...options] };
}

function toApiOutput(output: ProcessOutput): ApiConfig['output'][number] {
  if (output.cleanup.length === 0) return toApiInput(output);
  return {
    ...toApiInput(output),
    cleanup: output.cleanup.map((rule) => ({
      pattern: rule.pattern,
      max_files: rule.maxFiles,
      max_file_age_seconds: rule.maxFileAgeSeconds,
      purge_on_delete: rule.purgeOnDelete,
    })),
  };
}

function fromApi(config: ApiConfig): ProcessConfig {
  const { limits } = config;
  return {
    id: config.id,
    reference: config.reference,
    inputs: config.input.map(({ id, address, options }) => ({ id, address, options })),
    outputs: config.output.map(({ id, address, options, cleanup = [] }) => ({
      id,
      address,
      options,
      cleanup: cleanup.map((rule) => ({
        pattern: rule.pattern,
        maxFiles: rule.max_files,
        maxFileAgeSeconds: rule.max_file_age_seconds,
        purgeOnDelete: rule.purge_on_delete,
      })),
    })),
    options: config.options,
    reconnect: config.reconnect,
    reconnectDelaySeconds: config.reconnect_delay_seconds,
    autostart: config.autostart,
    staleTimeoutSeconds: config.stale_timeout_seconds,
    limits: {
      cpuPercent: limits.cpu_usage,
      memoryBytes: limits.memory_mbytes * MEBIBYTE,
      waitForSeconds: limits.waitfor_seconds,
    },
  };
}
