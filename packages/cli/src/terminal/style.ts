import { styleText } from 'node:util';

/** How a piece of text is shown, by its meaning. */
export type Style = 'bold' | 'dim' | 'good' | 'bad' | 'busy' | 'selected';

const FORMATS = {
  bold: 'bold',
  dim: 'dim',
  good: 'green',
  bad: 'red',
  busy: 'yellow',
  selected: 'inverse',
} as const satisfies Record<Style, Parameters<typeof styleText>[0]>;

/** Colours the text. */
export function paint(style: Style, text: string): string {
  return styleText(FORMATS[style], text, { validateStream: false });
}

/** Leaves the text as it is. */
export function plain(_style: Style, text: string): string {
  return text;
}

/** How the state of a process is shown. */
export function stateStyle(exec: string): Style | undefined {
  if (exec === 'running') return 'good';
  if (exec === 'failed') return 'bad';
  if (exec === 'starting' || exec === 'finishing' || exec === 'killed') return 'busy';
  return exec === 'finished' ? 'dim' : undefined;
}
