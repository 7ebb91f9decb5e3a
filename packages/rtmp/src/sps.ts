/** In pixels, as shown. */
export interface Dimensions {
  width: number;
  height: number;
}

/** Profiles whose parameter sets say more about colour: ISO/IEC 14496-10 §7.3.2.1.1. */
const HIGH_PROFILES = new Set([44, 83, 86, 100, 110, 118, 122, 128, 134, 135, 138, 139, 244]);
const MAX_DIMENSION = 65_536;
/** No parameter set that is read here is longer. */
const MAX_BYTES = 512;

/**
 * The size of the picture in an AVCDecoderConfigurationRecord (ISO/IEC 14496-15 §5.3.3.1).
 *
 * Undefined if the record is not in order: what it is good for is for decoders to say.
 */
export function avcDimensions(record: Buffer): Dimensions | undefined {
  if (record.length < 8 || ((record[5] ?? 0) & 0x1f) === 0) return undefined;
  const length = record.readUInt16BE(6);
  if (length < 4 || 8 + length > record.length) return undefined;
  try {
    return readSps(new BitReader(record.subarray(9, 8 + Math.min(length, MAX_BYTES))));
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** ISO/IEC 14496-10 §7.3.2.1.1, behind the header of the NAL unit. */
function readSps(bits: BitReader): Dimensions | undefined {
  const profile = bits.read(8);
  bits.read(16); // constraints, level
  bits.exponential(); // id
  const chroma = HIGH_PROFILES.has(profile) ? readChroma(bits) : 1;
  bits.exponential(); // log2_max_frame_num
  const orderType = bits.exponential();
  if (orderType === 0) {
    bits.exponential();
  } else if (orderType === 1) {
    bits.read(1);
    bits.exponential();
    bits.exponential();
    for (let count = bits.exponential(); count > 0; count--) bits.exponential();
  }
  bits.exponential(); // reference frames
  bits.read(1); // gaps
  const widthInBlocks = bits.exponential() + 1;
  const heightInUnits = bits.exponential() + 1;
  const isFrame = bits.read(1);
  if (isFrame === 0) bits.read(1);
  bits.read(1); // direct inference
  const crop = bits.read(1) === 1 ? Array.from({ length: 4 }, () => bits.exponential()) : [0, 0, 0, 0];
  const [left = 0, right = 0, top = 0, bottom = 0] = crop;
  const unitX = chroma === 1 || chroma === 2 ? 2 : 1;
  const unitY = (chroma === 1 ? 2 : 1) * (2 - isFrame);
  const width = widthInBlocks * 16 - (left + right) * unitX;
  const height = heightInUnits * 16 * (2 - isFrame) - (top + bottom) * unitY;
  const isSane = width > 0 && height > 0 && width <= MAX_DIMENSION && height <= MAX_DIMENSION;
  return isSane ? { width, height } : undefined;
}

/** What high profiles have about colour; returns the format of chroma. */
function readChroma(bits: BitReader): number {
  const chroma = bits.exponential();
  if (chroma === 3) bits.read(1);
  bits.exponential(); // depth of luma
  bits.exponential(); // depth of chroma
  bits.read(1);
  if (bits.read(1) === 1) {
    for (let i = 0; i < (chroma === 3 ? 12 : 8); i++) {
      if (bits.read(1) === 1) skipScalingList(bits, i < 6 ? 16 : 64);
    }
  }
  return chroma;
}

/** ISO/IEC 14496-10 §7.3.2.1.1.1 */
function skipScalingList(bits: BitReader, size: number): void {
  let next = 8;
  for (let i = 0, last = 8; i < size; i++) {
    if (next !== 0) next = (last + bits.signedExponential() + 256) % 256;
    last = next === 0 ? last : next;
  }
}

/** Reads bits of a NAL unit, without the bytes that were put in between (§7.4.1.1). */
class BitReader {
  readonly #bytes: Buffer;
  #position = 0;

  constructor(bytes: Buffer) {
    const kept = [...bytes].filter(
      (byte, i) => byte !== 3 || i < 2 || bytes[i - 1] !== 0 || bytes[i - 2] !== 0,
    );
    this.#bytes = Buffer.from(kept);
  }

  read(count: number): number {
    let value = 0;
    for (let i = 0; i < count; i++) {
      const byte = this.#bytes[this.#position >> 3];
      if (byte === undefined) throw new RangeError('ends too early');
      value = value * 2 + ((byte >> (7 - (this.#position & 7))) & 1);
      this.#position++;
    }
    return value;
  }

  /** ue(v): §9.1 */
  exponential(): number {
    let zeros = 0;
    while (this.read(1) === 0) if (++zeros > 31) throw new RangeError('no number');
    return 2 ** zeros - 1 + this.read(zeros);
  }

  /** se(v): §9.1.1 */
  signedExponential(): number {
    const value = this.exponential();
    return value % 2 === 1 ? (value + 1) / 2 : -value / 2;
  }
}
