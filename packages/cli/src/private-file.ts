import { randomUUID } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';

/** What only the owner may read. */
export const PRIVATE_MODE = 0o600;

/** Replaces the file at once by a complete one that only its owner can read. */
export async function writePrivate(file: string, text: string): Promise<void> {
  const fresh = `${file}.${randomUUID().slice(0, 8)}.part`;
  try {
    const handle = await open(fresh, 'wx', PRIVATE_MODE);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(fresh, file);
  } catch (error) {
    await rm(fresh, { force: true });
    throw error;
  }
}
