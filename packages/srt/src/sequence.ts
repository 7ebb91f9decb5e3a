// Arithmetic of numbers that wrap: 31 bits for packets, 26 bits for messages, 32 bits for microseconds.

/** Packets are numbered modulo 2^31. draft-sharabayko-srt-01 §3.1 */
export const SEQUENCE_MASK = 0x7fff_ffff;

/** Message numbers run from 1 to 2^26 - 1; 0 marks a packet of the packet filter. draft-sharabayko-srt-01 §3.1 */
export const MESSAGE_MASK = 0x03ff_ffff;

/** How far `to` lies ahead of `from`: from -2^30 to 2^30 - 1, negative if it lies behind. */
export function sequenceDistance(from: number, to: number): number {
  return ((to - from) << 1) >> 1;
}

/** The sequence number that lies `count` after (or, if negative, before) another. */
export function addSequence(sequence: number, count: number): number {
  return (sequence + count) & SEQUENCE_MASK;
}

/** The number of the message with this index, where the first has index 0. */
export function messageNumber(index: number): number {
  return (index % MESSAGE_MASK) + 1;
}

/** A point in time (ms since the start) as it goes over the wire: µs, modulo 2^32, which is 71 min 35 s. */
export function toTimestamp(ms: number): number {
  return Math.round(ms * 1000) >>> 0;
}

/** The time in µs, without wraps, that a 32-bit timestamp stands for: the one nearest to what is expected. */
export function unwrapTimestamp(timestamp: number, expected: number): number {
  const whole = Math.floor(expected);
  return whole + ((timestamp - (whole >>> 0)) | 0);
}
