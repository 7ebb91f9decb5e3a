import { randomUUID } from 'node:crypto';

const ALPHABET = '23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
const BASE = BigInt(ALPHABET.length);
const LENGTH = 22;
const FORM = new RegExp(`^[${ALPHABET}]{${LENGTH}}$`);

/** A new random id of a viewer's session: a UUID in base 57, without characters that look alike. */
export function newSessionId(): string {
  let rest = BigInt(`0x${randomUUID().replaceAll('-', '')}`);
  let id = '';
  for (let i = 0; i < LENGTH; i += 1) {
    id = ALPHABET.charAt(Number(rest % BASE)) + id;
    rest /= BASE;
  }
  return id;
}

/** Whether a text has the form of such an id. */
export function isSessionId(text: string): boolean {
  return FORM.test(text);
}
