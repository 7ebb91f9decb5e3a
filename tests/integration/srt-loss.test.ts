import { describe, expect, onTestFinished, test } from 'vitest';
import { type Connection, type EndpointOptions, connect } from '../../packages/srt/src/index.ts';
import { type Impairment, LossyProxy } from '../support/lossy-proxy.ts';
import { Recording, sendPaced, startListener, transportPackets } from './srt-peer.ts';

const PASSPHRASE = '0123456789ab';
const BAD: Impairment = { loss: 0.1, delay: 20, reordered: 0.05, duplicates: 0.01 };
const STREAM = transportPackets(7 * 900);

/** A caller and the listener's side of its connection, with a bad network between them. */
async function connectOver(
  { up, down, passphrase }: { up?: Impairment; down?: Impairment; passphrase?: string | undefined },
  options: EndpointOptions = {},
): Promise<{ caller: Connection; accepted: Connection; requests: () => number }> {
  let requests = 0;
  const connection = Promise.withResolvers<Connection>();
  const { port } = await startListener(async (request) => {
    requests++;
    if (passphrase !== undefined) await request.unlock(passphrase);
    connection.resolve(request.accept());
  }, options);
  const proxy = await LossyProxy.start({ target: port, seed: 5, ...(up && { up }), ...(down && { down }) });
  onTestFinished(() => {
    proxy.close();
  });
  const caller = await connect({
    ...options,
    host: '127.0.0.1',
    port: proxy.port,
    connectTimeout: 15_000,
    ...(passphrase !== undefined && { passphrase }),
  });
  onTestFinished(() => {
    caller.close();
  });
  return { caller, accepted: await connection.promise, requests: () => requests };
}

describe('over a network that loses, delays, repeats and reorders', () => {
  // A busy machine may give a process no time for longer than the latencies that are usual. Those are tested where time is
  // turned by hand.
  const latencies = { receiveLatency: 3000, sendLatency: 3000 };

  test.each([
    ['plain', undefined, {}],
    ['encrypted', PASSPHRASE, {}],
    ['encrypted, with keys that change', PASSPHRASE, { keyRefresh: { after: 300, preannounce: 150 } }],
    ['plain, with timestamps that wrap', undefined, { initialTimestamp: 0xffff_ffff - 3_000_000 }],
  ])('a stream arrives complete in either direction: %s', async (_title, passphrase, options) => {
    const { caller, accepted } = await connectOver(
      { up: BAD, down: BAD, passphrase },
      { ...latencies, ...options },
    );
    const recordings = [new Recording(accepted), new Recording(caller)];
    await Promise.all([sendPaced(caller, STREAM), sendPaced(accepted, STREAM)]);
    for (const recording of recordings) {
      await expect.poll(() => recording.bytes).toBe(STREAM.length);
      expect(recording.content().equals(STREAM)).toBe(true);
    }
    for (const connection of [caller, accepted]) {
      const { recvLossPkt, recvRetransPkt, recvUndecryptPkt, rttMs } = connection.statistics();
      expect(recvLossPkt).toBeGreaterThan(40);
      expect(recvRetransPkt).toBeGreaterThan(40);
      expect(recvUndecryptPkt).toBe(0);
      expect(rttMs).toBeGreaterThan(38);
    }
  });
});

test('a caller whose answer was lost three times is connected once', async () => {
  let conclusions = 0;
  const { caller, accepted, requests } = await connectOver({
    down: {
      // Answers to conclusions are handshakes with the type -1.
      filter: (datagram) =>
        datagram.readUInt32BE(0) !== 0x8000_0000 ||
        datagram.readUInt32BE(36) !== 0xffff_ffff ||
        ++conclusions > 3,
    },
  });
  expect(requests()).toBe(1);
  expect(conclusions).toBe(4);
  const recording = new Recording(accepted);
  caller.send(Buffer.from('x'));
  await expect.poll(() => recording.bytes).toBe(1);
});

test('a player gets no plain text when it is repeated to it encrypted', async () => {
  let plain = 0;
  const marker = Buffer.from('this is in the clear');
  const down: Impairment = {
    loss: 0.1,
    filter: (datagram) => {
      if (datagram.includes(marker)) plain++;
      return true;
    },
  };
  const { accepted, caller } = await connectOver({ passphrase: PASSPHRASE, down }, { receiveLatency: 2000 });
  const stream = Buffer.alloc(1316 * 600, marker);
  const recording = new Recording(caller);
  await sendPaced(accepted, stream);
  await expect.poll(() => recording.bytes).toBe(stream.length);
  expect(recording.content().equals(stream)).toBe(true);
  expect(accepted.statistics().sentRetransPkt).toBeGreaterThan(20);
  expect(plain).toBe(0);
});
