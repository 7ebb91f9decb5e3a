import { expect, test } from 'vitest';
import { createCommand, createProbeCommand } from './command.ts';
import type { ResolvedConfig } from './resolve.ts';

const output = (address: string, options: string[]) => ({
  id: address,
  address,
  readAddress: address,
  options,
  cleanup: [],
});
const config: ResolvedConfig = {
  id: 'p',
  options: ['-y', '-loglevel', 'level+info'],
  inputs: [
    { id: '1', address: 'testsrc', options: ['-f', 'lavfi'] },
    { id: '2', address: ' a b ', options: [] },
  ],
  outputs: [output('-', ['-f', 'null']), output('udp://127.0.0.1:9', [])],
};

test('the command is the options, then each input, then each output, entry by entry', () => {
  expect(createCommand(config).join('|')).toBe(
    '-y|-loglevel|level+info|-f|lavfi|-i|testsrc|-i| a b |-f|null|-|udp://127.0.0.1:9',
  );
});

test('a probe has no outputs', () => {
  expect(createProbeCommand(config).join('|')).toBe('-y|-loglevel|level+info|-f|lavfi|-i|testsrc|-i| a b ');
});

test('the port of a player is left out with its value, and nothing else', () => {
  const options = ['-a', '-playout_httpport', '1234', '-b'];
  const inputs = [
    { id: '1', address: 'playout:rtmp://x', options },
    { id: '2', address: 'rtmp://x', options },
  ];
  expect(createProbeCommand({ ...config, options: [], inputs }).join(' ')).toBe(
    '-a -b -i playout:rtmp://x -a -playout_httpport 1234 -b -i rtmp://x',
  );
});
