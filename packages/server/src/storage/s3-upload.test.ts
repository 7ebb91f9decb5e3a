import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { PART_BYTES, type UploadTarget, UploadMemory, partSize, upload } from './s3-upload.ts';

const MEBIBYTE = 1024 * 1024;
const { signal } = new AbortController();

/** Takes parts with a delay of one turn of the event loop, and knows how many bytes it was holding at most. */
class Target implements UploadTarget {
  readonly sizes: number[] = [];
  whole: Buffer | undefined;
  holding = 0;
  mostHeld = 0;
  isComplete = false;
  isAborted = false;
  failAt = 0;

  put(body: Buffer): Promise<void> {
    this.whole = body;
    return Promise.resolve();
  }

  begin() {
    return Promise.resolve({
      put: async (number: number, body: Buffer) => {
        this.holding += body.length;
        this.mostHeld = Math.max(this.mostHeld, this.holding);
        await new Promise((resolve) => setImmediate(resolve));
        this.holding -= body.length;
        if (number === this.failAt) throw new Error('refused');
        this.sizes[number - 1] = body.length;
      },
      complete: () => {
        this.isComplete = true;
        return Promise.resolve();
      },
      abort: () => {
        this.isAborted = true;
        return Promise.resolve();
      },
    });
  }
}

function source(bytes: number, chunk = MEBIBYTE): Readable {
  const buffer = Buffer.alloc(chunk);
  function* chunks() {
    for (let left = bytes; left > 0; left -= chunk) yield buffer.subarray(0, left);
  }
  return Readable.from(chunks(), { objectMode: false });
}

const memory = () => new UploadMemory(512 * MEBIBYTE);

test.each([0, 1, PART_BYTES])('%i bytes are one request', async (bytes) => {
  const target = new Target();
  expect(await upload(source(bytes), target, { size: undefined, memory: memory(), signal })).toBe(bytes);
  expect(target.whole?.length).toBe(bytes);
});

test('more come in parts that together are the whole', async () => {
  const target = new Target();
  const bytes = 2 * PART_BYTES + 5;
  expect(await upload(source(bytes, 70_001), target, { size: bytes, memory: memory(), signal })).toBe(bytes);
  expect(target.sizes).toEqual([PART_BYTES, PART_BYTES, 5]);
  expect([target.isComplete, target.isAborted]).toEqual([true, false]);
});

test('128 MiB pass through a memory of three parts', async () => {
  const target = new Target();
  const three = new UploadMemory(3 * PART_BYTES);
  const bytes = 128 * MEBIBYTE;
  expect(await upload(source(bytes), target, { size: undefined, memory: three, signal })).toBe(bytes);
  expect(target.mostHeld).toBeLessThanOrEqual(2 * PART_BYTES);
});

test('a part that is refused ends the upload and drops the others', async () => {
  const target = new Target();
  target.failAt = 2;
  const failed = upload(source(100 * MEBIBYTE), target, { size: undefined, memory: memory(), signal });
  await expect(failed).rejects.toThrow('refused');
  expect([target.isComplete, target.isAborted]).toEqual([false, true]);
});

test('an upload for which there is no memory fails, and gives back what it had', async () => {
  const little = new UploadMemory(MEBIBYTE);
  const options = { size: undefined, memory: little, signal };
  await expect(upload(source(2 * MEBIBYTE), new Target(), options)).rejects.toMatchObject({
    code: 'unavailable',
  });
  expect(await upload(source(MEBIBYTE), new Target(), options)).toBe(MEBIBYTE);
});

test('a silent source can be given up, and stays whole', async () => {
  const ending = new AbortController();
  const silent = new Readable({ read: () => undefined });
  const ended = upload(silent, new Target(), { size: undefined, memory: memory(), signal: ending.signal });
  ending.abort(new Error('enough'));
  await expect(ended).rejects.toThrow('enough');
  expect(silent.destroyed).toBe(false);
});

test.each([
  { number: 1, size: undefined, expected: 8 },
  { number: 1000, size: undefined, expected: 8 },
  { number: 1001, size: undefined, expected: 16 },
  { number: 3001, size: undefined, expected: 64 },
  { number: 10_000, size: undefined, expected: 64 },
  { number: 1, size: 5, expected: 8 },
  { number: 1, size: 80_000 * MEBIBYTE, expected: 8 },
  { number: 1, size: 80_000 * MEBIBYTE + 1, expected: 9 },
  { number: 10_000, size: 640_000 * MEBIBYTE, expected: 64 },
])('part $number of $size bytes has $expected MiB', ({ number, size, expected }) => {
  expect(partSize(number, size)).toBe(expected * MEBIBYTE);
});

test('what does not fit into the largest parts is refused', () => {
  expect(() => partSize(1, 640_000 * MEBIBYTE + 1)).toThrow('File is too big');
});
