// The key material message: which keys there are, and the keys wrapped. draft-sharabayko-srt-01 §3.2.2
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { ByteReader } from './byte-reader.ts';
import { ProtocolError } from './protocol-error.ts';

/** AES-128, AES-192 or AES-256, in bytes. */
export type KeyLength = 16 | 24 | 32;

export const SALT_BYTES = 16;

/** Answers to key material that could not be used: one word. libsrt's SRT_KM_STATE */
export const KM_STATE = { noSecret: 3, badSecret: 4 } as const;

const VERSION_AND_TYPE = 0x12;
const SIGNATURE = 0x2029;
const CIPHER_AES_CTR = 2;
const STREAM_ENCAPSULATION_SRT = 2;
/** RFC 3394 §2.2.3.1 */
const WRAP_IV = Buffer.alloc(8, 0xa6);
const WRAP_OVERHEAD = 8;

export interface KeyMaterial {
  /** 1 the even key, 2 the odd one, 3 both (even first). */
  keys: 1 | 2 | 3;
  keyLength: KeyLength;
  salt: Buffer;
  wrapped: Buffer;
}

/** The stream encrypting keys that key material brings. */
export interface StreamKeys {
  even?: Buffer;
  odd?: Buffer;
}

/** Well-formed key material that asks for what is not here, as AES-GCM. */
export class UnsupportedCipherError extends ProtocolError {}

/**
 * @throws UnsupportedCipherError if it asks for another cipher than AES-CTR.
 * @throws ProtocolError if a length or a constant is wrong.
 */
export function parseKeyMaterial(body: Buffer): KeyMaterial {
  const reader = new ByteReader(body);
  if (reader.uint8() !== VERSION_AND_TYPE || reader.uint16() !== SIGNATURE) {
    throw new ProtocolError('key material without its signature');
  }
  const keys = reader.uint8() & 3;
  reader.uint32(); // Index of the key encrypting key: 0, the passphrase
  const cipher = reader.uint8();
  const authentication = reader.uint8();
  const encapsulation = reader.uint8();
  reader.bytes(3); // Reserved
  const saltLength = reader.uint8() * 4;
  const keyLength = reader.uint8() * 4;
  if (cipher !== CIPHER_AES_CTR || authentication !== 0) {
    throw new UnsupportedCipherError(`cipher ${cipher} with authentication ${authentication}`);
  }
  if (encapsulation !== STREAM_ENCAPSULATION_SRT) throw new ProtocolError(`encapsulation ${encapsulation}`);
  if (keys !== 1 && keys !== 2 && keys !== 3) throw new ProtocolError('key material without a key');
  if (saltLength !== SALT_BYTES) throw new ProtocolError(`salt of ${saltLength} bytes`);
  if (keyLength !== 16 && keyLength !== 24 && keyLength !== 32) {
    throw new ProtocolError(`key of ${keyLength} bytes`);
  }
  const salt = reader.bytes(SALT_BYTES);
  const wrapped = reader.bytes(WRAP_OVERHEAD + (keys === 3 ? 2 : 1) * keyLength);
  if (reader.remaining > 0) throw new ProtocolError('key material with bytes behind it');
  return { keys, keyLength, salt, wrapped };
}

export function serializeKeyMaterial({ keys, keyLength, salt, wrapped }: KeyMaterial): Buffer {
  const head = Buffer.from([
    ...[VERSION_AND_TYPE, SIGNATURE >> 8, SIGNATURE & 0xff, keys],
    ...[0, 0, 0, 0],
    ...[CIPHER_AES_CTR, 0, STREAM_ENCAPSULATION_SRT, 0],
    ...[0, 0, SALT_BYTES / 4, keyLength / 4],
  ]);
  return Buffer.concat([head, salt, wrapped]);
}

/** RFC 3394 §2.2.1 with the keys in the order even, odd. */
export function wrapKeys(keys: StreamKeys, kek: Buffer): Buffer {
  const cipher = createCipheriv(`id-aes${kek.length * 8}-wrap`, kek, WRAP_IV);
  const plain = Buffer.concat([keys.even ?? Buffer.alloc(0), keys.odd ?? Buffer.alloc(0)]);
  return Buffer.concat([cipher.update(plain), cipher.final()]);
}

/** RFC 3394 §2.2.2. The keys, or undefined if the key encrypting key, and so the passphrase, is another. */
export function unwrapKeys({ keys, keyLength, wrapped }: KeyMaterial, kek: Buffer): StreamKeys | undefined {
  const decipher = createDecipheriv(`id-aes${keyLength * 8}-wrap`, kek, WRAP_IV);
  let plain: Buffer;
  try {
    plain = Buffer.concat([decipher.update(wrapped), decipher.final()]);
  } catch {
    // The integrity check of the wrapping: with another key there is no plain text.
    return undefined;
  }
  if (keys === 3) return { even: plain.subarray(0, keyLength), odd: plain.subarray(keyLength) };
  return keys === 1 ? { even: plain } : { odd: plain };
}
