import { lookup } from 'node:dns/promises';
import type { RemoteInfo } from 'node:dgram';
import { isIP } from 'node:net';
import { Connection, type ConnectionSettings } from './connection.ts';
import { checkPassphrase } from './crypto.ts';
import {
  EXTENSION_FLAG,
  HANDSHAKE_TYPE,
  type Handshake,
  LIVE_FLAGS,
  MAX_STREAM_ID_BYTES,
  SRT_MAGIC,
  UDT_DATAGRAM,
  parseExtensions,
  parseHandshake,
  serializeAddress,
  serializeHandshake,
} from './handshake.ts';
import type { KeyLength } from './key-material.ts';
import { type SessionKeys, createSessionKeys, sessionKeyMaterial } from './keys.ts';
import { Multiplexer, plainAddress } from './multiplexer.ts';
import { MAX_MSS, MIN_MSS, type Packet, controlWord } from './packet.ts';
import { ProtocolError } from './protocol-error.ts';
import { RECEIVE_WINDOW } from './receive-buffer.ts';
import { REJECTION, RejectionError } from './rejection.ts';
import { toTimestamp } from './sequence.ts';
import {
  DEFAULT_LATENCY,
  type EndpointOptions,
  LIBRARY_VERSION,
  checkLatency,
  connectionSettings,
  randomSequence,
} from './settings.ts';
import type { Wire } from './wire.ts';

export interface ConnectOptions extends EndpointOptions {
  /** Name or IP address. */
  host: string;
  port: number;
  /** At most 512 bytes. */
  streamId?: string;
  /** 10 to 80 bytes. Without it the connection is not encrypted. */
  passphrase?: string;
  /** Bytes. Default 16. */
  keyLength?: KeyLength;
  /** ms. Default 3000. */
  connectTimeout?: number;
  /** Ends the attempt, not the connection. */
  signal?: AbortSignal;
  /** Bytes of the largest packet with its IP and UDP headers: 76 to 1500. Default 1500. */
  mss?: number;
  /** Number of the first packet. Random unless a test is about its wrap. */
  initialSequence?: number;
  /** Bytes of the kernel's buffers. */
  receiveBufferBytes?: number;
  sendBufferBytes?: number;
}

/** ms. draft-sharabayko-srt-01 §4.3 */
const RETRY_INTERVAL = 250;
const KEY_DERIVATIONS = 1;

/**
 * Calls a listener. The connection has a UDP socket of its own, which goes when it is closed.
 *
 * @throws RejectionError with the listener's code, or `timeout` if nobody answers.
 * @throws RangeError if an option is out of range.
 * @throws Error of the system if the name cannot be resolved or the socket not opened.
 */
export async function connect(options: ConnectOptions): Promise<Connection> {
  const { passphrase, signal } = options;
  if (passphrase !== undefined) checkPassphrase(passphrase);
  checkLatency(options.receiveLatency ?? DEFAULT_LATENCY);
  checkLatency(options.sendLatency ?? DEFAULT_LATENCY);
  if (Buffer.byteLength(options.streamId ?? '') > MAX_STREAM_ID_BYTES) {
    throw new RangeError(`a stream id has at most ${MAX_STREAM_ID_BYTES} bytes`);
  }
  signal?.throwIfAborted();
  const host = isIP(options.host) ? options.host : (await lookup(options.host)).address;
  const call = new Call(options, host);
  try {
    return await call.connect();
  } catch (error) {
    await call.close();
    throw error;
  }
}

/** One attempt, from its first packet to the connection or the refusal. */
class Call {
  readonly #options: ConnectOptions;
  readonly #host: string;
  readonly #startedAt: number;
  readonly #initialSequence: number;
  readonly #outcome = Promise.withResolvers<Connection>();
  #multiplexer: Multiplexer | undefined;
  #settings: ConnectionSettings | undefined;
  #socketId = 0;
  #keys: SessionKeys | undefined;
  #keyMaterial: Buffer | undefined;
  /** What is asked at present, again and again. */
  #question: Buffer | undefined;
  #askedAt = -Infinity;
  #isConcluding = false;
  #deadline = Infinity;

  constructor(options: ConnectOptions, host: string) {
    this.#options = options;
    this.#host = host;
    this.#startedAt = performance.now() - (options.initialTimestamp ?? 0) / 1000;
    this.#initialSequence = options.initialSequence ?? randomSequence();
  }

  async connect(): Promise<Connection> {
    const { passphrase, keyLength = 16, signal, connectTimeout = 3000 } = this.#options;
    const multiplexer = await Multiplexer.bind(
      {
        address: isIP(this.#host) === 6 ? '::' : '0.0.0.0',
        receiveBufferBytes: this.#options.receiveBufferBytes,
        sendBufferBytes: this.#options.sendBufferBytes,
      },
      {
        // Nobody answers with the destination 0.
        handshake: () => undefined,
        unknown: (packet, from, now) => {
          this.#handleAnswer(packet, from, now);
        },
        tick: (now) => {
          this.#tick(now);
        },
        removed: () => {
          void this.close();
        },
        fault: (error) => {
          this.#outcome.reject(error);
        },
      },
    );
    this.#multiplexer = multiplexer;
    this.#socketId = multiplexer.newSocketId();
    this.#settings = connectionSettings(this.#options, multiplexer.headerBytes, KEY_DERIVATIONS);
    if (passphrase !== undefined) {
      this.#keys = await createSessionKeys(passphrase, keyLength, this.#settings.derivation);
      this.#keyMaterial = this.#keys && sessionKeyMaterial(this.#keys);
    }
    const abort = () => {
      this.#outcome.reject(signal?.reason as Error);
    };
    signal?.addEventListener('abort', abort);
    this.#deadline = performance.now() + connectTimeout;
    this.#question = serializeHandshake(this.#handshake(4, UDT_DATAGRAM, HANDSHAKE_TYPE.induction, 0));
    this.#ask();
    try {
      return await this.#outcome.promise;
    } finally {
      this.#question = undefined;
      signal?.removeEventListener('abort', abort);
    }
  }

  async close(): Promise<void> {
    await this.#multiplexer?.close();
  }

  #handshake(version: number, extensionField: number, type: number, cookie: number): Handshake {
    return {
      version,
      encryption: this.#keys !== undefined && version === 5 ? this.#keys.keyLength / 8 : 0,
      extensionField,
      initialSequence: this.#initialSequence,
      mss: this.#options.mss ?? MAX_MSS,
      flowWindow: RECEIVE_WINDOW,
      type,
      socketId: this.#socketId,
      cookie,
      peerAddress: serializeAddress(this.#host),
    };
  }

  #ask(): void {
    if (this.#question === undefined) return;
    this.#askedAt = performance.now();
    this.#wire(0).send(
      controlWord('handshake'),
      0,
      toTimestamp(this.#askedAt - this.#startedAt),
      this.#question,
    );
  }

  #tick(now: number): void {
    if (this.#question === undefined) return;
    if (now >= this.#deadline) {
      this.#outcome.reject(new RejectionError(REJECTION.timeout, 'no answer from the listener'));
    } else if (now - this.#askedAt >= RETRY_INTERVAL) {
      this.#ask();
    }
  }

  #handleAnswer(packet: Packet, from: RemoteInfo, now: number): void {
    if (packet.kind !== 'handshake' || this.#question === undefined) return;
    if (packet.destination !== this.#socketId || from.port !== this.#options.port) return;
    const handshake = parseHandshake(packet.body);
    if (handshake.type === HANDSHAKE_TYPE.induction) {
      if (!this.#isConcluding) this.#conclude(handshake);
    } else if (handshake.type === HANDSHAKE_TYPE.conclusion) {
      if (this.#isConcluding) this.#establish(handshake, packet, from, now);
    } else if (handshake.type >= REJECTION.unknown && handshake.type < HANDSHAKE_TYPE.done) {
      this.#outcome.reject(new RejectionError(handshake.type));
    }
  }

  /** draft-sharabayko-srt-01 §4.3.1.2 */
  #conclude({ version, extensionField, cookie }: Handshake): void {
    if (version !== 5 || extensionField !== SRT_MAGIC) {
      this.#outcome.reject(
        new RejectionError(REJECTION.version, 'listener does not know handshake version 5'),
      );
      return;
    }
    const { streamId, receiveLatency = DEFAULT_LATENCY, sendLatency = DEFAULT_LATENCY } = this.#options;
    const hsreq = {
      version: LIBRARY_VERSION,
      flags: LIVE_FLAGS,
      receiverDelay: receiveLatency,
      senderDelay: sendLatency,
    };
    const flags =
      EXTENSION_FLAG.hs |
      (this.#keyMaterial === undefined ? 0 : EXTENSION_FLAG.km) |
      (streamId ? EXTENSION_FLAG.config : 0);
    this.#question = serializeHandshake(this.#handshake(5, flags, HANDSHAKE_TYPE.conclusion, cookie), {
      hsreq,
      ...(this.#keyMaterial !== undefined && { kmreq: this.#keyMaterial }),
      ...(streamId && { streamId }),
    });
    this.#isConcluding = true;
    this.#ask();
  }

  #establish(
    handshake: Handshake,
    packet: Packet & { kind: 'handshake' },
    from: RemoteInfo,
    now: number,
  ): void {
    const { hsrsp, kmrsp } = parseExtensions(packet.body);
    if (hsrsp === undefined) throw new ProtocolError('conclusion without HSRSP');
    if (handshake.mss < MIN_MSS || handshake.flowWindow === 0) {
      throw new ProtocolError(`MSS ${handshake.mss}, flow window ${handshake.flowWindow}`);
    }
    // A listener without our secret answers with one word in place of the key material.
    if (this.#keyMaterial !== undefined && !kmrsp?.equals(this.#keyMaterial)) {
      this.#outcome.reject(new RejectionError(REJECTION.badSecret));
      return;
    }
    const { receiveLatency = DEFAULT_LATENCY, sendLatency = DEFAULT_LATENCY, mss = MAX_MSS } = this.#options;
    const { multiplexer, settings } = this.#bound;
    const connection = new Connection(
      {
        handshakeVersion: 5,
        socketId: this.#socketId,
        peerId: handshake.socketId,
        remote: { address: plainAddress(from.address), port: from.port },
        streamId: this.#options.streamId ?? '',
        initialSequence: this.#initialSequence,
        mss: Math.min(mss, handshake.mss),
        flowWindow: handshake.flowWindow,
        peerFlags: hsrsp.flags,
        peerVersion: hsrsp.version,
        arrivedAt: now,
        peerTimestamp: packet.timestamp,
        receiveLatency: Math.max(receiveLatency, hsrsp.senderDelay),
        sendLatency: Math.max(sendLatency, hsrsp.receiverDelay),
        startedAt: this.#startedAt,
        keys: this.#keys,
        passphrase: undefined,
      },
      settings,
      multiplexer.wire(from.address, from.port, handshake.socketId),
      () => performance.now(),
    );
    multiplexer.add(connection, from.address);
    this.#outcome.resolve(connection);
  }

  #wire(peerId: number): Wire {
    return this.#bound.multiplexer.wire(this.#host, this.#options.port, peerId);
  }

  get #bound(): { multiplexer: Multiplexer; settings: ConnectionSettings } {
    if (this.#multiplexer === undefined || this.#settings === undefined) throw new Error('call is not bound');
    return { multiplexer: this.#multiplexer, settings: this.#settings };
  }
}
