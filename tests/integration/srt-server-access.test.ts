import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { SessionsActive } from '@millrace/api';
import { type KeyLength, REJECTION, connect } from '@millrace/srt';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Link } from '../../packages/server/src/media/link.ts';
import type { StreamHost } from '../../packages/server/src/media/streams.ts';
import { Relay } from '../../packages/server/src/srt/relay.ts';
import { HANDSHAKE_TYPE } from '../../packages/srt/src/handshake.ts';
import { freeUdpPort } from '../support/ports.ts';
import { FFMPEG } from './process-server.ts';
import { Attacker, conclusion } from './srt-attacker.ts';
import { Peer, SRT_LIVE_TRANSMIT } from './srt-peer.ts';
import { SrtClient, sample } from './srt-server.ts';

const PASSPHRASE = '0123456789ab';
const OTHER = 'ba9876543210';

test('callers are let in and refused as they ask, and as is logged', async () => {
  const client = await SrtClient.open({ CORE_SRT_TOKEN: 'x,y' });
  const publisher = await client.connect('#!::r=cam,m=publish,token=no,s=x').catch((error: unknown) => error);
  expect(publisher).toMatchObject({ code: REJECTION.unauthorized });
  await client.connect('cam,token:x,y,mode:publish');
  const cases = [
    ['', REJECTION.badRequest, 'INVALID  stream resource not provided'],
    ['#!::m=publish', REJECTION.badRequest, 'INVALID  stream resource not provided'],
    ['cam\nx', REJECTION.badRequest, 'INVALID  the stream id has control characters'],
    ['cam,mode:bogus,token:x,y', REJECTION.badMode, 'INVALID cam invalid connection mode'],
    ['cam', REJECTION.unauthorized, 'FORBIDDEN cam token required'],
    ['cam,token:SECRET', REJECTION.unauthorized, 'FORBIDDEN cam invalid token (***)'],
    ['cam,mode:publish,token:x,y', REJECTION.conflict, 'CONFLICT cam already publishing'],
    ['other,token:x,y', REJECTION.notFound, 'NOTFOUND other no publisher for this resource found'],
  ] as const;
  for (const [streamId, code, line] of cases) {
    expect([streamId, await client.answer(streamId)]).toEqual([streamId, code]);
    await client.untilLogged(`CONNECT ${line}`);
  }
  expect(await client.answer('cam,token:x,y')).toBe('accepted');
  expect(await client.answer('cam', { passphrase: PASSPHRASE })).toBe(REJECTION.unsecure);
  await client.untilLogged('CONNECT INVALID cam connection must not be encrypted');
  expect(client.server.log()).not.toContain('SECRET');
});

test('who asks again and again is logged once', async () => {
  const client = await SrtClient.open();
  for (let index = 0; index < 3; index++) expect(await client.answer('none')).toBe(REJECTION.notFound);
  expect(await client.answer('last')).toBe(REJECTION.notFound);
  const message = 'no publisher for this resource found';
  await client.untilLogged(`CONNECT NOTFOUND last ${message}`);
  expect(client.logged()).toEqual([`CONNECT NOTFOUND none ${message}`, `CONNECT NOTFOUND last ${message}`]);
});

test('with a passphrase, everybody has to know it', async () => {
  const client = await SrtClient.open({ CORE_SRT_PASSPHRASE: PASSPHRASE });
  for (const keyLength of [16, 24, 32] as KeyLength[]) {
    const publisher = await client.connect(`cam${keyLength},mode:publish`, {
      passphrase: PASSPHRASE,
      keyLength,
    });
    const player = await client.connect(`cam${keyLength}`, { passphrase: PASSPHRASE });
    const got = once(player, 'payload');
    publisher.send(Buffer.from('hello'));
    expect(await got).toEqual([Buffer.from('hello')]);
  }
  expect(await client.answer('cam16')).toBe(REJECTION.unsecure);
  expect(await client.answer('cam16', { passphrase: OTHER })).toBe(REJECTION.badSecret);
  // Nobody learns without it what is there.
  expect(await client.answer('none', { passphrase: OTHER })).toBe(REJECTION.badSecret);
  expect(await client.answer('none', { passphrase: PASSPHRASE })).toBe(REJECTION.notFound);
  await client.untilLogged('CONNECT NOTFOUND none no publisher for this resource found');
  expect(client.logged().filter((line) => line.startsWith('CONNECT'))).toEqual([
    'CONNECT FORBIDDEN cam16 connection has to be encrypted',
    'CONNECT FORBIDDEN cam16 keywrap: failed to unwrap key',
    'CONNECT FORBIDDEN none keywrap: failed to unwrap key',
    'CONNECT NOTFOUND none no publisher for this resource found',
  ]);
});

describe.skipIf(FFMPEG === '' || SRT_LIVE_TRANSMIT === undefined)('libsrt', () => {
  test('publishes and plays encrypted, with keys of any length, on either side another one', async () => {
    const client = await SrtClient.open({ CORE_SRT_PASSPHRASE: PASSPHRASE });
    const secret = (length: number) => `&passphrase=${PASSPHRASE}&pbkeylen=${length}`;
    const lengths = [16, 24, 32];
    for (const length of lengths) await client.publish(`cam${length},mode:publish`, secret(length));
    await Promise.all(
      lengths.map(async (length, index) => {
        await client.untilPublished(`cam${length}`);
        const player = new Peer(FFMPEG, [
          ...['-v', 'error', '-probesize', '10000'],
          ...['-i', client.address(`cam${length}`, secret(lengths[(index + 1) % 3] ?? 16))],
          ...['-frames:v', '5', '-f', 'null', '-'],
        ]);
        expect([await player.ended, player.errors]).toEqual([0, '']);
      }),
    );
    const { connections } = await client.status();
    for (const { stats } of Object.values(connections)) expect(stats.recv_undecrypt_pkt).toBe(0);
  });

  test.each([
    ['without the passphrase', '', 'connection has to be encrypted'],
    ['with another', `&passphrase=${OTHER}`, 'keywrap: failed to unwrap key'],
  ])('%s is refused, and says so', async (_case, parameters, message) => {
    const client = await SrtClient.open({ CORE_SRT_PASSPHRASE: PASSPHRASE });
    const publisher = await client.publish('cam,mode:publish', parameters);
    expect(await publisher.ended).not.toBe(0);
    await client.untilLogged(`CONNECT FORBIDDEN cam ${message}`);
    expect(client.logged()).toHaveLength(1);
    expect(await client.status()).toEqual({ publisher: {}, subscriber: {}, connections: {}, log: {} });
  });

  test('the standard stream id of srt-live-transmit', async () => {
    const client = await SrtClient.open({ CORE_SRT_TOKEN: 'secret' });
    const address = `srt://127.0.0.1:${client.port}?streamid=#!::r=cam,m=publish,s=secret`;
    const publisher = new Peer(SRT_LIVE_TRANSMIT ?? '', ['-a:no', '-q', 'file://con', address]);
    publisher.process.stdin?.write(await readFile(await sample()));
    await client.untilPublished('cam');
  });
});

test('a publisher of version 4 has its address for a name, unless a token is asked for', async () => {
  const client = await SrtClient.open();
  const attacker = await Attacker.open(client.port);
  const old = { version: 4, extensionField: 2 };
  attacker.sendHandshake(conclusion(await attacker.cookie(), old, {}));
  const { version, type } = await attacker.answeredHandshake();
  expect([version, type]).toEqual([4, HANDSHAKE_TYPE.conclusion]);
  await client.untilPublished(`127.0.0.1:${attacker.localPort}`);

  const guarded = await SrtClient.open({ CORE_SRT_TOKEN: 'x' });
  const other = await Attacker.open(guarded.port);
  other.sendHandshake(conclusion(await other.cookie(), old, {}));
  expect(await other.answeredHandshake()).toMatchObject({ type: REJECTION.unauthorized });
});

test('sessions are listed from the first moment to the last, and limited', async () => {
  const client = await SrtClient.open({ CORE_SESSIONS_MAX_SESSIONS: '1' });
  const active = async () => {
    const { body } = await client.call('GET', '/session/active?collectors=srt');
    return (body as SessionsActive)['srt'] ?? [];
  };
  const publisher = await client.connect('cam,mode:publish');
  const player = await client.connect('cam');
  const peer = expect.stringMatching(/^127\.0\.0\.1:\d+$/) as string;
  const sessions = await active();
  expect(sessions).toMatchObject([
    { id: 'cam', reference: 'cam', local: 'publish:cam', remote: peer, extra: '' },
    { id: peer, reference: 'cam', local: 'play:cam', remote: peer, extra: '' },
  ]);
  expect(sessions[1]?.id).toBe(sessions[1]?.remote);
  // The player takes the only place, the publisher none.
  expect(await client.answer('cam')).toBe(REJECTION.overload);
  await client.untilLogged('CONNECT FORBIDDEN cam no room for another viewer (sessions)');

  publisher.send(Buffer.alloc(1000));
  await once(player, 'payload');
  // Whole packets with their headers, which a busy machine may have to send again.
  const counted = (bytes: number) => bytes > 0 && bytes % 1044 === 0;
  await expect
    .poll(async () =>
      (await active()).map(({ bytes_rx: rx, bytes_tx: tx }) => [counted(rx), rx, counted(tx), tx]),
    )
    .toEqual([
      [true, expect.any(Number), false, 0],
      [false, 0, true, expect.any(Number)],
    ]);
  player.close();
  await expect.poll(active).toHaveLength(1);
  expect(await client.answer('cam')).toBe('accepted');
  publisher.close();
  await expect.poll(active).toEqual([]);
});

test('who waited for its admission until it was given up leaves no session', async () => {
  const told: unknown[][] = [];
  const admission = Promise.withResolvers<undefined>();
  const host = { tell: (...call: unknown[]) => told.push(call), call: () => admission.promise };
  const relay = new Relay(host as unknown as Link<StreamHost>);
  const port = await freeUdpPort();
  await relay.start({ address: `127.0.0.1:${port}`, token: '', passphrase: '', topics: [] });
  onTestFinished(() => relay.close());
  await connect({ host: '127.0.0.1', port, streamId: 'cam,mode:publish' });
  const player = connect({ host: '127.0.0.1', port, streamId: 'cam', connectTimeout: 10_000 });
  await expect(player).rejects.toMatchObject({ code: REJECTION.timeout });
  admission.resolve(undefined);
  await expect.poll(() => told.filter(([name]) => name === 'end')).toHaveLength(1);
  expect(relay.status().connections).toHaveLength(1);
});

test('a connection can be cut off', async () => {
  const client = await SrtClient.open();
  const publisher = await client.connect('cam,mode:publish');
  const player = await client.connect('cam');
  const { subscriber } = await client.status();
  const [id = 0] = subscriber['cam'] ?? [];
  const ended = once(player, 'closed');
  expect(await client.call('DELETE', `/srt/${id}`)).toMatchObject({ status: 200, body: 'OK' });
  expect(await ended).toEqual(['shutdown']);
  expect(publisher.closeReason).toBeUndefined();
  for (const unknown of [String(id), '0', 'x', '99999999999']) {
    expect(await client.call('DELETE', `/srt/${unknown}`)).toMatchObject({ status: 404 });
  }
});

test('while SRT is off there is no listing', async () => {
  const client = await SrtClient.open({ CORE_SRT_ENABLE: 'false' });
  expect(await client.call('GET', '/srt')).toMatchObject({ status: 404 });
  expect(client.server.log()).not.toContain('component="SRT"');
});

test('a port that is taken ends the start, and says which', async () => {
  const socket = createSocket('udp4');
  onTestFinished(() => {
    socket.close();
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const address = `127.0.0.1:${socket.address().port}`;
  await expect(SrtClient.open({ CORE_SRT_ADDRESS: address })).rejects.toThrow(
    `SRT server: can't listen on ${address}: `,
  );
});

test('an address without a host is that of all interfaces, in both families', async () => {
  const port = await freeUdpPort();
  const client = await SrtClient.open({ CORE_SRT_ADDRESS: `:${port}` }, port);
  await client.connect('four,mode:publish');
  await client.connect('six,mode:publish', { host: '::1' });
  await client.untilLogged('PUBLISH START six');
  expect(client.server.log()).toMatch(/client="127\.0\.0\.1:\d+" handler="PUBLISH" resource="four"/);
  expect(client.server.log()).toMatch(/client="\[::1\]:\d+" handler="PUBLISH" resource="six"/);
});

test('a host name is looked up', async () => {
  const port = await freeUdpPort();
  const client = await SrtClient.open({ CORE_SRT_ADDRESS: `localhost:${port}` }, port);
  await client.connect('cam,mode:publish', { host: 'localhost' });
});
