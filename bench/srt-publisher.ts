// A publisher of so many bit/s in payloads of seven MPEG-TS packets: `srt-publisher.ts PORT STREAM BITRATE`.
import { connect } from '../packages/srt/src/index.ts';

const [port, streamId = '', bitrate] = [Number(process.argv[2]), process.argv[3], Number(process.argv[4])];
const payload = Buffer.alloc(1316);
for (let at = 0; at < payload.length; at += 188) payload.writeUInt32BE(0x471fff10, at);

const publisher = await connect({ host: '127.0.0.1', port, streamId });
const startedAt = performance.now();
let sent = 0;
const timer = setInterval(() => {
  const due = ((performance.now() - startedAt) * bitrate) / 8000;
  for (; sent < due; sent += payload.length) publisher.send(payload);
}, 5);
process.stdout.write('connected\n');
process.stdin.resume().on('end', () => {
  clearInterval(timer);
  publisher.close();
});
