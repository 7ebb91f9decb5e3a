// Players in a process of their own: `srt-players.ts PORT COUNT STREAM`. Once all are connected it says so; for each line
// on its standard input it answers with the payload bytes received so far by all, and by how many, as JSON.
import { connect } from '../packages/srt/src/index.ts';

const [port, count, streamId = ''] = [Number(process.argv[2]), Number(process.argv[3]), process.argv[4]];
const received = new Array<number>(count).fill(0);
let dropped = 0;

const players = await Promise.all(
  received.map(async (_, index) => {
    const player = await connect({ host: '127.0.0.1', port, streamId, receiveBufferBytes: 1024 * 1024 });
    player.on('payload', (payload) => {
      received[index] = (received[index] ?? 0) + payload.length;
    });
    return player;
  }),
);
process.stdout.write('connected\n');
process.stdin
  .on('data', () => {
    dropped = players.reduce((sum, player) => sum + player.statistics().recvDropPkt, 0);
    const bytes = received.reduce((sum, each) => sum + each, 0);
    process.stdout.write(
      `${JSON.stringify({ bytes, players: received.filter((each) => each > 0).length, dropped })}\n`,
    );
  })
  .on('end', () => {
    for (const player of players) player.close();
  });
