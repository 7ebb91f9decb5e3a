import { once } from 'node:events';
import { type ClientConnection, type Message, MessageType, openClient, serializeAmf0 } from '@millrace/rtmp';
import { expect, onTestFinished, vi } from 'vitest';

import { SOON } from './process-server.ts';

const TLS = { rejectUnauthorized: false };
/** It is the server that is to lose its patience. */
const PATIENT = { idleMs: 60_000, writeStallMs: 60_000 };
/** What servers look at of H.264: whether it is a header, and whether a frame is a key frame. */
const HEADER = Buffer.from('170000000001640028ffe1', 'hex');
const KEY = Buffer.from('1701000000', 'hex');
const INTER = Buffer.from('2701000000', 'hex');
const FRAME_MS = 40;

/** A client that says and does what a test wants, and ends with it. */
abstract class TestClient {
  readonly connection: ClientConnection;
  /** Codes of what the server told after it let us. */
  readonly statuses: string[] = [];
  readonly closed: Promise<unknown>;
  readonly #name: string;

  constructor(url: string) {
    const { connection, name } = openClient(url, { tls: TLS, limits: PATIENT });
    this.connection = connection;
    this.#name = name;
    connection.on('status', ({ code }) => this.statuses.push(code));
    this.closed = once(connection, 'closed');
    onTestFinished(() => {
      connection.destroy();
    });
  }

  /** Rejects with the code of the server's refusal, as `NetStream.Play.Failed`. */
  abstract open(): Promise<void>;

  protected get name(): string {
    return this.#name;
  }
}

/** Publishes what looks like H.264: bytes that nobody can decode, with the headers in front that matter. */
export class TestPublisher extends TestClient {
  #timer: NodeJS.Timeout | undefined;
  #frames = 0;

  open(): Promise<void> {
    return this.connection.publish(this.name);
  }

  /** Sends metadata, the header and a key frame. */
  begin(bytes = 1000, header = HEADER): void {
    const body = serializeAmf0(['@setDataFrame', 'onMetaData', { videocodecid: 7, width: 160, height: 120 }]);
    this.connection.send({ type: MessageType.data, timestamp: 0, body });
    this.video(header);
    this.frame(bytes, true);
  }

  frame(bytes = 1000, isKey = false): void {
    this.video(Buffer.concat([isKey ? KEY : INTER, Buffer.alloc(bytes, this.#frames)]));
    this.#frames++;
  }

  video(body: Buffer): void {
    this.connection.send({ type: MessageType.video, timestamp: this.#frames * FRAME_MS, body });
  }

  /** Sends frames in real time, a key frame first and each second, until the client ends. */
  run(bytes = 1000): void {
    this.begin(bytes);
    this.#timer = setInterval(() => {
      this.frame(bytes, this.#frames % 25 === 0);
    }, FRAME_MS);
    this.connection.once('closed', () => {
      clearInterval(this.#timer);
    });
  }
}

/** Plays, and keeps what comes. */
export class TestPlayer extends TestClient {
  readonly messages: Message[] = [];

  open(): Promise<void> {
    this.connection.on('media', (message) => this.messages.push(message));
    return this.connection.play(this.name);
  }

  get frames(): Message[] {
    return this.messages.filter(({ type }) => type === MessageType.video || type === MessageType.audio);
  }

  async untilFrames(count: number): Promise<void> {
    await vi.waitFor(() => {
      expect(this.frames.length).toBeGreaterThanOrEqual(count);
    }, SOON);
  }
}

/** Lets a client publish in real time. */
export async function publish(url: string, bytes?: number): Promise<TestPublisher> {
  const publisher = new TestPublisher(url);
  await publisher.open();
  publisher.run(bytes);
  return publisher;
}

export async function play(url: string): Promise<TestPlayer> {
  const player = new TestPlayer(url);
  await player.open();
  return player;
}

/** The code with which the server refuses a client; empty if it does not. */
export async function refusal(client: TestClient): Promise<string> {
  try {
    await client.open();
    return '';
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}
