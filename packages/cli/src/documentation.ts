import type { Argument, Command, Option } from './command.ts';
import { COMMANDS } from './commands.ts';
import { COMMON_OPTIONS } from './common-options.ts';
import { EXIT_CODES } from './exit-codes.ts';
import { argumentUsage, optionUsage } from './usage.ts';

/** The reference of all commands in Markdown, from the same table as their help. */
export function referenceMarkdown(): string {
  const shown = COMMANDS.filter(({ isHidden }) => isHidden !== true);
  return [
    '## Commands',
    table(
      ['Command', ''],
      shown.map(({ name, summary }) => [`[\`${name}\`](#${name.replaceAll(' ', '-')})`, summary]),
    ),
    'All of them take these options:',
    optionTable(COMMON_OPTIONS),
    ...shown.map(commandMarkdown),
    '## Exit codes',
    table(
      ['Code', 'Meaning'],
      EXIT_CODES.map(([code, meaning]) => [String(code), meaning]),
    ),
  ].join('\n\n');
}

function commandMarkdown(command: Command): string {
  const { name, summary, description, examples } = command;
  const args = Object.entries(command.arguments);
  const usage = [
    'millrace',
    name,
    '[options]',
    ...args.map(([key, argument]) => argumentUsage(key, argument)),
  ];
  const hasOptions = Object.keys(command.options).length > 0;
  return [
    `### ${name}`,
    `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`,
    ...(description === undefined ? [] : [escape(description)]),
    fence([usage.join(' ')]),
    ...(args.length > 0 ? [argumentTable(command.arguments)] : []),
    ...(hasOptions ? [optionTable(command.options)] : []),
    ...(examples.length > 0 ? [fence(examples.flatMap(([line, says]) => [`# ${says}`, line]))] : []),
  ].join('\n\n');
}

function argumentTable(args: Readonly<Record<string, Argument<unknown>>>): string {
  const rows = Object.entries(args).map(([name, argument]) => [
    `\`${argumentUsage(name, argument)}\``,
    argument.about,
  ]);
  return table(['Argument', ''], rows);
}

function optionTable(options: Readonly<Record<string, Option<unknown>>>): string {
  const rows = Object.entries(options).map(([name, option]) => [
    `\`${optionUsage(name, option)}\``,
    option.about,
  ]);
  return table(['Option', ''], rows);
}

function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(escapeCell).join(' | ')} |`;
  return [line(titles), line(titles.map(() => '---')), ...rows.map(line)].join('\n');
}

function fence(lines: readonly string[]): string {
  return ['```sh', ...lines, '```'].join('\n');
}

function escapeCell(text: string): string {
  const cell = text.startsWith('`') || text.startsWith('[') ? text : escape(text);
  return cell.replaceAll('|', String.raw`\|`);
}

/** What would be markup. */
function escape(text: string): string {
  return text.replace(/[*<>]|(?<!\w)_|_(?!\w)/g, String.raw`\$&`);
}
