import { describe, expect, test } from 'vitest';
import { FFMPEG } from './process-server.ts';
import { RtmpTestServer, probe } from './rtmp-server.ts';

describe.skipIf(FFMPEG === '')('FFmpeg', () => {
  test('publishes, and three players begin with a key frame at 0', async () => {
    const rtmp = await RtmpTestServer.forTest();
    await rtmp.published('/live/foo');
    for (let player = 0; player < 3; player++) {
      const { streams, packets } = await probe(rtmp.url('/live/foo'));
      console.log(JSON.stringify(streams.map((s) => s.codec_name)), JSON.stringify(packets.slice(0, 3)));
    }
    console.log(JSON.stringify(await rtmp.channels()), JSON.stringify(await rtmp.sessions()));
    console.log(rtmp.lines().join('\n'));
    expect(1).toBe(1);
  });
});
