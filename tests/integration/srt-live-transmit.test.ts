import { describe, expect, onTestFinished, test } from 'vitest';
import { type Connection, REJECTION, connect } from '../../packages/srt/src/index.ts';
import { LossyProxy } from '../support/lossy-proxy.ts';
import { freePort } from '../support/ports.ts';
import { Peer, Recording, SRT_LIVE_TRANSMIT, sendPaced, transportPackets } from './srt-peer.ts';
import { PASSPHRASE, VARIATIONS, accepting, url } from './srt-variations.ts';

/** As much as the kernel's usual buffers nearly hold: a peer that gets no time for a while loses nothing. */
const STREAM = transportPackets(1050);
const BITRATE = 1_500_000;

describe.skipIf(SRT_LIVE_TRANSMIT === undefined)('srt-live-transmit', () => {
  const program = SRT_LIVE_TRANSMIT ?? '';

  test.each([...VARIATIONS, { name: 'with a latency of 8 s', latency: 8000 }])(
    'plays every byte $name',
    async (variation) => {
      const { port, connection } = await accepting(variation);
      const peer = new Peer(program, ['-q', '-a:no', url(port, variation, 1), 'file://con']);
      const player = await connection;
      await sendPaced(player, STREAM, { bitrate: BITRATE, payload: variation.payload ?? 1316 });
      await expectWhole(peer, player);
      const { sendDropPkt, sentKmPkt } = player.statistics();
      expect(sendDropPkt).toBe(0);
      if (variation.refresh !== undefined) expect(sentKmPkt).toBeGreaterThan(0);
    },
  );

  test.each(VARIATIONS)('publishes every byte $name', async (variation) => {
    const { port, connection } = await accepting(variation);
    const target = `${url(port, variation, 1)}${variation.query ?? ''}`;
    const peer = new Peer(program, [
      '-q',
      '-a:no',
      '-c',
      String(variation.payload ?? 1316),
      'file://con',
      target,
    ]);
    const publisher = await connection;
    const recording = new Recording(publisher);
    await writePaced(peer, STREAM);
    // The program keeps what does not fill its buffers.
    await expect.poll(() => recording.bytes).toBeGreaterThanOrEqual(STREAM.length - 16_384);
    expect(recording.content().equals(STREAM.subarray(0, recording.bytes))).toBe(true);
    expect(publisher.statistics().recvUndecryptPkt).toBe(0);
  });

  test.each<[title: string, keyMessages: number, passphrase: string | undefined, query: string]>([
    ['in the clear', 0, undefined, ''],
    ['encrypted', 1, PASSPHRASE, `&passphrase=${PASSPHRASE}&pbkeylen=24`],
    [
      'encrypted, with keys that change',
      2,
      PASSPHRASE,
      `&passphrase=${PASSPHRASE}&kmrefreshrate=100&kmpreannounce=40`,
    ],
  ])(
    'publishes every byte in version 4 of the handshake, %s',
    async (_title, keyMessages, passphrase, query) => {
      const { port, connection } = await accepting({
        name: '',
        ...(passphrase !== undefined && { passphrase }),
      });
      const proxy = await LossyProxy.start({ target: port, down: { filter: offerVersion4 } });
      onTestFinished(() => {
        proxy.close();
      });
      const target = `srt://127.0.0.1:${proxy.port}?latency=300${query}`;
      const peer = new Peer(program, ['-q', '-a:no', '-c', '1316', 'file://con', target]);
      const publisher = await connection;
      expect(publisher.handshakeVersion).toBe(4);
      const recording = new Recording(publisher);
      await writePaced(peer, STREAM);
      // In this version the keys follow the first data, which waits for them.
      await expect.poll(() => recording.bytes).toBeGreaterThanOrEqual(STREAM.length - 16_384);
      expect(recording.content().equals(STREAM.subarray(0, recording.bytes))).toBe(true);
      expect(publisher.statistics().recvUndecryptPkt).toBe(0);
      expect(publisher.latency.receive).toBe(300);
      expect(publisher.statistics().recvKmPkt).toBeGreaterThanOrEqual(keyMessages);
    },
  );

  test('is called where it listens', async () => {
    const port = await freePort();
    const peer = new Peer(program, [
      '-q',
      `srt://127.0.0.1:${port}?mode=listener&passphrase=${PASSPHRASE}`,
      'file://con',
    ]);
    const publisher = await connect({
      host: '127.0.0.1',
      port,
      passphrase: PASSPHRASE,
      keyLength: 24,
      connectTimeout: 10_000,
    });
    await sendPaced(publisher, STREAM, { bitrate: BITRATE });
    // It goes on listening, with what does not fill its buffer.
    await expect.poll(() => peer.outputBytes).toBeGreaterThan(STREAM.length - 4096);
    expect(peer.output().equals(STREAM.subarray(0, peer.outputBytes))).toBe(true);
  });

  test('refuses a wrong passphrase when it is called', async () => {
    const port = await freePort();
    new Peer(program, [
      '-q',
      '-a:no',
      `srt://127.0.0.1:${port}?mode=listener&passphrase=${PASSPHRASE}`,
      'file://con',
    ]);
    const call = connect({ host: '127.0.0.1', port, passphrase: 'something else', connectTimeout: 10_000 });
    await expect(call).rejects.toMatchObject({ code: REJECTION.badSecret });
  });
});

/** Makes an answer to an induction what a listener gives that knows no version 5: whoever calls it falls back. */
function offerVersion4(datagram: Buffer): boolean {
  const isHandshake = datagram.readUInt32BE(0) === 0x8000_0000;
  if (isHandshake && datagram.readUInt32BE(36) === 1) {
    datagram.writeUInt32BE(4, 16);
    datagram.writeUInt32BE(2, 20);
  }
  return true;
}

/** Gives a program its input at the same pace. */
function writePaced(peer: Peer, stream: Buffer): Promise<void> {
  let written = 0;
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      const chunk = stream.subarray(written, written + 1316 * 2);
      written += chunk.length;
      peer.process.stdin?.write(chunk);
      if (written < stream.length) return;
      clearInterval(timer);
      resolve();
    }, 14);
  });
}

/** The program wrote the whole stream. What does not fill its buffer it writes when the connection has ended. */
async function expectWhole(peer: Peer, connection: Connection): Promise<void> {
  await expect.poll(() => peer.outputBytes).toBeGreaterThan(STREAM.length - 4096);
  connection.close();
  await peer.ended;
  expect(peer.output().equals(STREAM.subarray(0, peer.outputBytes))).toBe(true);
  expect(peer.outputBytes).toBe(STREAM.length);
}
