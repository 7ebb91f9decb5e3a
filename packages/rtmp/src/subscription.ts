import { Batch, type Encoded, type Encoder, type RelayMessage } from './batch.ts';

/** Takes what a relay gives to one subscriber. Several protocols can subscribe to the same relay. */
export interface Sink {
  readonly encoder: Encoder;
  /** Bytes that were sent to it and that its network has not taken. */
  readonly backlog: number;
  /** Takes the bytes without waiting. They are shared: they must not be changed. */
  send(encoded: Encoded): void;
  /** Nothing comes any more. */
  relayClosed(reason: string): void;
}

/** When a subscriber is too slow, by the bytes that wait for it. */
export interface LagLimits {
  /** From here on it gets no video until it has caught up and a key frame comes. */
  lagBytes: number;
  /** The same as a duration of the stream, in milliseconds. */
  lagMs: number;
  /** From here on it gets no audio either. */
  audioLagBytes: number;
  /** It has caught up below. */
  recoverBytes: number;
}

/** What the relay knows about its stream. */
export interface StreamState {
  /** Whether there is no picture to wait for. */
  readonly isAudioOnly: boolean;
  /** Bytes in a second of stream. */
  readonly bytesPerSecond: number;
}

/** One subscriber's way through a stream: where it begins, and what it gets when it is slow. */
export class Subscription {
  readonly sink: Sink;
  readonly #limits: LagLimits;
  readonly #onClose: (subscription: Subscription) => void;
  /** The time of the first frame, which is 0 for the subscriber; undefined before it. */
  #base: number | undefined;
  /** Whether video is left out up to the next key frame. */
  #needsKeyFrame = true;
  #isLagging = false;
  #isPaused = false;
  /** What the first burst added to the backlog and may stay there until the subscriber has caught up once. */
  #burst = 0;
  #dropped = 0;

  constructor(sink: Sink, limits: LagLimits, onClose: (subscription: Subscription) => void) {
    this.sink = sink;
    this.#limits = limits;
    this.#onClose = onClose;
  }

  /** Frames that were left out because the subscriber was too slow. */
  get droppedFrames(): number {
    return this.#dropped;
  }

  get isLagging(): boolean {
    return this.#isLagging;
  }

  /** Stops the frames, or lets them come again, with the next key frame first. */
  set isPaused(isPaused: boolean) {
    this.#isPaused = isPaused;
    if (isPaused) this.#needsKeyFrame = true;
  }

  /** Ends the subscription from the subscriber's side. */
  close(): void {
    this.#onClose(this);
  }

  /** Sends the start: headers, and the frames that the relay kept, unless much waits for the subscriber already. */
  begin(headers: readonly RelayMessage[], kept: readonly RelayMessage[]): void {
    // Who takes nothing gets no more of it by asking again.
    const frames = this.sink.backlog > this.#limits.lagBytes ? [] : kept;
    const first = frames[0];
    if (first) {
      this.#base = first.time;
      this.#needsKeyFrame = first.role !== 'key';
    }
    // Their time is 0, also if it lies after that of the first frame.
    const start = headers.map((header) => ({ ...header, time: -Infinity }));
    this.#send(new Batch([...start, ...frames]), this.#base);
    this.#burst = this.sink.backlog;
  }

  /** Sends what a publisher just sent, or what of it a slow or new subscriber gets. */
  deliver(batch: Batch, stream: StreamState): void {
    const { backlog } = this.sink;
    if (backlog < this.#limits.recoverBytes) this.#burst = 0;
    if (!this.#isLagging && backlog > this.#allowedBacklog(stream)) {
      this.#isLagging = true;
      this.#needsKeyFrame = true;
    }
    const getsSoundOnly = stream.isAudioOnly && !batch.hasVideo && !this.#isLagging && !this.#isPaused;
    if (this.#base !== undefined && (!this.#needsKeyFrame || getsSoundOnly)) {
      this.#send(batch, this.#base);
    } else {
      this.#send(
        new Batch(batch.messages.filter((message) => this.#admits(message, backlog, stream))),
        this.#base,
      );
    }
  }

  #allowedBacklog({ bytesPerSecond }: StreamState): number {
    const { lagBytes, lagMs, recoverBytes } = this.#limits;
    if (this.#burst > 0) return this.#burst + lagBytes;
    return Math.min(lagBytes, Math.max(2 * recoverBytes, (bytesPerSecond * lagMs) / 1000));
  }

  /** Whether a subscriber that waits for a key frame gets a message. */
  #admits(message: RelayMessage, backlog: number, stream: StreamState): boolean {
    if (message.kind === 'data' || message.role === 'header') return backlog <= this.#limits.audioLagBytes;
    if (!this.#needsKeyFrame) return true;
    const isStart = message.role === 'key' && (!this.#isLagging || backlog < this.#limits.recoverBytes);
    if (!this.#isPaused && isStart) {
      this.#base ??= message.time;
      this.#needsKeyFrame = false;
      this.#isLagging = false;
      return true;
    }
    if (!this.#isPaused && message.kind === 'audio' && backlog <= this.#limits.audioLagBytes) {
      if (this.#base !== undefined || stream.isAudioOnly) {
        this.#base ??= message.time;
        if (stream.isAudioOnly && backlog < this.#limits.recoverBytes) this.#isLagging = false;
        return true;
      }
    }
    if (this.#isLagging) this.#dropped++;
    return false;
  }

  /** All that comes before the first frame is at time 0. */
  #send(batch: Batch, base = Infinity): void {
    if (batch.messages.length > 0) this.sink.send(batch.encode(this.sink.encoder, base));
  }
}
