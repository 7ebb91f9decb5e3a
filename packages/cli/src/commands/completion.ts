import { type Command, defineCommand, word, words } from '../command.ts';
import { complete, type CommandTable } from '../completion/complete.ts';
import { SCRIPTS, SHELLS } from '../completion/scripts.ts';
import { UsageError } from '../errors.ts';

export const completion = defineCommand({
  name: 'completion',
  summary: 'print what makes a shell complete commands, options and ids of processes',
  arguments: { shell: word('bash, zsh or fish', SHELLS) },
  options: {},
  examples: [
    ['source <(millrace completion bash)', 'bash: put this into ~/.bashrc'],
    ['source <(millrace completion zsh)', 'zsh: put this into ~/.zshrc, after compinit'],
    ['millrace completion fish > ~/.config/fish/completions/millrace.fish', 'fish'],
  ],
  run({ shell }, _options, context) {
    const known = SHELLS.find((one) => one === shell);
    if (known === undefined) throw new UsageError(`there is no completion for ${shell}`, SHELLS.join(', '));
    context.print(SCRIPTS[known]);
    return Promise.resolve(undefined);
  },
});

/**
 * What the scripts of the shells ask: the words that could stand where the last of these words does.
 *
 * @param table of which this command is a part itself.
 */
export function completeWords(table: () => CommandTable): Command {
  return defineCommand({
    name: '__complete',
    summary: 'list what could stand in the place of the last word',
    arguments: { line: words('the words so far, the name of the program first', undefined, true) },
    options: {},
    examples: [],
    passesOn: true,
    isHidden: true,
    async run({ line }, _options, context) {
      const { candidates, hasFiles } = await complete(line.slice(1), table(), context);
      context.print(...candidates.map(({ word: text, about }) => `${text}\t${about}`));
      if (hasFiles) context.print(':files');
    },
  });
}
