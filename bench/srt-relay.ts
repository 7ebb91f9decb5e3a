// The smallest relay on the library: who says `publish` is passed on to all others. Ends with its standard input, and
// then prints how late its ticks were.
import { type Connection, Listener } from '../packages/srt/src/index.ts';

const subscribers = new Set<Connection>();
const lateness: number[] = [];

const listener = new Listener((request) => {
  const connection = request.accept();
  if (request.streamId.includes('publish')) {
    connection.on('payload', (payload) => {
      for (const subscriber of subscribers) subscriber.send(payload);
    });
    return;
  }
  subscribers.add(connection);
  connection.on('closed', () => {
    subscribers.delete(connection);
  });
});
listener.on('fault', (error) => {
  throw error;
});
const { port } = await listener.bind({
  address: '127.0.0.1',
  port: Number(process.argv[2] ?? 0),
  receiveBufferBytes: 4 * 1024 * 1024,
});
const timer = setInterval(() => lateness.push(listener.tickLateness), 10);
process.stdout.write(`${port}\n`);

process.stdin.resume().on('end', () => {
  clearInterval(timer);
  lateness.sort((a, b) => a - b);
  process.stdout.write(`${(lateness[Math.floor(lateness.length * 0.99)] ?? 0).toFixed(2)}\n`);
  void listener.close();
});
