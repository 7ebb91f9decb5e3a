// Viewers of HLS, each of whom loads the playlist and then a segment, again and again: a server that counts them beside
// one that has sessions off.
import { type MeasuredServer, median, startMillrace, usage } from './children.ts';
import { HlsViewer } from './hls-viewer.ts';

const GOAL = 0.5;
const ROUNDS = 9;
const ROUND_MS = 1500;
const VIEWERS = 16;
/** As FFmpeg writes it by default, and a segment of two seconds at 1 Mbit/s. */
const PLAYLIST = `#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:0\n${Array.from(
  { length: 6 },
  (_, i) => `#EXTINF:2.000000,\nlive_${String(i).padStart(4, '0')}.ts\n`,
).join('')}`;
const SEGMENT = Buffer.alloc(250_000, 'x');

const authorization = `Basic ${Buffer.from('bench:bench-password').toString('base64')}`;
const settings = {
  CORE_STORAGE_MEMORY_AUTH_ENABLE: 'true',
  CORE_STORAGE_MEMORY_AUTH_USERNAME: 'bench',
  CORE_STORAGE_MEMORY_AUTH_PASSWORD: 'bench-password',
  CORE_SESSIONS_IP_IGNORELIST: '',
};
const counting = await startMillrace({ ...settings, CORE_SESSIONS_ENABLE: 'true' });
const plain = await startMillrace({ ...settings, CORE_SESSIONS_ENABLE: 'false' });

for (const { port } of [counting, plain]) {
  for (const [name, body] of [['live.m3u8', PLAYLIST] as const, ['live_0000.ts', SEGMENT] as const]) {
    const url = `http://127.0.0.1:${port}/memfs/${name}`;
    const { status } = await fetch(url, { method: 'PUT', body, headers: { authorization } });
    if (status !== 201) throw new Error(`PUT ${url}: ${status}`);
  }
}

await drive(counting, 1000);
await drive(plain, 1000);
const speeds: number[] = [];
const costs: number[] = [];
let last = { perSecond: 0, cpuMs: 0 };
// Interleaved, so that a busy moment of the machine meets both.
for (let round = 0; round < ROUNDS; round++) {
  last = await drive(counting, ROUND_MS);
  const peer = await drive(plain, ROUND_MS);
  speeds.push(last.perSecond / peer.perSecond);
  costs.push(peer.cpuMs / last.cpuMs);
}
console.log(
  `HLS viewers counted: ${median(speeds).toFixed(2)} of not counted (goal ≥ ${GOAL}; ` +
    `${Math.round(last.perSecond)} playlists and segments/s); by CPU time ${median(costs).toFixed(2)}`,
);
await counting.stop();
await plain.stop();

/** Lets viewers load as fast as they can, and tells how many pairs of playlist and segment they got. */
async function drive(
  { port, pid }: MeasuredServer,
  durationMs: number,
): Promise<{ perSecond: number; cpuMs: number }> {
  const viewers = await Promise.all(Array.from({ length: VIEWERS }, () => HlsViewer.open(port)));
  const before = await usage(pid);
  const started = performance.now();
  const counts = await Promise.all(viewers.map((viewer) => viewer.watch(started + durationMs)));
  const seconds = (performance.now() - started) / 1000;
  const after = await usage(pid);
  const loads = counts.reduce((sum, count) => sum + count, 0);
  return { perSecond: loads / seconds, cpuMs: ((after.cpuSeconds - before.cpuSeconds) * 1000) / loads };
}
