// Shows who watches and sends, and how busy the machine is, once or every few seconds.
import process from 'node:process';
import { Client } from '@millrace/client';

const {
  MILLRACE_URL = 'http://127.0.0.1:8080',
  MILLRACE_USERNAME = '',
  MILLRACE_PASSWORD = '',
} = process.env;
const [, , seconds] = process.argv;

const client = new Client({
  baseUrl: MILLRACE_URL,
  username: MILLRACE_USERNAME,
  password: MILLRACE_PASSWORD,
});

for (;;) {
  const [sessions, { metrics }] = await Promise.all([
    client.sessions.active(),
    client.metrics.query({ metrics: [{ name: 'cpu_idle' }] }),
  ]);
  const idle = metrics[0]?.values[0]?.[1] ?? 100;
  console.log(`${new Date().toISOString()} CPU ${(100 - idle).toFixed(1)} %`);
  console.table(
    Object.entries(sessions).flatMap(([collector, list]) =>
      list.map(({ reference, remote, bandwidth_tx_kbit }) => ({
        collector,
        reference,
        remote,
        bandwidth_tx_kbit,
      })),
    ),
  );
  if (seconds === undefined) break;
  await new Promise((resolve) => setTimeout(resolve, Number(seconds) * 1000));
}
