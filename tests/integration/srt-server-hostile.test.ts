import { once } from 'node:events';
import { REJECTION, type Connection } from '@millrace/srt';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { serializePacket } from '../../packages/srt/src/packet.ts';
import { HANDSHAKES } from '../../packages/srt/test/vectors/packets.ts';
import { Attacker, conclusion } from './srt-attacker.ts';
import { SrtClient } from './srt-server.ts';

/** A stream that has to go on, whatever else happens. */
async function victim(client: SrtClient) {
  const publisher = await client.connect('cam,mode:publish');
  const player = await client.connect('cam');
  await relay(publisher, player);
  return {
    publisher,
    player,
    goesOn: async () => {
      await relay(publisher, player);
      expect(client.server.log()).not.toMatch(/component="SRT" msg="(?:Internal error|The media worker)/);
    },
  };
}

async function relay(publisher: Connection, player: Connection): Promise<void> {
  const payload = Buffer.from(`at ${performance.now()}`);
  const got = once(player, 'payload');
  publisher.send(payload);
  expect(await got).toEqual([payload]);
}

test('handshakes of every length and with every kind of damage leave streams alone', async () => {
  const client = await SrtClient.open();
  const { goesOn } = await victim(client);
  const attacker = await Attacker.open(client.port);
  const cookie = await attacker.cookie();
  const whole = conclusion(cookie);
  for (let length = 0; length <= whole.length; length++) attacker.sendHandshake(whole.subarray(0, length));
  for (const version of [0, 3, 6]) attacker.sendHandshake(conclusion(cookie, { version }));
  for (const mss of [0, 75, 1501]) attacker.sendHandshake(conclusion(cookie, { mss }));
  const damage = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 });
  for (const changes of fc.sample(damage, { numRuns: 300, seed: 1 })) {
    const broken = Buffer.from(whole);
    for (const [at, value] of changes) broken[at] = value;
    broken.writeUInt32BE(cookie, 28);
    attacker.sendHandshake(broken);
  }
  await attacker.settled();
  await goesOn();
});

test('random datagrams, and packets for others, leave streams alone', async () => {
  const client = await SrtClient.open();
  const { publisher, player, goesOn } = await victim(client);
  const attacker = await Attacker.open(client.port);
  for (const bytes of fc.sample(fc.uint8Array({ maxLength: 1500 }), { numRuns: 300, seed: 2 })) {
    attacker.send(Buffer.from(bytes));
  }
  for (const { peerId } of [publisher, player]) {
    attacker.send(serializePacket({ kind: 'shutdown', timestamp: 0, destination: peerId }));
    for (const bytes of fc.sample(fc.uint8Array({ minLength: 4, maxLength: 100 }), {
      numRuns: 100,
      seed: 3,
    })) {
      const datagram = Buffer.concat([Buffer.from(bytes), Buffer.alloc(16)]);
      datagram.writeUInt32BE(peerId, 12);
      attacker.send(datagram);
    }
  }
  await attacker.settled();
  await goesOn();
  expect(Object.keys((await client.status()).connections)).toHaveLength(2);
});

test('nothing is answered, logged or kept before a cookie comes back', async () => {
  const client = await SrtClient.open();
  const attacker = await Attacker.open(client.port);
  for (let index = 0; index < 100; index++) {
    attacker.sendHandshake(HANDSHAKES.conclusion);
    attacker.sendHandshake(conclusion(index));
  }
  await attacker.settled();
  expect(attacker.received).toEqual([]);
  expect(client.logged()).toEqual([]);
  expect(await client.status()).toEqual({ publisher: {}, subscriber: {}, connections: {}, log: {} });
});

test('a conclusion that is repeated connects once', async () => {
  const client = await SrtClient.open();
  const attacker = await Attacker.open(client.port);
  const request = conclusion(await attacker.cookie());
  for (let index = 0; index < 5; index++) attacker.sendHandshake(request);
  await expect.poll(() => attacker.received.length).toBeGreaterThan(0);
  await attacker.settled();
  await client.untilPublished('foo');
  await client.untilLogged('PUBLISH START foo');
  expect(client.logged()).toEqual(['PUBLISH START foo']);
});

test('a name may be anything that can be written, and is listed as it is', async () => {
  const client = await SrtClient.open();
  const names = ['__proto__', 'constructor', '"<b>&\\', 'ü/../..', 'x'.repeat(400)];
  for (const name of names) await client.connect(`${name},mode:publish`);
  expect(Object.keys((await client.status()).publisher).sort()).toEqual([...names].sort());
  expect(await client.answer('cam\u001b[31m')).toBe(REJECTION.badRequest);
});

test('a player that vanishes disturbs nobody, and is forgotten', async () => {
  const client = await SrtClient.open();
  const { goesOn } = await victim(client);
  const attacker = await Attacker.open(client.port);
  attacker.sendHandshake(conclusion(await attacker.cookie(), {}, { ...silentPlayer() }));
  await client.untilStatus(({ subscriber }) => {
    expect(subscriber['cam']).toHaveLength(2);
  });
  await goesOn();
  await client.untilStatus(({ subscriber }) => {
    expect(subscriber['cam']).toHaveLength(1);
  });
  await goesOn();
});

/** What a caller says that wants to play and then says no more. */
function silentPlayer() {
  return {
    hsreq: { version: 0x01_05_01, flags: 0xbf, receiverDelay: 120, senderDelay: 0 },
    streamId: 'cam',
  };
}
