import { EventEmitter } from 'node:events';
import { Readable } from 'node:stream';

/** A larger body goes out in blocks: a slow or broken download shows how far it came. */
const BLOCK_BYTES = 256 * 1024;
const SEPARATORS = ': \r\n'.length;

/**
 * What to send instead of a body so that its bytes are counted as they are taken from it.
 *
 * @param count told of each part, in bytes.
 */
export function meterBody(body: unknown, count: (bytes: number) => void): unknown {
  if (typeof body === 'string') count(Buffer.byteLength(body));
  else if (Buffer.isBuffer(body)) {
    if (body.length > BLOCK_BYTES) return meterStream(new BlockReader(body), count);
    count(body.length);
  } else if (body instanceof Readable) return meterStream(body, count);
  return body;
}

/** Counts the bytes that somebody else reads from a stream, whichever way that is. Chunks are not to be changed. */
export function meterStream<Source extends Readable>(
  source: Source,
  count: (bytes: number, chunk: Buffer) => void,
): Source {
  // The stream's own method would begin to read, before there is a reader.
  EventEmitter.prototype.on.call(source, 'data', (chunk: Buffer) => {
    count(chunk.length, chunk);
  });
  return source;
}

/** Fields of a request that are no part of what counts; those that begin with a colon are HTTP/2's. */
const UNCOUNTED_OF_REQUESTS: ReadonlySet<string> = new Set(['host', 'transfer-encoding']);
/** Fields of an answer that only say how it is framed, and when it was made. */
const UNCOUNTED_OF_ANSWERS: ReadonlySet<string> = new Set(['content-length', 'transfer-encoding', 'date']);

type Headers = NodeJS.Dict<number | string | readonly string[]>;

/** The size of a request's header fields on the wire. */
export function requestHeaderBytes(headers: Headers): number {
  return headerBytes(headers, UNCOUNTED_OF_REQUESTS);
}

/** The size of an answer's header fields on the wire. */
export function answerHeaderBytes(headers: Headers): number {
  return headerBytes(headers, UNCOUNTED_OF_ANSWERS);
}

function headerBytes(headers: Headers, uncounted: ReadonlySet<string>): number {
  let bytes = 0;
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || uncounted.has(name) || name.startsWith(':')) continue;
    for (const line of [value].flat()) {
      bytes += name.length + String(line).length + SEPARATORS;
    }
  }
  return bytes;
}

/** The bytes of a buffer, block by block. */
class BlockReader extends Readable {
  readonly #bytes: Buffer;
  #position = 0;

  constructor(bytes: Buffer) {
    super({ highWaterMark: BLOCK_BYTES });
    this.#bytes = bytes;
  }

  override _read(): void {
    const block = this.#bytes.subarray(this.#position, this.#position + BLOCK_BYTES);
    this.#position += block.length;
    this.push(block.length === 0 ? null : block);
  }
}
