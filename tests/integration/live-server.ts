import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { ConfigStatus, ProcessState } from '@millrace/api';
import { expect, onTestFinished, vi } from 'vitest';
import { App } from '../../packages/server/src/app.ts';
import { freePort } from '../support/ports.ts';
import { SOON } from './process-server.ts';

const USERNAME = 'admin';
const MEMORY = { username: 'mem', password: 'first' };

/** FFmpeg's test pictures, so small that they cost next to nothing. */
function pictures(source: string) {
  return [{ id: 'in', address: `${source}=size=64x64:rate=25`, options: ['-re', '-f', 'lavfi'] }];
}

const HLS = [
  '-c:v',
  'mpeg2video',
  '-g',
  '5',
  '-f',
  'hls',
  '-hls_time',
  '0.2',
  '-hls_flags',
  'delete_segments',
];

/** Writes HLS into the memory filesystem. */
const STREAM = {
  id: 'stream',
  reconnect: true,
  reconnect_delay_seconds: 1,
  input: pictures('testsrc'),
  output: [{ id: 'out', address: '{memfs}/stream.m3u8', options: [...HLS, '-method', 'PUT'] }],
};
/** Has nothing to do with the server. */
const ALONE = {
  id: 'alone',
  input: pictures('smptebars'),
  output: [{ id: 'out', address: '-', options: ['-f', 'null'] }],
};

/** A server whose settings are in its file, with processes and clients at work: what a reload must not disturb. */
export class LiveServer {
  readonly folder: string;
  readonly #lines: string[] = [];
  readonly #app: App;
  port = 0;
  token = '';

  private constructor(folder: string) {
    this.folder = folder;
    this.#app = new App({
      env: { PATH: process.env['PATH'], HOME: folder, CORE_CONFIGFILE: this.configFile },
      directory: folder,
      console: { write: (text) => this.#lines.push(text) },
    });
  }

  static async start(): Promise<LiveServer> {
    const server = new LiveServer(await mkdtemp(path.join(tmpdir(), 'millrace-live-')));
    try {
      await server.#start();
    } catch (error) {
      await server.close();
      throw error;
    }
    return server;
  }

  /** Starts one that ends with the test. */
  static async forTest(): Promise<LiveServer> {
    const server = await LiveServer.start();
    onTestFinished(() => server.close());
    return server;
  }

  async close(): Promise<void> {
    await this.#app.close();
    await rm(this.folder, { recursive: true });
  }

  async #start(): Promise<void> {
    this.port = await freePort();
    const config = {
      version: 3,
      address: `127.0.0.1:${this.port}`,
      db: { dir: path.join(this.folder, 'db') },
      update_check: false,
      api: { auth: { enable: true, username: USERNAME, password: 'first' } },
      storage: {
        disk: { dir: path.join(this.folder, 'data') },
        memory: { auth: { enable: true, ...MEMORY } },
      },
    };
    await writeFile(this.configFile, JSON.stringify(config));
    await this.#app.start();
    this.token = await this.login('first');
    for (const config of [STREAM, ALONE]) await this.create(config);
    await this.untilProgress('stream');
    await this.untilProgress('alone');
  }

  get configFile(): string {
    return path.join(this.folder, 'config.json');
  }

  log(): string {
    return this.#lines.join('');
  }

  async call(method: string, url: string, body?: object, token = this.token) {
    const response = await fetch(`http://127.0.0.1:${this.port}/api${url}`, {
      method,
      headers: {
        'content-type': 'application/json',
        connection: 'close',
        ...(token !== '' && { authorization: `Bearer ${token}` }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as unknown };
  }

  async login(password: string): Promise<string> {
    const { body } = await this.call('POST', '/login', { username: USERNAME, password }, '');
    return (body as { access_token: string }).access_token;
  }

  async create(config: object): Promise<void> {
    const { status, body } = await this.call('POST', '/v3/process', { autostart: true, ...config });
    expect([status, body]).toMatchObject([200, {}]);
  }

  async state(id: string): Promise<ProcessState> {
    return (await this.call('GET', `/v3/process/${id}/state`)).body as ProcessState;
  }

  /** Waits until FFmpeg gets further than it is. */
  async untilProgress(id: string): Promise<void> {
    const frames = async () => (await this.state(id)).progress.frame;
    const before = await frames();
    await vi.waitFor(async () => {
      expect(await frames()).toBeGreaterThan(before);
    }, SOON);
  }

  /** How often FFmpeg was started for the process. */
  starts(id: string): number {
    return this.#count(`msg="Started" id="${id}"`);
  }

  #count(text: string): number {
    return this.log().split(text).length - 1;
  }

  /** Changes the configuration through the API and moves to it; what becomes of that is in the answer. */
  async change(config: object): Promise<ConfigStatus['reload']> {
    const { status, body } = await this.call('PUT', '/v3/config', { version: 3, ...config });
    expect([status, body]).toEqual([200, 'OK']);
    return this.reload();
  }

  /** Moves to what is in the file. */
  async reload(): Promise<ConfigStatus['reload']> {
    const done = () => this.#count('msg="Config reloaded"') + this.#count('msg="Config not reloaded');
    const before = done();
    const { status, body } = await this.call('GET', '/v3/config/reload');
    expect([status, body]).toEqual([200, 'OK']);
    await vi.waitFor(() => {
      expect(done()).toBeGreaterThan(before);
    }, SOON);
    // Those that were asked for before may have been followed by one more.
    return vi.waitFor(async () => {
      const answer = await this.call('GET', '/v3/config/status');
      const reload = answer.status === 200 ? (answer.body as ConfigStatus).reload : null;
      expect(reload?.state).not.toBe('running');
      return reload;
    }, SOON);
  }

  /** Opens a connection for each kind of traffic, amid which a reload comes. */
  async connect(): Promise<Traffic> {
    const traffic = new Traffic(this.port);
    await traffic.begin();
    return traffic;
  }
}

const AUTHORIZATION = `Authorization: Basic ${Buffer.from(`${MEMORY.username}:${MEMORY.password}`).toString('base64')}`;
/** More than the buffers of a connection hold. */
const LARGE = Buffer.alloc(32 * 1024 * 1024, 'x');

/** Connections in the midst of something: one kept for more, a slow download and an upload. */
export class Traffic {
  readonly #kept: Peer;
  readonly #download: Peer;
  readonly #upload: Peer;

  constructor(port: number) {
    this.#kept = new Peer(port);
    this.#download = new Peer(port);
    this.#upload = new Peer(port);
  }

  async begin(): Promise<void> {
    this.#kept.send(
      `PUT /memfs/large HTTP/1.1\r\nHost: x\r\n${AUTHORIZATION}\r\nContent-Length: ${LARGE.length}\r\n\r\n`,
    );
    this.#kept.send(LARGE);
    await this.#kept.until(/HTTP\/1\.1 20\d /);
    this.#download.send('GET /memfs/large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    await this.#download.until(/HTTP\/1\.1 200 /);
    this.#download.socket.pause();
    this.#upload.send(
      `PUT /memfs/upload HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${AUTHORIZATION}\r\nContent-Length: 10\r\n\r\nfirst`,
    );
    if (this.#upload.socket.connecting) await once(this.#upload.socket, 'connect');
  }

  /** Ends what was begun, and fails unless all of it could go on. */
  async finish(): Promise<void> {
    this.#kept.send('GET /ping HTTP/1.1\r\nHost: x\r\n\r\n');
    await this.#kept.until(/pong$/);
    this.#upload.send(' last');
    expect(await this.#upload.untilClosed()).toMatch(/^HTTP\/1\.1 20[14] /);
    this.#download.socket.resume();
    const answer = await this.#download.untilClosed();
    expect(answer.length - answer.indexOf('\r\n\r\n') - 4).toBe(LARGE.length);
    this.#kept.send('GET /memfs/upload HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    expect(await this.#kept.untilClosed()).toMatch(/first last$/);
  }
}

/** A client that ends with the test. */
class Peer {
  readonly socket: Socket;
  #received = '';

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1');
    this.socket.setEncoding('latin1').on('data', (text: string) => (this.#received += text));
    onTestFinished(() => {
      this.socket.destroy();
    });
  }

  send(data: string | Buffer): void {
    this.socket.write(data);
  }

  async until(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.#received)) await once(this.socket, 'data');
  }

  async untilClosed(): Promise<string> {
    if (!this.socket.closed) await once(this.socket, 'close');
    return this.#received;
  }
}
