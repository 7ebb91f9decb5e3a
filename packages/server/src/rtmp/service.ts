import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type CloseReason,
  DEFAULT_LIMITS,
  type Refusal,
  type Relay,
  RtmpServer as Connections,
  type ServerConnection,
  type StreamHandler,
  type StreamRequest,
  type Track,
  parseStreamAddress,
  refuse,
} from '@millrace/rtmp';
import type { Link } from '../media/link.ts';
import {
  type Counted,
  type Counters,
  SAMPLE_INTERVAL,
  Traffic,
  publisherSession,
  viewerSession,
} from '../media/traffic.ts';
import { hostAndPort, peerAddress } from '../util/address.ts';
import { CoreError } from '../util/errors.ts';
import {
  type AccessRules,
  type Denied,
  MALFORMED,
  playAccess,
  publishAccess,
  referenceOf,
  withoutSecrets,
} from './access.ts';
import { type Channel, Channels, type Peer, type Player } from './channels.ts';
import { FlvPlayer } from './flv-player.ts';
import { Guesses } from './guesses.ts';
import type { FlvViewer, RtmpHost } from './interface.ts';
import type { Deed, Journal } from './journal.ts';
import type { Protocol, StreamInfo } from './stream.ts';

/** How long a publisher may take to send anything that can be played, in milliseconds. */
const PROBE_TIMEOUT = 10_000;

/** Tracks and codecs of one stream that are logged, each once: a hostile publisher has ever new ones. */
const MAX_LOGGED_TRACKS = 64;

/** What players are told if there is no room for them. */
const LIMITS: Readonly<Record<string, string>> = {
  sessions: 'Number of sessions exceeded',
  bitrate: 'Bitrate limit exceeded',
};

/** Why connections end that nobody is to blame for. */
const PEACEFUL: ReadonlySet<CloseReason['code']> = new Set([
  'ended',
  'refused',
  'unpublished',
  'shutdown',
  'closed',
]);

/** The streams: who publishes, who plays, and what the rest of the server is told about it. */
export class StreamService implements StreamHandler {
  readonly #host: Link<RtmpHost>;
  readonly #journal: Journal;
  readonly #connections = new Connections(this);
  readonly #peers = new WeakMap<ServerConnection, Peer>();
  readonly #channels = new Channels();
  readonly #byRelay = new WeakMap<Relay, Channel>();
  /** What connections publish, or published last. */
  readonly #published = new WeakMap<ServerConnection, Channel>();
  /** How to end what connections play. */
  readonly #playing = new Map<ServerConnection, (reason?: CloseReason) => void>();
  readonly #flvPlayers = new Map<number, FlvPlayer>();
  readonly #traffic: Traffic;
  readonly #guesses = new Guesses();
  readonly #ticker: NodeJS.Timeout;
  #rules: AccessRules = { app: '/', token: '', keys: {} };

  constructor(host: Link<RtmpHost>, journal: Journal) {
    this.#host = host;
    this.#journal = journal;
    this.#traffic = new Traffic(host);
    this.#ticker = setInterval(() => {
      this.#tick(performance.now());
    }, SAMPLE_INTERVAL);
  }

  /** For who comes from now on. */
  configure(rules: AccessRules): void {
    this.#rules = rules;
  }

  /** Takes over a socket that a listener has accepted. */
  accept(socket: Socket, protocol: Protocol): void {
    const client = peerAddress(socket.remoteAddress);
    const peer = { client, remote: hostAndPort(client, socket.remotePort ?? 0), protocol };
    const connection = this.#connections.accept(socket);
    if (connection === undefined) return;
    this.#peers.set(connection, peer);
    connection.on('granted', (_request, relay) => {
      const channel = this.#byRelay.get(relay);
      if (connection.state === 'playing' && channel !== undefined) this.#play(connection, peer, channel);
    });
    connection.on('malformed', (what) => {
      this.#noteDenied(what === 'publish' ? 'PUBLISH' : 'PLAY', MALFORMED, peer);
    });
    connection.once('closed', (reason) => {
      this.#closed(connection, peer, reason);
    });
  }

  publish(request: StreamRequest, connection: ServerConnection): Relay | Refusal | Promise<Refusal> {
    const peer = this.#peerOf(connection);
    const access = publishAccess(request, this.#rules);
    if ('action' in access) return this.#deny('PUBLISH', access, peer);
    const { path } = access;
    const channel = this.#channels.open(path, referenceOf(path, this.#rules.app), connection, peer);
    if (channel === undefined) {
      this.#note(
        'warn',
        { who: 'PUBLISH', action: 'CONFLICT', path, client: peer.remote },
        'already publishing',
      );
      return refuse('busy', 'already publishing');
    }
    this.#follow(channel);
    return channel.relay;
  }

  async play(request: StreamRequest, connection: ServerConnection): Promise<Relay | Refusal> {
    const peer = this.#peerOf(connection);
    const access = playAccess(request, this.#rules);
    if ('action' in access) return this.#deny('PLAY', access, peer);
    const channel = this.#channels.live(access.path);
    if (channel === undefined) {
      this.#notFound(access.path, peer);
      return refuse('not_found', 'no such stream');
    }
    const refusal = await this.#admit(channel, peer);
    if (refusal !== undefined) return refuse('denied', LIMITS[refusal] ?? refusal);
    return channel.relay.isClosed ? refuse('not_found', 'no such stream') : channel.relay;
  }

  /** See `RtmpPlane`. */
  async playFlv(id: number, name: string, viewer: FlvViewer): Promise<string | undefined> {
    // A token in the path would be in the logs of all who pass the request on: an empty one in the query keeps it out.
    const address = parseStreamAddress({ app: '', name, tcUrl: '?token=' });
    const access = address === undefined ? MALFORMED : playAccess(address, this.#rules);
    if ('action' in access) {
      await this.#deny('PLAY', access, viewer);
      throw new CoreError('forbidden', access.reason);
    }
    const channel = this.#channels.live(access.path);
    if (channel === undefined) this.#notFound(access.path, viewer);
    const refusal = channel && (await this.#admit(channel, viewer));
    if (refusal !== undefined) return refusal;
    if (channel === undefined || channel.relay.isClosed) throw new CoreError('not_found', 'no such stream');
    this.#playByFlv(id, channel, viewer);
    return undefined;
  }

  flvTaken(id: number, bytes: number): void {
    this.#flvPlayers.get(id)?.taken(bytes);
  }

  flvStop(id: number): void {
    this.#flvPlayers.get(id)?.close('');
  }

  streams(): StreamInfo[] {
    return this.#channels.list();
  }

  kick(name: string, remote: string | undefined): boolean {
    const channel = this.#channels.get(name);
    if (channel === undefined) return false;
    if (remote === undefined) {
      this.#note('info', { who: 'PUBLISH', action: 'KICK', path: name, client: channel.peer.remote });
      channel.publisher.close('cut off by the API');
      return true;
    }
    const players = [...channel.players].filter((player) => player.remote === remote);
    for (const player of players) {
      this.#note('info', { who: 'PLAY', action: 'KICK', path: name, client: remote });
      player.kick();
    }
    return players.length > 0;
  }

  /** Tells all clients to go, and resolves when they are gone. */
  async close(): Promise<void> {
    clearInterval(this.#ticker);
    // Before their publishers: else they would be told that those are gone.
    for (const connection of this.#playing.keys()) connection.close('shutdown', 'shutdown');
    for (const player of this.#flvPlayers.values()) player.close('');
    await this.#connections.close();
  }

  /** Tells of a channel what becomes of it. */
  #follow(channel: Channel): void {
    const { name: path, relay, publisher, peer } = channel;
    this.#byRelay.set(relay, channel);
    this.#published.set(publisher, channel);
    const deed = { who: 'PUBLISH', path, client: peer.remote } as const;
    const known = new Set<string>();
    let counted: Counted | undefined;
    relay.on('track', ({ kind, id, codec }: Track) => {
      if (counted === undefined) {
        counted = this.#traffic.open(publisherSession(channel.describe(), peer.client), publisher);
        this.#host.tell('published', channel.describe());
        this.#note('info', { ...deed, action: 'START' });
      }
      const track = `${kind} ${id} ${codec}`;
      if (known.has(track) || known.size >= MAX_LOGGED_TRACKS) return;
      known.add(track);
      this.#note('info', { ...deed, action: 'STREAM' }, codec);
    });
    relay.once('closed', () => {
      if (counted === undefined) return;
      counted.close();
      this.#host.tell('unpublished', channel.describe());
      // Behind the error that may be the reason.
      queueMicrotask(() => {
        this.#note('info', { ...deed, action: 'STOP' });
      });
    });
  }

  #play(connection: ServerConnection, peer: Peer, channel: Channel): void {
    this.#playing.get(connection)?.();
    const kick = () => {
      connection.close('cut off by the API');
    };
    const end = this.#begin(channel, peer, {
      protocol: peer.protocol,
      kick,
      counters: connection,
      sentBefore: connection.bytesSent,
    });
    this.#playing.set(connection, (reason) => {
      this.#playing.delete(connection);
      end(reason !== undefined && isFailure(reason) ? reason.message : '');
    });
  }

  #playByFlv(id: number, channel: Channel, viewer: FlvViewer): void {
    const output = {
      send: (bytes: Uint8Array) => {
        this.#host.tell('flv', id, bytes);
      },
      end: () => {
        this.#host.tell('flvEnd', id);
      },
    };
    const player = new FlvPlayer(channel.relay, output, (reason) => {
      this.#flvPlayers.delete(id);
      end(reason);
    });
    const kick = () => {
      player.close('');
    };
    const end = this.#begin(channel, viewer, { protocol: 'flv', kick, counters: player });
    this.#flvPlayers.set(id, player);
  }

  /** Takes in a player; what is returned is to be called once, with what went wrong, when it has ended. */
  #begin(
    channel: Channel,
    { remote, client }: FlvViewer,
    {
      counters,
      sentBefore = 0,
      ...rest
    }: Pick<Player, 'protocol' | 'kick'> & { counters: Counters; sentBefore?: number },
  ): (error: string) => void {
    const player: Player = {
      ...rest,
      remote,
      createdAt: Date.now(),
      get bytesSent() {
        return counters.bytesSent - sentBefore;
      },
    };
    const deed = { who: 'PLAY', path: channel.name, client: remote } as const;
    channel.players.add(player);
    const counted = this.#traffic.open(
      viewerSession(channel, { remote, client }, channel.relay.bitrate),
      counters,
    );
    this.#note('info', { ...deed, action: 'START' });
    return (error) => {
      channel.players.delete(player);
      counted.close();
      if (error !== '') this.#note('error', { ...deed, action: 'ERROR' }, error);
      this.#note('info', { ...deed, action: 'STOP' });
    };
  }

  async #admit(channel: Channel, viewer: FlvViewer): Promise<string | undefined> {
    const refusal = await this.#host.call('admit', viewerSession(channel, viewer, channel.relay.bitrate));
    if (refusal !== undefined) {
      const deed = { who: 'PLAY', action: 'LIMIT', path: channel.name, client: viewer.remote } as const;
      this.#note('warn', deed, LIMITS[refusal] ?? refusal);
    }
    return refusal;
  }

  #closed(connection: ServerConnection, { remote }: Peer, reason: CloseReason): void {
    const { code, message, error } = reason;
    if (code === 'internal') {
      this.#journal.server('error', 'Connection failed', {
        client: remote,
        error: error instanceof Error ? (error.stack ?? message) : message,
      });
    }
    const endPlaying = this.#playing.get(connection);
    if (endPlaying !== undefined) {
      endPlaying(reason);
      return;
    }
    if (PEACEFUL.has(code)) return;
    const channel = this.#published.get(connection);
    if (channel === undefined) {
      this.#note('debug', { who: 'CONNECT', action: 'ERROR', path: '', client: remote }, message);
    } else {
      this.#note('error', { who: 'PUBLISH', action: 'ERROR', path: channel.name, client: remote }, message);
    }
  }

  #deny(who: 'PUBLISH' | 'PLAY', denied: Denied, peer: FlvViewer): Refusal | Promise<Refusal> {
    const { reason, isGuess } = denied;
    this.#noteDenied(who, denied, peer);
    const refusal = refuse('denied', reason);
    const delay = isGuess ? this.#guesses.delay(peer.client, performance.now()) : 0;
    return delay === 0 ? refusal : sleep(delay, refusal);
  }

  #noteDenied(who: 'PUBLISH' | 'PLAY', { action, path, reason }: Denied, { remote }: FlvViewer): void {
    this.#note('warn', { who, action, path, client: remote }, reason);
  }

  #notFound(path: string, { remote }: FlvViewer): void {
    this.#note('warn', { who: 'PLAY', action: 'NOTFOUND', path, client: remote });
  }

  #note(level: 'debug' | 'info' | 'warn' | 'error', deed: Deed, message = ''): void {
    this.#journal.client(level, { ...deed, path: withoutSecrets(deed.path, this.#rules) }, message);
  }

  #peerOf(connection: ServerConnection): Peer {
    const peer = this.#peers.get(connection);
    if (peer === undefined) throw new Error('a connection that was not accepted here');
    return peer;
  }

  #tick(now: number): void {
    for (const [connection, end] of this.#playing) if (connection.state !== 'playing') end();
    for (const player of this.#flvPlayers.values()) player.check(now, DEFAULT_LIMITS.writeStallMs);
    for (const { isLive, openedAt, name, publisher, peer } of this.#channels) {
      if (isLive || now - openedAt < PROBE_TIMEOUT) continue;
      const deed = { who: 'PUBLISH', action: 'INVALID', path: name, client: peer.remote } as const;
      this.#note('warn', deed, 'no streams available');
      publisher.close('no streams available');
    }
    this.#traffic.sample();
  }
}

/** Whether a player was cut off. Those that leave in the middle of the stream reset the connection, as most do. */
function isFailure({ code, message }: CloseReason): boolean {
  return !PEACEFUL.has(code) && message !== 'ECONNRESET' && message !== 'EPIPE';
}
