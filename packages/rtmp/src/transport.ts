import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { ByteCursor, type Parser } from './byte-cursor.ts';
import { ChunkReader, type ChunkReaderLimits } from './chunk-reader.ts';
import { serializeMessage } from './chunk-writer.ts';
import { ProtocolError } from './errors.ts';
import type { Limits } from './limits.ts';
import {
  ChunkStreamId,
  type Message,
  MessageType,
  UserControl,
  parseUserControl,
  u32,
  userControl,
} from './message.ts';
import { Outbox } from './outbox.ts';

/** Bytes that we receive before we say so, until the peer tells its window. */
const ACKNOWLEDGE_EVERY = 1_048_576;
/** So much may wait for the peer before we leave out what we say of what we received. */
const MAX_UNREAD_BYTES = 1024;
const KEEP_ALIVE_MS = 15_000;

/** Why a connection ended. */
export interface CloseReason {
  readonly code:
    | 'ended' // the peer closed
    | 'network' // the network broke
    | 'timeout'
    | 'protocol' // the peer broke the protocol or a limit
    | 'refused' // publishing or playing was
    | 'unpublished' // the publisher of what was played left
    | 'shutdown'
    | 'closed' // on our side's wish
    | 'internal'; // a bug
  readonly message: string;
  readonly error?: unknown;
}

/** A message to be sent. */
export interface OutgoingMessage {
  type: number;
  body: Buffer;
  /** 2, the one for control messages, if left out. */
  chunkStreamId?: number;
  /** 0, that of the connection, if left out. */
  streamId?: number;
  timestamp?: number;
}

/** Whoever speaks over a transport. */
export interface Receiver {
  /** The handshake is done. */
  opened(): void;
  /** May throw a {@link ProtocolError}. */
  received(message: Message): void;
  /** All messages that came together were received. */
  drained(): void;
  closed(reason: CloseReason): void;
}

/**
 * Messages over a byte stream, in both directions: handshake, chunks, acknowledgements and pings.
 *
 * Ends by itself when the peer closes or breaks the protocol. Has no timers: whoever owns it calls the checks.
 */
export class Transport {
  readonly #stream: Duplex;
  readonly #receiver: Receiver;
  readonly #outbox: Outbox;
  readonly #input = new ByteCursor();
  readonly #parser: Parser;
  readonly #readerLimits: ChunkReaderLimits;
  #acknowledgeEvery = ACKNOWLEDGE_EVERY;
  #acknowledged = 0;
  /** How much the peer last wanted to be under way. */
  #window = 0;
  readonly #answerBytes: number;
  /** Bytes of small messages since the peer had last taken all that waited. */
  #answersWaiting = 0;
  /** How much it will have taken by then. */
  #answersUntil = 0;
  #isOpen = false;
  #isReading = true;
  #reason: CloseReason | undefined;
  #isClosed = false;
  bytesReceived = 0;
  /** Whole messages, those that only concern the transport included. */
  messagesReceived = 0;
  /** Answers to our pings. */
  pongs = 0;

  /** @param handshake - reads the peer's part, given what sends ours */
  constructor(
    stream: Duplex,
    handshake: (input: ByteCursor, send: (bytes: Buffer) => void) => Parser,
    limits: Limits,
    receiver: Receiver,
  ) {
    this.#stream = stream;
    this.#receiver = receiver;
    this.#outbox = new Outbox(stream);
    this.#answerBytes = limits.answerBytes;
    this.#readerLimits = {
      mediaMessageBytes: limits.mediaMessageBytes,
      dataMessageBytes: limits.setupMessageBytes,
      partialBytes: limits.partialBytes,
      chunkStreams: limits.chunkStreams,
    };
    this.#parser = this.#read(handshake);
    tune(stream);
    stream.on('data', (bytes: Buffer) => {
      this.#take(bytes);
    });
    stream.on('error', (error: NodeJS.ErrnoException) => {
      this.#reason ??= { code: 'network', message: error.code ?? error.message, error };
    });
    stream.on('end', () => {
      this.#reason ??= { code: 'ended', message: 'the peer closed the connection' };
      this.#outbox.end();
    });
    stream.on('close', () => {
      this.#finish();
    });
  }

  /** Runs the parser up to where it needs bytes; a client's handshake begins with its own. */
  start(): void {
    this.#parser.next();
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Whether we said our last word. */
  get isEnding(): boolean {
    return this.#isOpen && !this.#isReading;
  }

  get bytesSent(): number {
    return this.#outbox.bytesSent;
  }

  /** Bytes that the peer has not taken. */
  get backlog(): number {
    return this.#outbox.backlog;
  }

  /** How long a data or command message may be from now on. */
  set dataMessageBytes(bytes: number) {
    this.#readerLimits.dataMessageBytes = bytes;
  }

  /** For how long the peer has taken nothing of what waits for it. */
  stalledFor(now: number): number {
    return this.#outbox.stalledFor(now);
  }

  /** Sends small messages, together. Ends if too many of them wait: the peer asks and asks, and takes no answer. */
  send(...messages: OutgoingMessage[]): void {
    const { taken, backlog } = this.#outbox;
    if (taken >= this.#answersUntil) {
      this.#answersUntil = taken + backlog;
      this.#answersWaiting = 0;
    }
    const bytes = Buffer.concat(
      messages.map(({ type, body, chunkStreamId = ChunkStreamId.control, streamId = 0, timestamp = 0 }) =>
        serializeMessage({ type, chunkStreamId, streamId }, timestamp, body),
      ),
    );
    this.#outbox.write([bytes], bytes.length);
    this.#answersWaiting += bytes.length;
    if (this.#answersWaiting > this.#answerBytes) {
      this.destroy({ code: 'protocol', message: 'answers not taken' });
    }
  }

  /** Sends what is already in chunks. */
  sendChunks(pieces: readonly Buffer[], bytes: number): void {
    this.#outbox.write(pieces, bytes);
  }

  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    if (!this.#isClosed) this.#stream.resume();
  }

  /** Says nothing more after what was sent, and hears nothing any more; the peer is expected to close. */
  end(reason: CloseReason): void {
    this.#reason ??= reason;
    this.#isReading = false;
    this.#outbox.end();
    // What the peer sends now is thrown away, but taken: closing on unread bytes would cut off our last words.
    this.#stream.resume();
  }

  /** Ends at once. */
  destroy(reason: CloseReason): void {
    this.#reason ??= reason;
    this.#isReading = false;
    this.#stream.destroy();
  }

  *#read(handshake: (input: ByteCursor, send: (bytes: Buffer) => void) => Parser): Parser {
    yield* handshake(this.#input, (bytes) => {
      this.#outbox.write([bytes], bytes.length);
    });
    this.#isOpen = true;
    this.#receiver.opened();
    yield* new ChunkReader((message) => {
      this.#receive(message);
    }, this.#readerLimits).read(this.#input);
  }

  #take(bytes: Buffer): void {
    this.bytesReceived += bytes.length;
    if (!this.#isReading) return;
    this.attempt(() => {
      this.#input.push(bytes);
      this.#parser.next();
      this.#acknowledge();
      this.#receiver.drained();
    });
  }

  /** Does something for the peer. Whatever is thrown must cost it its connection, and nobody else's. */
  attempt(work: () => void): void {
    try {
      work();
    } catch (error) {
      const code = error instanceof ProtocolError ? 'protocol' : 'internal';
      this.destroy({ code, message: error instanceof Error ? error.message : String(error), error });
    }
  }

  #receive(message: Message): void {
    // The parser goes on to the end of the bytes at hand.
    if (!this.#isReading) return;
    this.messagesReceived++;
    const { type, body } = message;
    switch (type) {
      case MessageType.acknowledgement:
        break;
      case MessageType.setPeerBandwidth:
        if (body.length >= 4) this.#useWindow(body.readUInt32BE());
        break;
      case MessageType.windowAcknowledgementSize:
        if (body.length >= 4) this.#acknowledgeEvery = Math.ceil(body.readUInt32BE() / 2);
        break;
      case MessageType.userControl:
        this.#receiveControl(message);
        break;
      default:
        this.#receiver.received(message);
    }
  }

  /** RTMP 1.0 §5.4.5: the peer says how much may be under way, and is told to acknowledge by that if it is new. */
  #useWindow(bytes: number): void {
    if (bytes === this.#window) return;
    this.#window = bytes;
    // Over a stream without a network the peer may still be about to say more.
    queueMicrotask(() => {
      this.send({ type: MessageType.windowAcknowledgementSize, body: u32(bytes) });
    });
  }

  #receiveControl(message: Message): void {
    const control = parseUserControl(message.body);
    if (control?.event === UserControl.pingResponse) this.pongs++;
    else if (control?.event === UserControl.pingRequest) {
      this.send({
        type: MessageType.userControl,
        body: userControl(UserControl.pingResponse, control.value),
      });
    } else this.#receiver.received(message);
  }

  #acknowledge(): void {
    if (!this.#isOpen || this.#acknowledgeEvery === 0) return;
    if (this.bytesReceived - this.#acknowledged < this.#acknowledgeEvery) return;
    // Some publishers take none for hours; the next says it all.
    if (this.backlog > MAX_UNREAD_BYTES) return;
    this.#acknowledged = this.bytesReceived;
    this.send({ type: MessageType.acknowledgement, body: u32(this.bytesReceived % 2 ** 32) });
  }

  #finish(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#isReading = false;
    this.#receiver.closed(this.#reason ?? { code: 'network', message: 'the connection broke off' });
  }
}

function tune(stream: Duplex): void {
  if (!(stream instanceof Socket)) return;
  stream.setNoDelay(true);
  stream.setKeepAlive(true, KEEP_ALIVE_MS);
}
