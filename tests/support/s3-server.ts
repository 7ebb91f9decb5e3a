import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { S3 } from '@aws-sdk/client-s3';
import { freePort } from './ports.ts';

const run = promisify(execFile);

const PACKAGES = ['moto[s3]==5.2.5', 'flask==3.1.3', 'flask-cors==6.0.5'];
const FOLDER = path.resolve(import.meta.dirname, '../../node_modules/.cache/moto-5.2.5');
const INSTALL_TIMEOUT = 120_000;
const START_TIMEOUT = 30_000;

export const ACCESS_KEY = 'test-key';
export const SECRET_KEY = 'test-secret-SECRET';

/** A program that stores objects, and how it is started on a port, with a folder for what it stores. */
interface Program {
  command: string;
  args(port: number, folder: string): string[];
  env: Record<string, string>;
}

/**
 * Finds an S3 server: `versitygw` if it is installed, else moto, which Python's pip brings once into
 * `node_modules/.cache`. A text says why there is none.
 */
export async function findS3Server(): Promise<Program | string> {
  const gateway = await run('which', ['versitygw']).then(
    ({ stdout }) => stdout.trim(),
    () => undefined,
  );
  if (gateway !== undefined) {
    return {
      command: gateway,
      args: (port, folder) => ['--port', `127.0.0.1:${port}`, '--quiet', 'posix', folder],
      env: { ROOT_ACCESS_KEY: ACCESS_KEY, ROOT_SECRET_KEY: SECRET_KEY },
    };
  }
  if (!existsSync(FOLDER)) {
    const folder = `${FOLDER}.${randomUUID()}`;
    await mkdir(path.dirname(FOLDER), { recursive: true });
    const options = ['-m', 'pip', 'install', '-q', '--no-compile', '--target', folder];
    try {
      await run('python3', [...options, ...PACKAGES], { timeout: INSTALL_TIMEOUT });
      // Whoever is first has it; the others use that one.
      await rename(folder, FOLDER).catch(() => undefined);
    } catch {
      return 'needs python3 with pip and the Python package index, or versitygw';
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
  return {
    command: 'python3',
    args: (port) => ['-m', 'moto.server', '-H', '127.0.0.1', '-p', String(port)],
    env: { PYTHONPATH: FOLDER },
  };
}

/** A running S3 server on loopback, and a client for looking behind the scenes. */
export class S3Server implements AsyncDisposable {
  /** `127.0.0.1:port` */
  readonly endpoint: string;
  readonly client: S3;
  readonly #child: ChildProcess;
  readonly #folder: string;

  private constructor(endpoint: string, child: ChildProcess, folder: string) {
    this.endpoint = endpoint;
    this.#child = child;
    this.#folder = folder;
    this.client = new S3({
      endpoint: `http://${endpoint}`,
      region: 'us-east-1',
      forcePathStyle: true,
      credentials: { accessKeyId: ACCESS_KEY, secretAccessKey: SECRET_KEY },
    });
  }

  static async start(program: Program, port?: number): Promise<S3Server> {
    const free = port ?? (await freePort());
    const folder = await mkdtemp(path.join(tmpdir(), 'millrace-s3-'));
    const child = spawn(program.command, program.args(free, folder), {
      cwd: folder,
      env: { PATH: process.env['PATH'], HOME: folder, ...program.env },
      stdio: 'ignore',
    });
    const server = new S3Server(`127.0.0.1:${free}`, child, folder);
    const deadline = Date.now() + START_TIMEOUT;
    while (!(await server.#answers())) {
      if (child.exitCode !== null || Date.now() > deadline) {
        await server.close();
        throw new Error('the S3 server does not start');
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return server;
  }

  /** Keys and uploads that are not complete, of a bucket. */
  async contents(bucket: string): Promise<{ keys: string[]; uploads: string[] }> {
    const { Contents = [] } = await this.client.listObjectsV2({ Bucket: bucket });
    const { Uploads = [] } = await this.client.listMultipartUploads({ Bucket: bucket });
    return {
      keys: Contents.map(({ Key = '' }) => Key),
      uploads: Uploads.map(({ Key = '' }) => Key),
    };
  }

  async close(): Promise<void> {
    this.client.destroy();
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      this.#child.kill('SIGKILL');
      await once(this.#child, 'exit');
    }
    await rm(this.#folder, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #answers(): Promise<boolean> {
    return fetch(`http://${this.endpoint}/`).then(
      (response) => response.text().then(() => true),
      () => false,
    );
  }
}
