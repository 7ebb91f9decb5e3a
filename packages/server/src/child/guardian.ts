import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Logger } from '../log/logger.ts';

/**
 * Runs beside the server, in a session of its own, and kills the children that the server leaves behind when it
 * dies without a chance to do so itself. The end of the input tells that the server is gone.
 *
 * It knows children in two ways: by the lines `+ <pid>` and `- <pid>`, and, on Linux, by descriptor 3 that every
 * child inherits and that leads to a file only this server opened ($1). The second finds also a child that was
 * just being started when the server died, and programs that children started themselves.
 */
const SCRIPT = `
children=' '
while read -r sign pid; do
  case $sign in
    +) children="$children$pid " ;;
    -) children="\${children%% $pid *} \${children#* $pid }" ;;
    bye) exit 0 ;;
  esac
done
kill -9 $children
[ -n "$1" ] || exit 0
for pause in 0 1 1; do
  sleep $pause
  ls -l /proc/[0-9]*/fd/3 | while read -r line; do
    case $line in
      *" -> $1" | *" -> $1 (deleted)")
        path=\${line%% -> *}
        path=\${path##*/proc/}
        kill -9 "\${path%%/*}"
        ;;
    esac
  done
done
`;

/** How long a guardian must have lived for its successor to be started without a pause. */
const RESTART_DELAY = 1_000;

/** Sees to it that no child outlives the server, however that ends. */
export class Guardian {
  readonly #log: Logger;
  readonly #pids = new Set<number>();
  #marker: number | undefined;
  #process: ChildProcess | undefined;
  #startedAt = 0;
  #restart: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** The descriptor that every child must inherit as its descriptor 3, where there is one. */
  get marker(): number | undefined {
    return this.#marker;
  }

  /** The guardian's own process id, while it runs. */
  get pid(): number | undefined {
    return this.#process?.pid;
  }

  start(): void {
    if (process.platform === 'linux') this.#marker = openSync('/proc/self/stat', 'r');
    this.#launch();
  }

  /** Guards a child from now on. */
  add(pid: number): void {
    this.#pids.add(pid);
    this.#tell(`+ ${pid}\n`);
  }

  /** Forgets a child that is gone. */
  remove(pid: number): void {
    if (this.#pids.delete(pid)) this.#tell(`- ${pid}\n`);
  }

  /** Ends the guardian. Children are no longer guarded. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#restart);
    const process = this.#process;
    if (process?.pid !== undefined) {
      const gone = new Promise<void>((resolve) => process.once('exit', resolve));
      process.ref();
      process.stdin?.end('bye\n');
      await gone;
    }
    if (this.#marker !== undefined) closeSync(this.#marker);
    this.#marker = undefined;
  }

  #launch(): void {
    const marker = this.#marker === undefined ? '' : `/proc/${process.pid}/stat`;
    const child = spawn('/bin/sh', ['-c', SCRIPT, 'millrace-guardian', marker], {
      stdio: ['pipe', 'ignore', 'ignore'],
      cwd: '/',
      env: { PATH: '/usr/bin:/bin' },
      detached: true,
    });
    this.#process = child;
    this.#startedAt = performance.now();
    child.stdin.on('error', () => {
      // It died; `exit` follows and starts another.
    });
    child.on('error', (error) => {
      this.#log.warn('Child processes are not guarded', { error });
      this.#lost();
    });
    child.on('exit', () => {
      this.#lost();
    });
    // The server does not stay alive for its guardian's sake.
    child.unref();
    if (child.stdin instanceof Socket) child.stdin.unref();
    if (this.#pids.size > 0) this.#tell([...this.#pids].map((pid) => `+ ${pid}\n`).join(''));
  }

  #lost(): void {
    this.#process = undefined;
    if (this.#closed) return;
    const lived = performance.now() - this.#startedAt;
    if (lived >= RESTART_DELAY) this.#launch();
    else
      this.#restart = setTimeout(() => {
        this.#launch();
      }, RESTART_DELAY).unref();
  }

  /** Small writes to a pipe with room leave at once, so what was told is known however soon the server dies. */
  #tell(text: string): void {
    this.#process?.stdin?.write(text);
  }
}
