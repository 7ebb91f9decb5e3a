// Transport streams in pieces. ISO/IEC 13818-1
import { TS_PACKET_BYTES } from './mpeg-ts.ts';

/** §2.4.3.3 */
const SYNC_BYTE = 0x47;
/** So many packets have to begin where they should before bytes are taken for a transport stream. */
const SYNC_PACKETS = 3;
const NOTHING = Buffer.alloc(0);

/** Puts together the packets of a transport stream that was cut without regard to them, as libsrt's tool does with files. */
export class PacketAligner {
  /** The packet that the last piece ended in. */
  #open: Buffer = NOTHING;

  /** The next piece from a packet's beginning on, be it in the piece before; undefined if it is of no transport stream. */
  align(piece: Buffer): Buffer | undefined {
    const aligned = isTransportStream(piece) ? piece : (this.#continue(piece) ?? this.#begin(piece));
    const openBytes = aligned === undefined ? 0 : aligned.length % TS_PACKET_BYTES;
    this.#open = openBytes === 0 ? NOTHING : (aligned?.subarray(-openBytes) ?? NOTHING);
    return aligned;
  }

  #continue(piece: Buffer): Buffer | undefined {
    if (this.#open.length === 0) return undefined;
    const joined = Buffer.concat([this.#open, piece]);
    return isPacketStart(joined, 0) ? joined : undefined;
  }

  /** Also after a gap. */
  #begin(piece: Buffer): Buffer | undefined {
    const start = findPacketStart(piece);
    return start === undefined ? undefined : piece.subarray(start);
  }
}

/** Whether these bytes are whole packets. */
function isTransportStream(bytes: Buffer): boolean {
  return bytes.length > 0 && bytes.length % TS_PACKET_BYTES === 0 && isPacketStart(bytes, 0);
}

/** Whether packets may begin there, one after the other to the end. */
function isPacketStart(bytes: Buffer, start: number): boolean {
  for (let at = start; at < bytes.length; at += TS_PACKET_BYTES) if (bytes[at] !== SYNC_BYTE) return false;
  return true;
}

/** Where the first packet begins in a piece of a transport stream that was cut anywhere; undefined if there is none. */
function findPacketStart(bytes: Buffer): number | undefined {
  const last = Math.min(TS_PACKET_BYTES, bytes.length - (SYNC_PACKETS - 1) * TS_PACKET_BYTES) - 1;
  for (let at = 0; at <= last; at++) if (isPacketStart(bytes, at)) return at;
  return undefined;
}
