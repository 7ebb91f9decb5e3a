import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { SrtStatistics } from '@millrace/api';
import { describe, expect, test } from 'vitest';
import { FFMPEG, NOWHERE, PICTURE, SOON, makeFolder } from './process-server.ts';
import { Peer, SRT_LIVE_TRANSMIT } from './srt-peer.ts';
import { SrtClient, TS_PACKET, pids, run } from './srt-server.ts';

const IDLE = { publisher: {}, subscriber: {}, connections: {}, log: {} };
/** FFmpeg's transport streams have their tables and streams there. */
const [PMT, VIDEO] = [0x1000, 0x100];

describe.skipIf(FFMPEG === '' || SRT_LIVE_TRANSMIT === undefined)('FFmpeg and srt-live-transmit', () => {
  test('publish and play from a key frame on, and all of it is listed', async () => {
    const client = await SrtClient.open();
    expect(await client.status()).toEqual(IDLE);
    const file = path.join(await makeFolder(), 'ffmpeg.ts');
    const publisher = await client.publish('foo,mode:publish');
    await client.untilPublished('foo');
    const players = [client.play('foo'), client.play('foo')];
    const ffmpeg = new Peer(FFMPEG, [
      ...['-v', 'error', '-probesize', '10000', '-i', client.address('foo'), '-c', 'copy'],
      ...['-flush_packets', '1', '-f', 'mpegts', file],
    ]);
    for (const player of players) await expect.poll(() => player.outputBytes).toBeGreaterThan(20_000);
    await expect
      .poll(() => readFile(file).catch(() => Buffer.alloc(0)))
      .toSatisfy(({ length }) => length > 5_000);

    const { publisher: publishers, subscriber, connections, log } = await client.status();
    const ids = subscriber['foo'] ?? [];
    expect(ids).toHaveLength(3);
    expect(Object.keys(connections).sort()).toEqual([publishers['foo'], ...ids].map(String).sort());
    expect(log).toEqual({});
    for (const { stats, log } of Object.values(connections)) {
      expect(log).toEqual({});
      expect(Object.keys(stats).sort()).toEqual(Object.keys(SrtStatistics.properties).sort());
      for (const [name, schema] of Object.entries(SrtStatistics.properties)) {
        const value = stats[name as keyof typeof stats];
        if (schema.type === 'integer') expect([name, Number.isInteger(value)]).toEqual([name, true]);
        if (name !== 'max_bandwidth_mbit') expect([name, value >= 0]).toEqual([name, true]);
      }
      expect(stats).toMatchObject({ mss_bytes: 1500, max_bandwidth_mbit: -1 });
    }
    const ours = connections[String(publishers['foo'])]?.stats;
    expect(ours).toMatchObject({ sent_pkt: 0, recv_tsbpd_delay_ms: 120, recv_drop_pkt: 0 });
    // Whole packets of MPEG-TS, each with the headers of IP, UDP and SRT.
    const payload = (ours?.recv_bytes ?? 0) - 44 * (ours?.recv_pkt ?? 0);
    expect([payload > 0, payload % TS_PACKET]).toEqual([true, 0]);

    publisher.process.kill('SIGTERM');
    // Their streams end with the publisher's.
    await Promise.all([ffmpeg, ...players].map((player) => player.ended));
    await expect.poll(() => client.status()).toEqual(IDLE);
    const files = await Promise.all(
      players.map(async (player, index) => {
        const stream = player.output();
        expect(pids(stream).slice(0, 3)).toEqual([0, PMT, VIDEO]);
        // The indicator of a random access.
        expect((stream[2 * TS_PACKET + 5] ?? 0) & 0x40).toBe(0x40);
        const file = path.join(await makeFolder(), `${index}.ts`);
        await writeFile(file, stream);
        return file;
      }),
    );
    for (const one of [file, ...files]) {
      const { stderr } = await run(FFMPEG, ['-v', 'error', '-xerror', '-i', one, '-f', 'null', '-']);
      expect([one, stderr]).toEqual([one, '']);
    }
    await client.untilLogged('PUBLISH STOP foo');
    await client.untilLogged('SUBSCRIBE STOP foo', 3);
    expect(client.logged()).toHaveLength(8);
  });

  test('publish payloads that are no whole packets, and play from a key frame on', async () => {
    const client = await SrtClient.open();
    await client.publish('foo,mode:publish', '&pkt_size=1456');
    await client.untilStatus(({ publisher, connections }) => {
      expect(connections[String(publisher['foo'])]?.stats.recv_unique_pkt).toBeGreaterThan(30);
    });
    const player = client.play('foo');
    await expect.poll(() => player.outputBytes, SOON).toBeGreaterThan(20_000);
    const stream = player.output();
    expect(pids(stream).slice(0, 3)).toEqual([0, PMT, VIDEO]);
    expect((stream[2 * TS_PACKET + 5] ?? 0) & 0x40).toBe(0x40);
  });

  test('a publisher that pauses stays, one that is killed makes room', async () => {
    const client = await SrtClient.open();
    const publisher = await client.publish('foo,mode:publish');
    await client.untilPublished('foo');
    const player = client.play('foo');
    await expect.poll(() => player.outputBytes).toBeGreaterThan(1_000);
    publisher.process.kill('SIGSTOP');
    const { outputBytes } = player;
    // The statistics' own clock: longer than the reference's patience, shorter than ours.
    const age = async () => Object.values((await client.status()).connections)[0]?.stats.timestamp_ms ?? 0;
    const pausedAt = await age();
    await expect.poll(age).toBeGreaterThan(pausedAt + 2_500);
    publisher.process.kill('SIGCONT');
    await expect.poll(() => player.outputBytes).toBeGreaterThan(outputBytes + 2_000);

    publisher.process.kill('SIGKILL');
    await player.ended;
    await client.untilLogged('PUBLISH STOP foo');
    expect(client.server.log()).toMatch(/handler="PUBLISH" reason="idle" resource="foo" status="STOP"/);
    await client.publish('foo,mode:publish');
    await client.untilPublished('foo');
  });
});

describe.skipIf(FFMPEG === '')('processes', () => {
  const CODEC = ['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-g', '25'];

  test('publish, play and restream to HLS with placeholders, with token and passphrase', async () => {
    const client = await SrtClient.open({
      CORE_SRT_TOKEN: 's%20t/k=, é#?',
      CORE_SRT_PASSPHRASE: 'pass/word=1 %20é#?',
    });
    await client.create({
      id: 'publish',
      autostart: true,
      input: [PICTURE],
      output: [{ id: 'out', address: '{srt,name=cam}', options: [...CODEC, '-f', 'mpegts'] }],
    });
    await client.untilPublished('cam');
    const restream = {
      autostart: true,
      reconnect: true,
      reconnect_delay_seconds: 1,
      input: [{ id: 'in', address: '{srt,name=cam}' }],
    };
    const hls = ['-c', 'copy', '-f', 'hls', '-hls_time', '1', '-method', 'PUT'];
    await client.create({
      ...restream,
      id: 'hls',
      output: [{ id: 'out', address: '{memfs}/cam.m3u8', options: hls }],
    });
    await expect
      .poll(async () => (await fetch(`${client.server.base}/memfs/cam.m3u8`)).text(), SOON)
      .toContain('#EXTM3U');
    const { subscriber } = await client.status();
    expect(subscriber['cam']).toHaveLength(1);
  });

  test('publish as one of the outputs of a tee', async () => {
    const client = await SrtClient.open();
    await client.create({
      id: 'tee',
      autostart: true,
      input: [PICTURE],
      output: [
        {
          id: 'out',
          address: '[f=null]-|[f=mpegts]{srt,name=cam,mode=publish}',
          options: [...CODEC, '-map', '0:v', '-f', 'tee'],
        },
      ],
    });
    await client.untilPublished('cam');
    await client.create({
      id: 'play',
      autostart: true,
      input: [{ id: 'in', address: '{srt,name=cam}' }],
      output: [NOWHERE],
    });
    await client.until('play', ({ progress }) => {
      expect(progress.frame).toBeGreaterThan(5);
    });
  });
});

test('what is no transport stream is passed on as it is, payload by payload', async () => {
  const client = await SrtClient.open();
  const publisher = await client.connect('cam,mode:publish');
  const players = await Promise.all([client.connect('cam'), client.connect('cam')]);
  const payloads = [1, 188, 1316, 1456].map((length) => Buffer.alloc(length, length));
  const received = players.map(() => [] as Buffer[]);
  players.forEach((player, index) => player.on('payload', (payload) => received[index]?.push(payload)));
  for (const payload of payloads) publisher.send(payload);
  await expect.poll(() => received).toEqual([payloads, payloads]);
  const ended = Promise.all(players.map((player) => once(player, 'closed')));
  publisher.close();
  expect(await ended).toEqual([['shutdown'], ['shutdown']]);
});
