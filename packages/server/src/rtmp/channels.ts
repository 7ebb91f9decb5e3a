import { Relay, type ServerConnection, type Track } from '@millrace/rtmp';
import type { StreamName } from '../media/streams.ts';
import type { PlayerInfo, Protocol, StreamInfo } from './stream.ts';

/** Who is at the other end of a connection. */
export interface Peer {
  /** Address and port. */
  remote: string;
  /** Address alone. */
  client: string;
  protocol: Protocol;
}

/** Somebody who plays a stream. */
export interface Player {
  readonly remote: string;
  readonly protocol: PlayerInfo['protocol'];
  /** Unix milliseconds. */
  readonly createdAt: number;
  readonly bytesSent: number;
  /** Cuts it off. */
  kick(): void;
}

/** A path that somebody publishes to. */
export class Channel {
  readonly name: string;
  readonly reference: string;
  readonly publisher: ServerConnection;
  readonly peer: Peer;
  readonly relay = new Relay();
  readonly players = new Set<Player>();
  readonly createdAt = Date.now();
  /** Of a monotonic clock, in milliseconds. */
  readonly openedAt = performance.now();
  /** Its connection may have published before. */
  readonly #receivedBefore: number;

  constructor(name: string, reference: string, publisher: ServerConnection, peer: Peer) {
    this.name = name;
    this.reference = reference;
    this.publisher = publisher;
    this.peer = peer;
    this.#receivedBefore = publisher.bytesReceived;
  }

  /** Whether there is something to play. */
  get isLive(): boolean {
    return this.relay.tracks.length > 0;
  }

  describe(): StreamName {
    return { name: this.name, reference: this.reference, remote: this.peer.remote };
  }

  info(): StreamInfo {
    const { relay, publisher, peer, createdAt } = this;
    const codecs = (kind: Track['kind']) =>
      relay.tracks.filter((track) => track.kind === kind).map(({ codec }) => codec.toLowerCase());
    return {
      ...this.describe(),
      createdAt,
      protocol: peer.protocol,
      rxBytes: publisher.bytesReceived - this.#receivedBefore,
      rxBitrate: relay.bitrate,
      videoCodecs: codecs('video'),
      audioCodecs: codecs('audio'),
      gopSeconds: (relay.gopLength ?? 0) / 1000,
      players: Array.from(this.players, ({ remote, protocol, createdAt: since, bytesSent }) => ({
        remote,
        protocol,
        createdAt: since,
        txBytes: bytesSent,
      })),
    };
  }
}

/** The paths that are published, by name. One publisher a path: who comes first stays. */
export class Channels {
  readonly #byName = new Map<string, Channel>();

  /** Undefined if somebody publishes there already. The channel is gone when its relay closes. */
  open(...args: ConstructorParameters<typeof Channel>): Channel | undefined {
    const [name] = args;
    if (this.#byName.has(name)) return undefined;
    const channel = new Channel(...args);
    this.#byName.set(name, channel);
    channel.relay.once('closed', () => this.#byName.delete(name));
    return channel;
  }

  get(name: string): Channel | undefined {
    return this.#byName.get(name);
  }

  /** What can be played under that name. */
  live(name: string): Channel | undefined {
    const channel = this.#byName.get(name);
    return channel?.isLive === true ? channel : undefined;
  }

  [Symbol.iterator](): Iterator<Channel> {
    return this.#byName.values();
  }

  /** Those that can be played, sorted by name. */
  list(): StreamInfo[] {
    return [...this.#byName.values()]
      .filter(({ isLive }) => isLive)
      .map((channel) => channel.info())
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }
}
