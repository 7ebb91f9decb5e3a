const KIB = 1024;
const MIB = 1024 * KIB;

/** What a connection may cost. Times are in milliseconds, sizes in bytes; times are kept to within a second. */
export interface Limits {
  /** From the first byte possible to the end of the handshake. */
  readonly handshakeMs: number;
  /** From accepting a connection until publishing or playing is granted. */
  readonly setupMs: number;
  /** The longest time without a complete message of a publisher. */
  readonly idleMs: number;
  /** The longest time in which a peer takes none of what is waiting for it. */
  readonly writeStallMs: number;
  /** Between two ping requests to a player. */
  readonly pingMs: number;
  /** Unanswered pings after which a player is gone, if it ever answered one. */
  readonly missedPings: number;
  /** How long a peer may take to close after we said our last word. */
  readonly lingerMs: number;
  /** Received before publishing or playing is granted. */
  readonly setupBytes: number;
  /** Commands before publishing or playing is granted. */
  readonly setupCommands: number;
  /** Our answers, pings and the like that wait to be taken; a stream that is played does not count. */
  readonly answerBytes: number;
  /** One command, data or control message before publishing is granted. */
  readonly setupMessageBytes: number;
  /** One command, data or control message of a publisher. */
  readonly dataMessageBytes: number;
  /** One audio or video message. */
  readonly mediaMessageBytes: number;
  /** All incomplete messages of a connection together. */
  readonly partialBytes: number;
  /** Chunk streams of a connection. */
  readonly chunkStreams: number;
  /** A publisher beyond it is read more slowly, or closed if its messages are tiny. */
  readonly messagesPerSecond: number;
}

export const DEFAULT_LIMITS: Limits = {
  handshakeMs: 5_000,
  setupMs: 10_000,
  idleMs: 10_000,
  writeStallMs: 10_000,
  pingMs: 30_000,
  missedPings: 2,
  lingerMs: 500,
  setupBytes: 256 * KIB,
  setupCommands: 50,
  answerBytes: 64 * KIB,
  setupMessageBytes: 64 * KIB,
  dataMessageBytes: MIB,
  mediaMessageBytes: 8 * MIB,
  partialBytes: 16 * MIB,
  chunkStreams: 64,
  messagesPerSecond: 2_000,
};
