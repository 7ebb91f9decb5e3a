import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { onTestFinished } from 'vitest';
import { findProgram } from '../../scripts/setup.mjs';
import {
  type Connection,
  Listener,
  type ListenerOptions,
  type RequestHandler,
} from '../../packages/srt/src/index.ts';

/** libsrt's own program; undefined where the machine has none. */
export const SRT_LIVE_TRANSMIT = findProgram('srt-live-transmit');

/** A listener on a free port of the loopback that ends with the test. */
export async function startListener(
  handler: RequestHandler,
  options: ListenerOptions = {},
  address = '127.0.0.1',
): Promise<{ listener: Listener; port: number }> {
  const listener = new Listener(handler, options);
  listener.on('fault', (error) => {
    throw error;
  });
  const { port } = await listener.bind({ address, port: 0, receiveBufferBytes: 4 * 1024 * 1024 });
  onTestFinished(() => listener.close());
  return { listener, port };
}

/** Gathers what a connection receives. */
export class Recording {
  readonly #parts: Buffer[] = [];
  bytes = 0;

  constructor(connection: Connection) {
    connection.on('payload', (payload) => {
      this.#parts.push(payload);
      this.bytes += payload.length;
    });
  }

  content(): Buffer {
    return Buffer.concat(this.#parts);
  }
}

/** A program that ends with the test, at the latest, with what it wrote to its output and its errors. */
export class Peer {
  readonly process: ChildProcess;
  readonly ended: Promise<number | null>;
  readonly #output: Buffer[] = [];
  outputBytes = 0;
  errors = '';

  constructor(program: string, args: readonly string[]) {
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    child.stdout.on('data', (data: Buffer) => {
      this.#output.push(data);
      this.outputBytes += data.length;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.errors += text));
    // A peer that ended takes no more input.
    child.stdin.on('error', () => undefined);
    this.process = child;
    this.ended = once(child, 'close').then(([code]: unknown[]) => code as number | null);
    onTestFinished(async () => {
      child.kill('SIGKILL');
      await this.ended;
    });
  }

  output(): Buffer {
    return Buffer.concat(this.#output);
  }
}

/** So many MPEG-TS packets of which each tells its number. */
export function transportPackets(count: number): Buffer {
  const stream = Buffer.alloc(count * 188);
  for (let index = 0; index < count; index++) {
    stream.fill(index & 0xff, index * 188, (index + 1) * 188);
    stream.writeUInt32BE(0x471fff10 + (index & 15), index * 188);
    stream.writeUInt32BE(index, index * 188 + 4);
  }
  return stream;
}

/** Sends a stream in payloads of a size at a bitrate; resolves when the last was submitted. */
export function sendPaced(
  connection: Connection,
  stream: Buffer,
  { payload = 1316, bitrate = 5_000_000 } = {},
): Promise<void> {
  const startedAt = performance.now();
  let sent = 0;
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      const due = Math.min(stream.length, ((performance.now() - startedAt) * bitrate) / 8000);
      while (sent < due && connection.closeReason === undefined) {
        connection.send(stream.subarray(sent, (sent += payload)));
      }
      if (sent < stream.length && connection.closeReason === undefined) return;
      clearInterval(timer);
      resolve();
    }, 5);
  });
}
