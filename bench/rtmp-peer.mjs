// node-media-server with nothing but RTMP; tells its port.
import { mkdtemp } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePort } from './free-port.mjs';

const NodeMediaServer = createRequire(import.meta.url)('node-media-server');
const port = await freePort();
const folder = await mkdtemp(path.join(tmpdir(), 'millrace-bench-'));
const peer = new NodeMediaServer({
  bind: '127.0.0.1',
  auth: { play: false, publish: false },
  rtmp: { port },
  store: { path: folder },
});
await peer.run();
const attempt = () => {
  connect({ port, host: '127.0.0.1' })
    .once('connect', function () {
      this.destroy();
      process.send?.(port);
    })
    .once('error', () => setTimeout(attempt, 50));
};
attempt();
