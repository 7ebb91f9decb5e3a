import { ProtocolError } from './protocol-error.ts';
import { SEQUENCE_MASK, sequenceDistance } from './sequence.ts';

/** Consecutive sequence numbers, both ends included. */
export interface SequenceRange {
  first: number;
  last: number;
}

/** So many words of a loss list fit into a packet of 1500 bytes beside its headers. */
export const MAX_LOSS_WORDS = 364;

const RANGE_START = 0x8000_0000;

/**
 * The loss list of a NAK: one word for a single number, two for a range. draft-sharabayko-srt-01 Appendix A
 *
 * Ranges that no longer fit are left out; the next NAK reports them.
 */
export function serializeLossList(ranges: readonly SequenceRange[], maxWords = MAX_LOSS_WORDS): Buffer {
  const buffer = Buffer.allocUnsafe(Math.min(maxWords, ranges.length * 2) * 4);
  let end = 0;
  for (const { first, last } of ranges) {
    const isSingle = first === last;
    if (end + (isSingle ? 4 : 8) > buffer.length) break;
    if (!isSingle) end = buffer.writeUInt32BE((RANGE_START | first) >>> 0, end);
    end = buffer.writeUInt32BE(last, end);
  }
  return buffer.subarray(0, end);
}

/** @throws ProtocolError if it is empty, too long, not whole words, or has a range without an end or before its start. */
export function parseLossList(buffer: Buffer): SequenceRange[] {
  if (buffer.length === 0 || buffer.length % 4 !== 0 || buffer.length > MAX_LOSS_WORDS * 4) {
    throw new ProtocolError(`loss list of ${buffer.length} bytes`);
  }
  const ranges: SequenceRange[] = [];
  for (let at = 0; at < buffer.length; at += 4) {
    const word = buffer.readUInt32BE(at);
    if (word < RANGE_START) {
      ranges.push({ first: word, last: word });
      continue;
    }
    at += 4;
    if (at === buffer.length) throw new ProtocolError('loss range without an end');
    const first = word & SEQUENCE_MASK;
    const last = buffer.readUInt32BE(at);
    if (last >= RANGE_START) throw new ProtocolError('loss range that ends with the start of another');
    if (sequenceDistance(first, last) < 0) throw new ProtocolError('loss range that ends before its start');
    ranges.push({ first, last });
  }
  return ranges;
}
