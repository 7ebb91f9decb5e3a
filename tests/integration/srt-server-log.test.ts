import { expect, test } from 'vitest';
import { SrtClient } from './srt-server.ts';

const LOGGED = { CORE_SRT_LOG_ENABLE: 'true' };

test('topics are kept with their sub-topics, those of a connection while it lives', async () => {
  const client = await SrtClient.open({
    ...LOGGED,
    CORE_SRT_LOG_TOPICS: 'handshake,connection:new,connection:close,data:recv',
    CORE_SRT_TOKEN: 'SECRET',
  });
  const publisher = await client.connect('cam,mode:publish,token:SECRET');
  const player = await client.connect('cam,token:SECRET');
  let received = 0;
  player.on('payload', () => received++);
  for (let index = 0; index < 120; index++) publisher.send(Buffer.from(String(index)));
  await expect.poll(() => received).toBe(120);

  const { publisher: publishers, connections, log } = await client.status();
  const id = publishers['cam'] ?? 0;
  const ts = expect.any(Number) as number;
  expect(log['connection:new']).toHaveLength(2);
  expect(log['connection:new']?.[0]).toEqual({
    ts,
    msg: [`0x${id.toString(16).padStart(8, '0')} (cam) PUBLISH`],
  });
  // Each caller asks twice and is answered twice.
  for (const topic of [
    'handshake:recv:dump',
    'handshake:send:dump',
    'handshake:recv:cif',
    'handshake:send:cif',
  ]) {
    expect(log[topic]).toHaveLength(4);
  }
  await client.answer('cam,mode:publish,token:WRONG');
  const refused = (await client.status()).log['handshake:recv:error']?.map(({ msg }) => msg);
  expect(refused).toEqual([[expect.stringMatching(/^unauthorized 127\.0\.0\.1 port \d+$/)]]);
  const [first] = log['handshake:recv:cif'] ?? [];
  expect(first?.msg.slice(0, 2)).toEqual(['--- handshake ---', '   version: 0x00000004']);
  expect(Math.abs((first?.ts ?? 0) - Date.now())).toBeLessThan(60_000);
  const ours = connections[String(id)]?.log;
  expect(ours?.['data:recv:dump']).toHaveLength(100);
  expect(Object.keys(ours ?? {}).sort()).toEqual(['connection:new', 'data:recv:dump']);
  expect(JSON.stringify(await client.status())).not.toContain('SECRET');

  publisher.close();
  const after = await client.untilStatus((status) => {
    expect(status.connections).toEqual({});
  });
  expect(Object.keys(after.log)).not.toContain('connection:close');
});

test('nothing is kept unless topics are logged', async () => {
  const client = await SrtClient.open({ CORE_SRT_LOG_ENABLE: 'false', CORE_SRT_LOG_TOPICS: 'handshake' });
  await client.connect('cam,mode:publish');
  const { connections, log } = await client.status();
  expect(Object.values(connections).map((one) => one.log)).toEqual([{}]);
  expect(log).toEqual({});
});

test('a stream is told of when it comes and when it goes', async () => {
  const client = await SrtClient.open();
  const controller = new AbortController();
  const { access } = await client.server.login();
  const response = await fetch(`${client.server.base}/api/v3/events`, {
    headers: { authorization: `Bearer ${access}` },
    signal: controller.signal,
  });
  const publisher = await client.connect('cam,mode:publish');
  publisher.close();
  let text = '';
  for await (const bytes of response.body ?? []) {
    text += Buffer.from(bytes).toString();
    if (text.includes('stream.unpublished')) break;
  }
  controller.abort();
  const remote = '"remote":"127\\.0\\.0\\.1:\\d+"';
  for (const type of ['published', 'unpublished']) {
    expect(text).toMatch(
      new RegExp(`"type":"stream\\.${type}".*"protocol":"srt","name":"cam","reference":"cam",${remote}`),
    );
  }
});
