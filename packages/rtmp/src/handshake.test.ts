import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { cut } from '../test/feed.ts';
import { ByteCursor } from './byte-cursor.ts';
import { ProtocolError } from './errors.ts';
import {
  HANDSHAKE_BYTES,
  acceptHandshake,
  digestOffset,
  findClientDigest,
  offerHandshake,
  serverAnswer,
  signServerEcho,
} from './handshake.ts';

/** Not yet signed: byte i is (7 i + 3) modulo 256, but for time and version. */
function hello(): Buffer {
  const c1 = Buffer.from(Array.from({ length: HANDSHAKE_BYTES }, (_, i) => (7 * i + 3) & 255));
  Buffer.from('0000000009007c02', 'hex').copy(c1);
  return c1;
}

const VECTORS = [
  {
    base: 8,
    offset: 290,
    digest: '612af37c38c4a1b74e5737fc4021ded17ed92a9431c19bc665cf421131bad8a6',
    echo: '8fcbe05e17e4fbaae96ce9267bc15cd1ca846b21f72a546d1ce46c5641e2568d',
  },
  {
    base: 772,
    offset: 942,
    digest: 'e6a7fbdda4aab503b4e693e92d6f18d9d4b89f3ef0e95fffe767a4830aa37109',
    echo: '7b6d7bb61a83f57a0aa95b92180f55750114822f752e3f47bbe37474778ed673',
  },
];

describe.each(VECTORS)('a digest at base $base', ({ base, offset, digest, echo }) => {
  test('is found where its offset says', () => {
    const c1 = hello();
    expect(digestOffset(c1, base)).toBe(offset);
    Buffer.from(digest, 'hex').copy(c1, offset);
    expect(findClientDigest(c1)?.toString('hex')).toBe(digest);
  });

  test('is answered with a proof in S2', () => {
    const s2 = Buffer.alloc(HANDSHAKE_BYTES);
    signServerEcho(s2, Buffer.from(digest, 'hex'));
    expect(s2.subarray(-32).toString('hex')).toBe(echo);
  });

  test('is answered with a digest in S1, which a Flash client verifies', () => {
    const c1 = hello();
    Buffer.from(digest, 'hex').copy(c1, offset);
    const answer = serverAnswer(c1);
    expect(answer).toHaveLength(1 + 2 * HANDSHAKE_BYTES);
    const s1 = answer.subarray(1, 1 + HANDSHAKE_BYTES);
    expect(s1[4]).toBeGreaterThanOrEqual(3);
    const at = digestOffset(s1, 8);
    const signed = createHmac('sha256', 'Genuine Adobe Flash Media Server 001')
      .update(s1.subarray(0, at))
      .update(s1.subarray(at + 32))
      .digest();
    expect(s1.subarray(at, at + 32)).toEqual(signed);
  });
});

test('a client without a valid digest gets the simple handshake: its own bytes back', () => {
  for (const version of ['00000000', '09007c02']) {
    const c1 = hello();
    Buffer.from(version, 'hex').copy(c1, 4);
    const answer = serverAnswer(c1);
    expect(answer[0]).toBe(3);
    expect(answer.subarray(5, 9)).toEqual(Buffer.alloc(4));
    expect(answer.subarray(1 + HANDSHAKE_BYTES)).toEqual(c1);
  }
});

test('both sides agree, whatever the pieces, and what follows is left to be read', () => {
  for (const size of [1, 100, 1537, Infinity]) {
    const toServer: Buffer[] = [];
    const toClient: Buffer[] = [];
    const server = new ByteCursor();
    const client = new ByteCursor();
    const accepting = acceptHandshake(server, (bytes) => toClient.push(...cut(bytes, size)));
    const offering = offerHandshake(client, (bytes) => toServer.push(...cut(bytes, size)));
    accepting.next();
    offering.next();
    let isClientDone = false;
    while (toServer.length + toClient.length > 0) {
      for (const bytes of toServer.splice(0)) {
        server.push(bytes);
        accepting.next();
      }
      for (const bytes of toClient.splice(0)) {
        client.push(bytes);
        isClientDone = offering.next().done === true;
      }
    }
    expect(isClientDone).toBe(true);
    expect(accepting.next().done).toBe(true);
    server.push(Buffer.of(0x42));
    expect(server.has(1) && server.u8()).toBe(0x42);
  }
});

test('the command that comes together with C2 is left to be read', () => {
  const input = new ByteCursor();
  const parser = acceptHandshake(input, () => undefined);
  parser.next();
  input.push(Buffer.concat([Buffer.of(3), hello(), Buffer.alloc(HANDSHAKE_BYTES), Buffer.from('03', 'hex')]));
  expect(parser.next().done).toBe(true);
  expect(input.has(1) && input.u8()).toBe(3);
});

test.each([
  ['RTMPE', 6],
  ['HTTP', 0x47],
])('%s is refused at its first byte', (_name, first) => {
  const sent: Buffer[] = [];
  const input = new ByteCursor();
  const parser = acceptHandshake(input, (bytes) => sent.push(bytes));
  parser.next();
  input.push(Buffer.of(first));
  expect(() => parser.next()).toThrow(ProtocolError);
  expect(sent).toEqual([]);
});
