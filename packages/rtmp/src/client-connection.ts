import { EventEmitter } from 'node:events';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import process from 'node:process';
import type { ConnectionOptions } from 'node:tls';
import type { AmfInput } from './amf0.ts';
import { CHUNK_SIZE, serializeMessage } from './chunk-writer.ts';
import { parseClientAddress } from './client-address.ts';
import { type Command, type Status, parseCommand, parseStatus, serializeCommand } from './commands.ts';
import { ProtocolError } from './errors.ts';
import { offerHandshake } from './handshake.ts';
import { DEFAULT_LIMITS, type Limits } from './limits.ts';
import { ChunkStreamId, type Message, MessageType, UserControl, u32, userControl } from './message.ts';
import { commandMessage } from './status.ts';
import { Sweep, type Swept } from './sweep.ts';
import { type CloseReason, Transport } from './transport.ts';

/** As FFmpeg calls itself; some servers look at it. */
const FLASH_VERSION = 'FMLE/3.0 (compatible; millrace)';
const BUFFER_MS = 3_000;

export interface ClientOptions {
  app: string;
  /** The address of the app, as `rtmp://host/app`. */
  tcUrl: string;
  limits?: Partial<Limits>;
  /** The timer for its deadlines, if it shall share one. */
  sweep?: Sweep;
}

/** The server said no; the code is what it said. */
export class RtmpStatusError extends Error {
  override readonly name = 'RtmpStatusError';
  readonly code: string;

  constructor(status: Status) {
    super(status.description === '' ? status.code : `${status.code}: ${status.description}`);
    this.code = status.code;
  }
}

interface ClientEvents {
  /** Audio, video or data of what is played. */
  media: [Message];
  /** Whatever the server tells after publishing or playing began. */
  status: [Status];
  closed: [CloseReason];
}

interface Waiting {
  resolve(command: Command): void;
  reject(error: Error): void;
}

/** The client's side of a connection: publishes one stream, or plays one. */
export class ClientConnection extends EventEmitter<ClientEvents> implements Swept {
  readonly #transport: Transport;
  readonly #limits: Limits;
  readonly #sweep: Sweep;
  readonly #options: ClientOptions;
  readonly #waiting = new Map<number | 'status', Waiting>();
  readonly #opened: Promise<undefined>;
  readonly #openedAt = performance.now();
  #isGranted = false;
  #transactions = 0;
  #streamId = 0;
  #reason: CloseReason | undefined;
  #lastCount = 0;
  #lastMessageAt = this.#openedAt;
  #isPlaying = false;

  /** Begins the handshake on a stream that is connected or about to be. */
  constructor(stream: Duplex, options: ClientOptions) {
    super();
    this.#options = options;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#sweep = options.sweep ?? new Sweep();
    const opening = Promise.withResolvers<undefined>();
    // Nobody may be waiting for it.
    opening.promise.catch(() => undefined);
    this.#opened = opening.promise;
    this.#transport = new Transport(stream, offerHandshake, this.#limits, {
      opened: () => {
        opening.resolve(undefined);
      },
      received: (message) => {
        this.#receive(message);
      },
      drained: () => undefined,
      closed: (reason) => {
        opening.reject(closedError(reason));
        this.#closed(reason);
      },
    });
    this.#transport.dataMessageBytes = this.#limits.dataMessageBytes;
    this.#sweep.add(this);
    this.#transport.start();
  }

  get bytesReceived(): number {
    return this.#transport.bytesReceived;
  }

  get bytesSent(): number {
    return this.#transport.bytesSent;
  }

  /** Bytes that the server has not taken. */
  get backlog(): number {
    return this.#transport.backlog;
  }

  /** Connects to the app and publishes; resolves when the server let us. Rejects with an {@link RtmpStatusError}. */
  async publish(name: string): Promise<void> {
    await this.#connect();
    this.#call('releaseStream', null, name);
    this.#call('FCPublish', null, name);
    await this.#createStream();
    await this.#ask(serializeCommand('publish', ++this.#transactions, null, name, 'live'));
  }

  /** Connects to the app and plays; resolves when the server let us. Media comes as events. */
  async play(name: string): Promise<void> {
    await this.#connect();
    await this.#createStream();
    this.#isPlaying = true;
    const asked = this.#ask(serializeCommand('play', ++this.#transactions, null, name, -2000));
    this.#transport.send({
      type: MessageType.userControl,
      body: userControl(UserControl.setBufferLength, this.#streamId, BUFFER_MS),
    });
    await asked;
  }

  /** Sends media of what is published. */
  send({ type, timestamp, body }: Omit<Message, 'streamId'>): void {
    const chunkStreamId = type === MessageType.audio ? ChunkStreamId.audio : ChunkStreamId.video;
    const bytes = serializeMessage({ chunkStreamId, type, streamId: this.#streamId }, timestamp, body);
    this.#transport.sendChunks([bytes], bytes.length);
  }

  /** Sends a command that no answer is awaited for; for tests of servers, and odd servers. */
  command(name: string, ...args: AmfInput[]): void {
    this.#call(name, null, ...args);
  }

  /** Stops to read, or goes on. */
  set isPaused(isPaused: boolean) {
    if (isPaused) this.#transport.pause();
    else this.#transport.resume();
  }

  /** Ends publishing or playing, and the connection. */
  close(): void {
    if (this.#isGranted) {
      if (!this.#isPlaying) this.#call('FCUnpublish', null);
      this.#call('deleteStream', null, this.#streamId);
    }
    this.#transport.end({ code: 'closed', message: 'closed' });
  }

  destroy(): void {
    this.#transport.destroy({ code: 'closed', message: 'closed' });
  }

  check(now: number): void {
    const { setupMs, idleMs, writeStallMs, lingerMs } = this.#limits;
    if (this.#transport.messagesReceived !== this.#lastCount) {
      this.#lastCount = this.#transport.messagesReceived;
      this.#lastMessageAt = now;
    }
    const isLate = !this.#isGranted && now - this.#openedAt >= setupMs;
    const isSilent = this.#isPlaying && now - this.#lastMessageAt >= idleMs;
    const stalledMs = this.#transport.isEnding ? lingerMs : writeStallMs;
    if (isLate || isSilent || this.#transport.stalledFor(now) >= stalledMs) {
      this.#transport.destroy({ code: 'timeout', message: 'i/o timeout' });
    }
  }

  async #connect(): Promise<void> {
    await this.#opened;
    this.#transport.send({ type: MessageType.setChunkSize, body: u32(CHUNK_SIZE) });
    const { app, tcUrl } = this.#options;
    await this.#request('connect', {
      app,
      type: 'nonprivate',
      flashVer: FLASH_VERSION,
      tcUrl,
      objectEncoding: 0,
      fourCcList: ['*'],
    });
  }

  async #createStream(): Promise<void> {
    const { args } = await this.#request('createStream', null);
    this.#streamId = typeof args[0] === 'number' ? args[0] : 1;
  }

  #call(name: string, object: AmfInput, ...args: AmfInput[]): void {
    this.#transport.send(commandMessage(serializeCommand(name, ++this.#transactions, object, ...args)));
  }

  #request(name: string, object: AmfInput): Promise<Command> {
    // Over a stream without a network the answer may come before the call returns.
    const answer = this.#answerTo(this.#transactions + 1);
    this.#call(name, object);
    return answer;
  }

  async #ask(body: Buffer): Promise<void> {
    const answer = this.#answerTo('status');
    this.#transport.send({ ...commandMessage(body), streamId: this.#streamId });
    await answer;
    this.#isGranted = true;
  }

  #answerTo(key: number | 'status'): Promise<Command> {
    return new Promise((resolve, reject) => {
      if (this.#reason) reject(closedError(this.#reason));
      else this.#waiting.set(key, { resolve, reject });
    });
  }

  #receive(message: Message): void {
    switch (message.type) {
      case MessageType.command:
      case MessageType.commandAmf3:
        this.#receiveCommand(parseCommand(message));
        break;
      case MessageType.audio:
      case MessageType.video:
      case MessageType.data:
      case MessageType.dataAmf3:
      case MessageType.aggregate:
        this.emit('media', message);
        break;
    }
  }

  #receiveCommand(command: Command): void {
    const status = parseStatus(command);
    if (command.name === 'onStatus') {
      if (!status) return;
      const waiting = this.#waiting.get('status');
      // Players are told about resets and the like before.
      const isDecision = status.level === 'error' || /\.(Publish|Play)\.Start$/.test(status.code);
      if (!waiting || !isDecision) {
        this.emit('status', status);
        return;
      }
      this.#waiting.delete('status');
      if (status.level === 'error') waiting.reject(new RtmpStatusError(status));
      else waiting.resolve(command);
    } else if (command.name === '_result' || command.name === '_error') {
      const waiting = this.#waiting.get(command.transaction);
      if (!waiting) return;
      this.#waiting.delete(command.transaction);
      if (command.name === '_result') waiting.resolve(command);
      else
        waiting.reject(
          new RtmpStatusError(
            status ?? { level: 'error', code: 'NetConnection.Call.Failed', description: '' },
          ),
        );
    }
  }

  #closed(reason: CloseReason): void {
    this.#reason = reason;
    this.#sweep.delete(this);
    for (const waiting of this.#waiting.values()) waiting.reject(closedError(reason));
    this.#waiting.clear();
    this.emit('closed', reason);
  }
}

function closedError(reason: CloseReason): Error {
  return new ProtocolError(`the connection ended: ${reason.message}`, { cause: reason.error });
}

/** A client connection to the address of a stream, and the stream's name to publish or play. */
export interface OpenedClient {
  connection: ClientConnection;
  name: string;
}

/**
 * Connects to `rtmp[s]://host[:port]/app/name`.
 *
 * @param tls - as `node:tls` has it, for `rtmps`
 * @throws TypeError if it is no such address
 */
export function openClient(
  address: string,
  options: Omit<ClientOptions, 'app' | 'tcUrl'> & { tls?: ConnectionOptions } = {},
): OpenedClient {
  const { isSecure, host, port, app, name, tcUrl } = parseClientAddress(address);
  // A server alone never needs `node:tls`, which takes some 2 MiB of each thread.
  const socket = isSecure
    ? process.getBuiltinModule('node:tls').connect({ host, port, servername: host, ...options.tls })
    : connect({ host, port });
  return { connection: new ClientConnection(socket, { ...options, app, tcUrl }), name };
}
