// What it costs to collect the metrics of many processes and to keep them: CPU time of this process, as a share of one
// core with the default of one collection every two seconds.
import { OutputParser } from '../packages/server/src/ffmpeg/parser.ts';
import { Log } from '../packages/server/src/log/logger.ts';
import { History } from '../packages/server/src/metrics/history.ts';
import { Host } from '../packages/server/src/metrics/host.ts';
import { Monitor } from '../packages/server/src/metrics/monitor.ts';
import type { MetricSources, ProcessSource } from '../packages/server/src/metrics/sources.ts';

const PROCESSES = 500;
const RANGE_MS = 300_000;
const INTERVAL_MS = 2_000;
/** As many as the history holds, and half of them more, so that old ones are dropped, too. */
const COLLECTIONS = 225;
const GOAL_PERCENT = 2;

const TRANSITIONS = { finished: 3, starting: 4, running: 4, finishing: 1, failed: 0, killed: 0 };
const COLLECTORS = ['hls', 'hlsingress', 'rtmp', 'srt', 'http', 'https', 'ffmpeg'];
const LINES = [
  "Input #0, lavfi, from 'testsrc2':",
  '  Duration: N/A, start: 0.000000, bitrate: N/A',
  '  Stream #0:0: Video: rawvideo (I420 / 0x30323449), yuv420p, 320x180, 25 fps, 25 tbr, 25 tbn',
  '  Stream #0:1: Audio: pcm_s16le, 44100 Hz, stereo, s16, 1411 kb/s',
  "Output #0, hls, to 'http://127.0.0.1/memfs/a.m3u8':",
  '  Stream #0:0: Video: h264, yuv420p, 320x180, q=2-31, 200 kb/s, 25 fps, 25 tbn',
  '  Stream #0:1: Audio: aac, 44100 Hz, stereo, fltp, 128 kb/s',
];

const log = new Log({ write: () => true }, { level: 'silent', topics: [], maxLines: 0, format: 'console' });
const processes = Array.from({ length: PROCESSES }, (_, index) => processOf(`process-${index}`));
const host = new Host();
await host.start();
const sources: MetricSources = {
  host,
  runSince: () => new Date(0),
  processes: { list: () => processes.map(({ source }) => source), transitions: TRANSITIONS },
  filesystems: [],
  collectors: () =>
    COLLECTORS.map((name) => ({
      ...{ name, total: 1, active: 1, maxActive: 0, rxBytes: 1, txBytes: 1 },
      ...{ rxBitrate: 1, txBitrate: 1, maxTxBitrate: 0 },
    })),
};
const monitor = new Monitor({ history: undefined, diskDirectory: '/' }, sources, log.component('Metrics'));
const history = new History({ rangeMs: RANGE_MS, intervalMs: INTERVAL_MS });

const memoryBefore = process.memoryUsage();
const before = process.cpuUsage();
let values = 0;
for (let count = 0; count < COLLECTIONS; count++) {
  const snapshot = await monitor.collect();
  history.add(snapshot);
  values = [...snapshot.names()].reduce((sum, name) => sum + snapshot.rows(name).length, 0);
}
const { user, system } = process.cpuUsage(before);
const { arrayBuffers } = process.memoryUsage();
await host.close();

const milliseconds = (user + system) / 1000 / COLLECTIONS;
const percent = (milliseconds / INTERVAL_MS) * 100;
const mebibytes = (arrayBuffers - memoryBefore.arrayBuffers) / 1024 / 1024;
console.log(
  `collecting ${values} values of ${PROCESSES} processes with history: ${percent.toFixed(2)} % of one core ` +
    `(goal ≤ ${GOAL_PERCENT}), ${milliseconds.toFixed(1)} ms each, ${Math.round(mebibytes)} MiB of history`,
);

/** A process in the middle of its work, of which FFmpeg has told what it tells. */
function processOf(id: string): { source: ProcessSource } {
  const parser = new OutputParser(
    { maxLines: 50, inputIds: ['in'], outputIds: ['out'] },
    { add: () => undefined } as never,
    log.component('Process'),
  );
  parser.started();
  for (const line of LINES) parser.line(line);
  parser.line(
    'frame= 1000 fps= 25 q=28.0 size=    1000kB time=00:00:40.00 bitrate= 800.0kbits/s speed=   1x',
  );
  return {
    source: {
      id,
      config: { limits: { cpuPercent: 0, memoryBytes: 0 } },
      state: () => ({
        exec: 'running',
        order: 'start',
        inStateMs: 1000.5,
        cpuPercent: 1.25,
        memoryBytes: 50_000_000,
        progress: parser.progress(),
      }),
      transitions: () => TRANSITIONS,
    },
  };
}
