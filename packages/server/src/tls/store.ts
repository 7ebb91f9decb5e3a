import { generateKeyPairSync } from 'node:crypto';
import { chmod, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { makeDirectory } from '../util/directory.ts';
import { type KeyPair, parseKeyPair, readPemFiles } from './key-pair.ts';

/** The certificates and the account of one authority on the disk, laid out as the reference has them. */
export class CertificateStore {
  readonly #dir: string;
  readonly #authority: string;

  constructor(dir: string, directoryUrl: string) {
    this.#dir = dir;
    const { host, pathname } = new URL(directoryUrl);
    this.#authority = `${host}${pathname.replace(/\/$/, '')}`.replace(/[^\w.]+/g, '-');
  }

  /** The certificate of a host; undefined if there is none that can be used. */
  async load(host: string): Promise<KeyPair | undefined> {
    try {
      const { cert, key } = await readPemFiles(this.#file(host, 'crt'), this.#file(host, 'key'));
      return parseKeyPair(cert, key);
    } catch {
      // Whatever is wrong with it: there will be another.
      return undefined;
    }
  }

  async save(host: string, { cert, key }: { cert: string; key: string }): Promise<void> {
    await write(this.#dir, this.#file(host, 'key'), key);
    await write(this.#dir, this.#file(host, 'crt'), cert);
  }

  /** The account's key in PEM, which is made if there is none. */
  async accountKey(email: string): Promise<string> {
    const name = email.slice(0, email.indexOf('@'));
    const file = join(this.#dir, 'acme', this.#authority, 'users', fileName(email), `${fileName(name)}.key`);
    try {
      return await readFile(file, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const key = privateKey.export({ type: 'sec1', format: 'pem' });
    await write(this.#dir, file, key);
    return key;
  }

  #file(host: string, extension: string): string {
    const name = fileName(host);
    return join(this.#dir, 'certificates', this.#authority, name, `${name}.${extension}`);
  }
}

/** A name that stays inside its folder. */
function fileName(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^\w@.-]/g, '_')
    .replace(/^\.+/, '_');
}

/** Whole or not at all, and for nobody else to read. */
async function write(root: string, file: string, content: string): Promise<void> {
  makeDirectory(dirname(file), 0o700);
  await chmod(root, 0o700);
  await writeFileAtomic(file, content, { mode: 0o600 });
}
