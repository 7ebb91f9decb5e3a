import { describe, expect, test } from 'vitest';
import { followReferences, type OutputsOf } from './references.ts';
import type { ResolvedConfig } from './resolve.ts';

function configWith(address: string): ResolvedConfig {
  return { id: 'me', options: [], inputs: [{ id: 'i', address, options: ['-re'] }], outputs: [] };
}

const output = (id: string, address: string, readAddress = address) => ({
  id,
  address,
  readAddress,
  options: [],
  cleanup: [],
});
const OUTPUTS: Record<string, ReturnType<typeof output>[]> = {
  source: [
    output('o1', 'udp://127.0.0.1:5000'),
    output('o2', 'srt://x,mode:publish', 'srt://x,mode:request'),
  ],
  'a:output=b': [output('o', '/data/x')],
};
const outputsOf: OutputsOf = (id) => OUTPUTS[id];

describe('a reference', () => {
  test.each([
    ['#source:output=o1', 'udp://127.0.0.1:5000'],
    ['#source:output=o2', 'srt://x,mode:request'],
    ['#a:output=b:output=o', '/data/x'],
    ['testsrc', 'testsrc'],
    ['   ', '   '],
  ])('%s leads to %s', (address, expected) => {
    const config = configWith(address);
    expect(followReferences(config, outputsOf)).toEqual({
      ...config,
      inputs: [{ ...config.inputs[0], address: expected }],
    });
  });

  test.each([
    ['', 'empty address'],
    ['#source', 'invalid format (#source)'],
    ['#source:input=in', 'invalid format (#source:input=in)'],
    ['#:output=o', 'invalid format (#:output=o)'],
    ['#me:output=o', 'self-reference not possible (#me:output=o)'],
    ['#nope:output=o', "unknown process 'nope' (#nope:output=o)"],
    ['#source:output=o9', "the process 'source' has no outputs with the ID 'o9' (#source:output=o9)"],
  ])('%s is refused: %s', (address, reason) => {
    expect(() => followReferences(configWith(address), outputsOf)).toThrow(
      `reference error for '#me:i': ${reason}`,
    );
  });
});
