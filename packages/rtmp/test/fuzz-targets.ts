import { parseAmf0, serializeAmf0 } from '../src/amf0.ts';
import { ByteCursor } from '../src/byte-cursor.ts';
import { ProtocolError } from '../src/errors.ts';
import { readFlv } from '../src/flv.ts';
import { classifyAudio, classifyVideo } from '../src/media.ts';
import { MessageType } from '../src/message.ts';
import { Relay } from '../src/relay.ts';
import { parseStreamAddress } from '../src/stream-address.ts';
import { cut, readChunks } from './feed.ts';
import { TestServer } from './pair.ts';
import { TestSink } from './streams.ts';

/** Does something with bytes from outside; throws a ProtocolError if they are refused, and nothing else. */
export type Target = (bytes: Buffer) => void | Promise<void>;

/** The first byte says in what pieces the others come. */
const pieces = (bytes: Buffer) => cut(bytes.subarray(1), (bytes[0] ?? 0) + 1);

/** By name; the corpus has a folder for each. */
export const TARGETS: Record<string, Target> = {
  amf: (bytes) => {
    const values = parseAmf0(bytes);
    serializeAmf0(values, 1_000_000);
  },

  chunks: (bytes) => {
    const relay = new Relay();
    const sink = new TestSink();
    relay.subscribe(sink);
    for (const message of readChunks(pieces(bytes))) relay.push(message);
    relay.flush();
    sink.take();
    relay.close('end');
  },

  media: (bytes) => {
    classifyVideo(bytes);
    classifyAudio(bytes);
    const relay = new Relay();
    for (const type of Object.values(MessageType))
      relay.push({ type, timestamp: 0, streamId: 1, body: bytes });
  },

  flv: (bytes) => {
    const input = new ByteCursor();
    const parser = readFlv(input, () => undefined, 1_000_000);
    parser.next();
    for (const piece of pieces(bytes)) {
      input.push(piece);
      parser.next();
    }
  },

  address: (bytes) => {
    const text = bytes.toString();
    const half = Math.floor(text.length / 2);
    parseStreamAddress({ app: text.slice(0, half), name: text.slice(half), tcUrl: text });
  },

  connection: async (bytes) => {
    const { raw, server, closed } = new TestServer().dialRaw();
    raw.resume();
    for (const piece of cut(bytes, 4096)) raw.write(piece);
    for (let i = 0; i < 4; i++) await new Promise(setImmediate);
    server.destroy('end');
    const reason = await closed;
    if (reason.code === 'internal') throw reason.error;
    if (reason.code === 'protocol') throw new ProtocolError(reason.message);
  },
};
