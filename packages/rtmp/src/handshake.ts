import { createHmac, randomFillSync, timingSafeEqual } from 'node:crypto';
import type { ByteCursor, Parser } from './byte-cursor.ts';
import { ProtocolError } from './errors.ts';

/** C1, S1, C2 and S2 have this size: RTMP 1.0 §5.2.3. */
export const HANDSHAKE_BYTES = 1536;
const VERSION = 3;
const DIGEST_BYTES = 32;
const KEY_TAIL = Buffer.from('f0eec24a8068bee82e00d0d1029e7e576eec5d2d29806fab93b8e636cfeb31ae', 'hex');
const CLIENT_KEY = Buffer.from('Genuine Adobe Flash Player 001');
const SERVER_KEY = Buffer.from('Genuine Adobe Flash Media Server 001');
const SERVER_FULL_KEY = Buffer.concat([SERVER_KEY, KEY_TAIL]);
/** Where the four bytes lie that say where the digest is; clients use the one or the other. */
const DIGEST_BASES = [8, 772] as const;
const SERVER_VERSION = Buffer.from('0d0e0a0d', 'hex');

/**
 * A server's part of the handshake: reads C0 and C1, answers, and reads C2.
 *
 * @param answer - sends S0, S1 and S2, in one piece
 */
export function* acceptHandshake(input: ByteCursor, answer: (bytes: Buffer) => void): Parser {
  yield* readVersion(input);
  const c1 = Buffer.allocUnsafe(HANDSHAKE_BYTES);
  yield* input.fill(c1);
  answer(serverAnswer(c1));
  // What C2 says is never looked at: clients send what they like.
  yield* input.skip(HANDSHAKE_BYTES);
}

/** A client's part: sends C0 and C1, reads S0, S1 and S2, and answers with C2. */
export function* offerHandshake(input: ByteCursor, send: (bytes: Buffer) => void): Parser {
  const c0c1 = Buffer.alloc(1 + HANDSHAKE_BYTES);
  c0c1[0] = VERSION;
  randomFillSync(c0c1, 9);
  send(c0c1);
  yield* readVersion(input);
  const s1 = Buffer.allocUnsafe(HANDSHAKE_BYTES);
  yield* input.fill(s1);
  send(s1);
  yield* input.skip(HANDSHAKE_BYTES);
}

function* readVersion(input: ByteCursor): Parser {
  while (!input.has(1)) yield;
  // RTMPE, or no RTMP at all.
  if (input.u8() !== VERSION) throw new ProtocolError('not RTMP');
}

/** S0, S1 and S2 for a C1: with digests for a client that sent one, else the simple ones of the specification. */
export function serverAnswer(c1: Buffer, random: (bytes: Buffer) => void = randomFillSync): Buffer {
  const answer = Buffer.alloc(1 + 2 * HANDSHAKE_BYTES);
  answer[0] = VERSION;
  const s1 = answer.subarray(1, 1 + HANDSHAKE_BYTES);
  const s2 = answer.subarray(1 + HANDSHAKE_BYTES);
  random(s1.subarray(8));
  const digest = findClientDigest(c1);
  if (digest) {
    SERVER_VERSION.copy(s1, 4);
    signServerHello(s1);
    random(s2);
    signServerEcho(s2, digest);
  } else {
    c1.copy(s2);
  }
  return answer;
}

/** The digest of a C1 as Flash Player makes it, if it has a valid one. */
export function findClientDigest(c1: Buffer): Buffer | undefined {
  if (c1.readUInt32BE(4) === 0) return undefined;
  for (const base of DIGEST_BASES) {
    const offset = digestOffset(c1, base);
    const digest = c1.subarray(offset, offset + DIGEST_BYTES);
    if (timingSafeEqual(digest, digestAround(c1, offset, CLIENT_KEY))) return digest;
  }
  return undefined;
}

/** Puts the server's digest into S1. */
export function signServerHello(s1: Buffer): void {
  const offset = digestOffset(s1, 8);
  digestAround(s1, offset, SERVER_KEY).copy(s1, offset);
}

/** Puts the proof that we saw the client's digest at the end of S2. */
export function signServerEcho(s2: Buffer, clientDigest: Buffer): void {
  const key = hmac(SERVER_FULL_KEY, clientDigest);
  const end = HANDSHAKE_BYTES - DIGEST_BYTES;
  hmac(key, s2.subarray(0, end)).copy(s2, end);
}

/** Where the digest lies for the offset bytes at a base. */
export function digestOffset(hello: Buffer, base: number): number {
  let sum = 0;
  for (let i = base; i < base + 4; i++) sum += hello[i] ?? 0;
  return (sum % 728) + base + 4;
}

function digestAround(hello: Buffer, offset: number, key: Buffer): Buffer {
  return hmac(key, hello.subarray(0, offset), hello.subarray(offset + DIGEST_BYTES));
}

function hmac(key: Buffer, ...parts: Buffer[]): Buffer {
  const hash = createHmac('sha256', key);
  for (const part of parts) hash.update(part);
  return hash.digest();
}
