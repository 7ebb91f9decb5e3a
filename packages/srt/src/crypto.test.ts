import { createCipheriv, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { KEY_MATERIAL } from '../test/vectors/packets.ts';
import { KeyDerivation, PayloadCipher, checkPassphrase } from './crypto.ts';
import {
  type KeyLength,
  UnsupportedCipherError,
  parseKeyMaterial,
  serializeKeyMaterial,
  unwrapKeys,
  wrapKeys,
} from './key-material.ts';
import { ProtocolError } from './protocol-error.ts';

const PASSPHRASE = '0123456789ab';
const hex = (text: string) => Buffer.from(text, 'hex');

describe('key material', () => {
  test('gives the keys that libsrt sent', async () => {
    const material = parseKeyMaterial(KEY_MATERIAL);
    expect(material).toMatchObject({ keys: 1, keyLength: 16 });
    const kek = await new KeyDerivation(1, 1).kek(PASSPHRASE, material.salt, 16);
    expect(kek?.toString('hex')).toBe('efb4f95f24a2a334f76c12c36046cd9e');
    expect(kek && unwrapKeys(material, kek)?.even?.toString('hex')).toBe('f7f0d79c1b80c0b7d31300886b12a7cf');
    expect(serializeKeyMaterial(material)).toEqual(KEY_MATERIAL);
  });

  test('gives nothing with another passphrase', async () => {
    const material = parseKeyMaterial(KEY_MATERIAL);
    const kek = await new KeyDerivation(1, 1).kek('another secret', material.salt, 16);
    expect(kek && unwrapKeys(material, kek)).toBeUndefined();
  });

  test.each<[KeyLength, 1 | 2 | 3]>(
    [16, 24, 32].flatMap((length) => [1, 2, 3].map((keys) => [length, keys] as never)),
  )('carries keys of %i bytes, which %i', (keyLength, which) => {
    const kek = randomBytes(keyLength);
    const keys = {
      ...((which & 1) !== 0 && { even: randomBytes(keyLength) }),
      ...((which & 2) !== 0 && { odd: randomBytes(keyLength) }),
    };
    const written = serializeKeyMaterial({
      keys: which,
      keyLength,
      salt: randomBytes(16),
      wrapped: wrapKeys(keys, kek),
    });
    expect(unwrapKeys(parseKeyMaterial(written), kek)).toEqual(keys);
  });

  test.each([
    ['signature', 2, 0],
    ['key flags', 3, 0],
    ['encapsulation', 10, 1],
    ['length of the salt', 14, 3],
    ['length of the key', 15, 5],
  ])('is refused with a wrong %s', (_name, at, value) => {
    const broken = Buffer.from(KEY_MATERIAL);
    broken[at] = value;
    expect(() => parseKeyMaterial(broken)).toThrow(ProtocolError);
  });

  test.each([
    ['AES-GCM', 8, 4],
    ['authentication', 9, 1],
  ])('is refused as unsupported with %s', (_name, at, value) => {
    const other = Buffer.from(KEY_MATERIAL);
    other[at] = value;
    expect(() => parseKeyMaterial(other)).toThrow(UnsupportedCipherError);
  });

  test('of every shorter length is refused', () => {
    for (let length = 0; length < KEY_MATERIAL.length; length++) {
      expect(() => parseKeyMaterial(KEY_MATERIAL.subarray(0, length))).toThrow(ProtocolError);
    }
  });
});

describe('payloads', () => {
  const salt = parseKeyMaterial(KEY_MATERIAL).salt;

  test('are decrypted as libsrt encrypted them', () => {
    const cipher = new PayloadCipher(hex('f7f0d79c1b80c0b7d31300886b12a7cf'), salt);
    const plain = cipher.apply(0x42ec6400, hex('cfd460f80655170b229efb11530b3ff9'));
    expect(plain.toString('hex')).toBe('474011100042f0250001c10000ff01ff');
  });

  test('are encrypted as the counter mode says, whatever their length and place in memory', () => {
    const length = fc.constantFrom(16, 24, 32);
    const payloads = fc.uint8Array({ minLength: 1, maxLength: 1456 });
    const sequences = fc.integer({ min: 0, max: 0x7fffffff });
    fc.assert(
      fc.property(
        length,
        payloads,
        sequences,
        fc.integer({ min: 0, max: 7 }),
        (bytes, content, sequence, offset) => {
          const key = Buffer.alloc(bytes, 7);
          const iv = Buffer.concat([salt.subarray(0, 14), Buffer.alloc(2)]);
          iv.writeUInt32BE((iv.readUInt32BE(10) ^ sequence) >>> 0, 10);
          const expected = createCipheriv(`aes-${bytes * 8}-ctr`, key, iv).update(content);
          const payload = Buffer.concat([Buffer.alloc(offset), content]).subarray(offset);
          expect(new PayloadCipher(key, salt).apply(sequence, payload).equals(expected)).toBe(true);
          expect(payload.equals(content)).toBe(true);
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe('deriving keys', () => {
  test('is done once for the same salt, passphrase and length', () => {
    const derivation = new KeyDerivation(1, 0);
    const salt = randomBytes(16);
    expect(derivation.kek(PASSPHRASE, salt, 16)).toBe(derivation.kek(PASSPHRASE, salt, 16));
  });

  test('is refused beyond the limit, and goes on afterwards', async () => {
    const derivation = new KeyDerivation(1, 1);
    const first = derivation.kek(PASSPHRASE, randomBytes(16), 16);
    const second = derivation.kek(PASSPHRASE, randomBytes(16), 32);
    expect(derivation.kek(PASSPHRASE, randomBytes(16), 16)).toBeUndefined();
    expect((await first)?.length).toBe(16);
    expect((await second)?.length).toBe(32);
    expect((await derivation.kek(PASSPHRASE, randomBytes(16), 24))?.length).toBe(24);
  });
});

test.each([
  ['9 bytes', 'x'.repeat(9), false],
  ['10 bytes', 'x'.repeat(10), true],
  ['80 bytes', 'x'.repeat(80), true],
  ['81 bytes', 'x'.repeat(81), false],
  ['5 letters of 10 bytes', 'äöüßé', true],
])('a passphrase of %s is checked', (_title, passphrase, isValid) => {
  const check = () => {
    checkPassphrase(passphrase);
  };
  if (isValid) expect(check).not.toThrow();
  else expect(check).toThrow(RangeError);
});
