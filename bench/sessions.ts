// Sessions at scale, in this process and with a clock of its own: what the list of 10,000 viewers costs beside
// serialising its own answer, what their traffic costs, and what a day with 100,000 viewers leaves in memory.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { FastifyInstance } from 'fastify';
import { toJson } from '../packages/server/src/http/json.ts';
import { sessionRoutes } from '../packages/server/src/http/routes/session.ts';
import { Log } from '../packages/server/src/log/logger.ts';
import type { Collector } from '../packages/server/src/sessions/collector.ts';
import { Sessions } from '../packages/server/src/sessions/registry.ts';
import { median } from './children.ts';

const VIEWERS = 10_000;
const ROUNDS = 41;
const GOAL = 5;
const DAY_VIEWERS = 100_000;

let now = 1_000_000;
performance.now = () => now;
const realNow = (): number => Number(process.hrtime.bigint()) / 1e6;

function viewer(number: number) {
  const stream = `live${number % 20}`;
  return {
    reference: stream,
    location: `/memfs/${stream}.m3u8`,
    peer: `site${number}.example.com`,
    extra: `[192.0.${number % 256}.0] Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Safari/537.36`,
    client: `198.51.${number % 100}.${number % 250}`,
  };
}

function open(collector: Collector, number: number): string {
  const id = `viewer${String(number).padStart(16, '0')}`;
  collector.register(id, viewer(number));
  collector.activate(id);
  collector.egress(id, 1_000_000);
  return id;
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const log = new Log({ write: () => undefined }, { level: 'silent', topics: [], maxLines: 0 });
const options = {
  isEnabled: true,
  ignored: [],
  timeoutMs: 30_000,
  isPersistent: false,
  persistIntervalMs: 0,
  maxSessions: 0,
  maxBitrate: 0,
};
const sessions = new Sessions(options, { load: () => [], save: () => undefined }, log.component('Session'));
const hls = sessions.collector('hls');
if (hls === undefined) throw new Error('sessions are off');

const ids = Array.from({ length: VIEWERS }, (_, number) => open(hls, number));
now += 3_000;

const answer = handlerOf('/session/active');
const whole: number[] = [];
const serialising: number[] = [];
let text = answer();
for (let round = 0; round < ROUNDS; round++) {
  whole.push(timeOf(() => (text = answer())));
  const value: unknown = JSON.parse(text);
  serialising.push(timeOf(() => toJson(value)));
}
const ratio = median(whole) / median(serialising);
console.log(
  `GET /api/v3/session/active with ${VIEWERS} viewers: ${ratio.toFixed(2)} of serialising its answer ` +
    `(goal < ${GOAL}; ${median(whole).toFixed(1)} ms, ${Math.round(text.length / 1024)} KiB)`,
);

const traffic = timeOf(() => {
  for (const id of ids) hls.egress(id, 500_000);
});
const tick = median(
  Array.from({ length: ROUNDS }, () =>
    timeOf(() => {
      hls.expire();
    }),
  ),
);
console.log(
  `traffic: ${((traffic / VIEWERS) * 1000).toFixed(2)} µs an event; looking for idle ones: ${tick.toFixed(2)} ms a second`,
);

hls.closeAll();
let next = VIEWERS;
/** Viewers come one after the other; each leaves by its time-out. */
function pass(viewers: number): void {
  for (let count = 0; count < viewers; count++) {
    if (hls === undefined) return;
    open(hls, next++);
    now += 864;
    hls.expire();
  }
}
pass(10_000);
const before = heapMiB();
pass(DAY_VIEWERS);
const after = heapMiB();
console.log(
  `${DAY_VIEWERS} viewers of different names within a day: heap ${before.toFixed(1)} MiB before, ` +
    `${after.toFixed(1)} MiB after; ${hls.totals.sessions} counted, ${hls.history.entries().length} entries`,
);

/** The route's answer, without a socket. */
function handlerOf(path: string): () => string {
  const handlers = new Map<string, (request: unknown, reply: unknown) => unknown>();
  const app = {
    get: (route: string, handler: (request: unknown, reply: unknown) => unknown) =>
      handlers.set(route, handler),
  };
  sessionRoutes(sessions)(app as unknown as FastifyInstance);
  return () => {
    let sent = '';
    const reply = { code: () => reply, header: () => reply, send: (body: string) => ((sent = body), reply) };
    handlers.get(path)?.({ query: { collectors: 'hls' } }, reply);
    return sent;
  };
}

/** In milliseconds. */
function timeOf(act: () => void): number {
  const started = realNow();
  act();
  return realNow() - started;
}

function heapMiB(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed / 1024 / 1024;
}
