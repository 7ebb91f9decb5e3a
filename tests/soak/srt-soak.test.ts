// A minute each over a bad network: `npm run soak`. The suite has the same for seconds.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type Connection, connect } from '../../packages/srt/src/index.ts';
import { Recording, sendPaced, startListener, transportPackets } from '../integration/srt-peer.ts';
import { type Impairment, LossyProxy } from '../support/lossy-proxy.ts';

const SECONDS = Number(process.env['SOAK_SECONDS'] ?? 60);
const BITRATE = 5_000_000;
/** So often a run is repeated for which the machine had no time. */
const ATTEMPTS = 3;
const PASSPHRASE = '0123456789ab';
const LATENCY = { receiveLatency: 400, sendLatency: 400 };
const BAD: Impairment = { loss: 0.1, delay: 20, reordered: 0.05, duplicates: 0.01 };
const STREAM = transportPackets(Math.ceil((SECONDS * BITRATE) / 8 / 1316) * 7);

async function connectOver(impairment: Impairment, passphrase?: string) {
  const accepted = Promise.withResolvers<Connection>();
  const { port } = await startListener(async (request) => {
    if (passphrase !== undefined) await request.unlock(passphrase);
    accepted.resolve(request.accept());
  }, LATENCY);
  const proxy = await LossyProxy.start({ target: port, seed: 11, up: impairment, down: impairment });
  const caller = await connect({
    ...LATENCY,
    host: '127.0.0.1',
    port: proxy.port,
    connectTimeout: 15_000,
    ...(passphrase !== undefined && { passphrase, keyRefresh: { after: 10_000, preannounce: 2_000 } }),
  });
  onTestFinished(() => {
    caller.close();
    proxy.close();
  });
  return { caller, accepted: await accepted.promise };
}

function summary(connection: Connection): string {
  const { sentPkt, sentRetransPkt, sendDropPkt } = connection.statistics();
  return `${sentPkt} sent, ${sentRetransPkt} of them again, ${sendDropPkt} dropped`;
}

describe('10 % loss, 5 % reordering and 1 % duplicates in both directions, 40 ms round trip, 400 ms latency', () => {
  test.for([
    ['plain', undefined],
    ['encrypted', PASSPHRASE],
  ] as const)(
    'lose not one byte: %s',
    { timeout: ATTEMPTS * (SECONDS + 60) * 1000 },
    async ([, passphrase]) => {
      for (let attempt = 1; ; attempt++) {
        const { caller, accepted } = await connectOver(BAD, passphrase);
        const recording = new Recording(accepted);
        const longestWait = await measureWaits(() => sendPaced(caller, STREAM, { bitrate: BITRATE }));
        await expect.poll(() => accepted.statistics().recvBufPkt).toBe(0);
        const isWhole = recording.content().equals(STREAM);
        const result = `${recording.bytes} of ${STREAM.length} bytes; ${summary(caller)}`;
        console.log(`${result}; longest wait ${Math.round(longestWait)} ms`);
        // Every byte that came is right, whatever the machine did.
        expect(accepted.statistics().recvUndecryptPkt).toBe(0);
        expectPartOf(recording.content(), STREAM);
        // Nothing can be in time in a process that does not run for a good part of the latency: such a run proves nothing.
        if (isWhole) return;
        const isProof = longestWait <= LATENCY.receiveLatency / 4;
        if (isProof || attempt === ATTEMPTS) expect.fail(`${result}, in attempt ${attempt}`);
        console.warn('The machine did not let the process run: once more');
      }
    },
  );
});

/** ms for which the process did not run at a stretch, at most, during an action. */
async function measureWaits(action: () => Promise<void>): Promise<number> {
  const delays = monitorEventLoopDelay({ resolution: 5 });
  delays.enable();
  await action();
  delays.disable();
  return delays.max / 1e6;
}

/** Whole payloads of a stream whose packets tell their number, in order. */
function expectPartOf(content: Buffer, stream: Buffer): void {
  let last = -1;
  for (let at = 0; at < content.length; at += 1316) {
    const number = content.readUInt32BE(at + 4);
    expect(number).toBeGreaterThan(last);
    last = number;
    const payload = stream.subarray(number * 188, number * 188 + 1316);
    expect(content.subarray(at, at + payload.length).equals(payload)).toBe(true);
  }
}

test(
  '30 % loss costs late packets, and nothing once it is over',
  { timeout: (SECONDS + 60) * 1000 },
  async () => {
    const network: Impairment = { loss: 0.3, delay: 20 };
    const { caller, accepted } = await connectOver(network);
    const recording = new Recording(accepted);
    const half = Math.floor(STREAM.length / 2 / 1316) * 1316;
    await sendPaced(caller, STREAM.subarray(0, half), { bitrate: BITRATE });
    await expect.poll(() => accepted.statistics().recvBufPkt).toBe(0);
    const during = recording.bytes / half;
    console.log(`${(during * 100).toFixed(1)} % arrived in time; ${summary(caller)}`);
    expect(during).toBeGreaterThan(0.7);
    expect(accepted.statistics().recvDropPkt).toBeGreaterThan(0);

    network.loss = 0;
    // What is still on its way of the bad time may be late as well.
    await sendPaced(caller, STREAM.subarray(0, 1316 * 500), { bitrate: BITRATE });
    await expect.poll(() => accepted.statistics().recvBufPkt).toBe(0);
    const before = recording.bytes;
    await sendPaced(caller, STREAM.subarray(half), { bitrate: BITRATE });
    await expect.poll(() => recording.bytes - before).toBe(STREAM.length - half);
    expect(recording.content().subarray(before).equals(STREAM.subarray(half))).toBe(true);
  },
);
