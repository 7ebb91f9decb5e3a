import {
  PAT_PID,
  type Streams,
  TS_PACKET_BYTES,
  isVideoStart,
  parsePat,
  parsePmt,
  pidAt,
  readPacket,
} from './mpeg-ts.ts';
import { PacketAligner } from './packet-aligner.ts';
import { SectionReader } from './section.ts';

const PAT_TABLE = 0x00;
const PMT_TABLE = 0x02;
/** Of a transport stream; the others are not looked at. */
const MAX_PROGRAMS = 64;

interface Program {
  reader: SectionReader;
  streams: Streams;
  packets: Buffer;
}

/**
 * Follows a stream, to know where and how a player can begin with it: at a key frame, or at any frame if it has no video,
 * and with its tables first. What is no MPEG transport stream can begin anywhere.
 */
export class StartPoint {
  readonly #aligner = new PacketAligner();
  readonly #pat = new SectionReader(PAT_TABLE);
  #patPackets: Buffer = Buffer.alloc(0);
  readonly #programs = new Map<number, Program>();
  #streams: Streams = new Map();
  #hasVideo = false;

  /**
   * Reads the next part of the stream.
   *
   * @returns what of it a player can begin with, from the beginning of a packet on, which may lie in the part before;
   *   undefined if nothing.
   */
  read(payload: Buffer): Buffer | undefined {
    const bytes = this.#aligner.align(payload);
    if (bytes === undefined) return payload;
    const start = this.#findStart(bytes);
    return start === undefined ? undefined : bytes.subarray(start);
  }

  /** Where a player can begin. What follows the last whole packet is read with the next part. */
  #findStart(bytes: Buffer): number | undefined {
    let start: number | undefined;
    for (let at = 0; at + TS_PACKET_BYTES <= bytes.length; at += TS_PACKET_BYTES) {
      const pid = pidAt(bytes, at);
      if (pid === PAT_PID || this.#programs.has(pid)) this.#readTable(bytes, at, pid);
      else if (start === undefined && this.#streams.has(pid) && this.#isStart(bytes, at, pid)) start = at;
    }
    return start;
  }

  /** What goes to a player before anything else: the tables as they came last. Whole packets. */
  get tables(): Buffer {
    return Buffer.concat([this.#patPackets, ...[...this.#programs.values()].map(({ packets }) => packets)]);
  }

  #isStart(bytes: Buffer, at: number, pid: number): boolean {
    const packet = readPacket(bytes, at);
    if (packet === undefined) return false;
    const codec = this.#streams.get(pid);
    return codec === undefined ? !this.#hasVideo && packet.isUnitStart : isVideoStart(packet, codec);
  }

  #readTable(bytes: Buffer, at: number, pid: number): void {
    const packet = readPacket(bytes, at);
    if (packet === undefined) return;
    const program = this.#programs.get(pid);
    const table = (program?.reader ?? this.#pat).read(packet);
    if (table === undefined) return;
    if (program === undefined) {
      this.#patPackets = table.packets;
      this.#setPrograms(parsePat(table.section).slice(0, MAX_PROGRAMS));
    } else {
      program.packets = table.packets;
      program.streams = parsePmt(table.section);
    }
    this.#collectStreams();
  }

  #setPrograms(pids: readonly number[]): void {
    for (const pid of this.#programs.keys()) if (!pids.includes(pid)) this.#programs.delete(pid);
    for (const pid of pids) {
      if (this.#programs.has(pid)) continue;
      this.#programs.set(pid, {
        reader: new SectionReader(PMT_TABLE),
        streams: new Map(),
        packets: Buffer.alloc(0),
      });
    }
  }

  #collectStreams(): void {
    this.#streams = new Map([...this.#programs.values()].flatMap(({ streams }) => [...streams]));
    this.#hasVideo = [...this.#streams.values()].some((codec) => codec !== undefined);
  }
}
