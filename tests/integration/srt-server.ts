import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import type { SrtChannels } from '@millrace/api';
import { type ConnectOptions, type Connection, RejectionError, connect } from '@millrace/srt';
import { afterAll, expect, onTestFinished, vi } from 'vitest';
import { freeUdpPort } from '../support/ports.ts';
import { startServer } from '../support/server.ts';
import { FFMPEG, ProcessClient, SOON } from './process-server.ts';
import { Peer, SRT_LIVE_TRANSMIT } from './srt-peer.ts';

export const TS_PACKET = 188;

/** A server that serves SRT, and ends with the test. */
export class SrtClient extends ProcessClient {
  readonly port: number;

  private constructor(server: ConstructorParameters<typeof ProcessClient>[0], port: number) {
    super(server);
    this.port = port;
  }

  /** @param at of the server, if it is not to be any that is free. */
  static async open(env: Record<string, string | undefined> = {}, at?: number): Promise<SrtClient> {
    const port = at ?? (await freeUdpPort());
    const server = await startServer({
      env: {
        CORE_SRT_ENABLE: 'true',
        CORE_SRT_ADDRESS: `127.0.0.1:${port}`,
        CORE_SESSIONS_IP_IGNORELIST: '',
        ...env,
      },
    });
    onTestFinished(() => server.close());
    return new SrtClient(server, port);
  }

  async status(): Promise<SrtChannels> {
    const { status, body } = await this.call('GET', '/srt');
    expect(status).toBe(200);
    return body as SrtChannels;
  }

  /** Waits for a state of the listing. */
  async untilStatus(isReached: (status: SrtChannels) => void): Promise<SrtChannels> {
    return vi.waitFor(async () => {
      const status = await this.status();
      isReached(status);
      return status;
    }, SOON);
  }

  async untilPublished(name: string): Promise<void> {
    await this.untilStatus(({ publisher }) => {
      expect(publisher).toHaveProperty([name]);
    });
  }

  /** What the SRT server has logged, without time and addresses. */
  logged(): string[] {
    return this.server
      .log()
      .split('\n')
      .filter((line) => line.includes('component="SRT"') && line.includes('handler='))
      .map((line) => {
        const field = (name: string) => new RegExp(` ${name}="((?:[^"\\\\]|\\\\.)*)"`).exec(line)?.[1] ?? '';
        return [field('handler'), field('status'), field('resource'), field('msg')].join(' ').trimEnd();
      });
  }

  /** Calls the server as a program with our own library would. */
  async connect(streamId: string, options: Partial<ConnectOptions> = {}): Promise<Connection> {
    const connection = await connect({ host: '127.0.0.1', port: this.port, streamId, ...options });
    onTestFinished(() => {
      connection.close();
    });
    return connection;
  }

  /** The code with which the server refuses, or `accepted`. */
  async answer(streamId: string, options: Partial<ConnectOptions> = {}): Promise<number | 'accepted'> {
    try {
      (await this.connect(streamId, options)).close();
      return 'accepted';
    } catch (error) {
      if (error instanceof RejectionError) return error.code;
      throw error;
    }
  }

  address(streamId: string, parameters = ''): string {
    return `srt://127.0.0.1:${this.port}?streamid=${streamId}${parameters}`;
  }

  /** libsrt's tool as a player, which does not come back; the stream is its output. */
  play(streamId: string, parameters = ''): Peer {
    const address = this.address(streamId, parameters);
    return new Peer(SRT_LIVE_TRANSMIT ?? '', ['-a:no', '-q', address, 'file://con']);
  }

  /** Waits until something has been logged so often. */
  async untilLogged(line: string, times = 1): Promise<void> {
    await expect.poll(() => this.logged().filter((logged) => logged === line)).toHaveLength(times);
  }

  /** FFmpeg as a publisher, in real time. */
  async publish(streamId: string, parameters = '&pkt_size=1316'): Promise<Peer> {
    return new Peer(FFMPEG, [
      ...['-v', 'error', '-re', '-stream_loop', '-1', '-i', await sample(), '-c', 'copy', '-f', 'mpegts'],
      this.address(streamId, parameters),
    ]);
  }
}

let made: Promise<string> | undefined;

afterAll(async () => {
  if (made !== undefined) await rm(path.dirname(await made), { recursive: true });
});

/** Ten seconds of a transport stream with a key frame each second. Made once a test file. */
export function sample(): Promise<string> {
  return (made ??= makeSample());
}

async function makeSample(): Promise<string> {
  const file = path.join(await mkdtemp(path.join(tmpdir(), 'millrace-srt-')), 'sample.ts');
  await run(FFMPEG, [
    ...['-v', 'error', '-f', 'lavfi', '-i', 'testsrc=size=64x64:rate=25', '-f', 'lavfi', '-i', 'sine'],
    ...['-t', '10', '-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-g', '25'],
    ...['-pix_fmt', 'yuv420p', '-c:a', 'aac', '-f', 'mpegts', file],
  ]);
  return file;
}

export const run = promisify(execFile);

/** PIDs of the packets of a transport stream; fails if it is none. */
export function pids(stream: Buffer): number[] {
  const found: number[] = [];
  for (let at = 0; at + TS_PACKET <= stream.length; at += TS_PACKET) {
    expect(stream[at]).toBe(0x47);
    found.push(stream.readUInt16BE(at + 1) & 0x1fff);
  }
  return found;
}
