import { readFile } from 'node:fs/promises';
import { type Component, type PreparedChange, simpleChange } from '../components.ts';
import { CoreError, errorText } from '../util/errors.ts';

/** Says the content type of a path. */
export interface MimeTypes {
  /** The type by what follows the last dot of a path's last element, case-sensitively. */
  typeOf(path: string, fallback: string): string;
}

/** A `mime.types` file. What was read of it counts until a reload finds it changed. */
export class MimeFile implements Component, MimeTypes {
  #file: string;
  #text = '';
  #types: MimeTypes = parseMimeTypes('');

  /** @param file path of the file. */
  constructor(file: string) {
    this.#file = file;
  }

  /** Rejects with `unavailable` if the file cannot be read. */
  async start(): Promise<void> {
    this.#use(this.#file, await read(this.#file));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  typeOf(path: string, fallback: string): string {
    return this.#types.typeOf(path, fallback);
  }

  /** Whether the file still holds what is in use. */
  async isCurrent(): Promise<boolean> {
    return (await read(this.#file)) === this.#text;
  }

  /** Moves to another file, or to what is in it now. Rejects with `unavailable` if it cannot be read. */
  async prepare(file: string): Promise<PreparedChange> {
    const text = await read(file);
    return simpleChange(() => {
      this.#use(file, text);
    });
  }

  #use(file: string, text: string): void {
    this.#file = file;
    this.#text = text;
    this.#types = parseMimeTypes(text);
  }
}

/** Understands lines of the form `type .ext .ext`; `#` begins a comment. */
export function parseMimeTypes(text: string): MimeTypes {
  const types = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [type, ...extensions] = line
      .replace(/#.*/, '')
      .split(/\s+/)
      .filter((word) => word !== '');
    if (type === undefined) continue;
    for (const extension of extensions) types.set(extension, type);
  }
  return {
    typeOf: (path, fallback) => {
      const dot = path.lastIndexOf('.');
      return (dot !== -1 && !path.includes('/', dot) ? types.get(path.slice(dot)) : undefined) ?? fallback;
    },
  };
}

/** The types that a file tells. Rejects with `unavailable` if it cannot be read. */
export async function readMimeTypes(file: string): Promise<MimeTypes> {
  return parseMimeTypes(await read(file));
}

async function read(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new CoreError('unavailable', `can't read the MIME types: ${errorText(error)}`, { cause: error });
  }
}
