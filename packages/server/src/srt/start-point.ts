import {
  PAT_PID,
  type Streams,
  TS_PACKET_BYTES,
  isTransportStream,
  isVideoStart,
  parsePat,
  parsePmt,
  pidAt,
  readPacket,
} from './mpeg-ts.ts';
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
  readonly #pat = new SectionReader(PAT_TABLE);
  #patPackets: Buffer = Buffer.alloc(0);
  readonly #programs = new Map<number, Program>();
  #streams: Streams = new Map();
  #hasVideo = false;

  /**
   * Reads the next part of the stream.
   *
   * @returns where in it a player can begin; undefined if nowhere.
   */
  read(payload: Buffer): number | undefined {
    if (!isTransportStream(payload)) return 0;
    let start: number | undefined;
    for (let at = 0; at < payload.length; at += TS_PACKET_BYTES) {
      const pid = pidAt(payload, at);
      if (pid === PAT_PID || this.#programs.has(pid)) this.#readTable(payload, at, pid);
      else if (start === undefined && this.#streams.has(pid) && this.#isStart(payload, at, pid)) start = at;
    }
    return start;
  }

  /** What goes to a player before anything else: the tables as they came last. Whole packets. */
  get tables(): Buffer {
    return Buffer.concat([this.#patPackets, ...[...this.#programs.values()].map(({ packets }) => packets)]);
  }

  #isStart(payload: Buffer, at: number, pid: number): boolean {
    const packet = readPacket(payload, at);
    if (packet === undefined) return false;
    const codec = this.#streams.get(pid);
    return codec === undefined ? !this.#hasVideo && packet.isUnitStart : isVideoStart(packet, codec);
  }

  #readTable(payload: Buffer, at: number, pid: number): void {
    const packet = readPacket(payload, at);
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
