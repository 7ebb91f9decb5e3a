// The refresh of keys between two connections over networks of all kinds, with keys that change every few packets.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Simulation, numberedPayload } from '../test/simulation.ts';
import { KeyDerivation } from './crypto.ts';
import { createSessionKeys } from './keys.ts';

const LATENCY = 3000;
const PACKETS = 400;
const INTERVAL = 3;

const derivation = new KeyDerivation(4, 64);
const keys = (await createSessionKeys('0123456789ab', 16, derivation)) ?? expect.fail('no keys');

const share = (max: number) => fc.double({ min: 0, max, noNaN: true });
const path = fc.record({
  loss: share(0.2),
  delay: fc.integer({ min: 0, max: 50 }),
  jitter: fc.integer({ min: 0, max: 30 }),
  duplicates: share(0.3),
  reordered: share(0.3),
  reorderDelay: fc.integer({ min: 0, max: 900 }),
});
const keyRefresh = fc
  .integer({ min: 2, max: 60 })
  .chain((after) =>
    fc.record({ after: fc.constant(after), preannounce: fc.integer({ min: 1, max: after }) }),
  );

const NO_HARM = { loss: 0, delay: 0, jitter: 0, duplicates: 0, reordered: 0, reorderDelay: 0 };
/** An announcement comes after its repetition was answered and its successor came. */
const HELD_UP: [
  { seed: number; forward: typeof NO_HARM; back: typeof NO_HARM },
  { after: number; preannounce: number },
] = [
  {
    seed: 0,
    forward: { ...NO_HARM, reordered: 0.006, reorderDelay: 591 },
    back: { ...NO_HARM, delay: 9, jitter: 3 },
  },
  { after: 19, preannounce: 9 },
];

test('whatever the network does to packets and to key material, every payload can be read', async () => {
  let announced = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.record({ seed: fc.integer(), forward: path, back: path }),
      keyRefresh,
      async (network, keyRefresh) => {
        const simulation = new Simulation({
          ...network,
          keys,
          sender: { sendLatency: LATENCY },
          receiver: { receiveLatency: LATENCY },
          settings: { derivation, keyRefresh, retransmitShare: 4 },
        });
        let sent = 0;
        await simulation.runWithKeys(PACKETS * INTERVAL - 1, {
          interval: INTERVAL,
          action: () => simulation.sender.send(numberedPayload(sent++, 64)),
        });
        await simulation.runWithKeys(2 * LATENCY);
        expect(simulation.receiver.statistics().recvUndecryptPkt).toBe(0);
        const changed = simulation.delivered.filter(
          ({ payload }) => !payload.equals(numberedPayload(payload.readUInt32BE(0), payload.length)),
        );
        expect(changed).toHaveLength(0);
        // What is lost at the end may be repeated too late where round trips take a second.
        expect(simulation.delivered.length).toBeGreaterThan(PACKETS * 0.95);
        announced += simulation.sender.statistics().sentKmPkt;
      },
    ),
    { numRuns: 200, examples: [HELD_UP] },
  );
  expect(announced).toBeGreaterThan(1000);
});
