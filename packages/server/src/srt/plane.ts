import { runPlane } from '../media/plane.ts';
import type { StreamHost } from '../media/streams.ts';
import type { SrtOptions, SrtPlane } from './interface.ts';
import { Relay } from './relay.ts';

runPlane<SrtOptions, SrtPlane, StreamHost>((host) => {
  const relay = new Relay(host);
  return {
    start: (options) => relay.start(options),
    configure: (options) => {
      relay.configure(options);
    },
    close: () => relay.close(),
    status: () => relay.status(),
    move: (address) => relay.move(address),
    kick: (id) => relay.kick(id),
  };
});
