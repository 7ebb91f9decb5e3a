import { randomUUID } from 'node:crypto';

const ALPHABET = '23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
/** Digits that 128 bits take. */
const LENGTH = 22;

/** A random id of 22 letters and digits that are hard to mistake for each other. */
export function createShortId(): string {
  return shorten(randomUUID());
}

/** A UUID as a number to the base of 57. */
export function shorten(uuid: string): string {
  let rest = BigInt(`0x${uuid.replaceAll('-', '')}`);
  let digits = '';
  while (rest > 0n) {
    digits = (ALPHABET[Number(rest % 57n)] ?? '') + digits;
    rest /= 57n;
  }
  return digits.padStart(LENGTH, ALPHABET.charAt(0));
}
