import { describe, expect, test } from 'vitest';
import { HANDSHAKES, KEY_MATERIAL } from '../test/vectors/packets.ts';
import {
  HANDSHAKE_BYTES,
  HANDSHAKE_TYPE,
  parseExtensions,
  parseHandshake,
  serializeAddress,
  serializeHandshake,
} from './handshake.ts';
import { words } from './packet.ts';
import { ProtocolError } from './protocol-error.ts';

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');

describe('the handshake', () => {
  test('is read as libsrt writes it', () => {
    expect(parseHandshake(HANDSHAKES.conclusion)).toEqual({
      version: 5,
      encryption: 2,
      extensionField: 7,
      initialSequence: 0x42ec6400,
      mss: 1500,
      flowWindow: 8192,
      type: HANDSHAKE_TYPE.conclusion,
      socketId: 0x375347f3,
      cookie: 0xb93d2d05,
      peerAddress: serializeAddress('127.0.0.1'),
    });
    expect(parseExtensions(HANDSHAKES.conclusion)).toEqual({
      hsreq: { version: 0x010501, flags: 0xbf, receiverDelay: 120, senderDelay: 0 },
      streamId: 'foo,mode:publish',
      kmreq: KEY_MATERIAL,
    });
    expect(parseExtensions(HANDSHAKES.conclusionAnswer)).toEqual({
      hsrsp: { version: 0x010401, flags: 0x3f, receiverDelay: 120, senderDelay: 120 },
      streamId: 'foo,mode:publish',
      kmrsp: KEY_MATERIAL,
    });
  });

  test.each(Object.entries(HANDSHAKES))('is written as it was read: %s', (_name, bytes) => {
    const written = serializeHandshake(parseHandshake(bytes), parseExtensions(bytes));
    expect(parseHandshake(written)).toEqual(parseHandshake(bytes));
    expect(parseExtensions(written)).toEqual(parseExtensions(bytes));
    expect(written.length).toBe(bytes.length);
  });

  test('of every shorter length is read or refused', () => {
    const bytes = HANDSHAKES.conclusion;
    for (let length = 0; length < bytes.length; length++) {
      const cut = bytes.subarray(0, length);
      if (length < HANDSHAKE_BYTES) {
        expect(() => parseHandshake(cut)).toThrow(ProtocolError);
        continue;
      }
      expect(parseHandshake(cut).cookie).toBe(0xb93d2d05);
      const isWhole = [0, 16, 36].includes(length - HANDSHAKE_BYTES);
      if (!isWhole) expect(() => parseExtensions(cut)).toThrow(ProtocolError);
    }
  });
});

describe('handshake extensions', () => {
  const fixed = Buffer.alloc(HANDSHAKE_BYTES);
  const parse = (...parts: Buffer[]) => parseExtensions(Buffer.concat([fixed, ...parts]));

  test('that are not known are skipped', () => {
    const unknown = [words((8 << 16) | 2, 1, 2), words(99 << 16), words((7 << 16) | 1, 0)];
    expect(parse(...unknown, words((6 << 16) | 1), Buffer.from('evil'))).toEqual({ congestion: 'live' });
  });

  test.each([
    ['twice', [words((1 << 16) | 3, 1, 2, 3), words((1 << 16) | 3, 1, 2, 3)]],
    ['cut off', [words((1 << 16) | 3, 1, 2)]],
    ['too short', [words((1 << 16) | 2, 1, 2)]],
    ['with a part of a header behind it', [words((1 << 16) | 3, 1, 2, 3), Buffer.alloc(3)]],
    ['as a stream id of 516 bytes', [words((5 << 16) | 129), Buffer.alloc(516, 'a')]],
    ['as a stream id that is not UTF-8', [words((5 << 16) | 1), hex('ffffffff')]],
  ])('are refused %s', (_title, parts) => {
    expect(() => parse(...parts)).toThrow(ProtocolError);
  });

  test('carry a stream id of 512 bytes, and those that do not fill a word', () => {
    const base = parseHandshake(HANDSHAKES.conclusion);
    for (const streamId of ['x'.repeat(512), 'a', 'ab', 'abc', 'größe,€']) {
      expect(parseExtensions(serializeHandshake(base, { streamId })).streamId).toBe(streamId);
    }
  });
});

test.each([
  ['127.0.0.1', '0100007f 00000000 00000000 00000000'],
  ['::ffff:127.0.0.1', '0100007f 00000000 00000000 00000000'],
  ['::1', '00000000 00000000 00000000 01000000'],
  ['2001:db8::ff00:42:8329', 'b80d0120 00000000 00ff0000 29834200'],
  ['fe80::1%eth0', '000080fe 00000000 00000000 01000000'],
])('the address %s has its words reversed', (address, bytes) => {
  expect(serializeAddress(address).toString('hex')).toBe(bytes.replaceAll(' ', ''));
});
