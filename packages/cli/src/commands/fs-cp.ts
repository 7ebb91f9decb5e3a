import { defineCommand, flag, words } from '../command.ts';
import { copyBytes } from '../copy/bytes.ts';
import { type Copy, placeText, planCopies } from '../copy/plan.ts';
import { createSurveyor } from '../copy/surveyor.ts';
import { forEach } from '../processes.ts';
import { formatBytes } from '../terminal/units.ts';

export const fsCp = defineCommand({
  name: 'fs cp',
  summary: 'copy files to the server, from it, or within it',
  description: `Files are copied as they come, whatever their size. A file is in place only when it is complete. A dash is the standard input or output.

What is copied goes into a target that ends with a slash, or that is a folder here; any other target is its new name. Folders and what fits a pattern keep their structure, the latter from the part of the pattern before the first star or bracket on. Symbolic links in folders are left out.`,
  arguments: {
    sourcesAndTarget: words(
      'what to copy, and last where to: mem:/path on the server, a path here, or -',
      'storage-or-file',
    ),
  },
  options: { recursive: flag('copy folders with all that is in them', 'r') },
  examples: [
    ['millrace fs cp logo.png disk:/logo.png', 'to the server'],
    ['millrace fs cp mem:/camera.m3u8 .', 'from the server into this folder'],
    ['millrace fs cp -r ui disk:/', 'a folder: ui/index.html becomes disk:/ui/index.html'],
    [`millrace fs cp 'disk:/archive/**.mp4' recordings/`, 'what fits a pattern'],
    ['millrace fs cp disk:/show.mp4 - | ffplay -', 'into another program'],
    ['tar c ui | millrace fs cp - disk:/ui.tar', 'out of another program'],
  ],
  async run({ sourcesAndTarget }, { recursive }, context) {
    const client = await context.client();
    const { signal, stdin, stdout } = context;
    const surveyor = createSurveyor(client, signal, (file) => {
      context.warn(`${file} is neither a file nor a folder: left out`);
    });
    const copies = await planCopies(sourcesAndTarget, recursive, surveyor);
    if (copies.length === 0) context.note('There are no files to copy.');
    const copy = async (one: Copy) => {
      const size = await copyBytes(one, { client, stdin, stdout, signal });
      if (one.to.kind === 'pipe') return;
      context.note(`${placeText(one.from)} → ${placeText(one.to)}: ${formatBytes(size)}`);
    };
    return forEach(context, copies, copy, ({ from }) => placeText(from));
  },
});
