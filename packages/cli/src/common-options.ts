import { duration, flag, type Option, text } from './command.ts';

/** Options of every command. */
export const COMMON_OPTIONS = {
  profile: text('use this profile', 'name', { short: 'p', complete: 'profile' }),
  url: text('use the server at this address', 'address'),
  json: flag('print JSON, for programs'),
  timeout: duration('give up when the server keeps silent for so long', 'time'),
} as const satisfies Record<string, Option<unknown>>;
