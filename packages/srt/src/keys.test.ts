import { describe, expect, test } from 'vitest';
import { KeyDerivation } from './crypto.ts';
import { parseKeyMaterial } from './key-material.ts';
import { ReceiveKeys, SendKeys, createSessionKeys, openSessionKeys, sessionKeyMaterial } from './keys.ts';

const PASSPHRASE = '0123456789ab';
const derivation = new KeyDerivation(4, 64);

async function pair(keyRefresh = { after: 100, preannounce: 20 }) {
  const session = await createSessionKeys(PASSPHRASE, 32, derivation);
  if (session === undefined) throw new Error('no keys');
  const opened = await openSessionKeys(PASSPHRASE, parseKeyMaterial(sessionKeyMaterial(session)), derivation);
  if (opened === undefined || opened === 'busy') throw new Error('not opened');
  return {
    sender: new SendKeys(session, keyRefresh),
    receiver: new ReceiveKeys(PASSPHRASE, opened, derivation),
  };
}

const TEXT = Buffer.from('in the clear');

describe('the refresh of keys', () => {
  test('announces the next key in time, uses it once confirmed, and the receiver reads both', async () => {
    const { sender, receiver } = await pair();
    const used: number[] = [];
    const read = (sequence: number, encrypted = sender.encrypt(sequence, TEXT)) => {
      used.push(sender.current);
      expect(receiver.decrypt(sequence, sender.current, encrypted)?.equals(TEXT)).toBe(true);
    };
    let sequence = 0;
    for (; sequence < 79; sequence++) read(sequence);
    expect(sender.announcement(10, 1000)).toBeUndefined();
    read(sequence++);
    const material = sender.announcement(10, 1000);
    expect(material).toBeDefined();
    // Again only after a while, and the old key as long as there is no answer.
    expect(sender.announcement(10, 1100)).toBeUndefined();
    expect(sender.announcement(10, 1150)).toEqual(material);
    for (; sequence < 150; sequence++) read(sequence);
    expect(await receiver.update(parseKeyMaterial(material ?? TEXT))).toBe('accepted');
    const old = sender.encrypt(sequence, TEXT);
    sender.confirm(material ?? TEXT);
    for (sequence++; sequence < 200; sequence++) read(sequence);
    expect(new Set(used.slice(0, 150))).toEqual(new Set([1]));
    expect(new Set(used.slice(150))).toEqual(new Set([2]));
    expect(receiver.decrypt(150, 1, old)?.equals(TEXT)).toBe(true);
  });

  test('never replaces the key in use, also if an old packet was repeated', async () => {
    const { sender, receiver } = await pair();
    const first = sender.encrypt(5, TEXT);
    expect(receiver.decrypt(5, 1, first)?.equals(TEXT)).toBe(true);
    const other = await createSessionKeys(PASSPHRASE, 32, derivation);
    const forged = parseKeyMaterial(other ? sessionKeyMaterial(other) : TEXT);
    await receiver.update(forged);
    expect(receiver.decrypt(6, 1, sender.encrypt(6, TEXT))?.equals(TEXT)).toBe(true);
  });

  test('is refused with another passphrase', async () => {
    const { receiver } = await pair();
    const other = await createSessionKeys('another secret', 16, derivation);
    expect(await receiver.update(parseKeyMaterial(other ? sessionKeyMaterial(other) : TEXT))).toBe(
      'bad secret',
    );
  });
});
