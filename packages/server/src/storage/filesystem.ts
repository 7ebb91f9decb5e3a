import type { Readable } from 'node:stream';
import type { Component } from '../components.ts';
import type { MaybePromise } from '../util/maybe-promise.ts';

/** One version of a file. */
export interface FileInfo {
  /** Full path below the root of the filesystem, starting with `/`. */
  readonly name: string;
  /** In bytes. */
  readonly size: number;
  /** Milliseconds since 1970, with fractions. */
  readonly modified: number;
}

/** A file as it was when it was opened: replacing or removing it meanwhile changes nothing. */
export interface OpenFile {
  readonly info: FileInfo;
  /** Differs between any two versions of a file, also across restarts. Letters, digits and hyphens. */
  readonly version: string;
  /**
   * The bytes from `start` up to, not including, `end`. A buffer is shared and must not be changed; a stream fails
   * if the bytes cannot be had in full. To be called once; the stream closes the file.
   */
  read(start: number, end: number): Buffer | Readable;
  /** Gives back what an unread file holds open. Idempotent. */
  close(): Promise<void>;
}

export interface ListOptions {
  /** Pattern over the full name with separator `/`; all files if left out or empty. */
  glob?: string | undefined;
  /** Only names that start with this text. Spares the filesystem from looking elsewhere. */
  prefix?: string | undefined;
  /**
   * Where listing is costly: for how many milliseconds what others have changed may remain unseen. A few seconds by
   * default. What was changed through the filesystem itself is always seen.
   */
  maxAge?: number | undefined;
}

export interface WriteOptions {
  /** The announced size in bytes, if it is known. */
  size?: number | undefined;
  /** The media type, for a filesystem that keeps it with the file. */
  type?: string | undefined;
}

/** How full a filesystem is. */
export interface Usage {
  /** Sum of the sizes of the files, in bytes. */
  bytes: number;
  /** Largest allowed sum in bytes; 0 if there is none. */
  limit: number;
  files: number;
}

/**
 * A place for files. Paths are absolute below its root; `.`, `..`, and repeated or trailing slashes are resolved
 * first and cannot leave the root.
 */
export interface Filesystem extends Component {
  /** As in the API and in cleanup rules: `disk`, `mem`, or that of an S3 storage. */
  readonly name: string;
  readonly type: 'disk' | 'mem' | 's3';
  /** The files, not the directories, oldest first. */
  list(options?: ListOptions): Promise<FileInfo[]>;
  /** Undefined if there is no such file, or if it is a directory. At once where files are in memory. */
  open(path: string): MaybePromise<OpenFile | undefined>;
  /** Whether there is a directory of that path. */
  isDirectory(path: string): Promise<boolean>;
  /**
   * Stores a file, which becomes visible when the source has ended well, and not at all if it fails. The source is
   * left as it is after an error, so that its sender can still be answered.
   *
   * @throws CoreError `no_space` or `invalid`, as early as it is known; whatever the source fails with.
   */
  write(path: string, source: Readable, options?: WriteOptions): Promise<'created' | 'replaced'>;
  /** @returns false if there is no such file, or if it is a directory that is not empty. */
  remove(path: string): Promise<boolean>;
  /** May be a few seconds old where finding out is costly. */
  usage(): Promise<Usage>;
}
