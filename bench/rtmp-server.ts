// A server that is nothing but the RTMP library; tells its port.
import { type AddressInfo, createServer } from 'node:net';
import { Relay, RtmpServer, refuse } from '@millrace/rtmp';

const relays = new Map<string, Relay>();
const rtmp = new RtmpServer({
  publish: ({ path }) => {
    if (relays.has(path)) return refuse('busy', 'already publishing');
    const relay = new Relay().once('closed', () => relays.delete(path));
    relays.set(path, relay);
    return relay;
  },
  play: ({ path }) => relays.get(path) ?? refuse('not_found', 'no such stream'),
});
const listener = createServer((socket) => rtmp.accept(socket)).listen({
  port: 0,
  host: '127.0.0.1',
  backlog: 1024,
});
listener.once('listening', () => process.send?.((listener.address() as AddressInfo).port));
process.once('disconnect', () => process.exit());
