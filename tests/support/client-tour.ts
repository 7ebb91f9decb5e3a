// What the client does with streams, events and aborts, which differ among the runtimes: run on each of them, with the
// address of a server and a password as arguments, it prints the same.
import process from 'node:process';
import { Client, isMillraceError, type ServerEvent } from '@millrace/client';

const [baseUrl = '', username = '', password = ''] = process.argv.slice(2);
const client = new Client({ baseUrl, username, password });
const say = (what: string, result: unknown) => {
  console.log(`${what}: ${String(result)}`);
};
const failure = async (attempt: Promise<unknown>) =>
  attempt.then(
    () => 'none',
    (error: unknown) => (isMillraceError(error) ? error.code : (error as Error).message),
  );

async function* parts(count: number, isBroken = false) {
  for (let part = 0; part < count; part++) {
    yield new Uint8Array(65_536).fill(part);
    // The connection has to take some before it is broken.
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  if (isBroken) throw new Error('broken');
}

await client.login();
say('version', (await client.about()).version.number.length > 0);
say('processes', Array.isArray(await client.processes.list()));

await client.files.put('mem', '/streamed', parts(64));
const { body } = await client.files.get('mem', '/streamed');
const sum = { bytes: 0, values: 0 };
const reader = body?.getReader();
for (let part = await reader?.read(); part?.done === false; part = await reader?.read()) {
  sum.bytes += part.value.length;
  sum.values += part.value.reduce((all, one) => all + one, 0);
}
say('streamed', `${sum.bytes} ${sum.values}`);
say('broken upload', await failure(client.files.put('mem', '/broken', parts(4, true))));
say('broken file', await failure(client.files.get('mem', '/broken')));
say(
  'part',
  await (
    await client.files.get('mem', '/streamed', { range: { first: 0, last: 9 } })
  )
    .text()
    .then((t) => t.length),
);

const stop = new AbortController();
// Other runs may have left events of theirs.
const id = `tour-${Date.now()}`;
const io = { address: '-', options: ['-f', 'null'] };
await client.processes.add({ id, autostart: false, input: [{ address: 'x' }], output: [io] });
const events = client.events({ type: 'process.added', process: id, after: 0 }, { signal: stop.signal });
const { value: event } = (await events.next()) as { value: ServerEvent };
say('event', event.type);
const waiting = failure(events.next());
stop.abort(new Error('enough'));
say('aborted events', await waiting);
await client.processes.remove(id);

const half = new AbortController();
await client.files.put('mem', '/large', new Uint8Array(16 * 1024 * 1024));
const rest = (await client.files.get('mem', '/large', { signal: half.signal })).body?.getReader();
await rest?.read();
half.abort(new Error('enough'));
const readOn = async () => {
  while ((await rest?.read())?.done === false);
};
say('aborted download', await failure(readOn()));
say('missing process', await failure(client.processes.get('none')));
say('no server', await failure(new Client({ baseUrl: 'http://127.0.0.1:1', retries: 0 }).about()));
await client.logout();
say('after logout', client.tokens().accessToken);
