import { HANDSHAKES, KEY_MATERIAL, PACKETS } from './vectors/packets.ts';

const header = (word0: string) => Buffer.from(`${word0}000000000102030400000002`, 'hex');

/** Well-formed datagrams to start from. */
export const SEEDS: readonly Buffer[] = [
  ...PACKETS.map(({ bytes }) => bytes),
  ...Object.values(HANDSHAKES),
  ...Object.values(HANDSHAKES).map((body) => Buffer.concat([header('80000000'), body])),
  KEY_MATERIAL,
  Buffer.concat([header('ffff0003'), KEY_MATERIAL]),
];

const INTERESTING = [0, 1, 2, 0x7f, 0x80, 0xff];

/** One of the seeds with a few changes: bytes set, cut off, doubled, or joined with another. */
export function mutate(random: () => number, seeds: readonly Buffer[]): Buffer {
  const below = (limit: number) => Math.floor(random() * limit);
  const pick = () => seeds[below(seeds.length)] ?? Buffer.alloc(0);
  let bytes = Buffer.from(pick());
  for (let change = 0; change <= below(5) && bytes.length > 0; change++) {
    const at = below(bytes.length);
    switch (below(6)) {
      case 0:
        bytes = Buffer.concat([bytes.subarray(0, at), pick().subarray(below(64))]);
        break;
      case 1:
        bytes = Buffer.from(bytes.subarray(0, at));
        break;
      case 2:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at >> 1)]).subarray(0, 2000);
        break;
      case 3:
        bytes[at] = INTERESTING[below(INTERESTING.length)] ?? 0;
        break;
      default:
        bytes[at] = below(256);
    }
  }
  // So that most reach the connection: its id.
  if (bytes.length >= 16 && random() < 0.8) bytes.writeUInt32BE(2, 12);
  return bytes;
}
