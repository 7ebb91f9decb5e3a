// A publisher of so many bit/s in payloads of seven MPEG-TS packets, with tables and a key frame every 100 payloads:
// `srt-publisher.ts PORT STREAM BITRATE`.
import { connect } from '../packages/srt/src/index.ts';
import {
  H264,
  KEY_FRAME,
  OTHER_FRAME,
  PMT_PID,
  TsMultiplexer,
  VIDEO,
} from '../tests/support/transport-stream.ts';

const [port, streamId = '', bitrate] = [Number(process.argv[2]), process.argv[3], Number(process.argv[4])];
const PAYLOADS_PER_KEY_FRAME = 100;

const mux = new TsMultiplexer();
const others = (count: number) => Array.from({ length: count }, () => mux.pes(VIDEO, OTHER_FRAME));
const tables = [mux.pat(PMT_PID), mux.pmt([[H264, VIDEO]])];
const start = Buffer.concat([...tables, mux.pes(VIDEO, KEY_FRAME, true), ...others(4)]);
const payload = Buffer.concat(others(7));

const publisher = await connect({ host: '127.0.0.1', port, streamId });
const startedAt = performance.now();
let count = 0;
const timer = setInterval(() => {
  const due = ((performance.now() - startedAt) * bitrate) / 8000;
  for (; count * payload.length < due; count++) {
    publisher.send(count % PAYLOADS_PER_KEY_FRAME === 0 ? start : payload);
  }
}, 5);
process.stdout.write('connected\n');
process.stdin.resume().on('end', () => {
  clearInterval(timer);
  publisher.close();
});
