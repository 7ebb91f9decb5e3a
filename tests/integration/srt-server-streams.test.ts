import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { SrtStatistics } from '@millrace/api';
import { expect, test } from 'vitest';
import { FFMPEG, makeFolder } from './process-server.ts';
import { Program, SRT_LIVE_TRANSMIT, SrtClient, pids, run, untilWritten } from './srt-server.ts';

/** FFmpeg's transport streams have their streams from here on. */
const [PMT, VIDEO] = [0x1000, 0x100];

test.skipIf(FFMPEG === '' || SRT_LIVE_TRANSMIT === '')(
  'FFmpeg publishes, FFmpeg and srt-live-transmit play from a key frame on, and all of it is listed',
  async () => {
    const client = await SrtClient.open();
    expect(await client.status()).toEqual({ publisher: {}, subscriber: {}, connections: {}, log: {} });
    const folder = await makeFolder();
    const publisher = await client.publish('foo,mode:publish');
    await client.untilPublished('foo');
    const files = ['ffmpeg.ts', 'first.ts', 'second.ts'].map((name) => path.join(folder, name));
    const [first = '', ...others] = files;
    const players = [
      new Program(FFMPEG, ['-v', 'error', '-i', client.address('foo'), '-c', 'copy', '-f', 'mpegts', first]),
      ...others.map(
        (file) =>
          new Program('sh', [
            '-c',
            `exec ${SRT_LIVE_TRANSMIT} -a:no -q '${client.address('foo')}' file://con > ${file}`,
          ]),
      ),
    ];
    for (const file of files) await untilWritten(file, 10_000);

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
    expect([payload > 0, payload % 188]).toEqual([true, 0]);

    publisher.signal('SIGTERM');
    // Their streams end with the publisher's.
    for (const player of players) await player.ended;
    for (const file of others) {
      const stream = await readFile(file);
      const [pat, pmt, video] = pids(stream);
      expect([pat, pmt, video]).toEqual([0, PMT, VIDEO]);
      // The indicator of a random access.
      expect((stream[2 * 188 + 5] ?? 0) & 0x40).toBe(0x40);
    }
    for (const file of files) {
      const { stderr } = await run(FFMPEG, ['-v', 'error', '-xerror', '-i', file, '-f', 'null', '-']);
      expect([file, stderr]).toEqual([file, '']);
    }
    await client.untilStatus((status) => {
      expect(status).toEqual({ publisher: {}, subscriber: {}, connections: {}, log: {} });
    });
    expect(client.logged().toSorted()).toEqual([
      'PUBLISH START foo',
      'PUBLISH STOP foo',
      ...Array.from({ length: 3 }, () => 'SUBSCRIBE START foo'),
      ...Array.from({ length: 3 }, () => 'SUBSCRIBE STOP foo'),
    ]);
  },
);
