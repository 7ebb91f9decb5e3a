import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { createRandom } from '../test/random.ts';
import { Simulation, type SimulationOptions, numberedPayload } from '../test/simulation.ts';
import { HS_FLAG, LIVE_FLAGS } from './handshake.ts';
import { KeyDerivation } from './crypto.ts';
import { type SessionKeys, createSessionKeys, sessionKeyMaterial } from './keys.ts';
import { type Packet, parsePacket, serializePacket, words } from './packet.ts';
import { ProtocolError } from './protocol-error.ts';

function sessionKeys(): SessionKeys {
  return {
    passphrase: '0123456789ab',
    kek: randomBytes(16),
    keyLength: 16,
    salt: randomBytes(16),
    keys: { even: randomBytes(16) },
  };
}

/** Sends numbered payloads at an interval (ms), then waits until all that can come has come. */
function stream(
  simulation: Simulation,
  options: { seconds: number; interval?: number; tail?: number },
): number {
  const { seconds, interval = 2, tail = 3000 } = options;
  let sent = 0;
  // The last one leaves just before the end.
  simulation.run(seconds * 1000 - 0.5, {
    interval,
    action: () => {
      simulation.sender.send(numberedPayload(sent++));
    },
  });
  simulation.run(tail);
  return sent;
}

/** The numbers of the payloads that were handed over; fails if one is not what was sent. */
function numbers(simulation: Simulation): number[] {
  return simulation.delivered.map(({ payload }) => {
    const number = payload.readUInt32BE(0);
    expect(payload.equals(numberedPayload(number, payload.length))).toBe(true);
    return number;
  });
}

const count = (length: number) => Array.from({ length }, (_, index) => index);

const LOSSY = { loss: 0.1, delay: 20, duplicates: 0.01, reordered: 0.05, reorderDelay: 8, jitter: 2 };
const LATENCY_400 = { sender: { sendLatency: 400 }, receiver: { receiveLatency: 400 } };

describe('a stream over a lossless network', () => {
  test('arrives whole, in order, without retransmissions', () => {
    const simulation = new Simulation({ forward: { delay: 5 }, back: { delay: 5 } });
    const sent = stream(simulation, { seconds: 5 });
    expect(numbers(simulation)).toEqual(count(sent));
    expect(simulation.sender.statistics()).toMatchObject({
      sentPkt: sent,
      sentUniquePkt: sent,
      sentRetransPkt: 0,
      sentBytes: sent * (1316 + 44),
      recvNakPkt: 0,
      sendDropPkt: 0,
      flightSizePkt: 0,
      sendBufPkt: 0,
      sendBufBytes: 0,
    });
    expect(simulation.receiver.statistics()).toMatchObject({
      recvPkt: sent,
      recvUniquePkt: sent,
      recvBytes: sent * (1316 + 44),
      recvLossPkt: 0,
      recvDropPkt: 0,
      sentNakPkt: 0,
      recvBufPkt: 0,
    });
  });

  test.each([0, 20, 120, 500, 8000])('is handed over %i ms after it was sent', (latency) => {
    const simulation = new Simulation({
      forward: { delay: 30 },
      back: { delay: 30 },
      receiver: { receiveLatency: latency },
      sender: { sendLatency: latency },
    });
    const start = simulation.now;
    stream(simulation, { seconds: 1, interval: 5, tail: 10_000 });
    expect(simulation.delivered).toHaveLength(200);
    for (const [index, { at }] of simulation.delivered.entries()) {
      // The clock's origin is the handshake, which was under way as long.
      const delay = at - (start + index * 5);
      expect(delay).toBeGreaterThanOrEqual(latency + 30 - 0.01);
      expect(delay).toBeLessThanOrEqual(latency + 30 + 11);
    }
  });

  test('is handed over as it comes if wanted', () => {
    const simulation = new Simulation({ forward: { delay: 30 }, settings: { isImmediate: true } });
    const start = simulation.now;
    stream(simulation, { seconds: 1, interval: 5 });
    expect(
      simulation.delivered.every(({ at }, index) => Math.abs(at - (start + index * 5 + 30)) < 0.01),
    ).toBe(true);
  });

  test('measures the round trip on both sides', () => {
    const simulation = new Simulation({ forward: { delay: 30 }, back: { delay: 10 } });
    stream(simulation, { seconds: 5, tail: 100 });
    expect(simulation.receiver.statistics().rttMs).toBeCloseTo(40, 0);
    expect(simulation.sender.statistics().rttMs).toBeCloseTo(40, 0);
  });

  test('keeps both sides alive in silence, and tells the end', () => {
    const simulation = new Simulation();
    simulation.run(60_000);
    expect([simulation.sender.closeReason, simulation.receiver.closeReason]).toEqual([undefined, undefined]);
    simulation.sender.close();
    simulation.run(10);
    expect([simulation.sender.closeReason, simulation.receiver.closeReason]).toEqual(['closed', 'shutdown']);
  });

  test('hands over what arrived when the peer says good-bye', () => {
    const simulation = new Simulation();
    for (const number of count(10)) simulation.sender.send(numberedPayload(number));
    simulation.run(5);
    simulation.sender.close();
    simulation.run(1);
    expect(numbers(simulation)).toEqual(count(10));
  });
});

describe('a stream over a lossy network', () => {
  const cases: [string, SimulationOptions][] = [
    ['plain', {}],
    ['encrypted', { keys: sessionKeys() }],
    ['from just below the wraps', wrapping()],
    ['without repeated NAKs', { sender: { sendLatency: 400, peerFlags: LIVE_FLAGS & ~HS_FLAG.periodicNak } }],
  ];
  test.each(cases)('arrives whole: %s', (_title, options) => {
    for (const seed of [1, 2, 3]) {
      const simulation = new Simulation({ ...LATENCY_400, seed, forward: LOSSY, back: LOSSY, ...options });
      const sent = stream(simulation, { seconds: 20 });
      expect(numbers(simulation)).toEqual(count(sent));
      const { recvUndecryptPkt, recvLossPkt, recvUniquePkt, sentNakPkt } = simulation.receiver.statistics();
      expect({ recvUndecryptPkt, recvUniquePkt }).toEqual({ recvUndecryptPkt: 0, recvUniquePkt: sent });
      expect(recvLossPkt).toBeGreaterThan(sent * 0.08);
      expect(sentNakPkt).toBeGreaterThan(0);
    }
  });

  test('at 30 % loss leaves out what is too late, and recovers', () => {
    let loss = 0.3;
    const random = createRandom(7);
    const simulation = new Simulation({
      forward: { delay: 20, filter: (packet) => packet.kind !== 'data' || random() >= loss },
      back: { delay: 20, loss: 0.3 },
    });
    stream(simulation, { seconds: 10, tail: 1000 });
    const dropped = simulation.receiver.statistics().recvDropPkt;
    expect(dropped).toBeGreaterThan(0);
    const before = simulation.delivered.length;
    expect(before).toBeGreaterThan(5000 * 0.7);
    loss = 0;
    const sent = stream(simulation, { seconds: 5, tail: 1000 });
    expect(simulation.delivered.length - before).toBeGreaterThan(sent - 3);
    const order = numbers(simulation).slice(0, before);
    expect(order).toEqual([...order].sort((a, b) => a - b));
  });

  test('counts single losses exactly', () => {
    let data = 0;
    const simulation = new Simulation({
      // Every twentieth first transmission is lost.
      forward: { filter: (packet) => packet.kind !== 'data' || packet.isRetransmitted || ++data % 20 !== 0 },
    });
    const sent = stream(simulation, { seconds: 2 });
    expect(numbers(simulation)).toEqual(count(sent));
    const lost = sent / 20 - 1; // Nothing follows the last one
    expect(simulation.receiver.statistics().recvLossPkt).toBe(lost);
    expect(simulation.receiver.statistics().recvRetransPkt).toBe(lost + 1);
    expect(simulation.sender.statistics()).toMatchObject({ sentRetransPkt: lost + 1, sendLossPkt: lost + 1 });
  });

  test('asks for little that is only late', () => {
    const simulation = new Simulation({
      forward: { delay: 20, reordered: 0.05, reorderDelay: 6, duplicates: 0.05 },
      back: { delay: 20 },
    });
    const sent = stream(simulation, { seconds: 20 });
    expect(numbers(simulation)).toEqual(count(sent));
    expect(simulation.sender.statistics().sentRetransPkt).toBeLessThan(sent * 0.01);
  });

  test('reports losses in packets that are no larger than agreed on', () => {
    const lengths: number[] = [];
    const small = { mss: 100 };
    const simulation = new Simulation({
      sender: { ...small, sendLatency: 400 },
      receiver: { ...small, receiveLatency: 400 },
      forward: { delay: 20, filter: (packet) => packet.kind !== 'data' || packet.sequence % 2 === 0 },
      back: {
        delay: 20,
        filter: (packet) => {
          if (packet.kind === 'nak') lengths.push(serializePacket(packet).length + 28);
          return true;
        },
      },
    });
    simulation.run(2000, { interval: 2, action: () => simulation.sender.send(numberedPayload(0, 56)) });
    expect(Math.max(...lengths)).toBe(100);
  });

  test('sends the end again if it was lost', () => {
    const simulation = new Simulation({
      forward: { delay: 5, filter: (packet) => packet.kind !== 'data' || packet.isRetransmitted },
      back: { delay: 5 },
    });
    simulation.sender.send(numberedPayload(0));
    simulation.run(900);
    expect(numbers(simulation)).toEqual([0]);
  });

  test('never sends plain text again when it is encrypted', () => {
    let plain = 0;
    const marker = Buffer.from('this is in clear');
    const simulation = new Simulation({
      keys: sessionKeys(),
      forward: {
        loss: 0.2,
        filter: (packet) => {
          if (packet.kind === 'data' && packet.payload.includes(marker)) plain++;
          return true;
        },
      },
    });
    simulation.run(2000, { interval: 2, action: () => simulation.sender.send(Buffer.alloc(1316, marker)) });
    expect(simulation.sender.statistics().sentRetransPkt).toBeGreaterThan(100);
    expect(plain).toBe(0);
  });

  test('drops at the sender what the peer does not acknowledge in time', () => {
    let isCut = false;
    const simulation = new Simulation({ back: { filter: () => !isCut }, forward: { filter: () => !isCut } });
    stream(simulation, { seconds: 1, tail: 0 });
    isCut = true;
    stream(simulation, { seconds: 3, tail: 0 });
    const { sendDropPkt, sendBufMs } = simulation.sender.statistics();
    expect(sendDropPkt).toBeGreaterThan(900);
    expect(sendBufMs).toBeLessThan(1100);
    isCut = false;
    stream(simulation, { seconds: 1 });
    expect(simulation.delivered.length).toBeGreaterThan(950);
  });

  test('goes on after a break of more packets than the receiver can hold', () => {
    let isCut = false;
    const simulation = new Simulation({ back: { filter: () => !isCut }, forward: { filter: () => !isCut } });
    const fast = { interval: 0.2, tail: 0 };
    const before = stream(simulation, { seconds: 1, ...fast });
    isCut = true;
    const lost = stream(simulation, { seconds: 3, ...fast });
    isCut = false;
    const sent = stream(simulation, { seconds: 2, interval: 0.2 });
    expect(lost).toBeGreaterThan(8192);
    expect(simulation.delivered.length).toBeGreaterThan(0.9 * (before + sent));
    const { recvUniquePkt, recvLossPkt, recvDropPkt } = simulation.receiver.statistics();
    expect(recvUniquePkt + recvLossPkt).toBe(before + lost + sent);
    expect(recvUniquePkt + recvDropPkt).toBe(before + lost + sent);
    expect(simulation.sender.statistics().sendBufPkt).toBe(0);
  });
});

function wrapping(): SimulationOptions {
  const startedAt = 1000 - 0xffff_ff00 / 1000;
  const initialSequence = 0x7fff_fff0;
  const peerTimestamp = 0xffff_ff00;
  return {
    keys: sessionKeys(),
    sender: { sendLatency: 400, startedAt, initialSequence, peerTimestamp },
    receiver: { receiveLatency: 400, startedAt, initialSequence, peerTimestamp },
  };
}

describe('a hostile peer', () => {
  const DATA: Packet = {
    kind: 'data',
    sequence: 1000,
    position: 3,
    isOrdered: false,
    key: 0,
    isRetransmitted: false,
    message: 1,
    timestamp: 0,
    destination: 2,
    payload: numberedPayload(0),
  };
  const header = { timestamp: 0, destination: 1 };

  test('does not stop a stream by a jump of the sequence', () => {
    const simulation = new Simulation();
    stream(simulation, { seconds: 1, tail: 0 });
    for (const sequence of [1000 + 2 ** 30 - 1, 1000 + 20_000, 999]) {
      simulation.receiver.handle({ ...DATA, sequence }, simulation.now);
    }
    stream(simulation, { seconds: 1 });
    expect(simulation.delivered).toHaveLength(1000);
    expect(simulation.receiver.statistics().recvDropPkt).toBe(3);
  });

  test('does not stop a stream by packets without content', () => {
    const simulation = new Simulation();
    simulation.receiver.handle({ ...DATA, payload: Buffer.alloc(0) }, simulation.now);
    simulation.receiver.handle({ ...DATA, sequence: 1001 }, simulation.now);
    simulation.run(1000);
    expect(numbers(simulation)).toEqual([0]);
  });

  test('does not stop a stream by stamps from the future', () => {
    const simulation = new Simulation();
    stream(simulation, { seconds: 1, tail: 0 });
    simulation.receiver.handle({ ...DATA, sequence: 1505, timestamp: 600_000_000 }, simulation.now);
    stream(simulation, { seconds: 1 });
    expect(simulation.delivered).toHaveLength(1000);
  });

  test('gets no answer for packets of a filter', () => {
    const simulation = new Simulation();
    simulation.receiver.handle({ ...DATA, message: 0 }, simulation.now);
    expect(simulation.receiver.statistics().recvPkt).toBe(0);
  });

  test('cannot multiply what is sent by NAKs', () => {
    const simulation = new Simulation({ forward: { delay: 20 }, back: { delay: 20 } });
    stream(simulation, { seconds: 2, tail: 0 });
    const { sentPkt } = simulation.sender.statistics();
    for (let round = 0; round < 150; round++) {
      const losses = [{ first: 1000 + 985, last: 1000 + 995 }];
      simulation.sender.handle({ kind: 'nak', losses, ...header }, simulation.now);
    }
    expect(simulation.sender.statistics().sentPkt - sentPkt).toBeLessThanOrEqual(11);
  });

  test('is shown out when it floods', () => {
    const simulation = new Simulation();
    const losses = [{ first: 1000, last: 1000 }];
    simulation.run(1500, {
      interval: 0.2,
      action: () => {
        simulation.sender.handle({ kind: 'nak', losses, ...header }, simulation.now);
      },
    });
    expect(simulation.sender.closeReason).toBe('abuse');
  });

  test('is shown out when it sends more than the limit for seconds', () => {
    const limits = {
      naksPerSecond: 200,
      acksPerSecond: 200,
      keyRequestsPerSecond: 10,
      packetsPerSecond: 100,
      bytesPerSecond: 1e9,
    };
    const simulation = new Simulation({ settings: { limits } });
    stream(simulation, { seconds: 5, tail: 0 });
    expect(simulation.receiver.closeReason).toBe('abuse');
    expect(simulation.receiver.statistics().recvPkt).toBeLessThanOrEqual(300);
  });

  test('has no effect by acknowledging what was never sent, or huge round trips', () => {
    const simulation = new Simulation();
    simulation.sender.send(numberedPayload(0));
    const report = { rtt: 0xffff_ffff, rttVariance: 0xffff_ffff, availableBuffer: 0 };
    simulation.sender.handle({ kind: 'ack', number: 1, sequence: 5000, report, ...header }, simulation.now);
    expect(simulation.sender.statistics()).toMatchObject({ sendBufPkt: 1, rttMs: 100 });
    simulation.sender.handle({ kind: 'ack', number: 2, sequence: 1001, report, ...header }, simulation.now);
    expect(simulation.sender.statistics()).toMatchObject({ sendBufPkt: 0, rttMs: 10_000 });
  });

  test('that never acknowledges is given up', () => {
    const simulation = new Simulation({ back: { filter: (packet) => packet.kind === 'data' } });
    simulation.run(6000, {
      interval: 20,
      action: () => {
        simulation.sender.send(numberedPayload(0));
        simulation.receiver.send(numberedPayload(0));
      },
    });
    expect(simulation.sender.closeReason).toBe('unresponsive');
  });

  test('that falls silent is given up', () => {
    const simulation = new Simulation({ back: { filter: () => false } });
    simulation.run(5100);
    expect(simulation.sender.closeReason).toBe('idle');
  });

  test('gets at most 200 ACKs a second answered', () => {
    let answers = 0;
    const simulation = new Simulation({
      forward: {
        filter: (packet) => {
          if (packet.kind === 'ackack') answers++;
          return true;
        },
      },
    });
    const report = { rtt: 1, rttVariance: 1, availableBuffer: 100 };
    for (let number = 1; number <= 1000; number++) {
      simulation.sender.handle({ kind: 'ack', number, sequence: 1000, report, ...header }, simulation.now);
    }
    expect(answers).toBe(200);
  });

  test('cannot pass plain text where encryption was agreed on', () => {
    const simulation = new Simulation({ keys: sessionKeys() });
    simulation.receiver.handle(DATA, simulation.now);
    simulation.run(500);
    expect(simulation.delivered).toEqual([]);
    expect(simulation.receiver.statistics()).toMatchObject({ recvUndecryptPkt: 1, recvUniquePkt: 0 });
  });

  test('breaks nothing with packets that were changed at random', () => {
    const simulation = new Simulation({ keys: sessionKeys() });
    stream(simulation, { seconds: 0.2, tail: 0 });
    const report = {
      rtt: 1,
      rttVariance: 1,
      availableBuffer: 100,
      receiveRate: 1,
      linkCapacity: 1,
      receiveByteRate: 1,
    };
    const samples: Packet[] = [
      DATA,
      { kind: 'ack', number: 1, sequence: 1002, report, ...header },
      { kind: 'nak', losses: [{ first: 1000, last: 1100 }], ...header },
      { kind: 'dropreq', message: 0, first: 1000, last: 1010, ...header },
      { kind: 'ackack', number: 1, ...header },
      {
        kind: 'kmreq',
        body: words(0x12202901, 0, 0x02000200, 0x0404, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10),
        ...header,
      },
      { kind: 'hsreq', body: words(0x10203, 0x3f, 120), ...header },
    ];
    let state = 1;
    const next = (below: number) => (state = (state * 48_271) % 0x7fff_ffff) % below;
    for (let round = 0; round < 20_000; round++) {
      const bytes = serializePacket(samples[next(samples.length)] ?? DATA);
      for (let change = 0; change <= next(4); change++) bytes[next(Math.min(bytes.length, 48))] = next(256);
      try {
        simulation.receiver.handle(parsePacket(bytes.subarray(0, bytes.length - next(8))), simulation.now);
      } catch (error) {
        expect(error).toBeInstanceOf(ProtocolError);
      }
      if (round % 100 === 0) simulation.run(10);
    }
  });
});

describe('version 4', () => {
  test('agrees on the latency after the handshake, as often as it is asked', () => {
    const answers: Packet[] = [];
    const simulation = new Simulation({
      receiver: { handshakeVersion: 4 },
      back: {
        filter: (packet) => {
          if (packet.kind === 'hsrsp') answers.push(packet);
          return true;
        },
      },
    });
    const body = words(0x00010203, 0x3f, 500);
    for (let time = 0; time < 2; time++) {
      simulation.receiver.handle({ kind: 'hsreq', body, timestamp: 0, destination: 2 }, simulation.now);
    }
    expect(simulation.receiver.latency.receive).toBe(500);
    expect(answers).toHaveLength(2);
    expect(answers[0]).toMatchObject({ body: words(0x00010203, 0x3e, 500) });
  });

  describe('encrypted', () => {
    /** The receiver waits for the keys that the sender has. */
    function keyless(keys: SessionKeys): Simulation {
      const receiver = { handshakeVersion: 4, keys: undefined, passphrase: keys.passphrase };
      return new Simulation({ keys, receiver });
    }

    test('loses nothing of what came before its key', async () => {
      const keys = await createSessionKeys('0123456789ab', 16, new KeyDerivation(1, 1));
      if (keys === undefined) throw new Error('no keys');
      const simulation = keyless(keys);
      const early = stream(simulation, { seconds: 0.1, tail: 0 });
      expect(simulation.delivered).toHaveLength(0);
      const body = sessionKeyMaterial(keys);
      simulation.receiver.handle({ kind: 'kmreq', body, timestamp: 0, destination: 2 }, simulation.now);
      await expect
        .poll(() => {
          simulation.run(10);
          return simulation.delivered.length;
        })
        .toBe(early);
      expect(numbers(simulation)).toEqual(count(early));
      expect(simulation.receiver.statistics()).toMatchObject({ recvUniquePkt: early, recvUndecryptPkt: 0 });
    });

    test('keeps only so much for a key that does not come', () => {
      const simulation = keyless(sessionKeys());
      const sent = stream(simulation, { seconds: 4 });
      expect(simulation.delivered).toHaveLength(0);
      expect(simulation.receiver.statistics()).toMatchObject({ recvPkt: sent, recvUndecryptPkt: sent });
    });
  });
});
