import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Block, readBlocks } from './event-stream.ts';

async function read(chunks: readonly (string | Uint8Array)[], id = ''): Promise<Block[]> {
  const encoder = new TextEncoder();
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const chunk of chunks)
        controller.enqueue(typeof chunk === 'string' ? encoder.encode(chunk) : chunk);
      controller.close();
    },
  });
  const blocks: Block[] = [];
  for await (const block of readBlocks(stream, id)) blocks.push(block);
  return blocks;
}

const block = (part: Partial<Block>): Block => ({
  id: '',
  isPlaced: false,
  data: undefined,
  retry: undefined,
  ...part,
});

describe('a stream of events', () => {
  test.each<[string, string, Block[]]>([
    ['an event', 'id: 1\nevent: log\ndata: {}\n\n', [block({ id: '1', isPlaced: true, data: '{}' })]],
    ['no space', 'id:1\ndata:{}\n\n', [block({ id: '1', isPlaced: true, data: '{}' })]],
    ['one space is taken off', 'data:  x\n\n', [block({ data: ' x' })]],
    ['several lines of data', 'data: a\ndata: b\ndata\n\n', [block({ data: 'a\nb\n' })]],
    ['empty data', 'data:\n\n', [block({ data: '' })]],
    ['only an id', 'id: 7\n\n', [block({ id: '7', isPlaced: true })]],
    ['a comment', ': alive\n\n', [block({})]],
    ['a pause', 'retry: 2000\n\n', [block({ retry: 2000 })]],
    ['a pause that is none', 'retry: 2s\n\n', [block({})]],
    ['an unknown field', 'colour: red\ndata: x\n\n', [block({ data: 'x' })]],
    ['an id with NUL', 'id: 1\0\ndata: x\n\n', [block({ data: 'x' })]],
    ['a byte order mark', '\uFEFFdata: x\n\n', [block({ data: 'x' })]],
    ['CR LF', 'data: x\r\n\r\ndata: y\r\n\r\n', [block({ data: 'x' }), block({ data: 'y' })]],
    ['CR', 'data: x\r\rdata: y\r\r ', [block({ data: 'x' }), block({ data: 'y' })]],
    ['what is cut off', 'data: x\n\nid: 9\ndata: y\n', [block({ data: 'x' })]],
  ])('%s', async (_title, text, blocks) => {
    expect(await read([text])).toEqual(blocks);
  });

  test('the id stays until there is another one', async () => {
    const blocks = await read(['data: a\n\nid: 2\ndata: b\n\ndata: c\n\n'], '1');
    expect(blocks.map(({ id, isPlaced }) => [id, isPlaced])).toEqual([
      ['1', false],
      ['2', true],
      ['2', false],
    ]);
  });

  test('is the same however it is cut', async () => {
    const text =
      'retry: 5\r\n\r\nid: 1\ndata: {"a":"ü"}\n\n: alive\nid: 2\n\nid: 3\rdata: x\rdata: y\r\rdata: z\n\n';
    const bytes = new TextEncoder().encode(text);
    const whole = await read([bytes]);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(bytes.length)), async (cuts) => {
        const places = [0, ...cuts.sort((a, b) => a - b), bytes.length];
        const chunks = places.slice(1).map((end, index) => bytes.subarray(places[index], end));
        expect(await read(chunks)).toEqual(whole);
      }),
    );
  });

  test('may not hold an event without an end', async () => {
    const chunks = Array.from({ length: 5 }, () => 'data: ' + 'x'.repeat(1024 * 1024));
    await expect(read(chunks)).rejects.toThrow('an event is too long');
    await expect(read(chunks.map((chunk) => `${chunk}\n`))).rejects.toThrow('an event is too long');
  });
});
