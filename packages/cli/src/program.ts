import {
  Command as Commander,
  CommanderError,
  Argument as CommanderArgument,
  Option as CommanderOption,
} from 'commander';
import type { Command, Option } from './command.ts';
import { COMMANDS, GROUPS } from './commands.ts';
import { COMMON_OPTIONS } from './common-options.ts';
import { Context, type Surroundings } from './context.ts';
import { UsageError } from './errors.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { report, toFailure } from './failure.ts';
import { argumentUsage, kebab, optionUsage } from './usage.ts';
import { VERSION } from './version.ts';

/** Runs the command line; returns the exit code. Nothing is thrown. */
export async function runProgram(argv: readonly string[], surroundings: Surroundings): Promise<ExitCode> {
  let context = new Context(surroundings, { json: false });
  let code: ExitCode | undefined;
  const program = createProgram(surroundings, async (command, words, given) => {
    context = new Context(surroundings, parseOptions(COMMON_OPTIONS, given));
    const { args, options } = parseGiven(command, words, given);
    code = (await command.run(args, options, context)) ?? EXIT.done;
  });
  try {
    await program.parseAsync(argv, { from: 'user' });
    await context.close();
    return code ?? EXIT.done;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    const failure = toFailure(error, context.url);
    report(context, failure);
    await context.close().catch(() => undefined);
    return failure.exitCode;
  }
}

/** The words of each argument. */
type Words = readonly (readonly string[])[];
/** The values of each option that is there, by its name. */
type Given = Readonly<Record<string, string[]>>;
type Run = (command: Command, words: Words, given: Given) => Promise<void>;

/** The parser with the help of all commands. It calls `run` with what it has found, and throws CommanderError. */
export function createProgram({ stdout, stderr }: Surroundings, run: Run): Commander {
  const configure = (commander: Commander) =>
    commander
      .exitOverride()
      .helpOption('-h, --help', 'show this help')
      .showSuggestionAfterError()
      .configureHelp({ helpWidth: Math.min(stdout.columns ?? 100, 100), visibleGlobalOptions: () => [] })
      .configureOutput({
        writeOut: (out) => stdout.write(out),
        writeErr: (out) => stderr.write(out),
        outputError: (message, write) => {
          write(message.replace(/^error: /, 'millrace: '));
        },
      });
  const program = configure(new Commander('millrace'))
    .description('The command line of Millrace and datarhei Core.')
    .enablePositionalOptions()
    .showHelpAfterError('(millrace --help lists the commands)')
    .helpCommand('help [command]', 'show the help of a command')
    .version(VERSION, '-V, --version', 'show the version');
  addOptions(program, COMMON_OPTIONS);
  program.addHelpText(
    'after',
    '\nGetting started:\n  $ millrace login http://127.0.0.1:8080\n  $ millrace ps\n\nmillrace COMMAND --help shows examples.',
  );
  const groupOf = (name: string) => {
    const known = program.commands.find((one) => one.name() === name);
    return (
      known ??
      configure(program.command(name))
        .description(GROUPS[name] ?? '')
        .helpCommand(false)
    );
  };
  for (const command of COMMANDS) {
    const [first = '', second] = command.name.split(' ');
    const parent = second === undefined ? program : groupOf(first);
    const commander = configure(parent.command(second ?? first, { hidden: command.isHidden ?? false }));
    describe(commander, command);
    commander.action(async () => {
      const words = commander.processedArgs.map((value) => [value ?? []].flat() as string[]);
      await run(command, words, { ...program.opts<Given>(), ...commander.opts<Given>() });
    });
  }
  return program;
}

function describe(commander: Commander, command: Command): void {
  commander.summary(command.summary);
  commander.description(describedAs(command));
  for (const [name, argument] of Object.entries(command.arguments)) {
    commander.addArgument(new CommanderArgument(argumentUsage(name, argument), argument.about));
  }
  addOptions(commander, { ...command.options, ...COMMON_OPTIONS });
  if (command.passesOn === true) commander.passThroughOptions();
  const examples = command.examples.map(([line, says]) => `  # ${says}\n  $ ${line}`);
  if (examples.length > 0) commander.addHelpText('after', `\nExamples:\n${examples.join('\n')}`);
}

function describedAs({ summary, description }: Command): string {
  const first = `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`;
  return description === undefined ? first : `${first}\n\n${description}`;
}

function addOptions(commander: Commander, options: Readonly<Record<string, Option<unknown>>>): void {
  for (const [name, option] of Object.entries(options)) {
    commander.addOption(
      new CommanderOption(optionUsage(name, option), option.about)
        .argParser((value: string, before: string[] | undefined) => [...(before ?? []), value])
        .preset(''),
    );
  }
}

/** What the words stand for. Throws UsageError. */
export function parseGiven(command: Command, words: Words, given: Given) {
  const args = Object.entries(command.arguments).map(([name, argument], index) => [
    name,
    argument.parse([...(words[index] ?? [])]),
  ]);
  return {
    args: Object.fromEntries(args) as Record<string, unknown>,
    options: parseOptions(command.options, given),
  };
}

function parseOptions<O extends Readonly<Record<string, Option<unknown>>>>(
  options: O,
  given: Given,
): { [Key in keyof O]: ReturnType<O[Key]['parse']> } {
  const entries = Object.entries(options).map(([name, option]) => {
    try {
      return [name, option.parse(given[name] ?? [])] as const;
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      throw new UsageError(`--${kebab(name)}: ${error.message}`, error.hint);
    }
  });
  return Object.fromEntries(entries) as { [Key in keyof O]: ReturnType<O[Key]['parse']> };
}
