/** Runs jobs one after the other, in the order in which they came. A job that fails does not keep up the next. */
export class Queue {
  #tail: Promise<unknown> = Promise.resolve();

  run<T>(job: () => T | Promise<T>): Promise<T> {
    const result = this.#tail.then(job);
    this.#tail = result.catch(() => {
      // Told to the one who asked for the job.
    });
    return result;
  }
}
