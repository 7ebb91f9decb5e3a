import type { Client } from '@millrace/client';
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Surveyor } from './plan.ts';

/**
 * Looks at the server and at this machine.
 *
 * @param skipped told the paths here that are neither files nor folders: symbolic links lead anywhere, also round in circles.
 */
export function createSurveyor(
  client: Client,
  signal: AbortSignal,
  skipped: (file: string) => void,
): Surveyor {
  return {
    list: async (storage, glob) => {
      const files = await client.files.list(storage, { glob, sort: 'name' }, { signal });
      return files.map(({ name }) => name);
    },
    kindOf,
    walk: (folder) => walk(folder, skipped),
  };
}

async function kindOf(file: string): Promise<'file' | 'folder' | 'other' | undefined> {
  try {
    const stats = await stat(file);
    if (stats.isDirectory()) return 'folder';
    return stats.isFile() ? 'file' : 'other';
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}

/** Node's own recursion would follow symbolic links. */
async function walk(
  folder: string,
  skipped: (file: string) => void,
  above: readonly string[] = [],
): Promise<string[][]> {
  const entries = await readdir(path.join(folder, ...above), { withFileTypes: true });
  const files: string[][] = [];
  for (const entry of entries.sort((one, other) => (one.name < other.name ? -1 : 1))) {
    const segments = [...above, entry.name];
    if (entry.isFile()) files.push(segments);
    else if (entry.isDirectory()) files.push(...(await walk(folder, skipped, segments)));
    else skipped(path.join(folder, ...segments));
  }
  return files;
}
