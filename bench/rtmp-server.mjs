// The server as people run it, with RTMP on and all sessions counted, in a process that tells the port of RTMP. JavaScript, as
// what compiles the sources when they run takes more memory than a thousand players.
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePort } from './free-port.mjs';

const folder = await mkdtemp(path.join(tmpdir(), 'millrace-bench-'));
const port = await freePort();
Object.assign(process.env, {
  HOME: folder,
  CORE_ADDRESS: '127.0.0.1:0',
  CORE_LOG_LEVEL: 'silent',
  CORE_SESSIONS_IP_IGNORELIST: '',
  CORE_RTMP_ENABLE: 'true',
  CORE_RTMP_ADDRESS: `127.0.0.1:${port}`,
  CORE_UPDATE_CHECK: 'false',
});
process.chdir(folder);
// Resolves when the server runs.
await import('../packages/server/bin.js');
process.send?.(port);
