import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { ProcessConfig, ProcessReport, ProcessState } from '@millrace/api';
import { expect, onTestFinished, vi } from 'vitest';
import { findBinary } from '../../packages/server/src/ffmpeg/binary.ts';
import { startServer, type TestServer, type TestServerOptions } from '../support/server.ts';

/** Absolute path of the installed FFmpeg; `''` if there is none, and what needs it is skipped then. */
export const FFMPEG = installed('ffmpeg');

const FAKE = path.resolve(import.meta.dirname, '../support/fake-ffmpeg.sh');

/** A part of a configuration, for a test to send. */
export type Given = Omit<Partial<ProcessConfig>, 'input' | 'output' | 'limits'> & {
  input?: object[] | null;
  output?: object[] | null;
  limits?: object;
};

/** FFmpeg's test picture, in real time. */
export const PICTURE = { id: 'in', address: 'testsrc=size=64x64:rate=25', options: ['-re', '-f', 'lavfi'] };
export const NOWHERE = { id: 'out', address: '-', options: ['-f', 'null'] };

/** A process that runs until it is stopped. */
export function endless(id: string, change: Given = {}): Given {
  return { id, autostart: false, input: [PICTURE], output: [NOWHERE], ...change };
}

/** A process of the stand-in, which does what its options say. */
export function scripted(id: string, options: string[], change: Given = {}): Given {
  return {
    id,
    autostart: false,
    options,
    input: [{ id: 'in', address: 'x' }],
    output: [{ id: 'out', address: '-' }],
    ...change,
  };
}

/** Calls of the process API, as a client makes them. */
export class ProcessClient {
  readonly server: TestServer;

  constructor(server: TestServer) {
    this.server = server;
  }

  call(method: string, url: string, body?: unknown) {
    return this.server.api(method, `/v3${url}`, body);
  }

  async create(config: Given): Promise<void> {
    const { status, body } = await this.call('POST', '/process', config);
    expect([status, body]).toEqual([200, expect.objectContaining({ id: config.id })]);
  }

  update(id: string, change: Given) {
    return this.call('PUT', `/process/${id}`, change);
  }

  command(id: string, command: string) {
    return this.call('PUT', `/process/${id}/command`, { command });
  }

  async state(id: string): Promise<ProcessState> {
    const { status, body } = await this.call('GET', `/process/${id}/state`);
    expect(status).toBe(200);
    return body as ProcessState;
  }

  async report(id: string): Promise<ProcessReport> {
    return (await this.call('GET', `/process/${id}/report`)).body as ProcessReport;
  }

  /** The log lines of the present run. */
  async lines(id: string): Promise<string[]> {
    return (await this.report(id)).log.map(([, text]) => text);
  }

  async until(id: string, isReached: (state: ProcessState) => void): Promise<void> {
    await vi.waitFor(async () => {
      isReached(await this.state(id));
    }, SOON);
  }

  async untilExec(id: string, exec: string): Promise<void> {
    await this.until(id, (state) => {
      expect(state.exec).toBe(exec);
    });
  }

  /** How often FFmpeg was started for the process, by the server's log. */
  starts(id: string): number {
    return this.server
      .log()
      .split('\n')
      .filter((line) => line.includes('msg="Started"') && line.includes(`id="${id}"`)).length;
  }
}

/** How long something may take on a busy machine. */
export const SOON = { timeout: 20_000, interval: 20 };

/** A server that ends with the test. */
export async function openServer(options: TestServerOptions = {}): Promise<ProcessClient> {
  const server = await startServer(options);
  onTestFinished(() => server.close());
  return new ProcessClient(server);
}

/** A server whose FFmpeg is the stand-in. */
export async function openScripted(options: TestServerOptions = {}): Promise<ProcessClient> {
  const folder = await makeFolder();
  const binary = path.join(folder, 'ffmpeg');
  await writeFile(
    binary,
    `#!/bin/sh\nif [ "$1" = -version ]; then echo 'ffmpeg version 5.1.9 Copyright'; exit; fi\nexec ${FAKE} "$@"\n`,
  );
  await chmod(binary, 0o755);
  return openServer({ ...options, env: { CORE_FFMPEG_BINARY: binary, ...options.env } });
}

/** A folder that goes with the test. */
export async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'millrace-process-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

function installed(program: string): string {
  try {
    return findBinary(program);
  } catch {
    return '';
  }
}
