import type { Filesystem } from '../storage/filesystem.ts';

/** How much of a file tells what it is (MIME Sniffing §5.2 looks at no more than 1445 bytes). */
const SNIFFED_BYTES = 512;
/** What no text holds (MIME Sniffing §3, "binary data byte"). */
const BINARY = /[\0-\x08\x0b\x0e-\x1a\x1c-\x1f]/;
const HTML = /^[\t\n\f\r ]*<(?:!doctype html|html|head|body)[ >]/i;

/** The type of a file whose name does not tell it: HTML, other text, or bytes. */
export async function sniffType(files: Pick<Filesystem, 'open'>, path: string): Promise<string> {
  const file = await files.open(path);
  if (file === undefined) return 'application/octet-stream';
  try {
    const content = file.read(0, Math.min(SNIFFED_BYTES, file.info.size));
    const start = Buffer.isBuffer(content) ? content : Buffer.concat(await content.toArray());
    return typeOfBytes(start);
  } finally {
    await file.close();
  }
}

/** @param start the first bytes of a file. */
export function typeOfBytes(start: Buffer): string {
  const text = start.toString('latin1');
  if (BINARY.test(text)) return 'application/octet-stream';
  return HTML.test(text) ? 'text/html' : 'text/plain';
}
