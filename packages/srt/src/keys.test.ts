import { describe, expect, test } from 'vitest';
import { KeyDerivation } from './crypto.ts';
import { type KeyMaterial, parseKeyMaterial, serializeKeyMaterial } from './key-material.ts';
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
    expect(sender.announcement(10, 1000, 0)).toBeUndefined();
    read(sequence++);
    const material = sender.announcement(10, 1000, 0);
    expect(material).toBeDefined();
    // Again only after a while, and the old key as long as there is no answer.
    expect(sender.announcement(10, 1100, 0)).toBeUndefined();
    expect(sender.announcement(10, 1150, 0)).toEqual(material);
    for (; sequence < 150; sequence++) read(sequence);
    expect(await receiver.update(parseKeyMaterial(material ?? TEXT))).toBe('accepted');
    const old = sender.encrypt(sequence, TEXT);
    sender.confirm(material ?? TEXT);
    for (sequence++; sequence < 200; sequence++) read(sequence);
    expect(new Set(used.slice(0, 150))).toEqual(new Set([1]));
    expect(new Set(used.slice(150))).toEqual(new Set([2]));
    expect(receiver.decrypt(150, 1, old)?.equals(TEXT)).toBe(true);
  });

  test('waits as long as a packet may have to be repeated whose key it would replace', async () => {
    const { sender } = await pair({ after: 10, preannounce: 5 });
    for (let sequence = 0; sequence < 5; sequence++) sender.encrypt(sequence, TEXT);
    const material = sender.announcement(10, 1000, 5) ?? TEXT;
    sender.confirm(material);
    for (let sequence = 5; sequence < 16; sequence++) sender.encrypt(sequence, TEXT);
    expect(sender.current).toBe(2);
    // Of those that are not acknowledged, the oldest was encrypted with the first key.
    expect(sender.announcement(10, 2000, 7)).toBeUndefined();
    expect(sender.announcement(10, 2000, 6)).toBeDefined();
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

  test('is not confirmed before the key in its place is out of use', async () => {
    const { sender, receiver } = await pair({ after: 2, preannounce: 2 });
    const announce = () => parseKeyMaterial(sender.announcement(10, 1000, 0) ?? TEXT);
    const encrypt = (sequence: number) => sender.encrypt(sequence, TEXT);
    const confirm = (material: KeyMaterial) => {
      sender.confirm(serializeKeyMaterial(material));
    };
    receiver.decrypt(0, 1, encrypt(0));
    const odd = announce();
    expect(await receiver.update(odd)).toBe('accepted');
    confirm(odd);
    encrypt(1);
    const overtaken = encrypt(2);
    const even = announce();
    expect(await receiver.update(even)).toBe('ignored');
    expect(receiver.decrypt(2, 2, overtaken)?.equals(TEXT)).toBe(true);
    expect(await receiver.update(even)).toBe('accepted');
    confirm(even);
    encrypt(3);
    expect(receiver.decrypt(4, 1, encrypt(4))?.equals(TEXT)).toBe(true);
    // As the answer was lost: the same again.
    expect(await receiver.update(even)).toBe('accepted');
  });

  test('is not undone by an announcement that was held up', async () => {
    const { sender, receiver } = await pair({ after: 1, preannounce: 1 });
    const materials: KeyMaterial[] = [];
    let sequence = 0;
    for (; sequence < 4; sequence++) {
      const encrypted = sender.encrypt(sequence, TEXT);
      expect(receiver.decrypt(sequence, sender.current, encrypted)?.equals(TEXT)).toBe(true);
      const material = sender.announcement(10, 1000 * sequence, 0) ?? TEXT;
      materials.push(parseKeyMaterial(material));
      expect(await receiver.update(parseKeyMaterial(material))).toBe('accepted');
      sender.confirm(material);
    }
    // In the place of the key that is announced.
    const [heldUp] = materials.slice(-3);
    expect(await receiver.update(heldUp ?? expect.fail('no material'))).toBe('ignored');
    const encrypted = sender.encrypt(sequence, TEXT);
    expect(receiver.decrypt(sequence, sender.current, encrypted)?.equals(TEXT)).toBe(true);
  });

  test('is refused with another passphrase', async () => {
    const { receiver } = await pair();
    const other = await createSessionKeys('another secret', 16, derivation);
    expect(await receiver.update(parseKeyMaterial(other ? sessionKeyMaterial(other) : TEXT))).toBe(
      'bad secret',
    );
  });
});
