// A publisher of so many bit/s in payloads of seven MPEG-TS packets, with tables and a key frame every 100 payloads:
// `srt-publisher.ts PORT STREAM BITRATE`. Ends with its standard input, and then prints how late the server's ticks were,
// and how late a timer of its own, as JSON.
//
// Every tick of a receiver that got something acknowledges it, so the ACKs tell of a server's ticks without asking it.
import { connect, createLog } from '../packages/srt/src/index.ts';
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
/** draft-sharabayko-srt-01 §4.8.1: ms between full ACKs. */
const TICK = 10;

/** How late something was that is to happen every 10 ms. */
class Lateness {
  readonly #late: number[] = [];
  #last = 0;

  note(): void {
    const now = performance.now();
    if (this.#last !== 0) this.#late.push(Math.max(0, now - this.#last - TICK));
    this.#last = now;
  }

  /** ms at the 99th percentile. */
  get p99(): number {
    return this.#late.toSorted((a, b) => a - b)[Math.floor(this.#late.length * 0.99)] ?? NaN;
  }
}

const mux = new TsMultiplexer();
const others = (count: number) => Array.from({ length: count }, () => mux.pes(VIDEO, OTHER_FRAME));
const tables = [mux.pat(PMT_PID), mux.pmt([[H264, VIDEO]])];
const start = Buffer.concat([...tables, mux.pes(VIDEO, KEY_FRAME, true), ...others(4)]);
const payload = Buffer.concat(others(7));

const [acks, ticks] = [new Lateness(), new Lateness()];
const log = createLog(['control:recv:ACK:dump'], () => {
  acks.note();
});
const publisher = await connect({ host: '127.0.0.1', port, streamId, log });
const startedAt = performance.now();
let count = 0;
const timer = setInterval(() => {
  const due = ((performance.now() - startedAt) * bitrate) / 8000;
  for (; count * payload.length < due; count++) {
    publisher.send(count % PAYLOADS_PER_KEY_FRAME === 0 ? start : payload);
  }
}, 5);
const bare = setInterval(() => {
  ticks.note();
}, TICK);
process.stdout.write('connected\n');
process.stdin.resume().on('end', () => {
  clearInterval(timer);
  clearInterval(bare);
  publisher.close();
  process.stdout.write(`${JSON.stringify({ server: acks.p99, own: ticks.p99 })}\n`);
});
