// The event stream: 1,000 clients that each get every event once, beside a bare server that writes the same bytes to as
// many; and clients that take nothing, with what they cost.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type Socket, connect } from 'node:net';
import path from 'node:path';
import { startMillrace, usage } from './children.ts';

const CLIENTS = 1_000;
const EVENTS = 200;
const STUCK = 100;
const LARGE_EVENTS = 3_000;
const LARGE_TEXT = 'x'.repeat(2_000);
/** After 30 seconds, at the next look. */
const DROP_WITHIN_MS = 45_000;

const server = await startMillrace({ CORE_EVENTS_LOG_LEVEL: 'silent' });
const config = {
  id: 'bench',
  autostart: false,
  input: [{ address: 'testsrc', options: ['-f', 'lavfi'] }],
  output: [{ address: '-', options: ['-f', 'null'] }],
};
await server.api('POST', '/api/v3/process', config);
const change = (reference: string) => server.api('PUT', '/api/v3/process/bench', { ...config, reference });

async function measureFanOut(): Promise<void> {
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => Listener.open(server.port)));
  const idle = await usage(server.pid);
  for (let i = 0; i < EVENTS; i++) await change(`event-${i}-`);
  await until(() => clients.every((client) => client.count() >= EVENTS));
  const busy = await usage(server.pid);
  const counts = clients.map((client) => client.perEvent());
  const exactlyOnce = counts.filter(
    (count) => count.size === EVENTS && [...count.values()].every((times) => times === 1),
  ).length;
  const sample = clients[0]?.lastEvent() ?? '';
  for (const client of clients) client.socket.destroy();

  const bare = await startBareEvents();
  const others = await Promise.all(Array.from({ length: CLIENTS }, () => Listener.open(bare.port)));
  const bareIdle = await usage(bare.pid);
  for (let i = 0; i < EVENTS; i++) {
    const body = sample.replace(/event-\d+-/, `event-${i}-`);
    await (await fetch(`http://127.0.0.1:${bare.port}/`, { method: 'POST', body })).text();
  }
  await until(() => others.every((client) => client.count() >= EVENTS));
  const bareBusy = await usage(bare.pid);
  for (const client of others) client.socket.destroy();
  await bare.stop();

  const cpu = busy.cpuSeconds - idle.cpuSeconds;
  const bareCpu = bareBusy.cpuSeconds - bareIdle.cpuSeconds;
  console.log(
    `events: ${exactlyOnce} of ${CLIENTS} clients got each of ${EVENTS} events exactly once; ` +
      `CPU ${(cpu / bareCpu).toFixed(2)} of a bare server, making the events included ` +
      `(${((cpu / (CLIENTS * EVENTS)) * 1e6).toFixed(1)} µs each)`,
  );
}

async function measureStuck(): Promise<void> {
  const healthy = await Listener.open(server.port);
  // The same without them first: what the memory grows by then is not theirs.
  for (let i = 0; i < LARGE_EVENTS; i++) await change(`warm-${i}-${LARGE_TEXT}`);
  const before = await usage(server.pid);
  const stuck = await Promise.all(Array.from({ length: STUCK }, () => Listener.open(server.port)));
  let open = STUCK;
  for (const { socket } of stuck) {
    socket.pause();
    // The end is not seen while nothing is read; writing to a connection that is gone fails.
    const probe = setInterval(() => socket.write('\r\n'), 500);
    socket.once('close', () => {
      clearInterval(probe);
      open--;
    });
  }
  for (let i = 0; i < LARGE_EVENTS; i++) await change(`event-${i}-${LARGE_TEXT}`);
  await until(() => healthy.count() >= LARGE_EVENTS);
  const after = await usage(server.pid);
  const sentMib = (LARGE_EVENTS * LARGE_TEXT.length) / 1024 / 1024;
  const heldKib = (after.memoryBytes - before.memoryBytes) / 1024 / STUCK;
  const began = performance.now();
  await until(() => open === 0 || performance.now() - began > DROP_WITHIN_MS);
  console.log(
    `events: ${STUCK} stuck clients, ${sentMib.toFixed(1)} MiB of events: the server grew by ` +
      `${heldKib.toFixed(0)} KiB for each; ${STUCK - open} of them cut off ${((performance.now() - began) / 1000).toFixed(0)} s later`,
  );
  healthy.socket.destroy();
  for (const { socket } of stuck) socket.destroy();
}

/** A reader of the events about processes that only counts. */
class Listener {
  readonly socket: Socket;
  #text = '';

  private constructor(socket: Socket) {
    this.socket = socket;
  }

  static async open(port: number): Promise<Listener> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    const listener = new Listener(socket);
    socket.on('error', () => undefined);
    socket.write(
      `GET /api/v3/events?type=process.updated HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${server.token}\r\n\r\n`,
    );
    socket.setEncoding('latin1').on('data', (text: string) => (listener.#text += text));
    await once(socket, 'data');
    return listener;
  }

  count(): number {
    return this.#text.split('"reference":"event-').length - 1;
  }

  perEvent(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const [, name = ''] of this.#text.matchAll(/"reference":"(event-\d+-)/g)) {
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    return counts;
  }

  /** As it came over the wire. */
  lastEvent(): string {
    return /id: \d+\nevent: \S+\ndata: .*\n\n/.exec(this.#text)?.[0] ?? '';
  }
}

async function startBareEvents(): Promise<{ port: number; pid: number; stop(): Promise<void> }> {
  const child = spawn(process.execPath, [path.join(import.meta.dirname, 'bare-events.ts')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [port] = (await once(child.stdout, 'data')) as [Buffer];
  return {
    port: Number(port.toString()),
    pid: child.pid ?? 0,
    stop: async () => {
      const ended = once(child, 'exit');
      child.kill();
      await ended;
    },
  };
}

async function until(isReached: () => boolean): Promise<void> {
  while (!isReached()) await new Promise((resolve) => setTimeout(resolve, 100));
}

await measureFanOut();
await measureStuck();
await server.stop();
