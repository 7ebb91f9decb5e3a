import type { ConnectionSettings } from './connection.ts';
import { KeyDerivation } from './crypto.ts';
import { DEFAULT_KEY_REFRESH, type KeyRefresh } from './keys.ts';
import { type ConnectionLimits, DEFAULT_CONNECTION_LIMITS } from './limits.ts';
import type { Log } from './log.ts';
import { addSequence } from './sequence.ts';
import { randomInt } from 'node:crypto';

/** What this side wishes, as a listener or as a caller. The handshake may raise latencies. */
export interface EndpointOptions {
  /** ms from a packet's submission by the peer to its delivery here, at least: 0 to 65535. Default 120. */
  receiveLatency?: number;
  /** ms that the peer shall wait, at least. Default 120. */
  sendLatency?: number;
  /** ms beyond the latency that unacknowledged packets are kept; 1 s in all at least. Default 0. */
  sendDropDelay?: number;
  /** Share of the stream's rate that may be spent on retransmissions, beside bursts. Default 0.25. */
  retransmitShare?: number;
  /** ms without anything from the peer, after which a connection ends. Default 5000. */
  peerIdleTimeout?: number;
  /** Packets to wait, at most, before one that may only be out of order counts as lost. Default 16; 0 for never. */
  maxReorderTolerance?: number;
  /**
   * Hand payloads over as soon as they are in order, without waiting for their time, as suits a relay whose own
   * subscribers wait anyway. Default false.
   */
  isImmediate?: boolean;
  /** When keys are replaced. Default after 2^24 packets. */
  keyRefresh?: KeyRefresh;
  /** What one peer may ask of this side. */
  connectionLimits?: Partial<ConnectionLimits>;
  /** What this side's timestamps start with, µs: 0 unless a test is about their wrap. */
  initialTimestamp?: number;
  log?: Log;
}

export const DEFAULT_LATENCY = 120;
const MAX_LATENCY = 65_535;
/** Version told to peers: what of libsrt this library is equal to. */
export const LIBRARY_VERSION = 0x01_05_01;
/** Derivations that may wait, beside those that run. */
const MAX_WAITING_DERIVATIONS = 64;

/** @throws RangeError if a latency cannot be told in a handshake. */
export function checkLatency(ms: number): number {
  if (!Number.isInteger(ms) || ms < 0 || ms > MAX_LATENCY) {
    throw new RangeError(`a latency is a whole number from 0 to ${MAX_LATENCY} ms, not ${ms}`);
  }
  return ms;
}

/** The part of the settings that all connections of an endpoint share. */
export function connectionSettings(
  options: EndpointOptions,
  headerBytes: number,
  keyDerivations: number,
): ConnectionSettings {
  return {
    limits: { ...DEFAULT_CONNECTION_LIMITS, ...options.connectionLimits },
    derivation: new KeyDerivation(keyDerivations, MAX_WAITING_DERIVATIONS),
    keyRefresh: options.keyRefresh ?? DEFAULT_KEY_REFRESH,
    headerBytes,
    peerIdleTimeout: options.peerIdleTimeout ?? 5000,
    sendDropDelay: options.sendDropDelay ?? 0,
    retransmitShare: options.retransmitShare ?? 0.25,
    maxReorderTolerance: options.maxReorderTolerance ?? 16,
    isImmediate: options.isImmediate ?? false,
    log: options.log,
  };
}

/** A random number to start with. */
export function randomSequence(): number {
  return addSequence(randomInt(2 ** 31), 0);
}
