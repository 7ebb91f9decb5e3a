/** A recorded log event: the fixed head and the event's own fields. */
export interface LogEvent {
  time: Date;
  level: LogLevel;
  component: string;
  message: string;
  fields: Record<string, unknown>;
}

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

const COLOURS: Record<LogLevel, string> = {
  debug: '\u001b[90m',
  info: '\u001b[34m',
  warn: '\u001b[33m',
  error: '\u001b[31m',
};
const COLOUR_END = '\u001b[0m';

/**
 * The console line of an event (logfmt): `ts=… level=INFO component="Core" msg="…" name=value …`, the fields
 * sorted by name, texts quoted, everything else as JSON.
 */
export function formatConsole(event: LogEvent, coloured = false): string {
  const level = event.level.toUpperCase();
  const parts = [
    `ts=${event.time.toISOString().slice(0, 19)}Z`,
    `level=${coloured ? COLOURS[event.level] + level + COLOUR_END : level}`,
    `component=${quote(event.component)}`,
  ];
  if (event.message !== '') parts.push(`msg=${quote(event.message)}`);
  for (const name of Object.keys(event.fields).sort()) {
    parts.push(`${name}=${formatValue(event.fields[name])}`);
  }
  return parts.join(' ');
}

/** The event as one JSON object: `ts` with milliseconds, `level`, `component`, `message` and the fields. */
export function formatJson({ time, level, component, message, fields }: LogEvent): string {
  const plain = Object.entries(fields).map(([name, value]) => [
    name,
    value instanceof Error ? value.message : value,
  ]);
  return JSON.stringify({
    ts: time.toISOString(),
    level: level.toUpperCase(),
    component,
    message,
    ...Object.fromEntries(plain),
  });
}

function formatValue(value: unknown): string {
  if (typeof value === 'string') return quote(value);
  if (value instanceof Error) return quote(value.message);
  return JSON.stringify(value ?? null);
}

/** Quotes so that an event stays one line and cannot forge another: control characters are escaped. */
function quote(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\u009f\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
