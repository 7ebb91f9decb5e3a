import type { Handshake } from './handshake.ts';

/** What a conclusion was answered with. */
export interface Answer {
  /** Of the caller. */
  peerId: number;
  handshake: Handshake;
  body: Buffer;
  /** When the timestamps of the socket that answers are 0. */
  startedAt: number;
}

const MAX_TEMPORARY = 1024;

/** Answers by caller, so that a question that is repeated because its answer was lost gets the same one again. */
export class RecentAnswers {
  readonly #answers = new Map<string, Answer>();
  /** In the order of their end. */
  readonly #ends = new Map<string, number>();

  get(caller: string): Answer | undefined {
    return this.#answers.get(caller);
  }

  /** Keeps an answer until it is deleted. */
  add(caller: string, answer: Answer): void {
    this.#answers.set(caller, answer);
  }

  /** Keeps an answer for a while; all ends are to be equally far away. Beyond a thousand the oldest go early. */
  addUntil(caller: string, answer: Answer, end: number): void {
    this.#answers.set(caller, answer);
    this.#ends.set(caller, end);
    const oldest = this.#ends.keys().next();
    if (this.#ends.size > MAX_TEMPORARY && !oldest.done) this.delete(oldest.value);
  }

  delete(caller: string): void {
    this.#answers.delete(caller);
    this.#ends.delete(caller);
  }

  /** Deletes what has come to its end. */
  sweep(now: number): void {
    for (const [caller, end] of this.#ends) {
      if (end > now) return;
      this.delete(caller);
    }
  }
}
