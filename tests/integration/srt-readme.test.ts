import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { freeUdpPort } from '../support/ports.ts';
import { FFMPEG } from './process-server.ts';
import { Peer, SRT_LIVE_TRANSMIT } from './srt-peer.ts';

const PACKAGE = path.resolve(import.meta.dirname, '../../packages/srt');
const README = await readFile(path.join(PACKAGE, 'README.md'), 'utf8');
const [, CODE = ''] = /```ts\n(.*?)```/s.exec(README) ?? [];
const NODE = ['--conditions=source', '--input-type=module-typescript', '--eval'];

test("the code in the SRT library's README runs as it stands", async () => {
  expect(CODE).toContain('new Listener');
  const { stdout } = await promisify(execFile)(process.execPath, [...NODE, CODE], { cwd: PACKAGE });
  expect(stdout).toMatch(/^hello after 200 ms, round trip [\d.]+ ms\n$/);
});

test.skipIf(SRT_LIVE_TRANSMIT === undefined)('the programs in it publish to that code and play', async () => {
  const [server = '', rest] = CODE.split('\nconst publisher');
  expect(rest).toBeDefined();
  const port = String(await freeUdpPort());
  const code = `${server.replace('port: 0', `port: ${port}`)}\nconsole.log(port);`;
  const listener = spawn(process.execPath, [...NODE, code], {
    cwd: PACKAGE,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(async () => {
    listener.kill();
    await once(listener, 'close');
  });
  await once(listener.stdout, 'data');

  const [, commands = ''] = /```sh\n(ffmpeg .*?)```/s.exec(README) ?? [];
  const [publish = '', play = ''] = commands
    .replaceAll('6000', port)
    .replaceAll(/^ffmpeg/gm, FFMPEG)
    .split(/\n(?=srt-live-transmit)/);
  new Peer('sh', ['-c', `exec ${publish}`]);
  // Until there is something to play, it calls again and again.
  const player = new Peer('sh', ['-c', `exec ${play.replace(' > one.ts', '')}`]);
  await expect.poll(() => player.outputBytes).toBeGreaterThan(10_000);
});
