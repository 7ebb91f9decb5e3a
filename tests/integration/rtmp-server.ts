import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { RtmpChannel, SessionsActive } from '@millrace/api';
import { expect, onTestFinished, vi } from 'vitest';
import { h264 } from '../support/encoding.ts';
import { freePort } from '../support/ports.ts';
import { type TestServer, startServer } from '../support/server.ts';
import { FFMPEG, SOON } from './process-server.ts';

/** A small picture that changes, with a key frame each second. */
const VIDEO = ['-re', '-f', 'lavfi', '-i', 'testsrc2=size=160x120:rate=25'];
const AUDIO = ['-re', '-f', 'lavfi', '-i', 'sine=sample_rate=44100'];
const H264 = [...h264(25), '-pix_fmt', 'yuv420p'];
const AAC = ['-c:a', 'aac', '-b:a', '64k', '-ac', '2'];

/** What a test publishes. */
export const SOURCES = {
  both: [...VIDEO, ...AUDIO, ...H264, ...AAC, '-threads', '1'],
  video: [...VIDEO, ...H264, '-threads', '1'],
  audio: [...AUDIO, ...AAC],
  mp3: [...VIDEO, ...AUDIO, ...H264, '-c:a', 'libmp3lame', '-ar', '44100', '-threads', '1'],
} as const satisfies Record<string, readonly string[]>;

/** A server with RTMP on a port of its own. */
export class RtmpTestServer {
  readonly server: TestServer;
  readonly port: number;

  private constructor(server: TestServer, port: number) {
    this.server = server;
    this.port = port;
  }

  /** Starts one that ends with the test. */
  static async forTest(env: Record<string, string> = {}): Promise<RtmpTestServer> {
    const port = await freePort();
    const server = await startServer({
      env: {
        CORE_RTMP_ENABLE: 'true',
        CORE_RTMP_ADDRESS: `127.0.0.1:${port}`,
        CORE_RTMP_APP: '/live',
        CORE_SESSIONS_IP_IGNORELIST: '',
        CORE_LOG_LEVEL: 'debug',
        ...env,
      },
    });
    onTestFinished(() => server.close());
    return new RtmpTestServer(server, port);
  }

  url(path: string): string {
    return `rtmp://127.0.0.1:${this.port}${path}`;
  }

  /** Lets FFmpeg publish, until the test ends. */
  publish(path: string, source: readonly string[] = SOURCES.both): Publisher {
    return new Publisher(this.url(path), source);
  }

  /** Lets FFmpeg publish, and waits until the stream is listed. */
  async published(path: string, source?: readonly string[], name = path): Promise<Publisher> {
    const publisher = this.publish(path, source);
    await this.untilListed(name);
    return publisher;
  }

  async channels(): Promise<RtmpChannel[]> {
    const { status, body } = await this.server.api('GET', '/v3/rtmp');
    expect(status).toBe(200);
    return body as RtmpChannel[];
  }

  async names(): Promise<string[]> {
    return (await this.channels()).map(({ name }) => name);
  }

  async untilListed(...names: string[]): Promise<void> {
    await vi.waitFor(async () => {
      expect(await this.names()).toEqual(expect.arrayContaining(names));
    }, SOON);
  }

  async untilNames(...names: string[]): Promise<void> {
    await vi.waitFor(async () => {
      expect(await this.names()).toEqual(names);
    }, SOON);
  }

  async channel(name: string): Promise<RtmpChannel | undefined> {
    return (await this.channels()).find((channel) => channel.name === name);
  }

  async sessions() {
    const { body } = await this.server.api('GET', '/v3/session/active?collectors=rtmp');
    return (body as SessionsActive)['rtmp'] ?? [];
  }

  /** The lines of the RTMP server in the log, from the fields on. */
  lines(): string[] {
    return this.server
      .log()
      .split('\n')
      .filter((line) => line.includes('component="RTMP'));
  }

  async untilLogged(pattern: RegExp): Promise<void> {
    await vi.waitFor(() => {
      expect(this.lines().join('\n')).toMatch(pattern);
    }, SOON);
  }
}

/** An FFmpeg that publishes, until the test ends. */
export class Publisher {
  readonly child: ChildProcess;
  readonly exited: Promise<number | null>;
  stderr = '';

  constructor(url: string, source: readonly string[]) {
    this.child = spawn(FFMPEG, [
      '-nostdin',
      '-hide_banner',
      '-loglevel',
      'error',
      ...source,
      '-f',
      'flv',
      url,
    ]);
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    this.exited = once(this.child, 'close').then(([code]) => code as number | null);
    onTestFinished(async () => {
      this.child.kill('SIGKILL');
      await this.exited;
    });
  }

  /** Ends as a user ends it: with a goodbye. */
  async stop(): Promise<void> {
    this.child.kill('SIGINT');
    await this.exited;
  }
}

/** A stream as FFprobe sees it. */
export interface Probed {
  streams: {
    codec_name: string;
    codec_type: string;
    width?: number;
    sample_rate?: string;
    channels?: number;
  }[];
  packets: { codec_type: string; pts_time?: string; dts_time?: string; flags: string; size: string }[];
}

/** Plays for a while and tells what came. Rejects if nothing can be played. */
export async function probe(url: string, seconds = 1, options: readonly string[] = []): Promise<Probed> {
  // By itself it would wait for a second track for five seconds of stream.
  const args = [
    '-v',
    'error',
    '-analyzeduration',
    '1000000',
    ...options,
    '-show_streams',
    '-show_packets',
    '-of',
    'json',
  ];
  const text = await run(FFMPEG.replace(/ffmpeg$/, 'ffprobe'), [
    ...args,
    '-read_intervals',
    `%+${seconds}`,
    url,
  ]);
  return JSON.parse(text) as Probed;
}

/** Runs a program, and resolves with what it wrote; rejects with what it complained about. */
export async function run(program: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      program,
      args,
      { timeout: 30_000, maxBuffer: 64 * 1024 * 1024 },
      (error, out, err) => {
        if (error) reject(new Error(`${program} failed: ${err}`));
        else resolve(out);
      },
    );
    onTestFinished(() => {
      child.kill('SIGKILL');
    });
  });
}
