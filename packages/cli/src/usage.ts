import type { Argument, Option } from './command.ts';

/** How an argument is written: `<id>`, `[name]`, `<id...>`. */
export function argumentUsage(name: string, { isOptional, isRepeated }: Argument<unknown>): string {
  const inner = kebab(name) + (isRepeated === true ? '...' : '');
  return isOptional === true ? `[${inner}]` : `<${inner}>`;
}

/** How an option is written: `-f, --follow`, `--url <address>`. */
export function optionUsage(name: string, { short, value }: Option<unknown>): string {
  const prefix = short === undefined ? '' : `-${short}, `;
  return `${prefix}--${kebab(name)}${value === undefined ? '' : ` <${value}>`}`;
}

/** The name on the command line: `dryRun` is `dry-run` there. */
export function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
