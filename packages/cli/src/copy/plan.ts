import path from 'node:path';
import { CommandError, UsageError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import { isGlob, parseRemote, type Remote, remoteText } from '../storage.ts';

/** One end of a copy: on the server, on this machine, or the standard input or output. */
export type Place = { kind: 'remote'; remote: Remote } | { kind: 'local'; file: string } | { kind: 'pipe' };

/** A file to copy, and where to. */
export interface Copy {
  from: Place;
  to: Place;
  /** Whether the folders above the target are made if they are missing. */
  makesFolders: boolean;
}

/** What there is, on the server and on this machine. */
export interface Surveyor {
  /** The paths of the files that fit, each beginning with a slash. */
  list(storage: string, glob: string): Promise<readonly string[]>;
  /** What a path on this machine is; undefined if there is nothing. */
  kindOf(file: string): Promise<'file' | 'folder' | 'other' | undefined>;
  /** The regular files below a folder, as the segments of their paths from there. */
  walk(folder: string): Promise<readonly (readonly string[])[]>;
}

/** What one source stands for. */
interface Source {
  /** By itself, a file or folder is called so in a folder; empty if it has no name. */
  name: string;
  /** A file takes the place of the target; of a folder and a pattern several files go below it. */
  kind: 'file' | 'folder' | 'pattern';
  files: readonly { from: Place; segments: readonly string[] }[];
}

/**
 * Which files to copy where. Nothing is copied if anything is wrong with one of them.
 *
 * A target that ends with a slash, or is a folder here, takes in what is copied; anything else is its new name.
 *
 * @throws UsageError, CommandError
 */
export async function planCopies(
  words: readonly string[],
  isRecursive: boolean,
  surveyor: Surveyor,
): Promise<Copy[]> {
  const target = words.at(-1) ?? '';
  const to = parsePlace(target);
  const from = words.slice(0, -1).map(parsePlace);
  if (from.length === 0) throw new UsageError('it is not said where to copy it');
  if (to.kind !== 'remote' && from.some(({ kind }) => kind !== 'remote')) {
    throw new UsageError('neither of them is on the server', 'name the storage there: mem:/file, disk:/file');
  }
  const sources: Source[] = [];
  for (const place of from) sources.push(await survey(place, isRecursive, surveyor));

  const isSingle = sources.length === 1 && sources[0]?.kind === 'file';
  if (to.kind === 'pipe' && !isSingle) throw new UsageError('only one file fits into the standard output');
  const isFolder = await takesIn(to, target, surveyor);
  if (!isFolder && (sources.length > 1 || sources[0]?.kind === 'pattern')) {
    throw new UsageError(
      `${target} is not a folder, and several files go there`,
      `end it with a slash: ${target}/`,
    );
  }
  return sources.flatMap(({ name, kind, files }) =>
    files.map(({ from, segments }) => {
      const own = kind === 'pattern' || !isFolder || name === '' ? [] : [name];
      if (kind === 'file' && isFolder && name === '') {
        throw new UsageError('- has no name: name the file on the server');
      }
      return { from, to: below(to, [...own, ...segments]), makesFolders: isFolder || kind === 'folder' };
    }),
  );
}

/** As it is written on the command line. */
export function placeText(place: Place): string {
  if (place.kind === 'pipe') return '-';
  return place.kind === 'local' ? place.file : remoteText(place.remote);
}

function parsePlace(word: string): Place {
  if (word === '-') return { kind: 'pipe' };
  const remote = parseRemote(word);
  return remote === undefined ? { kind: 'local', file: word } : { kind: 'remote', remote };
}

async function takesIn(to: Place, text: string, surveyor: Surveyor): Promise<boolean> {
  if (to.kind === 'pipe') return false;
  if (to.kind === 'remote') return to.remote.path.endsWith('/');
  return text.endsWith('/') || text.endsWith(path.sep) || (await surveyor.kindOf(to.file)) === 'folder';
}

async function survey(place: Place, isRecursive: boolean, surveyor: Surveyor): Promise<Source> {
  switch (place.kind) {
    case 'pipe':
      return single(place, '');
    case 'local':
      return surveyLocal(place.file, isRecursive, surveyor);
    case 'remote':
      return surveyRemote(place.remote, isRecursive, surveyor);
  }
}

async function surveyLocal(file: string, isRecursive: boolean, surveyor: Surveyor): Promise<Source> {
  const kind = await surveyor.kindOf(file);
  if (kind === undefined) throw new CommandError(`${file} does not exist`, { exitCode: EXIT.notFound });
  if (kind === 'other') throw new CommandError(`${file} is not a file`);
  // Of `.` and `..`, the content is meant.
  const name = /^\.{0,2}$/.test(path.basename(file)) ? '' : path.basename(file);
  if (kind === 'file') return single({ kind: 'local', file }, name);
  if (!isRecursive) throw folderError(file);
  const files = await surveyor.walk(file);
  return {
    name,
    kind: 'folder',
    files: files.map((segments) => ({
      from: { kind: 'local', file: path.join(file, ...segments) },
      segments,
    })),
  };
}

async function surveyRemote(remote: Remote, isRecursive: boolean, surveyor: Surveyor): Promise<Source> {
  const { storage, path: where } = remote;
  const found = async (root: string, globs: readonly string[]) => {
    const names = await Promise.all(globs.map((glob) => surveyor.list(storage, glob)));
    return [...new Set(names.flat())]
      .filter((name) => name.startsWith(root))
      .map((name) => ({
        from: { kind: 'remote' as const, remote: { storage, path: name } },
        segments: safeSegments(name, root),
      }));
  };
  if (isGlob(remote)) {
    const literal = /^[^*?[{\\]*/.exec(where)?.[0] ?? '';
    const files = await found(literal.replace(/[^/]*$/, ''), isRecursive ? [where, `${where}/**`] : [where]);
    // What looks like a pattern may be a name.
    if (files.length > 0) return { name: '', kind: 'pattern', files };
  } else {
    const root = where.endsWith('/') ? where : `${where}/`;
    const files = await found(root, [`${root}**`]);
    if (files.length > 0 && isRecursive) return { name: path.posix.basename(root), kind: 'folder', files };
    // Asked for a folder, some servers answer with its index page. A name can be that of a file and of a folder.
    const isOnlyFolder = files.length > 0 && !(await surveyor.list(storage, where)).includes(where);
    if (isOnlyFolder) throw folderError(remoteText(remote));
  }
  if (where.endsWith('/')) {
    throw new CommandError(`there are no files in ${remoteText(remote)}`, { exitCode: EXIT.notFound });
  }
  return single({ kind: 'remote', remote }, path.posix.basename(where));
}

function single(from: Place, name: string): Source {
  return { name, kind: 'file', files: [{ from, segments: [] }] };
}

function folderError(text: string): CommandError {
  return new CommandError(`${text} is a folder`, {
    exitCode: EXIT.usage,
    hint: 'millrace fs cp --recursive copies it with all that is in it',
  });
}

/**
 * The steps from a folder to a file that the server has named: only down, whatever the server says.
 *
 * @throws CommandError
 */
function safeSegments(name: string, root: string): string[] {
  const segments = name.slice(root.length).split('/');
  const isSafe = (segment: string) => {
    if (segment === '' || segment === '.' || segment === '..' || segment.includes('\0')) return false;
    return path.sep === '/' || !/[\\:]/.test(segment);
  };
  if (segments.every(isSafe)) return segments;
  throw new CommandError(`the server has a file ${JSON.stringify(name)}, which has no place in a folder`, {
    hint: 'nothing was copied; copy the others by a pattern, or that one under another name',
  });
}

function below(place: Place, segments: readonly string[]): Place {
  switch (place.kind) {
    case 'pipe':
      return place;
    case 'local':
      return segments.length === 0 ? place : { kind: 'local', file: path.join(place.file, ...segments) };
    case 'remote': {
      const { storage, path: where } = place.remote;
      const steps = [where.replace(/\/$/, ''), ...segments];
      return { kind: 'remote', remote: { storage, path: segments.length === 0 ? where : steps.join('/') } };
    }
  }
}
