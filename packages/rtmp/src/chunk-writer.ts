/** Our chunk size, which only a large key frame exceeds. */
export const CHUNK_SIZE = 65_536;
const EXTENDED = 0xff_ffff;

/** Where a message goes and what it is. */
export interface Heading {
  chunkStreamId: number;
  type: number;
  streamId: number;
}

/** Cuts a body at our chunk size; a body that fits stays as it is. */
export function cutBody(body: Buffer): readonly Buffer[] {
  if (body.length <= CHUNK_SIZE) return [body];
  const parts: Buffer[] = [];
  for (let start = 0; start < body.length; start += CHUNK_SIZE) {
    parts.push(body.subarray(start, start + CHUNK_SIZE));
  }
  return parts;
}

/** The bytes that {@link writeHeader} writes. */
export function headerBytes(timestamp: number): number {
  return timestamp >= EXTENDED ? 16 : 12;
}

/** The bytes that {@link writeSeparator} writes. */
export function separatorBytes(timestamp: number): number {
  return timestamp >= EXTENDED ? 5 : 1;
}

/**
 * Writes the header of a message and returns where it ends.
 *
 * Always the whole header (format 0), so that no message depends on the one before and any can be left out.
 */
export function writeHeader(
  target: Buffer,
  offset: number,
  heading: Heading,
  timestamp: number,
  length: number,
): number {
  const isExtended = timestamp >= EXTENDED;
  const time = isExtended ? EXTENDED : timestamp;
  target[offset] = heading.chunkStreamId;
  target[offset + 1] = time >> 16;
  target[offset + 2] = time >> 8;
  target[offset + 3] = time;
  target[offset + 4] = length >> 16;
  target[offset + 5] = length >> 8;
  target[offset + 6] = length;
  target[offset + 7] = heading.type;
  target[offset + 8] = heading.streamId;
  target[offset + 9] = heading.streamId >> 8;
  target[offset + 10] = heading.streamId >> 16;
  target[offset + 11] = heading.streamId >> 24;
  if (!isExtended) return offset + 12;
  return target.writeUInt32BE(timestamp, offset + 12);
}

/** Writes what stands between two chunks of one message (format 3) and returns where it ends. */
export function writeSeparator(
  target: Buffer,
  offset: number,
  chunkStreamId: number,
  timestamp: number,
): number {
  target[offset] = 0xc0 | chunkStreamId;
  return timestamp < EXTENDED ? offset + 1 : target.writeUInt32BE(timestamp, offset + 1);
}

/** A small message in one piece. */
export function serializeMessage(heading: Heading, timestamp: number, body: Buffer): Buffer {
  const parts = cutBody(body);
  const size = headerBytes(timestamp) + body.length + (parts.length - 1) * separatorBytes(timestamp);
  const target = Buffer.allocUnsafe(size);
  let offset = writeHeader(target, 0, heading, timestamp, body.length);
  for (const [i, part] of parts.entries()) {
    if (i > 0) offset = writeSeparator(target, offset, heading.chunkStreamId, timestamp);
    offset += part.copy(target, offset);
  }
  return target;
}
