import { once } from 'node:events';
import { expect, test, vi } from 'vitest';
import { Cli } from '../support/cli.ts';
import { PASSWORD, USERNAME } from '../support/server.ts';
import { play, publish } from './rtmp-client.ts';
import { RtmpTestServer } from './rtmp-server.ts';
import { SrtClient } from './srt-server.ts';

// Each command is a program that starts, which takes its time on a busy machine.
vi.setConfig({ testTimeout: 120_000 });

async function loggedIn(base: string): Promise<Cli> {
  const cli = await Cli.forTest();
  await cli.ok(['login', base, '-u', USERNAME, '--password-stdin'], { input: PASSWORD });
  return cli;
}

test('RTMP streams are listed with their players, each of which can be cut off', async () => {
  const rtmp = await RtmpTestServer.forTest();
  const cli = await loggedIn(rtmp.server.base);
  const publisher = await publish(rtmp.url('/live/a%20b'));
  const [one, other] = [await play(rtmp.url('/live/a%20b')), await play(rtmp.url('/live/a%20b'))];
  await Promise.all([one.untilFrames(2), other.untilFrames(2)]);

  const [title, first, ...players] = (await cli.ok(['rtmp'])).trimEnd().split('\n');
  expect(title).toMatch(/^STREAM +ROLE +BITRATE +CODECS +GOP +PLAYERS +BYTES +FOR +PROTOCOL +REMOTE$/);
  expect(first).toMatch(/^\/live\/a b +publisher .* h264.* 2 .* rtmp +127\.0\.0\.1:\d+$/);
  expect(players).toHaveLength(2);

  const address = / (127\.0\.0\.1:\d+)$/.exec(players[0] ?? '')?.[1] ?? '';
  await cli.ok(['rtmp', 'kick', '/live/a b', '--player', address]);
  await Promise.race([one.closed, other.closed]);
  expect(await cli.run(['rtmp', 'kick', '/live/a b', '--player', address])).toMatchObject({ code: 4 });
  await cli.ok(['rtmp', 'kick', '/live/a b']);
  await publisher.closed;
  await rtmp.untilNames();
  expect(await cli.run(['rtmp', 'kick', '/live/a b'])).toMatchObject({ code: 4 });
});

test('SRT connections are listed, and can be cut off by their sockets', async () => {
  const srt = await SrtClient.open();
  const cli = await loggedIn(srt.server.base);
  await srt.connect('cam,mode:publish');
  const player = await srt.connect('cam');
  const listed = await cli.ok(['srt']);
  const [, socket = ''] = /^cam +subscriber .* (\d+)$/m.exec(listed) ?? [];
  const ended = once(player, 'closed');
  await cli.ok(['srt', 'kick', socket]);
  expect(await ended).toEqual(['shutdown']);
  expect(await cli.run(['srt', 'kick', socket])).toMatchObject({ code: 4 });
  expect(await cli.run(['srt', 'kick', 'cam'])).toMatchObject({ code: 2 });
});
