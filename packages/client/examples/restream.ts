// Makes an HLS stream of a test picture (or of the address that is given), shows how it does, and takes it away again.
import process from 'node:process';
import { Client } from '@millrace/client';

const {
  MILLRACE_URL = 'http://127.0.0.1:8080',
  MILLRACE_USERNAME = '',
  MILLRACE_PASSWORD = '',
} = process.env;
const [, , address] = process.argv;

const client = new Client({
  baseUrl: MILLRACE_URL,
  username: MILLRACE_USERNAME,
  password: MILLRACE_PASSWORD,
});

const { id } = await client.processes.add({
  reference: 'example',
  input: [
    address === undefined
      ? { address: 'testsrc=size=320x180:rate=25', options: ['-re', '-f', 'lavfi'] }
      : { address, options: ['-re'] },
  ],
  output: [
    {
      address: '{memfs}/example.m3u8',
      options: ['-c:v', 'mpeg2video', '-g', '25', '-f', 'hls', '-hls_time', '1', '-method', 'PUT'],
      cleanup: [{ pattern: 'memfs:/example*', purge_on_delete: true }],
    },
  ],
  reconnect: true,
  reconnect_delay_seconds: 5,
});

try {
  await client.waitFor(id, 'running');
  let frame = 0;
  while (frame < 50) {
    const { progress } = await client.processes.state(id);
    if (progress.frame !== frame) console.log(`${progress.frame} frames, ${progress.fps} fps`);
    frame = progress.frame;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  console.log(`watch it at ${client.baseUrl}/memfs/example.m3u8`);
} finally {
  await client.processes.remove(id);
}
