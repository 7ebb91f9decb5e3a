import { describe, expect, onTestFinished, test } from 'vitest';
import {
  type Connection,
  type ListenerOptions,
  REJECTION,
  type RequestHandler,
  connect,
} from '../../packages/srt/src/index.ts';
import {
  type Extensions,
  HANDSHAKE_TYPE,
  type Handshake,
  parseExtensions,
} from '../../packages/srt/src/handshake.ts';
import { serializePacket, words } from '../../packages/srt/src/packet.ts';
import { HANDSHAKES } from '../../packages/srt/test/vectors/packets.ts';
import { Attacker, conclusion } from './srt-attacker.ts';
import { Recording, startListener } from './srt-peer.ts';

const accept: RequestHandler = (request) => {
  request.accept();
};

async function start(handler: RequestHandler = accept, options: ListenerOptions = {}) {
  const { listener, port } = await startListener(handler, options);
  return { listener, port, attacker: await Attacker.open(port) };
}

describe('before the cookie', () => {
  test('an induction is answered with as many bytes, and nothing is kept', async () => {
    const { listener, attacker } = await start();
    attacker.sendHandshake(HANDSHAKES.induction);
    await expect.poll(() => attacker.received.length).toBe(1);
    expect(attacker.received[0]?.length).toBe(64);
    expect(await attacker.answeredHandshake()).toMatchObject({ version: 5, extensionField: 0x4a17 });
    expect(listener.connectionCount).toBe(0);
  });

  test('nothing else is answered', async () => {
    const { listener, attacker } = await start();
    const cookie = await attacker.cookie();
    attacker.sendHandshake(conclusion(cookie ^ 1));
    attacker.sendHandshake(HANDSHAKES.conclusion);
    attacker.sendHandshake(HANDSHAKES.induction.subarray(0, 47));
    attacker.send(Buffer.alloc(1500, 0xff));
    attacker.send(Buffer.alloc(0));
    attacker.send(serializePacket({ kind: 'shutdown', timestamp: 0, destination: 12345 }));
    for (const type of [HANDSHAKE_TYPE.wavehand, HANDSHAKE_TYPE.agreement, 1004]) {
      attacker.sendHandshake(conclusion(cookie, { type }));
    }
    await attacker.settled();
    expect(attacker.received).toEqual([]);
    expect(listener.connectionCount).toBe(0);
  });

  test('a cookie is of no use to another address', async () => {
    const { listener, attacker, port } = await start();
    const cookie = await attacker.cookie();
    const other = await Attacker.open(port);
    other.sendHandshake(conclusion(cookie));
    await other.settled();
    expect(other.received).toEqual([]);
    expect(listener.connectionCount).toBe(0);
  });
});

describe('a conclusion', () => {
  test('of every length is answered without harm, with no more bytes than it has', async () => {
    const { listener, port, attacker } = await start();
    const cookie = await attacker.cookie();
    const whole = Buffer.from(HANDSHAKES.conclusion);
    whole.writeUInt32BE(cookie, 28);
    for (let length = 0; length < whole.length; length++) {
      const cut = Buffer.from(whole.subarray(0, length));
      // Each from a caller of its own, or it would be a repetition.
      if (length >= 28) cut.writeUInt32BE(1000 + length, 24);
      attacker.sendHandshake(cut);
      await attacker.settled();
      for (const answer of attacker.received.splice(0))
        expect(answer.length).toBeLessThanOrEqual(16 + length);
    }
    expect(listener.connectionCount).toBe(0);
    const connection = await connect({ host: '127.0.0.1', port });
    connection.close();
  });

  test.each<[string, number, Partial<Handshake>, Extensions?]>([
    ['without HSREQ', REJECTION.rogue, {}, {}],
    ['with HSREQ that the extension field does not tell', REJECTION.rogue, { extensionField: 0 }],
    ['of version 3', REJECTION.version, { version: 3 }],
    ['of version 6', REJECTION.version, { version: 6 }],
    ['with an MSS of 0', REJECTION.rogue, { mss: 0 }],
    ['with an MSS of 75', REJECTION.rogue, { mss: 75 }],
    ['with an MSS of 1501', REJECTION.rogue, { mss: 1501 }],
    ['with a window of 0', REJECTION.rogue, { flowWindow: 0 }],
    ['of an old library', REJECTION.version, {}, hsreq({ version: 0x010200 })],
    ['for the stream mode', REJECTION.messageApi, {}, hsreq({ flags: 0x7f })],
    ['without delivery in time', REJECTION.rogue, {}, hsreq({ flags: 0x3c })],
    ['for file congestion control', REJECTION.congestion, {}, { ...hsreq({}), congestion: 'file' }],
    ['with a stream id of 516 bytes', REJECTION.rogue, {}, { ...hsreq({}), streamId: 'x'.repeat(516) }],
    ['with AES-GCM', REJECTION.crypto, {}, { ...hsreq({}), kmreq: keyMaterial(8, 4) }],
    ['with a key of 20 bytes', REJECTION.rogue, {}, { ...hsreq({}), kmreq: keyMaterial(15, 5) }],
    ['with key material without a key', REJECTION.rogue, {}, { ...hsreq({}), kmreq: keyMaterial(3, 0) }],
  ])('%s is refused with %i', async (_title, code, change, extensions) => {
    const { listener, attacker } = await start();
    attacker.sendHandshake(conclusion(await attacker.cookie(), change, extensions));
    expect((await attacker.answeredHandshake()).type).toBe(code);
    expect(listener.connectionCount).toBe(0);
  });

  test('gets what both sides wish as latency', async () => {
    const { attacker } = await start();
    attacker.sendHandshake(
      conclusion(await attacker.cookie(), {}, hsreq({ receiverDelay: 500, senderDelay: 2000 })),
    );
    const packet = await attacker.answer();
    expect(packet.kind === 'handshake' && parseExtensions(packet.body).hsrsp).toMatchObject({
      receiverDelay: 2000,
      senderDelay: 500,
      flags: 0x3f,
    });
  });

  test.each([
    [25_600, 8192],
    [100, 100],
  ])('with room for %i packets is told a window of %i', async (flowWindow, told) => {
    const { attacker } = await start();
    attacker.sendHandshake(conclusion(await attacker.cookie(), { flowWindow }));
    expect(await attacker.answeredHandshake()).toMatchObject({ flowWindow: told });
  });

  test('of version 4 is answered in its own form', async () => {
    const accepted: Connection[] = [];
    const { attacker } = await start((request) => void accepted.push(request.accept()));
    const cookie = await attacker.cookie();
    attacker.sendHandshake(conclusion(cookie, { version: 4, extensionField: 2 }, {}));
    await expect.poll(() => attacker.received.length).toBe(1);
    expect(attacker.received[0]?.length).toBe(64);
    expect(await attacker.answeredHandshake()).toMatchObject({ version: 4, cookie: 0 });
    const { id } = accepted[0] ?? { id: 0 };
    const body = words(0x00010203, 0x3f, 200);
    attacker.send(serializePacket({ kind: 'hsreq', body, timestamp: 0, destination: id }));
    expect(await attacker.answer()).toMatchObject({ kind: 'hsrsp', body: words(0x00010203, 0x3e, 200) });
  });
});

describe('limits', () => {
  const hang: RequestHandler = () => new Promise(() => undefined);

  test('hold for those who wait', async () => {
    const { attacker } = await start(hang, { limits: { pending: 2 } });
    const cookie = await attacker.cookie();
    for (const socketId of [1, 2, 3]) attacker.sendHandshake(conclusion(cookie, { socketId }));
    expect(await attacker.answeredHandshake()).toMatchObject({ type: REJECTION.backlog });
  });

  test('hold for connections of one address', async () => {
    const { listener, attacker } = await start(accept, { limits: { connectionsPerAddress: 2 } });
    const cookie = await attacker.cookie();
    for (const socketId of [1, 2, 3]) attacker.sendHandshake(conclusion(cookie, { socketId }));
    const types = [];
    for (let index = 0; index < 3; index++) types.push((await attacker.answeredHandshake()).type);
    expect(types).toEqual([0xffff_ffff, 0xffff_ffff, REJECTION.resource]);
    expect(listener.connectionCount).toBe(2);
  });

  test('hold for the time that a decision takes', async () => {
    const { attacker } = await start(hang, { decisionTimeout: 50 });
    attacker.sendHandshake(conclusion(await attacker.cookie()));
    expect(await attacker.answeredHandshake()).toMatchObject({ type: REJECTION.timeout });
  });

  test('hold for passphrases that are tried', async () => {
    const { attacker } = await start((request) => request.unlock('0123456789ab'), {
      limits: { secretsPerSecondPerAddress: 0 },
    });
    const base = parseExtensions(HANDSHAKES.conclusion);
    attacker.sendHandshake(conclusion(await attacker.cookie(), { extensionField: 7 }, base));
    expect(await attacker.answeredHandshake()).toMatchObject({ type: REJECTION.resource });
  });
});

test('a connection is out of reach for who has another address, and for broken packets', async () => {
  const accepted = Promise.withResolvers<Connection>();
  const { port, attacker } = await start((request) => {
    accepted.resolve(request.accept());
  });
  const caller = await connect({ host: '127.0.0.1', port });
  onTestFinished(() => {
    caller.close();
  });
  const connection = await accepted.promise;
  const recording = new Recording(connection);
  const header = { timestamp: 0, destination: connection.id };
  attacker.send(serializePacket({ kind: 'shutdown', ...header }));
  attacker.send(serializePacket({ kind: 'ack', number: 1, sequence: 5, report: undefined, ...header }));
  attacker.send(Buffer.concat([words(0x80030000, 0, 0, connection.id), Buffer.alloc(3)]));
  await attacker.settled();
  caller.send(Buffer.from('alive'));
  await expect.poll(() => recording.content().toString()).toBe('alive');
  expect(connection.statistics().recvAckPkt).toBe(0);
});

test('an exception in a listener of events ends that connection and no other', async () => {
  const { listener, port } = await startListenerWithFaults();
  const good = await connect({ host: '127.0.0.1', port, streamId: 'good' });
  const bad = await connect({ host: '127.0.0.1', port, streamId: 'bad' });
  onTestFinished(() => {
    good.close();
  });
  bad.send(Buffer.from('x'));
  await expect.poll(() => bad.closeReason).toBe('shutdown');
  expect(good.closeReason).toBeUndefined();
  expect(listener.connectionCount).toBe(1);
});

async function startListenerWithFaults() {
  const { listener, port } = await startListener((request) => {
    request.accept().on('payload', () => {
      throw new Error('a defect');
    });
  });
  listener.removeAllListeners('fault');
  return { listener, port };
}

function hsreq(change: Partial<NonNullable<Extensions['hsreq']>>): Extensions {
  return { hsreq: { version: 0x010501, flags: 0xbf, receiverDelay: 120, senderDelay: 120, ...change } };
}

function keyMaterial(at: number, value: number): Buffer {
  const material = Buffer.from(parseExtensions(HANDSHAKES.conclusion).kmreq ?? '');
  material[at] = value;
  return material;
}
