// The keys of a connection and their refresh. draft-sharabayko-srt-01 §6.1.6
import { randomBytes } from 'node:crypto';
import { type KeyDerivation, PayloadCipher } from './crypto.ts';
import {
  type KeyLength,
  type KeyMaterial,
  SALT_BYTES,
  type StreamKeys,
  serializeKeyMaterial,
  unwrapKeys,
  wrapKeys,
} from './key-material.ts';
import type { KeyFlag } from './packet.ts';
import { sequenceDistance } from './sequence.ts';

/** When keys are replaced; in packets sent for the first time. */
export interface KeyRefresh {
  /** So many packets are encrypted with one key. */
  after: number;
  /** The next key is announced so many packets before. */
  preannounce: number;
}

export const DEFAULT_KEY_REFRESH: KeyRefresh = { after: 2 ** 24, preannounce: 2 ** 12 };

/** ms; key material that is not answered is sent again. */
const MIN_REPEAT_INTERVAL = 150;

/** Keys to remember that are no longer valid. */
const MAX_REPLACED = 16;

/** What the two sides agreed on: everything that encryption needs in both directions. */
export interface SessionKeys {
  passphrase: string;
  kek: Buffer;
  keyLength: KeyLength;
  salt: Buffer;
  keys: StreamKeys;
}

/** Makes new keys: a random salt and one random even key. Undefined if too many derivations wait. */
export async function createSessionKeys(
  passphrase: string,
  keyLength: KeyLength,
  derivation: KeyDerivation,
): Promise<SessionKeys | undefined> {
  const salt = randomBytes(SALT_BYTES);
  const kek = await derivation.kek(passphrase, salt, keyLength);
  return kek && { passphrase, kek, keyLength, salt, keys: { even: randomBytes(keyLength) } };
}

/** Opens the keys that a peer sent: undefined if the passphrase is another, `busy` if too many derivations wait. */
export async function openSessionKeys(
  passphrase: string,
  material: KeyMaterial,
  derivation: KeyDerivation,
): Promise<SessionKeys | 'busy' | undefined> {
  const kek = await derivation.kek(passphrase, material.salt, material.keyLength);
  if (kek === undefined) return 'busy';
  const keys = unwrapKeys(material, kek);
  // What came in a datagram is copied, lest it hold the datagram's memory.
  return keys && { passphrase, kek, keyLength: material.keyLength, salt: Buffer.from(material.salt), keys };
}

/** The key material message that brings the peer all of these keys. */
export function sessionKeyMaterial({ kek, keyLength, salt, keys }: SessionKeys): Buffer {
  const flags = keys.even === undefined ? 2 : keys.odd === undefined ? 1 : 3;
  return serializeKeyMaterial({ keys: flags, keyLength, salt, wrapped: wrapKeys(keys, kek) });
}

/** Encrypts what is sent, and replaces the key in time. */
export class SendKeys {
  readonly #session: SessionKeys;
  readonly #refresh: KeyRefresh;
  /** The key in use. */
  #current: 1 | 2;
  #cipher: PayloadCipher;
  /** Packets encrypted with it. */
  #count = 0;
  #next: { cipher: PayloadCipher; material: Buffer; isConfirmed: boolean; askedAt: number } | undefined;

  constructor(session: SessionKeys, refresh: KeyRefresh) {
    this.#session = session;
    this.#refresh = refresh;
    const { even, odd } = session.keys;
    const key = even ?? odd;
    if (key === undefined) throw new RangeError('session without a key');
    this.#current = even === undefined ? 2 : 1;
    this.#cipher = new PayloadCipher(key, session.salt);
  }

  get current(): 1 | 2 {
    return this.#current;
  }

  /** Encrypts a new packet's payload with the current key; which one that is, is to be asked afterwards. */
  encrypt(sequence: number, payload: Buffer): Buffer {
    // A peer that did not confirm the new key could not read what is encrypted with it.
    if (this.#count >= this.#refresh.after && this.#next?.isConfirmed) {
      this.#cipher = this.#next.cipher;
      this.#current = this.#current === 1 ? 2 : 1;
      this.#next = undefined;
      this.#count = 0;
    }
    this.#count++;
    return this.#cipher.apply(sequence, payload);
  }

  /**
   * The key material that is to be sent now, if any.
   *
   * @param unacknowledged packets that may have to be sent again.
   */
  announcement(rtt: number, now: number, unacknowledged: number): Buffer | undefined {
    // The new key takes the place of the one before the current: the peer could not read what that one encrypted.
    const isPlaceFree = unacknowledged <= this.#count;
    const isTime = this.#count >= this.#refresh.after - this.#refresh.preannounce;
    if (this.#next === undefined && isTime && isPlaceFree) {
      const { kek, keyLength, salt } = this.#session;
      const key = randomBytes(keyLength);
      const isOdd = this.#current === 1;
      const wrapped = wrapKeys(isOdd ? { odd: key } : { even: key }, kek);
      this.#next = {
        cipher: new PayloadCipher(key, salt),
        material: serializeKeyMaterial({ keys: isOdd ? 2 : 1, keyLength, salt, wrapped }),
        isConfirmed: false,
        askedAt: -Infinity,
      };
    }
    const next = this.#next;
    if (next === undefined || next.isConfirmed) return undefined;
    if (now - next.askedAt < Math.max(MIN_REPEAT_INTERVAL, 1.5 * rtt)) return undefined;
    next.askedAt = now;
    return next.material;
  }

  /** The peer answered with this. */
  confirm(body: Buffer): void {
    if (this.#next?.material.equals(body)) this.#next.isConfirmed = true;
  }
}

/** A key of the peer's, and what decrypts with it. */
interface ReceiveKey {
  key: Buffer;
  cipher: PayloadCipher;
}

/** Decrypts what is received; the peer may replace either key. */
export class ReceiveKeys {
  readonly #passphrase: string;
  readonly #derivation: KeyDerivation;
  readonly #places: Record<1 | 2, ReceiveKey | undefined> = { 1: undefined, 2: undefined };
  /** Keys that others took the place of, the latest last. */
  readonly #replaced: Buffer[] = [];
  /** The key of the newest packet: what is repeated may still be encrypted with the one before. */
  #inUse: KeyFlag = 0;
  #newest: number | undefined;

  /** @param session undefined if the peer is yet to bring its keys, as those of version 4 do. */
  constructor(passphrase: string, session: SessionKeys | undefined, derivation: KeyDerivation) {
    this.#passphrase = passphrase;
    this.#derivation = derivation;
    if (session !== undefined) this.#install(session);
  }

  /** Whether the peer has brought any. */
  get hasKey(): boolean {
    return this.#places[1] !== undefined || this.#places[2] !== undefined;
  }

  /** The plain payload, or undefined if it is not encrypted or no key for it came. */
  decrypt(sequence: number, key: KeyFlag, payload: Buffer): Buffer | undefined {
    if (key !== 1 && key !== 2) return undefined;
    const cipher = this.#places[key]?.cipher;
    if (
      cipher !== undefined &&
      (this.#newest === undefined || sequenceDistance(this.#newest, sequence) > 0)
    ) {
      this.#newest = sequence;
      this.#inUse = key;
    }
    return cipher?.apply(sequence, payload);
  }

  /**
   * Takes new keys. Resolves with what is to be told the peer: `accepted` only if it may use them now. `ignored` is not
   * answered: the peer asks again if it still wants to.
   */
  async update(material: KeyMaterial): Promise<'accepted' | 'bad secret' | 'ignored'> {
    const session = await openSessionKeys(this.#passphrase, material, this.#derivation);
    if (session === 'busy') return 'ignored';
    if (session === undefined) return 'bad secret';
    return this.#install(session) ? 'accepted' : 'ignored';
  }

  /** Whether all the keys are in their places now. */
  #install({ salt, keys: { even, odd } }: SessionKeys): boolean {
    const isEvenInPlace = even === undefined || this.#put(1, even, salt);
    const isOddInPlace = odd === undefined || this.#put(2, odd, salt);
    return isEvenInPlace && isOddInPlace;
  }

  /**
   * The key in use stays: its successor comes early, before a packet with the other key. One that was replaced does not
   * come back: the message that brought it was held up on its way.
   */
  #put(flag: 1 | 2, key: Buffer, salt: Buffer): boolean {
    const present = this.#places[flag]?.key;
    if (present?.equals(key)) return true;
    if (this.#inUse === flag || this.#replaced.some((old) => old.equals(key))) return false;
    if (present !== undefined) this.#replaced.push(present);
    if (this.#replaced.length > MAX_REPLACED) this.#replaced.shift();
    this.#places[flag] = { key, cipher: new PayloadCipher(key, salt) };
    return true;
  }
}
