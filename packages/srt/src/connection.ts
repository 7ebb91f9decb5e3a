import { EventEmitter } from 'node:events';
import { ConnectionLog } from './connection-log.ts';
import { Counters } from './counters.ts';
import type { KeyDerivation } from './crypto.ts';
import { HS_FLAG, LIVE_FLAGS, parseHsExtension, serializeHsExtension } from './handshake.ts';
import { KM_STATE, UnsupportedCipherError, parseKeyMaterial } from './key-material.ts';
import { type KeyRefresh, ReceiveKeys, SendKeys, type SessionKeys } from './keys.ts';
import type { ConnectionLimits } from './limits.ts';
import type { Log } from './log.ts';
import {
  type ControlKind,
  type ControlPacket,
  type DataPacket,
  type Packet,
  controlWord,
  words,
} from './packet.ts';
import { Playout } from './playout.ts';
import { Receiver } from './receiver.ts';
import { RttEstimator } from './rtt.ts';
import { Sender } from './sender.ts';
import { toTimestamp } from './sequence.ts';
import { type Statistics, readStatistics } from './statistics.ts';
import { TrafficGuard } from './traffic-guard.ts';
import type { Remote, Wire } from './wire.ts';

/**
 * Why a connection ended: closed here; the peer said good-bye; nothing came from it for too long; it does not
 * acknowledge what it is sent; it sends what no proper peer sends; or a listener of the events threw.
 */
export type CloseReason = 'closed' | 'shutdown' | 'idle' | 'unresponsive' | 'abuse' | 'error';

/** What both sides agreed on in the handshake. Times are ms. */
export interface ConnectionOptions {
  /** 4 or 5. */
  handshakeVersion: number;
  /** Of this side. */
  socketId: number;
  /** Of the peer. */
  peerId: number;
  remote: Remote;
  streamId: string;
  initialSequence: number;
  mss: number;
  /** Of the peer; packets. */
  flowWindow: number;
  /** HSREQ flags of the peer. */
  peerFlags: number;
  /** Version of the peer's library, 0x010501 is 1.5.1; 0 if it is not known. */
  peerVersion: number;
  /** When the peer's handshake arrived, and how it was stamped. */
  arrivedAt: number;
  peerTimestamp: number;
  receiveLatency: number;
  sendLatency: number;
  /** When this side's timestamps are 0. */
  startedAt: number;
  /** What was agreed on; undefined if the connection is not encrypted, or if a peer of version 4 is yet to send it. */
  keys: SessionKeys | undefined;
  /** With which a peer of version 4 has to encrypt. */
  passphrase: string | undefined;
}

/** What does not depend on the peer. */
export interface ConnectionSettings {
  limits: ConnectionLimits;
  derivation: KeyDerivation;
  keyRefresh: KeyRefresh;
  /** IP, UDP and SRT headers. */
  headerBytes: number;
  /** ms without anything from the peer, after which the connection is closed. */
  peerIdleTimeout: number;
  /** ms beyond the latency that unacknowledged packets are kept. */
  sendDropDelay: number;
  /** Of the input rate, for retransmissions. */
  retransmitShare: number;
  maxReorderTolerance: number;
  isImmediate: boolean;
  log: Log | undefined;
}

/** ms of silence after which a keep-alive is sent. draft-sharabayko-srt-01 §4.3.3 */
const KEEPALIVE_INTERVAL = 1000;
/** ms that data is sent without any ACK. */
const UNRESPONSIVE_TIMEOUT = 5000;
/** Packets that may wait for the first key: a second of 5 Mbit/s. */
const MAX_EARLY_PACKETS = 512;

const EMPTY = Buffer.alloc(0);

/**
 * One SRT connection in live mode, of either side, after the handshake.
 *
 * `payload` hands over what was received: in order, each once, when it is due, as a view of the datagram that nobody else
 * writes to. `closed` is the last event. Both are emitted within the turn that reads the network, so listeners should be short.
 */
export class Connection extends EventEmitter<{ payload: [Buffer]; closed: [CloseReason] }> {
  readonly handshakeVersion: number;
  /** Socket id of this side: random, unique among the connections of a listener. */
  readonly id: number;
  readonly peerId: number;
  readonly remote: Remote;
  readonly streamId: string;
  readonly peerVersion: number;
  readonly isEncrypted: boolean;
  /** The largest payload that one packet can carry. */
  readonly maxPayload: number;
  readonly #wire: Wire;
  readonly #log: ConnectionLog | undefined;
  readonly #settings: ConnectionSettings;
  readonly #options: ConnectionOptions;
  readonly #counters: Counters;
  readonly #rtt = new RttEstimator();
  readonly #guard: TrafficGuard;
  readonly #sendKeys: SendKeys | undefined;
  readonly #receiveKeys: ReceiveKeys | undefined;
  readonly #sender: Sender;
  readonly #receiver: Receiver;
  /** When this side's timestamps are 0; ms of the monotonic clock. */
  readonly startedAt: number;
  readonly #now: () => number;
  #hasSent = false;
  #lastSentAt: number;
  #lastReceivedAt: number;
  #isUpdatingKeys = false;
  /** What a peer of version 4 sent before its key; undefined once nothing waits for one. */
  #early: { packet: DataPacket; arrivedAt: number }[] | undefined;
  #closeReason: CloseReason | undefined;
  #finalStatistics: Statistics | undefined;

  /** @param now the clock that the caller passes to the other methods as well; ms */
  constructor(options: ConnectionOptions, settings: ConnectionSettings, wire: Wire, now: () => number) {
    super();
    this.handshakeVersion = options.handshakeVersion;
    this.id = options.socketId;
    this.peerId = options.peerId;
    this.remote = options.remote;
    this.streamId = options.streamId;
    this.peerVersion = options.peerVersion;
    this.isEncrypted = options.keys !== undefined || options.passphrase !== undefined;
    this.maxPayload = options.mss - 44;
    this.#options = options;
    this.#settings = settings;
    this.#now = now;
    this.#wire = wire;
    this.#log = settings.log && new ConnectionLog(settings.log, options.socketId);
    this.startedAt = options.startedAt;
    this.#lastSentAt = this.#lastReceivedAt = now();
    this.#counters = new Counters(settings.headerBytes);
    this.#guard = new TrafficGuard(settings.limits, now());
    const { keys, passphrase, initialSequence, startedAt } = options;
    this.#sendKeys = keys && new SendKeys(keys, settings.keyRefresh);
    const secret = keys?.passphrase ?? passphrase;
    this.#receiveKeys = secret === undefined ? undefined : new ReceiveKeys(secret, keys, settings.derivation);
    if (keys === undefined && passphrase !== undefined) this.#early = [];
    // Everything that leaves passes here, which is how keep-alives know of silence.
    const noting: Wire = {
      send: (word0, word1, timestamp, body) => {
        this.#send(word0, word1, timestamp, body);
      },
    };
    this.#sender = new Sender(
      {
        initialSequence,
        startedAt,
        flowWindow: options.flowWindow,
        latency: options.sendLatency,
        dropDelay: settings.sendDropDelay,
        retransmitShare: settings.retransmitShare,
        peerRepeatsNak: (options.peerFlags & HS_FLAG.periodicNak) !== 0,
      },
      noting,
      this.#counters,
      this.#rtt,
      this.#sendKeys,
    );
    this.#receiver = new Receiver(
      {
        initialSequence,
        startedAt,
        maxReorderTolerance: settings.maxReorderTolerance,
        maxPayload: this.maxPayload,
        isImmediate: settings.isImmediate,
      },
      new Playout(options.arrivedAt, options.peerTimestamp, options.receiveLatency),
      noting,
      this.#counters,
      this.#rtt,
      this.#receiveKeys,
      (payload) => {
        if (this.#closeReason === undefined) this.emit('payload', payload);
      },
    );
  }

  /** From a packet's submission to its delivery: `receive` for what comes, `send` for what leaves; ms. */
  get latency(): { receive: number; send: number } {
    return { receive: this.#receiver.playout.latency, send: this.#options.sendLatency };
  }

  /** Why it is closed, or undefined while it is open. */
  get closeReason(): CloseReason | undefined {
    return this.#closeReason;
  }

  /**
   * Sends a payload, at once as a rule. It is not copied and must not be changed afterwards; the same buffer may go to many
   * connections. Returns false if it was dropped because the peer is too slow, or the connection is closed.
   *
   * @throws RangeError if it is empty or longer than {@link maxPayload}.
   */
  send(payload: Buffer): boolean {
    if (payload.length === 0 || payload.length > this.maxPayload) {
      throw new RangeError(`a payload has 1 to ${this.maxPayload} bytes, not ${payload.length}`);
    }
    if (this.#closeReason !== undefined) return false;
    return this.#sender.submit(payload, this.#now());
  }

  /** How the connection stands; once it is closed, how it stood at its end. */
  statistics(): Statistics {
    return this.#finalStatistics ?? this.#readStatistics();
  }

  /** Tells the peer good-bye and ends at once: what was not delivered in either direction is lost. */
  close(): void {
    this.#end('closed', true);
  }

  /** Ends it without blame on this side, as after an exception in a listener of the events. */
  fail(reason: CloseReason): void {
    this.#end(reason, true);
  }

  /**
   * Takes a packet that came from the peer's address for this connection.
   *
   * @throws ProtocolError if its content is broken, which changes nothing.
   */
  handle(packet: Packet, now: number): void {
    if (this.#closeReason !== undefined) return;
    this.#lastReceivedAt = now;
    this.#log?.received(packet);
    if (packet.kind === 'data') {
      if (!this.#guard.takeData(packet.payload.length)) return;
      // draft-sharabayko-srt-01 §3.1: message number 0 is for the packet filter, which is never agreed on here.
      if (packet.message === 0) return;
      if (this.#early === undefined || packet.key === 0) this.#receiver.handleData(packet, now);
      else if (this.#early.push({ packet, arrivedAt: now }) > MAX_EARLY_PACKETS) this.#handleEarly();
    } else {
      this.#handleControl(packet, now);
    }
  }

  /** To be called every 10 ms. */
  tick(now: number): void {
    if (this.#closeReason !== undefined) return;
    const reason = this.#reasonToClose(now);
    if (reason !== undefined) {
      this.#end(reason, true);
      return;
    }
    if (this.#early !== undefined && this.#receiveKeys?.hasKey === true) this.#handleEarly();
    this.#receiver.tick(now);
    this.#sender.tick(now);
    const material = this.#sendKeys?.announcement(this.#rtt.rtt, now, this.#sender.buffer.size);
    if (material !== undefined) {
      this.#counters.sentKmPkt++;
      this.#sendControl('kmreq', 0, material, now);
    }
    if (this.#hasSent) {
      this.#hasSent = false;
      this.#lastSentAt = now;
    }
    if (now - this.#lastSentAt >= KEEPALIVE_INTERVAL) this.#sendControl('keepalive', 0, EMPTY, now);
  }

  #reasonToClose(now: number): CloseReason | undefined {
    if (!this.#guard.tick(now)) return 'abuse';
    if (now - this.#lastReceivedAt > this.#settings.peerIdleTimeout) return 'idle';
    return this.#sender.unansweredFor(now) > UNRESPONSIVE_TIMEOUT ? 'unresponsive' : undefined;
  }

  #handleControl(packet: ControlPacket, now: number): void {
    switch (packet.kind) {
      case 'ack':
        this.#handleAck(packet, now);
        break;
      case 'nak':
        this.#counters.recvNakPkt++;
        if (this.#guard.take('nak')) this.#sender.handleLosses(packet.losses, now);
        break;
      case 'ackack':
        if (this.#receiver.handleAckAck(packet.number, packet.timestamp, now)) {
          this.#log?.roundTrip(this.#rtt);
        } else {
          this.#log?.write('control:recv:ACKACK:error', `unexpected ACKACK ${packet.number}`);
        }
        break;
      case 'dropreq':
        if (this.#guard.take('dropreq')) this.#receiver.handleDropRequest(packet, now);
        break;
      case 'shutdown':
        this.#handleEarly();
        // What arrived is complete up to gaps that nobody will fill.
        this.#receiver.flush();
        this.#end('shutdown', false);
        break;
      case 'hsreq':
        this.#handleHsRequest(packet, now);
        break;
      case 'kmreq':
        this.#handleKeyRequest(packet.body, now);
        break;
      case 'kmrsp':
        this.#sendKeys?.confirm(packet.body);
        break;
      // Keep-alives only show that the peer lives, which any packet does. Answering them would never end between two
      // sides that both do.
      case 'keepalive':
      case 'congestion':
      case 'peererror':
      case 'handshake':
      case 'hsrsp':
      case 'unknown':
        break;
    }
  }

  /** The first key is there, or is waited for no longer. */
  #handleEarly(): void {
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const { packet, arrivedAt } of early) this.#receiver.handleData(packet, arrivedAt);
  }

  #handleAck({ number, sequence, report }: ControlPacket & { kind: 'ack' }, now: number): void {
    this.#counters.recvAckPkt++;
    if (!this.#sender.acknowledge(sequence, now)) {
      this.#log?.write('control:recv:ACK:error', `ACK of ${sequence}, which was never sent`);
      return;
    }
    if (report === undefined) return;
    // Whoever receives measures the round trip; the other side believes it.
    if (this.#receiver.buffer === undefined) {
      this.#rtt.adopt(report.rtt / 1000, report.rttVariance / 1000);
      this.#log?.roundTrip(this.#rtt);
    }
    this.#sender.setFlowWindow(report.availableBuffer);
    if (report.linkCapacity !== undefined) this.#sender.linkCapacity = report.linkCapacity;
    if (number !== 0 && this.#guard.take('ack')) this.#sendControl('ackack', number, undefined, now);
  }

  /** Version 4 agrees on the latency after the handshake. Requests repeat until they are answered. */
  #handleHsRequest(packet: ControlPacket & { kind: 'hsreq' }, now: number): void {
    const request = parseHsExtension(packet.body);
    if (this.handshakeVersion !== 4 || !this.#guard.take('hsreq')) return;
    // Only the low half is in use in this version.
    const latency = Math.max(this.#options.receiveLatency, request.senderDelay);
    if (this.#receiver.buffer === undefined) {
      this.#receiver.restartPlayout(new Playout(now, packet.timestamp, latency));
    }
    const { version } = request;
    const flags = LIVE_FLAGS & ~HS_FLAG.tsbpdSender;
    const senderDelay = this.#receiver.playout.latency;
    const body = serializeHsExtension({ version, flags, receiverDelay: 0, senderDelay });
    this.#sendControl('hsrsp', 0, body, now);
  }

  /** New keys of the peer: for a refresh, or its first ones in version 4. */
  #handleKeyRequest(body: Buffer, now: number): void {
    this.#counters.recvKmPkt++;
    if (!this.#guard.take('kmreq') || this.#isUpdatingKeys) return;
    if (this.#receiveKeys === undefined) {
      this.#sendControl('kmrsp', 0, words(KM_STATE.noSecret), now);
      return;
    }
    const answer = Buffer.from(body);
    const material = parseKeyMaterialOrUndefined(answer);
    if (material === undefined) {
      this.#sendControl('kmrsp', 0, words(KM_STATE.badSecret), now);
      return;
    }
    this.#isUpdatingKeys = true;
    void this.#receiveKeys
      .update(material)
      .then((result) => {
        if (result === 'ignored' || this.#closeReason !== undefined) return;
        const isAccepted = result === 'accepted';
        if (!isAccepted) this.#log?.write('control:recv:KMReq:error', 'wrong passphrase');
        this.#sendControl('kmrsp', 0, isAccepted ? answer : words(KM_STATE.badSecret), this.#now());
      })
      .finally(() => {
        this.#isUpdatingKeys = false;
      });
  }

  #sendControl(kind: ControlKind, word1: number, body: Buffer | undefined, now: number): void {
    this.#send(controlWord(kind), word1, toTimestamp(now - this.startedAt), body);
  }

  #send(word0: number, word1: number, timestamp: number, body: Buffer | undefined): void {
    this.#hasSent = true;
    this.#log?.sent(word0, word1, timestamp, body);
    this.#wire.send(word0, word1, timestamp, body);
  }

  #end(reason: CloseReason, tellPeer: boolean): void {
    if (this.#closeReason !== undefined) return;
    if (tellPeer) this.#sendControl('shutdown', 0, EMPTY, this.#now());
    this.#finalStatistics = this.#readStatistics();
    this.#closeReason = reason;
    this.#log?.write('connection:close', reason);
    this.emit('closed', reason);
  }

  #readStatistics(): Statistics {
    return readStatistics({
      counters: this.#counters,
      sender: this.#sender,
      receiver: this.#receiver,
      rtt: this.#rtt,
      age: this.#now() - this.startedAt,
      mss: this.#options.mss,
      maxPayload: this.maxPayload,
      sendLatency: this.#options.sendLatency,
    });
  }
}

/** Undefined if it asks for a cipher that is not here: the peer is to be told, not ignored. */
function parseKeyMaterialOrUndefined(body: Buffer) {
  try {
    return parseKeyMaterial(body);
  } catch (error) {
    if (error instanceof UnsupportedCipherError) return undefined;
    throw error;
  }
}
