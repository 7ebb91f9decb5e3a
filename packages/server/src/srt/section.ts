import type { TsPacket } from './mpeg-ts.ts';

/** Of a section behind its length. ISO/IEC 13818-1 §2.4.4.1 */
const MAX_SECTION_BYTES = 1024;
const MIN_SECTION_BYTES = 12;

/** Puts a table together that comes in packets of one PID again and again, and remembers it as it came last. */
export class SectionReader {
  readonly #tableId: number;
  #bytes: Buffer[] = [];
  #packets: Buffer[] = [];
  #size = 0;
  #isOpen = false;
  #counter = 0;

  constructor(tableId: number) {
    this.#tableId = tableId;
  }

  /** The table and the packets that carry it, whenever it is complete. It counts only if it is in force and undamaged. */
  read({ bytes, payload, isUnitStart, continuityCounter }: TsPacket): Table | undefined {
    const isNext = continuityCounter === ((this.#counter + 1) & 0x0f);
    this.#counter = continuityCounter;
    if (!isNext) this.#drop();
    if (!isUnitStart) return this.#isOpen ? this.#append(bytes, payload) : undefined;
    // What comes before the pointer's target ends the section before. §2.4.4.2
    const start = 1 + (payload[0] ?? 0);
    const ended = this.#isOpen ? this.#append(bytes, payload.subarray(1, start)) : undefined;
    this.#drop();
    this.#isOpen = true;
    return this.#append(bytes, payload.subarray(start)) ?? ended;
  }

  #append(packet: Buffer, bytes: Buffer): Table | undefined {
    this.#bytes.push(bytes);
    this.#packets.push(packet);
    this.#size += bytes.length;
    if (this.#size < 3) return undefined;
    const collected = Buffer.concat(this.#bytes, this.#size);
    const length = 3 + (collected.readUInt16BE(1) & 0x0fff);
    const isOther = length > MAX_SECTION_BYTES || collected[0] !== this.#tableId;
    if (isOther) this.#drop();
    if (isOther || collected.length < length) return undefined;
    const section = collected.subarray(0, length);
    const packets = Buffer.concat(this.#packets);
    this.#drop();
    return isInForce(section) ? { section, packets } : undefined;
  }

  #drop(): void {
    this.#bytes = [];
    this.#packets = [];
    this.#size = 0;
    this.#isOpen = false;
  }
}

/** A program association or program map table. */
export interface Table {
  section: Buffer;
  packets: Buffer;
}

/** Whether it is the whole table, in force now, and as it was sent. §2.4.4.5 */
function isInForce(section: Buffer): boolean {
  if (section.length < MIN_SECTION_BYTES) return false;
  const isCurrent = (section.readUInt8(5) & 1) !== 0;
  const isOnlySection = section.readUInt16BE(6) === 0;
  return isCurrent && isOnlySection && crc32(section) === 0;
}

/** Of a section with its checksum it is 0. Annex A */
export function crc32(bytes: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (const byte of bytes) {
    crc ^= byte << 24;
    for (let bit = 0; bit < 8; bit++) crc = crc < 0 ? (crc << 1) ^ 0x04c1_1db7 : crc << 1;
  }
  return crc >>> 0;
}
