import { MillraceError } from './error.ts';

/** Bytes to send. All but a stream are kept and sent once more if need be. */
export type Bytes =
  | string
  | Blob
  | ArrayBuffer
  | ArrayBufferView<ArrayBuffer>
  | ReadableStream<Uint8Array>
  | AsyncIterable<Uint8Array>;

type Streamed = ReadableStream<Uint8Array> | AsyncIterable<Uint8Array>;

/** The body of a request. */
export interface Body {
  readonly type: string;
  readonly bytes: Bytes;
}

export function jsonBody(value: unknown): Body {
  return { type: 'application/json', bytes: JSON.stringify(value) };
}

/** Whether the bytes can be read only once. */
export function isStream(bytes: Bytes): bytes is Streamed {
  return typeof bytes === 'object' && (bytes instanceof ReadableStream || Symbol.asyncIterator in bytes);
}

/** How many bytes there are to send; undefined for a stream. */
export function sizeOf(bytes: Bytes): number | undefined {
  if (typeof bytes === 'string') return bytes.length;
  if (bytes instanceof Blob) return bytes.size;
  return isStream(bytes) ? undefined : bytes.byteLength;
}

/**
 * What `fetch` takes.
 *
 * @param onProgress called whenever a part of a stream is about to be asked for.
 * @throws MillraceError if the platform cannot send streams.
 */
export function toFetchBody(bytes: Bytes, onProgress: () => void): RequestInit & { duplex?: 'half' } {
  if (!isStream(bytes)) return { body: bytes };
  if (!canSendStreams()) {
    throw new MillraceError('stream', 'streams cannot be sent from here: send a Blob');
  }
  return { body: watched(bytes, onProgress), duplex: 'half' };
}

/** Passes a stream on, part by part as it is taken. */
function watched(bytes: Streamed, onProgress: () => void): ReadableStream<Uint8Array> {
  const source = sourceOf(bytes);
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        onProgress();
        const { done, value } = await source.next();
        if (done === true || value === undefined) controller.close();
        else controller.enqueue(value);
      },
      async cancel(reason) {
        await source.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}

interface Source {
  next(): Promise<{ done?: boolean | undefined; value?: Uint8Array | undefined }>;
  cancel(reason: unknown): Promise<unknown>;
}

/** Streams are iterable as well, but not in every browser. */
function sourceOf(bytes: Streamed): Source {
  if (bytes instanceof ReadableStream) {
    const reader = bytes.getReader();
    return { next: () => reader.read(), cancel: (reason) => reader.cancel(reason) };
  }
  const iterator = bytes[Symbol.asyncIterator]();
  return {
    next: async () => (await iterator.next()) as { done?: boolean; value?: Uint8Array },
    cancel: async () => iterator.return?.(),
  };
}

let streamsAreSent: boolean | undefined;

/** A browser that knows no request streams does not look at `duplex`, and takes the stream for a text. */
function canSendStreams(): boolean {
  // These send streams, and do not look at `duplex` either.
  streamsAreSent ??= 'Deno' in globalThis || 'Bun' in globalThis || findWhetherStreamsAreSent();
  return streamsAreSent;
}

function findWhetherStreamsAreSent(): boolean {
  const asked: string[] = [];
  const init = {
    method: 'POST',
    body: new ReadableStream(),
    get duplex() {
      asked.push('duplex');
      return 'half';
    },
  };
  const request = new Request('http://localhost/', init);
  return asked.length > 0 && !request.headers.has('content-type');
}
