import { readFile } from 'node:fs/promises';
import { posix } from 'node:path';
import { CoreError, errorText } from '../util/errors.ts';

/** Content types by file name extension, as a mime.types file lists them. */
export class MimeTypes {
  readonly #types: ReadonlyMap<string, string>;

  private constructor(types: ReadonlyMap<string, string>) {
    this.#types = types;
  }

  /**
   * Reads lines of the form `type .ext .ext`; `#` begins a comment.
   *
   * @throws CoreError `unavailable` if the file cannot be read.
   */
  static async load(file: string): Promise<MimeTypes> {
    try {
      return MimeTypes.parse(await readFile(file, 'utf8'));
    } catch (error) {
      throw new CoreError('unavailable', `can't read the MIME types: ${errorText(error)}`, { cause: error });
    }
  }

  static parse(text: string): MimeTypes {
    const types = new Map<string, string>();
    for (const line of text.split('\n')) {
      const [type, ...extensions] = line
        .replace(/#.*/, '')
        .split(/\s+/)
        .filter((word) => word !== '');
      if (type === undefined) continue;
      for (const extension of extensions) types.set(extension, type);
    }
    return new MimeTypes(types);
  }

  /** The type by what follows the last dot of a path's last element, case-sensitively. */
  typeOf(path: string, fallback: string): string {
    const name = posix.basename(path);
    const dot = name.lastIndexOf('.');
    return (dot === -1 ? undefined : this.#types.get(name.slice(dot))) ?? fallback;
  }
}
