import { runPlane } from '../media/plane.ts';
import type { RtmpHost, RtmpPlane, RtmpPlaneOptions } from './interface.ts';
import { Journal } from './journal.ts';
import { Listeners } from './listeners.ts';
import { StreamService } from './service.ts';

/* The RTMP server, in a thread of its own. */
runPlane<RtmpPlaneOptions, RtmpPlane, RtmpHost>((host) => {
  const journal = new Journal(host);
  const service = new StreamService(host, journal);
  const listeners = new Listeners(
    (socket, protocol) => {
      service.accept(socket, protocol);
    },
    (protocol, error) => {
      journal.server('error', 'Server failed', { protocol, error: error.message });
    },
  );
  let running: RtmpPlaneOptions | undefined;

  const run = (options: RtmpPlaneOptions) => {
    const { address, addressTls, access, certificates } = options;
    journal.address = address;
    service.configure(access);
    listeners.useCertificates(certificates);
    listeners.keep(options);
    for (const [now, before] of [
      [address, running?.address],
      [addressTls, running?.addressTls],
    ]) {
      if (now !== undefined && now !== before) journal.server('info', 'Server started', { address: now });
    }
    running = options;
  };

  return {
    start: async (options) => {
      await listeners.open(options);
      run(options);
    },
    prepare: (options) => listeners.open(options),
    configure: run,
    close: async () => {
      journal.server('info', 'Stopping ...');
      listeners.closeAll();
      await service.close();
      journal.server('info', 'Server exited');
    },
    port: (protocol) => listeners.port(protocol),
    streams: () => service.streams(),
    kick: (name, remote) => service.kick(name, remote),
    play: (id, name, viewer) => service.playFlv(id, name, viewer),
    flvTaken: (id, bytes) => {
      service.flvTaken(id, bytes);
    },
    flvStop: (id) => {
      service.flvStop(id);
    },
  };
});
