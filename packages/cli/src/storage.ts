import { UsageError } from './errors.ts';

/** A file or folder of a storage on the server. */
export interface Remote {
  storage: string;
  /** Begins with a slash. */
  path: string;
}

/** Names that cleanup rules and placeholders have for the storages. */
const ALIASES: Readonly<Record<string, string>> = { memfs: 'mem', diskfs: 'disk' };

/** `mem:/path` and the like; undefined for what is a path on this machine. A drive of Windows is no storage. */
export function parseRemote(text: string): Remote | undefined {
  const [, storage = '', path = ''] = /^([A-Za-z0-9][\w-]+):(.*)$/s.exec(text) ?? [];
  if (storage === '') return undefined;
  return { storage: ALIASES[storage] ?? storage, path: path.startsWith('/') ? path : `/${path}` };
}

/** As it is written on the command line. */
export function remoteText({ storage, path }: Remote): string {
  return `${storage}:${path}`;
}

/** @throws UsageError for what is a path on this machine. */
export function requireRemote(text: string): Remote {
  const remote = parseRemote(text);
  if (remote !== undefined) return remote;
  throw new UsageError(
    `${JSON.stringify(text)} is not a file on the server`,
    'it names the storage first: mem:/file, disk:/file; millrace fs ls lists the storages',
  );
}

/** Whether the path of a remote file is a pattern. */
export function isGlob({ path }: Remote): boolean {
  return /[*?[{]/.test(path);
}
