// The whole server as it is published, with RTMP on and all sessions counted; tells the port of RTMP. JavaScript, as
// what compiles the sources when they run takes more memory than a thousand players.
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { App } from '../packages/server/dist/app.js';
import { freePort } from './free-port.mjs';

const folder = await mkdtemp(path.join(tmpdir(), 'millrace-bench-'));
const port = await freePort();
const app = new App({
  env: {
    PATH: process.env.PATH,
    HOME: folder,
    CORE_ADDRESS: '127.0.0.1:0',
    CORE_CONFIGFILE: path.join(folder, 'config.json'),
    CORE_DB_DIR: path.join(folder, 'db'),
    CORE_STORAGE_DISK_DIR: path.join(folder, 'data'),
    CORE_SESSIONS_IP_IGNORELIST: '',
    CORE_RTMP_ENABLE: 'true',
    CORE_RTMP_ADDRESS: `127.0.0.1:${port}`,
  },
  directory: folder,
  console: { write: () => undefined },
});
await app.start();
process.send?.(port);
