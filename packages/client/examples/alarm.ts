// Tells of every process that fails, with FFmpeg's reason, from now on or from where it was stopped before.
import process from 'node:process';
import { Client } from '@millrace/client';

const {
  MILLRACE_URL = 'http://127.0.0.1:8080',
  MILLRACE_USERNAME = '',
  MILLRACE_PASSWORD = '',
} = process.env;
const [, , after] = process.argv;

const client = new Client({
  baseUrl: MILLRACE_URL,
  username: MILLRACE_USERNAME,
  password: MILLRACE_PASSWORD,
});

const stop = new AbortController();
process.once('SIGINT', () => {
  stop.abort();
});

let last = after;
try {
  const onDisconnect = () => {
    console.error('connection lost, trying again');
  };
  const options = { signal: stop.signal, onDisconnect };
  for await (const event of client.events({ type: 'process.state', after }, options)) {
    last = event.id;
    if (event.type === 'gap') console.log('some events are lost');
    if (event.type !== 'process.state' || event.state !== 'failed') continue;
    const { failure, last_logline } = await client.processes.state(event.process);
    console.log(`${event.time} ${event.process} failed: ${failure?.line ?? last_logline}`);
    if (failure !== undefined) console.log(`  ${failure.advice}`);
  }
} catch (error) {
  if (!stop.signal.aborted) throw error;
  console.log(`go on with: alarm.ts ${last ?? ''}`);
}
