// The server's relay alone, without the server around it: `srt-relay.ts PORT`. Ends with its standard input, and then
// prints how late ticks of 10 ms were.
import type { Link } from '../packages/server/src/media/link.ts';
import type { StreamHost } from '../packages/server/src/media/streams.ts';
import { Relay } from '../packages/server/src/srt/relay.ts';

const TICK = 10;

const host = { tell: () => undefined, call: () => Promise.resolve(undefined) };
const relay = new Relay(host as unknown as Link<StreamHost>);
await relay.start({ address: `127.0.0.1:${process.argv[2] ?? 0}`, token: '', passphrase: '', topics: [] });

const lateness: number[] = [];
let last = performance.now();
const timer = setInterval(() => {
  const now = performance.now();
  lateness.push(Math.max(0, now - last - TICK));
  last = now;
}, TICK);
process.stdout.write('started\n');

process.stdin.resume().on('end', () => {
  clearInterval(timer);
  lateness.sort((a, b) => a - b);
  process.stdout.write(`${(lateness[Math.floor(lateness.length * 0.99)] ?? 0).toFixed(2)}\n`);
  void relay.close();
});
