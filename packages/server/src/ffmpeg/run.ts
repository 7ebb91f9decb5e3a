import { execFile } from 'node:child_process';

export interface RunResult {
  /** What it wrote before it ended or was killed. */
  stdout: string;
  stderr: string;
  /** Whether it ran and ended with exit code 0. */
  isOk: boolean;
}

const RUN_TIMEOUT = 10_000;
const MAX_OUTPUT = 8 * 1024 * 1024;

/** Runs a short program with an empty environment, such as `ffmpeg -codecs`. Never rejects. */
export function run(binary: string, args: readonly string[]): Promise<RunResult> {
  return new Promise((done) => {
    const options = { env: {}, timeout: RUN_TIMEOUT, killSignal: 'SIGKILL', maxBuffer: MAX_OUTPUT } as const;
    try {
      const child = execFile(binary, args, options, (error, stdout, stderr) => {
        done({ stdout, stderr, isOk: error === null });
      });
      child.stdin?.end();
    } catch (error) {
      done({ stdout: '', stderr: String(error), isOk: false });
    }
  });
}
