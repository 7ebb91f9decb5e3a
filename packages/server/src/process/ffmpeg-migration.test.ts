import { expect, test } from 'vitest';
import type { ProcessConfig } from './config.ts';
import { migrateConfig } from './ffmpeg-migration.ts';

function configOf(address: string): ProcessConfig {
  return {
    id: 'p',
    reference: '',
    inputs: [{ id: 'i', address, options: ['-stimeout', '5000000', '-re'] }],
    outputs: [{ id: 'o', address: '-', options: ['-f', 'null'], cleanup: [] }],
    options: [],
    reconnect: true,
    reconnectDelaySeconds: 0,
    autostart: true,
    staleTimeoutSeconds: 0,
    limits: { cpuPercent: 0, memoryBytes: 0, waitForSeconds: 0 },
  };
}

test.each([
  ['rtsp://cam/1', '^4.4.1', '5.1.9', '-timeout'],
  ['rtsps://cam/1', '^4.1.0', '8.0.0', '-timeout'],
  ['rtsp://cam/1', '', '5.1.9', '-timeout'],
  ['rtsp://cam/1', '^4.4.1', '4.4.5', '-stimeout'],
  ['rtsp://cam/1', '^5.1.9', '6.1.0', '-stimeout'],
  ['rtmp://cam/1', '^4.4.1', '5.1.9', '-stimeout'],
  ['rtsp://cam/1', 'nonsense', '5.1.9', '-stimeout'],
  ['rtsp://cam/1', '^4.4.1', 'N-1234', '-stimeout'],
])('%s made for %j, run by %s, has %s', (address, constraint, version, option) => {
  const { inputs } = migrateConfig(configOf(address), constraint, version);
  expect(inputs).toEqual([{ id: 'i', address, options: [option, '5000000', '-re'] }]);
});
