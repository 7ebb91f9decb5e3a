import type { RemoteInfo } from 'node:dgram';
import { EventEmitter } from 'node:events';
import { Admission } from './admission.ts';
import { type AcceptOptions, CallerRequest, type RequestHost } from './caller-request.ts';
import { Connection, type ConnectionSettings } from './connection.ts';
import { Cookies } from './cookie.ts';
import {
  EXTENSION_FLAG,
  HANDSHAKE_TYPE,
  type Handshake,
  LIVE_FLAGS,
  SRT_MAGIC,
  parseHandshake,
  serializeAddress,
  serializeHandshake,
} from './handshake.ts';
import { HandshakeLog } from './handshake-log.ts';
import { DEFAULT_LISTENER_LIMITS, type ListenerLimits } from './limits.ts';
import { type BindOptions, Multiplexer, plainAddress } from './multiplexer.ts';
import { type Packet, controlWord } from './packet.ts';
import { checkProposal } from './proposal.ts';
import { RECEIVE_WINDOW } from './receive-buffer.ts';
import { REJECTION, RejectionError, rejectionName } from './rejection.ts';
import { type Answer, RecentAnswers } from './recent-answers.ts';
import { toTimestamp } from './sequence.ts';
import {
  DEFAULT_LATENCY,
  type EndpointOptions,
  LIBRARY_VERSION,
  checkLatency,
  connectionSettings,
} from './settings.ts';
import type { Remote } from './wire.ts';

export interface ListenerOptions extends EndpointOptions {
  limits?: Partial<ListenerLimits>;
  /** ms that a caller may wait for the handler's decision. Default 3000. */
  decisionTimeout?: number;
}

/** A caller that was not let in. */
export interface RefusedCaller {
  remote: Remote;
  /** Undefined if it was refused before that was read. */
  streamId: string | undefined;
  /** As on the wire. */
  code: number;
}

/**
 * Decides about a caller by calling its `accept` or `reject`. What it throws or rejects with refuses the caller: a
 * RejectionError with its code, anything else as an internal error that is reported as `fault`.
 */
export type RequestHandler = (request: CallerRequest) => Promise<void> | void;

/** ms; so long a refused caller that repeats its question gets the same answer again. */
const REFUSAL_LIFETIME = 3000;

/**
 * Waits for callers on a UDP port and serves any number of connections on it.
 *
 * Nothing is kept of a caller until it has sent back the cookie that it was given, which shows that it receives at its
 * address; until then it is sent no more bytes than it sent. `fault` reports exceptions that are no fault of a peer.
 */
export class Listener extends EventEmitter<{ refused: [RefusedCaller]; fault: [Error] }> {
  readonly #options: ListenerOptions;
  readonly #handler: RequestHandler;
  readonly #limits: ListenerLimits;
  readonly #cookies = new Cookies();
  /** By caller: requests without a decision yet. */
  readonly #pending = new Map<string, CallerRequest>();
  readonly #admission: Admission;
  /** By caller: what a repeated question is answered with. */
  readonly #answers = new RecentAnswers();
  readonly #log: HandshakeLog | undefined;
  #multiplexer: Multiplexer | undefined;
  #settings: ConnectionSettings | undefined;

  /** @throws RangeError if a latency is out of range. */
  constructor(handler: RequestHandler, options: ListenerOptions = {}) {
    super();
    checkLatency(options.receiveLatency ?? DEFAULT_LATENCY);
    checkLatency(options.sendLatency ?? DEFAULT_LATENCY);
    this.#handler = handler;
    this.#options = options;
    this.#limits = { ...DEFAULT_LISTENER_LIMITS, ...options.limits };
    this.#admission = new Admission(this.#limits);
    this.#log = options.log && new HandshakeLog(options.log);
  }

  /** Opens the socket and starts to answer. Rejects with the system's error if the address cannot be had. */
  async bind(options: BindOptions = {}): Promise<Remote> {
    if (this.#multiplexer !== undefined) throw new Error('listener is bound already');
    const multiplexer = await Multiplexer.bind(options, {
      handshake: (packet, from, now) => {
        this.#handlePacket(packet, from, now);
      },
      tick: (now) => {
        this.#tick(now);
      },
      removed: (connection) => {
        this.#admission.left(connection.remote.address);
      },
      fault: (error) => {
        this.emit('fault', error);
      },
    });
    this.#multiplexer = multiplexer;
    this.#settings = connectionSettings(this.#options, multiplexer.headerBytes, this.#limits.keyDerivations);
    this.#log?.listening(multiplexer.address);
    return multiplexer.address;
  }

  /** The bound address. */
  get address(): Remote {
    return this.#bound.address;
  }

  /** Bytes that the kernel gave the socket to receive into; less than asked for if its limit is lower. */
  get receiveBufferBytes(): number {
    return this.#bound.receiveBufferBytes;
  }

  /** By how many ms the last tick, which comes every 10 ms, was late. */
  get tickLateness(): number {
    return this.#bound.lateness;
  }

  /** The open connections. */
  get connections(): Iterable<Connection> {
    return this.#multiplexer?.connections ?? [];
  }

  get connectionCount(): number {
    return this.#multiplexer?.size ?? 0;
  }

  /** The open connection with this socket id. */
  connection(id: number): Connection | undefined {
    return this.#multiplexer?.get(id);
  }

  /** Refuses who waits, closes all connections and gives the socket back. */
  async close(): Promise<void> {
    for (const request of [...this.#pending.values()]) request.reject(REJECTION.closed);
    await this.#multiplexer?.close();
  }

  get #bound(): Multiplexer {
    if (this.#multiplexer === undefined) throw new Error('listener is not bound');
    return this.#multiplexer;
  }

  #handlePacket(packet: Packet, from: RemoteInfo, now: number): void {
    if (packet.kind !== 'handshake') return;
    const handshake = parseHandshake(packet.body);
    const remote = remoteOf(from);
    this.#log?.received(handshake, remote);
    if (handshake.type === HANDSHAKE_TYPE.induction) {
      this.#induct(handshake, from, now);
    } else if (handshake.type === HANDSHAKE_TYPE.conclusion) {
      // Before anything else is read: who has no valid cookie may be anybody.
      if (!this.#cookies.isValid(handshake.cookie, from.address, from.port, now)) {
        this.#log?.refused('invalid cookie', remote);
        return;
      }
      this.#conclude(handshake, packet.body, { from, remote, timestamp: packet.timestamp, now });
    }
  }

  /** draft-sharabayko-srt-01 §4.3.1.1: the caller's own packet with our cookie and the mark of version 5. */
  #induct(handshake: Handshake, from: RemoteInfo, now: number): void {
    const answer: Handshake = {
      ...handshake,
      version: 5,
      encryption: 0,
      extensionField: SRT_MAGIC,
      cookie: this.#cookies.issue(from.address, from.port, now),
      peerAddress: serializeAddress(from.address),
    };
    const body = serializeHandshake(answer);
    this.#send({ peerId: handshake.socketId, handshake: answer, body, startedAt: now }, from);
  }

  #conclude(handshake: Handshake, body: Buffer, arrival: Arrival): void {
    const { from, remote, now } = arrival;
    const caller = callerKey(from, handshake);
    const answer = this.#answers.get(caller);
    if (answer !== undefined) {
      this.#send(answer, from);
      return;
    }
    if (this.#pending.has(caller)) return;
    const proposal = checkProposal(handshake, body);
    const code = proposal.code ?? this.#admission.refusal(remote.address);
    if (code !== undefined) {
      this.#refuse(handshake, from, code);
      this.emit('refused', { remote, streamId: undefined, code });
      return;
    }
    if (proposal.code !== undefined) return;
    const request = new CallerRequest(
      { ...proposal, handshake, remote, arrivedAt: now, timestamp: arrival.timestamp },
      this.#hostFor(caller, from),
    );
    this.#pending.set(caller, request);
    this.#admission.arrived(remote.address);
    void this.#decide(request);
  }

  async #decide(request: CallerRequest): Promise<void> {
    try {
      await this.#handler(request);
      request.reject(REJECTION.peer);
    } catch (error) {
      if (error instanceof RejectionError) {
        request.reject(error.code);
      } else {
        request.reject(REJECTION.internal);
        this.emit('fault', error instanceof Error ? error : new Error(String(error)));
      }
    }
  }

  #hostFor(caller: string, from: RemoteInfo): RequestHost {
    const { address } = from;
    const decided = () => {
      this.#pending.delete(caller);
      this.#admission.decided(plainAddress(address));
    };
    return {
      derivation: this.#boundSettings.derivation,
      mayCheckSecret: (plain) => this.#admission.takeSecret(plain),
      accepted: (request, options) => {
        decided();
        return this.#establish(request, options, caller, from);
      },
      rejected: (request, code) => {
        decided();
        const answer = this.#refuse(request.proposal.handshake, from, code);
        this.#answers.addUntil(caller, answer, performance.now() + REFUSAL_LIFETIME);
        this.emit('refused', { remote: request.remote, streamId: request.streamId, code });
      },
    };
  }

  #establish(request: CallerRequest, accept: AcceptOptions, caller: string, from: RemoteInfo): Connection {
    const { handshake, extensions, arrivedAt, timestamp } = request.proposal;
    const { receiveLatency = DEFAULT_LATENCY, sendLatency = DEFAULT_LATENCY } = this.#options;
    const multiplexer = this.#bound;
    const wishes = extensions.hsreq;
    const connection = new Connection(
      {
        handshakeVersion: request.handshakeVersion,
        socketId: multiplexer.newSocketId(),
        peerId: handshake.socketId,
        remote: request.remote,
        streamId: request.streamId,
        initialSequence: handshake.initialSequence,
        mss: handshake.mss,
        flowWindow: handshake.flowWindow,
        peerFlags: wishes?.flags ?? 0,
        peerVersion: request.peerVersion,
        arrivedAt,
        peerTimestamp: timestamp,
        receiveLatency: Math.max(
          checkLatency(accept.receiveLatency ?? receiveLatency),
          wishes?.senderDelay ?? 0,
        ),
        sendLatency: Math.max(checkLatency(accept.sendLatency ?? sendLatency), wishes?.receiverDelay ?? 0),
        startedAt: performance.now() - (this.#options.initialTimestamp ?? 0) / 1000,
        keys: request.keys,
        passphrase: request.passphrase,
      },
      this.#boundSettings,
      multiplexer.wire(from.address, from.port, handshake.socketId),
      () => performance.now(),
    );
    multiplexer.add(connection, from.address);
    this.#admission.connected(request.remote.address);
    this.#answer(request, connection, caller, from);
    this.#log?.connected(connection);
    return connection;
  }

  /** draft-sharabayko-srt-01 §4.3.1.2; version 4 gets its own form back, without extensions. */
  #answer(request: CallerRequest, connection: Connection, caller: string, from: RemoteInfo): void {
    const { handshake, extensions } = request.proposal;
    const isEncrypted = request.keys !== undefined;
    const answer: Handshake = {
      ...handshake,
      flowWindow: Math.min(handshake.flowWindow, RECEIVE_WINDOW),
      socketId: connection.id,
      cookie: 0,
      peerAddress: serializeAddress(from.address),
    };
    if (request.handshakeVersion === 5) {
      answer.extensionField = EXTENSION_FLAG.hs | (isEncrypted ? EXTENSION_FLAG.km : 0);
    }
    const { receive: receiverDelay, send: senderDelay } = connection.latency;
    const hsrsp = { version: LIBRARY_VERSION, flags: LIVE_FLAGS, receiverDelay, senderDelay };
    const body =
      request.handshakeVersion === 4
        ? serializeHandshake(answer)
        : serializeHandshake(answer, {
            hsrsp,
            ...(isEncrypted && extensions.kmreq && { kmrsp: extensions.kmreq }),
          });
    const sent = { peerId: connection.peerId, handshake: answer, body, startedAt: connection.startedAt };
    this.#answers.add(caller, sent);
    connection.once('closed', () => {
      this.#answers.delete(caller);
    });
    this.#send(sent, from);
  }

  /** Tells a caller the code. It is 64 bytes, never more than the conclusion. */
  #refuse(handshake: Handshake, from: RemoteInfo, code: number): Answer {
    this.#log?.refused(rejectionName(code) ?? String(code), remoteOf(from));
    const answer = { ...handshake, extensionField: 0, type: code, cookie: 0 };
    const body = serializeHandshake(answer);
    const sent = { peerId: handshake.socketId, handshake: answer, body, startedAt: performance.now() };
    this.#send(sent, from);
    return sent;
  }

  #send({ peerId, handshake, body, startedAt }: Answer, from: RemoteInfo): void {
    this.#log?.sent(handshake, remoteOf(from));
    const wire = this.#bound.wire(from.address, from.port, peerId);
    wire.send(controlWord('handshake'), 0, toTimestamp(performance.now() - startedAt), body);
  }

  #tick(now: number): void {
    this.#answers.sweep(now);
    const { decisionTimeout = 3000 } = this.#options;
    for (const request of this.#pending.values()) {
      // In the order of their arrival: behind one that may wait on, all may.
      if (now - request.proposal.arrivedAt < decisionTimeout) break;
      request.reject(REJECTION.timeout);
    }
    this.#admission.tick(now);
  }

  get #boundSettings(): ConnectionSettings {
    if (this.#settings === undefined) throw new Error('listener is not bound');
    return this.#settings;
  }
}

/** Where and when a conclusion came from. */
interface Arrival {
  from: RemoteInfo;
  remote: Remote;
  timestamp: number;
  now: number;
}

/** One socket of one caller. */
function callerKey(from: RemoteInfo, { socketId }: Handshake): string {
  return `${from.address} ${from.port} ${socketId}`;
}

/** The address of a datagram as logs and requests name it. */
function remoteOf({ address, port }: RemoteInfo): Remote {
  return { address: plainAddress(address), port };
}
