import type { FileHandle } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { CoreError } from '../util/errors.ts';
import type { FileInfo, OpenFile } from './filesystem.ts';

const READ_BYTES = 256 * 1024;
const NANOSECONDS_PER_MILLISECOND = 1_000_000;

/** An open file on disk. Replacing and removing it leave the open one alone; that is what the disk promises. */
export class DiskFile implements OpenFile {
  readonly info: FileInfo;
  readonly version: string;
  readonly #handle: FileHandle;

  private constructor(info: FileInfo, version: string, handle: FileHandle) {
    this.info = info;
    this.version = version;
    this.#handle = handle;
  }

  /** Takes over the handle. Undefined, with the handle closed, if it is not that of a regular file. */
  static async of(name: string, handle: FileHandle): Promise<DiskFile | undefined> {
    try {
      const stats = await handle.stat({ bigint: true });
      if (stats.isFile()) {
        const modified = Number(stats.mtimeNs) / NANOSECONDS_PER_MILLISECOND;
        const version = [stats.ino, stats.size, stats.mtimeNs].map((part) => part.toString(36)).join('-');
        return new DiskFile({ name, size: Number(stats.size), modified }, version, handle);
      }
    } catch (error) {
      await handle.close();
      throw error;
    }
    await handle.close();
    return undefined;
  }

  read(start: number, end: number): Readable {
    return new FileReader(this.#handle, start, end);
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

/** Reads part of a file; unlike Node's own stream it fails when the file has become shorter meanwhile. */
class FileReader extends Readable {
  readonly #handle: FileHandle;
  #position: number;
  readonly #end: number;

  constructor(handle: FileHandle, start: number, end: number) {
    super({ highWaterMark: READ_BYTES });
    this.#handle = handle;
    this.#position = start;
    this.#end = end;
  }

  override _read(): void {
    void this.#readNext();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#handle.close().then(
      () => {
        callback(error);
      },
      (failure: unknown) => {
        callback(error ?? (failure as Error));
      },
    );
  }

  async #readNext(): Promise<void> {
    const wanted = Math.min(READ_BYTES, this.#end - this.#position);
    if (wanted <= 0) {
      this.push(null);
      return;
    }
    try {
      const buffer = Buffer.allocUnsafeSlow(wanted);
      const { bytesRead } = await this.#handle.read(buffer, 0, wanted, this.#position);
      if (bytesRead === 0) throw new CoreError('unavailable', 'the file was truncated while it was read');
      this.#position += bytesRead;
      this.push(buffer.subarray(0, bytesRead));
    } catch (error) {
      this.destroy(error as Error);
    }
  }
}
