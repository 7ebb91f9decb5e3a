import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import path from 'node:path';
import { type Connection, REJECTION } from '@millrace/srt';
import { expect, onTestFinished, test } from 'vitest';
import { freeUdpPort } from '../support/ports.ts';
import { selfSignedCertificate } from './certificate.ts';
import { SrtClient } from './srt-server.ts';

/** Changes the configuration and moves to it. */
async function change(client: SrtClient, srt: object, other: object = {}): Promise<void> {
  const file = path.join(client.server.folder, 'config.json');
  const config = JSON.parse(await readFile(file, 'utf8')) as { srt: object };
  await writeFile(file, JSON.stringify({ ...config, ...other, srt: { ...config.srt, ...srt } }));
  await reload(client);
}

async function reload(client: SrtClient): Promise<void> {
  const done = () => client.server.log().split(/msg="Config (?:not )?reloaded/).length;
  const before = done();
  await client.call('GET', '/config/reload');
  await expect.poll(done).toBeGreaterThan(before);
}

/** Where SRT was opened, in this order. */
function startedAddresses(client: SrtClient): (string | undefined)[] {
  const lines = client.server.log().matchAll(/component="SRT" msg="Server started" address="([^"]*)"/g);
  return Array.from(lines, ([, address]) => address);
}

async function stream(client: SrtClient, options = {}) {
  const publisher = await client.connect('cam,mode:publish', options);
  const player = await client.connect('cam', options);
  return { publisher, player };
}

async function untilRelayed({
  publisher,
  player,
}: {
  publisher: Connection;
  player: Connection;
}): Promise<void> {
  const payload = Buffer.from(`at ${performance.now()}`);
  const got = once(player, 'payload');
  publisher.send(payload);
  expect(await got).toEqual([payload]);
}

/** With its settings in the file, where a reload finds them changed. */
async function open(srt: object = {}): Promise<SrtClient> {
  const port = await freeUdpPort();
  const client = await SrtClient.open({ CORE_SRT_ENABLE: undefined, CORE_SRT_ADDRESS: undefined }, port);
  await change(client, { enable: true, address: `127.0.0.1:${port}`, ...srt });
  return client;
}

test('a reload without a change, and new secrets and topics, leave streams alone', async () => {
  const client = await open();
  const running = await stream(client);
  await untilRelayed(running);
  await reload(client);
  await untilRelayed(running);
  await change(client, {
    token: 'secret',
    passphrase: '0123456789ab',
    log: { enable: true, topics: ['connection:new'] },
  });
  await untilRelayed(running);
  expect(await client.answer('cam,token:secret')).toBe(REJECTION.unsecure);
  const secure = { passphrase: '0123456789ab' };
  expect(await client.answer('cam', secure)).toBe(REJECTION.unauthorized);
  const player = await client.connect('cam,token:secret', secure);
  await untilRelayed({ publisher: running.publisher, player });
  expect(Object.keys((await client.status()).log)).toEqual(['connection:new']);
  await change(client, { token: '', passphrase: '', log: { enable: false, topics: [] } });
  expect(await client.answer('cam')).toBe('accepted');
  expect((await client.status()).log).toEqual({});
  await untilRelayed(running);
  expect(client.server.log().split('component="SRT" msg="Server started"')).toHaveLength(2);
});

test('a new address is opened, and the old one closed', async () => {
  const client = await open();
  const { publisher, player } = await stream(client);
  const ended = Promise.all([publisher, player].map((one) => once(one, 'closed')));
  const port = await freeUdpPort();
  await change(client, { address: `127.0.0.1:${port}` });
  expect(await ended).toEqual([['shutdown'], ['shutdown']]);
  expect(await client.answer('cam,mode:publish', { port })).toBe('accepted');
  expect(await client.answer('cam,mode:publish', { connectTimeout: 500 })).toBe(REJECTION.timeout);
});

test('an address that cannot be had leaves everything as it is', async () => {
  const client = await open();
  const running = await stream(client);
  await change(client, { address: '192.0.2.1:1' });
  expect(client.server.log()).toMatch(/Config not reloaded.*SRT server: can't listen on 192\.0\.2\.1:1: /);
  await untilRelayed(running);
});

test('the same port can be opened on other interfaces', async () => {
  const client = await open();
  for (const address of [`:${client.port}`, `127.0.0.1:${client.port}`]) {
    const { publisher, player } = await stream(client);
    const ended = Promise.all([publisher, player].map((one) => once(one, 'closed')));
    await change(client, { address });
    expect(await ended).toEqual([['shutdown'], ['shutdown']]);
    const running = await stream(client);
    await untilRelayed(running);
    expect(startedAddresses(client).at(-1)).toBe(address);
    expect(Object.keys((await client.status()).publisher)).toEqual(['cam']);
    running.publisher.close();
    await expect.poll(async () => (await client.status()).publisher).toEqual({});
  }
});

test('an address of another machine with the same port leaves everything as it is', async () => {
  const client = await open();
  const running = await stream(client);
  await change(client, { address: `192.0.2.1:${client.port}` });
  expect(client.server.log()).toMatch(/Config not reloaded.*SRT server: can't listen on 192\.0\.2\.1:\d+: /);
  await untilRelayed(running);
});

test('the old interfaces are listened on again if something else fails', async () => {
  const client = await open();
  const taken = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void taken.close());
  await once(taken, 'listening');
  const { port } = taken.address() as AddressInfo;
  const { key, cert } = selfSignedCertificate();
  const [cert_file, key_file] = [
    path.join(client.server.folder, 'cert'),
    path.join(client.server.folder, 'key'),
  ];
  await writeFile(cert_file, cert);
  await writeFile(key_file, key);
  const tls = { enable: true, address: `127.0.0.1:${port}`, cert_file, key_file };
  await change(client, { address: `:${client.port}` }, { tls });
  expect(client.server.log()).toContain('Config not reloaded');
  expect(startedAddresses(client)).toEqual([
    `127.0.0.1:${client.port}`,
    `:${client.port}`,
    `127.0.0.1:${client.port}`,
  ]);
  await untilRelayed(await stream(client));
});

test('SRT can be switched off and on', async () => {
  const client = await open();
  const { publisher } = await stream(client);
  const ended = once(publisher, 'closed');
  await change(client, { enable: false });
  expect(await ended).toEqual(['shutdown']);
  expect(await client.call('GET', '/srt')).toMatchObject({ status: 404 });
  await change(client, { enable: true });
  await untilRelayed(await stream(client));
});

test('a passphrase that is none is refused with its name', async () => {
  const client = await open();
  const put = (passphrase: string) =>
    client.call('PUT', '/config', { version: 3, srt: { enable: true, passphrase } });
  for (const wrong of ['short', 'x'.repeat(81), 'ä'.repeat(41)]) {
    expect(await put(wrong)).toMatchObject({
      status: 409,
      body: { 'srt.passphrase': ['must have between 10 and 80 bytes'] },
    });
  }
  expect(await put('x'.repeat(80))).toMatchObject({ status: 200 });
  await reload(client);
  const running = await stream(client, { passphrase: 'x'.repeat(80) });
  await untilRelayed(running);
});

test('the end of the server is told to everybody', async () => {
  const client = await open();
  const { publisher, player } = await stream(client);
  const ended = Promise.all([publisher, player].map((one) => once(one, 'closed')));
  await client.server.close();
  expect(await ended).toEqual([['shutdown'], ['shutdown']]);
  expect(client.server.log()).toMatch(
    /component="SRT" msg="Stopping \.\.\."[^]*component="SRT" msg="Server exited"/,
  );
});
