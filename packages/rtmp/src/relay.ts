import { EventEmitter } from 'node:events';
import { type AmfValue, serializeAmf0 } from './amf0.ts';
import { Batch, type RelayMessage, relayMessage } from './batch.ts';
import { parseValues } from './commands.ts';
import { ProtocolError } from './errors.ts';
import { splitAggregate } from './flv.ts';
import { GopCache, type GopLimits } from './gop-cache.ts';
import { type MediaInfo, type MediaKind, classifyAudio, classifyVideo, parseAacConfig } from './media.ts';
import { type Message, MessageType } from './message.ts';
import { type Metadata, type Track, acceptMetadata, serializeMetadata } from './metadata.ts';
import { Meter } from './meter.ts';
import { avcDimensions } from './sps.ts';
import { type LagLimits, type Sink, Subscription } from './subscription.ts';
import { Timeline } from './timeline.ts';

export interface RelayOptions extends GopLimits, LagLimits {
  /** For how long messages may be gathered to be sent together, in milliseconds; 0 sends at once. */
  gatherMs: number;
  /** With fewer subscribers, messages are always sent at once. */
  gatherFrom: number;
}

export const DEFAULT_RELAY_OPTIONS: RelayOptions = {
  gopBytes: 32 * 1024 * 1024,
  gopMs: 20_000,
  audioMs: 1_000,
  lagBytes: 2 * 1024 * 1024,
  lagMs: 3_000,
  audioLagBytes: 4 * 1024 * 1024,
  recoverBytes: 256 * 1024,
  gatherMs: 80,
  gatherFrom: 16,
};
/** So much is worth a system call of its own. */
const GATHER_BYTES = 65_536;

/** Without a frame of video for so long, a stream with sound has no picture to wait for; on the stream's timeline. */
const PICTURE_GONE_MS = 5_000;
/** What a publisher puts before data that is for the players. */
const SET_DATA_FRAME = serializeAmf0(['@setDataFrame']);
/** Headers kept at a time: tracks and variants of a stream with many tracks. */
const MAX_HEADERS = 64;

interface RelayEvents {
  /** A track showed itself, or changed what it is. */
  track: [Track];
  /** The stream is over; the text says why. */
  closed: [reason: string];
}

/**
 * Gives one publisher's stream to any number of subscribers.
 *
 * Messages are taken with {@link push} and go out with {@link flush}, so that what came together leaves together.
 */
export class Relay extends EventEmitter<RelayEvents> {
  readonly #options: RelayOptions;
  readonly #timeline = new Timeline();
  readonly #gop: GopCache;
  readonly #meter = new Meter();
  readonly #subscriptions = new Set<Subscription>();
  readonly #tracks = new Map<string, Track>();
  /** By kind, tracks and variant. */
  readonly #headers = new Map<string, RelayMessage>();
  /** What a player gets before the frames; replaced, never changed. */
  #start: readonly RelayMessage[] = [];
  #metadata: Metadata | undefined;
  #pending: RelayMessage[] = [];
  #pendingBytes = 0;
  #gathering: NodeJS.Timeout | undefined;
  #lastVideo: number | undefined;
  #lastKeyFrame: number | undefined;
  #gopLength: number | undefined;
  #isClosed = false;

  constructor(options: Partial<RelayOptions> = {}) {
    super();
    this.#options = { ...DEFAULT_RELAY_OPTIONS, ...options };
    this.#gop = new GopCache(this.#options);
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  get tracks(): Track[] {
    return [...this.#tracks.values()];
  }

  get metadata(): Metadata | undefined {
    return this.#metadata;
  }

  get subscribers(): ReadonlySet<Subscription> {
    return this.#subscriptions;
  }

  /** Bytes of audio, video and data that the publisher sent. */
  get bytesReceived(): number {
    return this.#meter.total;
  }

  /** Audio and video messages that the publisher sent. */
  get frames(): number {
    return this.#meter.count;
  }

  /** Bit/s that come in, over the last seconds; 0 if nothing does. */
  get bitrate(): number {
    return this.#meter.bytesPerSecond(performance.now()) * 8;
  }

  /** Bytes in a second of stream. */
  get bytesPerSecond(): number {
    return this.#meter.lastBytesPerSecond;
  }

  /** Milliseconds between the last two key frames; undefined before the second. */
  get gopLength(): number | undefined {
    return this.#gopLength;
  }

  /** Bytes kept for subscribers to come. */
  get cachedBytes(): number {
    return this.#gop.bytes;
  }

  /** Whether there is sound, and no picture to wait for. */
  get isAudioOnly(): boolean {
    return this.#lastVideo === undefined || this.#timeline.current - this.#lastVideo > PICTURE_GONE_MS;
  }

  /**
   * Takes an audio, video, data or aggregate message of the publisher; others, and what cannot be understood, are ignored.
   *
   * @param now - a monotonic clock, in milliseconds
   */
  push(message: Message, now = performance.now()): void {
    if (this.#isClosed) return;
    switch (message.type) {
      case MessageType.audio:
        this.#pushMedia('audio', message, now);
        break;
      case MessageType.video:
        this.#pushMedia('video', message, now);
        break;
      case MessageType.data:
      case MessageType.dataAmf3:
        this.#pushData(message);
        break;
      case MessageType.aggregate:
        for (const part of splitAggregate(message)) this.push(part, now);
        break;
    }
  }

  /**
   * Sends what was pushed to all subscribers; to be called when no more is at hand.
   *
   * With many subscribers it waits a moment for more, since what a message costs is the system calls.
   */
  flush(): void {
    const { gatherMs, gatherFrom } = this.#options;
    if (gatherMs === 0 || this.#subscriptions.size < gatherFrom || this.#pendingBytes >= GATHER_BYTES) {
      this.#deliver();
    } else if (this.#pending.length > 0) {
      this.#gathering ??= setTimeout(() => {
        this.#deliver();
      }, gatherMs);
    }
  }

  #deliver(): void {
    clearTimeout(this.#gathering);
    this.#gathering = undefined;
    if (this.#pending.length === 0) return;
    const batch = new Batch(this.#pending);
    this.#pending = [];
    this.#pendingBytes = 0;
    for (const subscription of this.#subscriptions) subscription.deliver(batch, this);
  }

  /** Lets a sink take part from the last key frame on. */
  subscribe(sink: Sink): Subscription {
    // What waits is in the cache too.
    this.#deliver();
    const subscription = new Subscription(sink, this.#options, (closed) =>
      this.#subscriptions.delete(closed),
    );
    if (this.#isClosed) {
      sink.relayClosed('closed');
      return subscription;
    }
    this.#subscriptions.add(subscription);
    const isReady = this.#gop.hasKeyFrame || this.isAudioOnly;
    const frames = isReady ? this.#gop.messages : [];
    const start = frames.length > 0 ? this.#gop.headers : this.#start;
    const metadata = this.#metadataMessage();
    subscription.begin(metadata ? [metadata, ...start] : start, frames);
    return subscription;
  }

  /** Ends the stream: subscribers get what there is and are told. */
  close(reason: string): void {
    if (this.#isClosed) return;
    this.#deliver();
    this.#isClosed = true;
    const subscriptions = [...this.#subscriptions];
    this.#subscriptions.clear();
    this.#gop.clear();
    for (const { sink } of subscriptions) sink.relayClosed(reason);
    this.emit('closed', reason);
  }

  #pushMedia(kind: MediaKind, { body, timestamp }: Message, now: number): void {
    this.#meter.add(body.length, now);
    const info = kind === 'video' ? classifyVideo(body) : classifyAudio(body);
    if (!info) return;
    if (info.role === 'header') {
      this.#noteTracks(kind, info, body);
      this.#pushHeader(kind, info, body);
      return;
    }
    const time = this.#timeline.advance(timestamp, now);
    this.#noteTracks(kind, info);
    if (kind === 'video') {
      this.#lastVideo = time;
      if (info.role === 'key') {
        const length = time - (this.#lastKeyFrame ?? time);
        if (length > 0) this.#gopLength = length;
        this.#lastKeyFrame = time;
      }
    }
    this.#add(relayMessage(kind, info.role, time, body));
  }

  #pushHeader(kind: MediaKind, info: MediaInfo, body: Buffer): void {
    const key = `${kind} ${info.tracks} ${info.variant}`;
    // Some encoders repeat them with each key frame.
    if (this.#headers.get(key)?.body.equals(body)) return;
    if (!this.#headers.has(key) && this.#headers.size >= MAX_HEADERS) return;
    const header = relayMessage(kind, 'header', this.#timeline.current, Buffer.from(body));
    this.#add(header);
    this.#headers.set(key, header);
    const headers = [...this.#headers.values()];
    this.#start = [
      ...headers.filter((one) => one.kind === 'video'),
      ...headers.filter((one) => one.kind === 'audio'),
    ];
  }

  #pushData(message: Message): void {
    this.#meter.add(message.body.length, performance.now(), 0);
    const values = tryParse(message);
    if (!values) return;
    const [first, ...rest] = values;
    if (first === '@clearDataFrame') {
      if (rest[0] === 'onMetaData') this.#metadata = undefined;
      return;
    }
    const [name, value] = first === '@setDataFrame' ? rest : values;
    if (name === 'onMetaData') {
      const metadata = acceptMetadata(value);
      if (!metadata) return;
      this.#metadata = metadata;
      const changed = this.#metadataMessage();
      if (changed) this.#enqueue(changed);
    } else if (typeof name === 'string') {
      this.#add(relayMessage('data', 'frame', this.#timeline.current, dataToSend(message)));
    }
  }

  #add(message: RelayMessage): void {
    this.#gop.add(message, this.#start);
    this.#enqueue(message);
  }

  #enqueue(message: RelayMessage): void {
    if (this.#subscriptions.size === 0) return;
    this.#pending.push(message);
    this.#pendingBytes += message.body.length;
  }

  #metadataMessage(): RelayMessage | undefined {
    if (!this.#metadata && this.#tracks.size === 0) return undefined;
    const body = serializeMetadata(this.#metadata, this.#tracks.values());
    return relayMessage('data', 'header', this.#timeline.current, body);
  }

  #noteTracks(kind: MediaKind, info: MediaInfo, header?: Buffer): void {
    if (info.tracks === '0') {
      this.#noteTrack(kind, 0, info, header);
    } else {
      for (const id of info.tracks.split(',')) this.#noteTrack(kind, Number(id), info, undefined);
    }
  }

  #noteTrack(kind: MediaKind, id: number, info: MediaInfo, header: Buffer | undefined): void {
    const key = kind === 'video' ? id : 256 + id;
    const known = this.#tracks.get(String(key));
    const isKnown = known?.codec === info.codec && known.codecId === info.codecId;
    const details = header && info.variant === 'config' ? describe(kind, info, header) : {};
    if (isKnown && Object.entries(details).every(([name, value]) => known[name as keyof Track] === value))
      return;
    const track: Track = {
      ...(isKnown ? known : {}),
      kind,
      codec: info.codec,
      codecId: info.codecId,
      id,
      ...details,
    };
    this.#tracks.set(String(key), track);
    this.emit('track', track);
  }
}

/** What a sequence header tells about its track, as far as it is read. */
function describe(kind: MediaKind, info: MediaInfo, header: Buffer): Partial<Track> {
  if (kind === 'audio' && info.codec === 'AAC') return parseAacConfig(header, info.isEnhanced ? 5 : 2) ?? {};
  if (kind === 'video' && info.codec === 'H264') return avcDimensions(header.subarray(5)) ?? {};
  return {};
}

/** A data message as players get it: in AMF0, and without what only the server is told. */
function dataToSend({ type, body }: Message): Buffer {
  const isAmf3 = type === MessageType.dataAmf3 && body[0] === 0;
  const values = isAmf3 ? body.subarray(1) : body;
  const isSet = values.subarray(0, SET_DATA_FRAME.length).equals(SET_DATA_FRAME);
  return isSet ? values.subarray(SET_DATA_FRAME.length) : values;
}

/** A data message that cannot be read is not worth the stream. */
function tryParse(message: Message): AmfValue[] | undefined {
  try {
    return parseValues(message);
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}
