import process from 'node:process';
import { emitKeypressEvents } from 'node:readline';
import type { Input, Output } from '../context.ts';
import type { Size } from './view.ts';

// ECMA-48, and xterm's private modes 1049 (alternate screen), 25 (cursor) and 7 (wrapping).
const ENTER = '\u001b[?1049h\u001b[?25l\u001b[?7l\u001b[2J';
const LEAVE = '\u001b[?7h\u001b[?25h\u001b[?1049l';
const HOME = '\u001b[H';
const TO_LINE_END = '\u001b[K';
const TO_SCREEN_END = '\u001b[J';

export interface ScreenEvents {
  /** A key by its name (`q`, `up`), Ctrl-C and Ctrl-Z excepted. */
  key: (name: string) => void;
  resize: () => void;
  /** Ctrl-C, or the terminal went away. */
  quit: () => void;
}

/** The whole terminal, for as long as it takes. It is as it was when the program ends, however that is. */
export class Screen {
  readonly #stdin: Input;
  readonly #stdout: Output;
  readonly #events: ScreenEvents;
  #isOpen = false;

  constructor(stdin: Input, stdout: Output, events: ScreenEvents) {
    this.#stdin = stdin;
    this.#stdout = stdout;
    this.#events = events;
  }

  get size(): Size {
    return { columns: this.#stdout.columns ?? 80, rows: this.#stdout.rows ?? 24 };
  }

  open(): void {
    emitKeypressEvents(this.#stdin);
    this.#stdin.on('keypress', this.#onKey).on('end', this.#events.quit);
    this.#stdout.on('resize', this.#events.resize);
    // Also the way of an error that nobody has caught, and of a second Ctrl-C.
    process.on('exit', this.#leave).on('SIGCONT', this.#resume);
    this.#enter();
  }

  close(): void {
    this.#leave();
    this.#stdin.off('keypress', this.#onKey).off('end', this.#events.quit).pause();
    this.#stdout.off('resize', this.#events.resize);
    process.off('exit', this.#leave).off('SIGCONT', this.#resume);
  }

  /** Shows these lines. At once, so that nothing flickers. */
  draw(lines: readonly string[]): void {
    if (!this.#isOpen) return;
    // Erased before and not after it: a line that fills the screen leaves the cursor on its last character.
    const text = lines.map((line) => TO_LINE_END + line).join('\r\n');
    const isFull = lines.length >= this.size.rows;
    this.#stdout.write(HOME + text + (isFull ? '' : `\r\n${TO_SCREEN_END}`));
  }

  readonly #onKey = (text: string | undefined, key: { name?: string; ctrl?: boolean } | undefined): void => {
    const name = key?.name ?? text ?? '';
    if (key?.ctrl === true && name === 'c') this.#events.quit();
    else if (key?.ctrl === true && name === 'z') this.#suspend();
    else if (key?.ctrl !== true) this.#events.key(name);
  };

  #enter(): void {
    if (this.#isOpen) return;
    this.#isOpen = true;
    this.#stdin.setRawMode?.(true);
    this.#stdin.resume();
    this.#stdout.write(ENTER);
  }

  readonly #leave = (): void => {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#stdin.setRawMode?.(false);
    this.#stdout.write(LEAVE);
  };

  /** As Ctrl-Z does where it is no mere character. */
  #suspend(): void {
    this.#leave();
    process.kill(process.pid, 'SIGTSTP');
  }

  readonly #resume = (): void => {
    this.#enter();
    this.#events.resize();
  };
}
