import { MillraceError } from './error.ts';

/** A block of an event stream. Without data it only moves the place. */
export interface Block {
  /** Id of the last event, this one included; empty before the first. */
  id: string;
  /** Whether the block has set the id itself. */
  isPlaced: boolean;
  /** Undefined if there is none, and for a comment. */
  data: string | undefined;
  /** What the server wants one to wait before a new connection, in milliseconds. */
  retry: number | undefined;
}

/** Of one block, in characters: no event is nearly that long. */
const LONGEST_BLOCK = 4 * 1024 * 1024;

/**
 * Reads Server-Sent Events (HTML §9.2.6). A block that was cut off is none.
 *
 * @param id of the last event before.
 * @throws MillraceError if a block does not end.
 */
export async function* readBlocks(stream: ReadableStream<Uint8Array>, id: string): AsyncGenerator<Block> {
  const block = new BlockReader(id);
  for await (const line of readLines(stream)) {
    const finished = block.add(line);
    if (finished !== undefined) yield finished;
  }
}

class BlockReader {
  #id: string;
  #isPlaced = false;
  #data: string[] = [];
  #retry: number | undefined;
  #length = 0;

  constructor(id: string) {
    this.#id = id;
  }

  /** @returns the block that the line ends. */
  add(line: string): Block | undefined {
    if (line === '') return this.#finish();
    this.#length += line.length;
    if (this.#length > LONGEST_BLOCK) throw new MillraceError('answer', 'an event is too long');
    const colon = line.indexOf(':');
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + (line[colon + 1] === ' ' ? 2 : 1));
    switch (name) {
      case 'data':
        this.#data.push(value);
        break;
      case 'id':
        if (value.includes('\0')) break;
        this.#id = value;
        this.#isPlaced = true;
        break;
      case 'retry':
        if (/^\d{1,9}$/.test(value)) this.#retry = Number(value);
        break;
    }
    return undefined;
  }

  #finish(): Block {
    const data = this.#data.length === 0 ? undefined : this.#data.join('\n');
    const block = { id: this.#id, isPlaced: this.#isPlaced, data, retry: this.#retry };
    this.#isPlaced = false;
    this.#data = [];
    this.#retry = undefined;
    this.#length = 0;
    return block;
  }
}

/** The lines of a text, which end with LF, CR or both. What follows the last end is no line. */
async function* readLines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      rest += decoder.decode(value, { stream: true });
      // A CR at the end may be the first half of an end.
      const held = rest.endsWith('\r') ? '\r' : '';
      const lines = rest.slice(0, rest.length - held.length).split(/\r\n|\n|\r/);
      rest = (lines.pop() ?? '') + held;
      if (rest.length > LONGEST_BLOCK) throw new MillraceError('answer', 'an event is too long');
      yield* lines;
    }
  } finally {
    // The server may go on for ever: nobody listens any more.
    void reader.cancel().catch(() => undefined);
  }
}
