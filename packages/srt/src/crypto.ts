// From the passphrase to the keys, and from the keys to encrypted payloads. draft-sharabayko-srt-01 §6
import { type Cipheriv, createCipheriv, pbkdf2 } from 'node:crypto';
import { promisify } from 'node:util';
import type { KeyLength } from './key-material.ts';
import { MAX_PAYLOAD_BYTES } from './packet.ts';

export const MIN_PASSPHRASE_BYTES = 10;
export const MAX_PASSPHRASE_BYTES = 80;

const ITERATIONS = 2048;
const MAX_CACHED = 256;
const BLOCK_BYTES = 16;

const derive = promisify(pbkdf2);

/** @throws RangeError if a passphrase is shorter than 10 or longer than 80 bytes. The text does not contain it. */
export function checkPassphrase(passphrase: string): void {
  const length = Buffer.byteLength(passphrase);
  if (length < MIN_PASSPHRASE_BYTES || length > MAX_PASSPHRASE_BYTES) {
    throw new RangeError(
      `a passphrase has ${MIN_PASSPHRASE_BYTES} to ${MAX_PASSPHRASE_BYTES} bytes, not ${length}`,
    );
  }
}

/**
 * Derives key encrypting keys from passphrases: PBKDF2 with HMAC-SHA1, about a millisecond of a thread each.
 * draft-sharabayko-srt-01 §6.1.4
 *
 * At most `maxConcurrent` run at a time and `maxWaiting` wait, whatever peers send; results are kept for those who repeat.
 */
export class KeyDerivation {
  readonly #maxConcurrent: number;
  readonly #maxWaiting: number;
  readonly #cache = new Map<string, Promise<Buffer>>();
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(maxConcurrent: number, maxWaiting: number) {
    this.#maxConcurrent = maxConcurrent;
    this.#maxWaiting = maxWaiting;
  }

  /** The key encrypting key, or undefined if too many wait already. */
  kek(passphrase: string, salt: Buffer, keyLength: KeyLength): Promise<Buffer> | undefined {
    const id = `${keyLength} ${salt.toString('hex')} ${passphrase}`;
    const known = this.#cache.get(id);
    if (known !== undefined) return known;
    if (this.#running >= this.#maxConcurrent && this.#waiting.length >= this.#maxWaiting) return undefined;
    const result = this.#derive(passphrase, salt.subarray(8), keyLength);
    const oldest = this.#cache.keys().next();
    if (this.#cache.size >= MAX_CACHED && !oldest.done) this.#cache.delete(oldest.value);
    this.#cache.set(id, result);
    return result;
  }

  async #derive(passphrase: string, salt: Buffer, keyLength: KeyLength): Promise<Buffer> {
    if (this.#running >= this.#maxConcurrent) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    this.#running++;
    try {
      return await derive(passphrase, salt, ITERATIONS, keyLength, 'sha1');
    } finally {
      this.#running--;
      this.#waiting.shift()?.();
    }
  }
}

/**
 * Encrypts and decrypts payloads with one key: AES in counter mode. draft-sharabayko-srt-01 §6.2
 *
 * The counter mode is made of a cipher for single blocks that lives as long as the key, since a new cipher for each packet
 * costs more than the encryption itself.
 */
export class PayloadCipher {
  readonly #blocks: Cipheriv;
  /** The counter blocks of the largest payload; only what depends on the sequence number changes. */
  readonly #counters: Buffer;
  readonly #counterHalves: Uint16Array;
  readonly #saltHigh: number;
  readonly #saltLow: number;

  constructor(key: Buffer, salt: Buffer) {
    this.#blocks = createCipheriv(`aes-${key.length * 8}-ecb`, key, null).setAutoPadding(false);
    const count = Math.ceil(MAX_PAYLOAD_BYTES / BLOCK_BYTES);
    const memory = new ArrayBuffer(count * BLOCK_BYTES);
    this.#counters = Buffer.from(memory);
    this.#counterHalves = new Uint16Array(memory);
    for (let index = 0; index < count; index++) {
      salt.copy(this.#counters, index * BLOCK_BYTES, 0, 14);
      this.#counters.writeUInt16BE(index, index * BLOCK_BYTES + 14);
    }
    this.#saltHigh = salt.readUInt16BE(10);
    this.#saltLow = salt.readUInt16BE(12);
  }

  /** The payload of the packet with this number, encrypted or decrypted; always a new buffer. */
  apply(sequence: number, payload: Buffer): Buffer {
    const count = Math.ceil(payload.length / BLOCK_BYTES);
    const high = swapHalf(this.#saltHigh ^ (sequence >>> 16));
    const low = swapHalf(this.#saltLow ^ (sequence & 0xffff));
    for (let at = 5, end = count * 8; at < end; at += 8) {
      this.#counterHalves[at] = high;
      this.#counterHalves[at + 1] = low;
    }
    const result = this.#blocks.update(this.#counters.subarray(0, count * BLOCK_BYTES));
    exclusiveOr(result, payload);
    return result.length === payload.length ? result : result.subarray(0, payload.length);
  }
}

/** The value to store in a Uint16Array so that memory has it big-endian, on the little-endian machines Node runs on. */
function swapHalf(value: number): number {
  return LITTLE_ENDIAN ? ((value & 0xff) << 8) | (value >>> 8) : value;
}

const LITTLE_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/** target ^= source, four bytes at a time where both lie so. `target` is at least as long. */
function exclusiveOr(target: Buffer, source: Buffer): void {
  let done = 0;
  if (target.byteOffset % 4 === 0 && source.byteOffset % 4 === 0) {
    const length = source.length >>> 2;
    const targetWords = new Uint32Array(target.buffer, target.byteOffset, length);
    const sourceWords = new Uint32Array(source.buffer, source.byteOffset, length);
    for (let at = 0; at < length; at++) targetWords[at] = (targetWords[at] ?? 0) ^ (sourceWords[at] ?? 0);
    done = length * 4;
  }
  for (let at = done; at < source.length; at++) target[at] = (target[at] ?? 0) ^ (source[at] ?? 0);
}
