import { describe, expect, test } from 'vitest';
import { PACKETS } from '../test/vectors/packets.ts';
import { HEADER_BYTES, MAX_PAYLOAD_BYTES, messageWord, parsePacket, serializePacket } from './packet.ts';
import { ProtocolError } from './protocol-error.ts';

describe('packets', () => {
  test.each(PACKETS)('are read and written: $name', ({ bytes, decoded }) => {
    expect(parsePacket(bytes)).toEqual(decoded);
    expect(serializePacket(decoded).toString('hex')).toBe(bytes.toString('hex'));
  });

  test.each(PACKETS)('of every shorter length are read or refused: $name', ({ bytes }) => {
    for (let length = 0; length < bytes.length; length++) {
      try {
        parsePacket(bytes.subarray(0, length));
        expect(length).toBeGreaterThanOrEqual(HEADER_BYTES);
      } catch (error) {
        expect(error).toBeInstanceOf(ProtocolError);
      }
    }
  });

  test('without control information may have four bytes of padding', () => {
    const padded = Buffer.from('80010000000000000000000000000001' + '00000000', 'hex');
    expect(parsePacket(padded)).toMatchObject({ kind: 'keepalive' });
  });

  test('larger than the largest packet are refused', () => {
    expect(parsePacket(Buffer.alloc(HEADER_BYTES + MAX_PAYLOAD_BYTES)).kind).toBe('data');
    expect(() => parsePacket(Buffer.alloc(HEADER_BYTES + MAX_PAYLOAD_BYTES + 1))).toThrow(ProtocolError);
  });

  test('of live mode are messages of their own', () => {
    expect(messageWord(1, 0, false)).toBe(0xc0000001);
    expect(messageWord(0x3ffffff, 1, true)).toBe(0xcfffffff);
  });
});
