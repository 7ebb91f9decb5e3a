// The API's hot paths beside a bare `node:http` server that returns the same bytes.
import { median, startBare, startMillrace } from './children.ts';
import { requestsPerSecond } from './load.ts';

const ROUNDS = 7;
const ROUND_MS = 2000;
const CONNECTIONS = 32;
const GOAL = 0.6;

const server = await startMillrace();
await server.api('POST', '/api/v3/process', {
  id: 'bench',
  input: [{ address: 'testsrc2=size=320x180:rate=25', options: ['-f', 'lavfi', '-re'] }],
  output: [{ address: '-', options: ['-f', 'null'] }],
  options: ['-loglevel', 'level+info'],
});
await untilProgress();

for (const path of ['/api', '/api/v3/process/bench/state']) {
  const body = JSON.stringify(await server.api('GET', path));
  const bare = await startBare(body);
  const run = (port: number, durationMs: number) =>
    requestsPerSecond({ port, request: request(path), connections: CONNECTIONS, durationMs });

  await run(server.port, 1000);
  await run(bare.port, 1000);
  const ratios: number[] = [];
  let ours = 0;
  // Interleaved, so that a busy moment of the machine meets both.
  for (let round = 0; round < ROUNDS; round++) {
    ours = await run(server.port, ROUND_MS);
    ratios.push(ours / (await run(bare.port, ROUND_MS)));
  }
  const ratio = median(ratios);
  console.log(
    `GET ${path}: ${ratio.toFixed(2)} of a bare server (goal ≥ ${GOAL}; ${Math.round(ours)} requests/s, ${Buffer.byteLength(body)} bytes)`,
  );
  await bare.stop();
}
await server.stop();

function request(path: string): Buffer {
  return Buffer.from(
    `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/json\r\nAuthorization: Bearer ${server.token}\r\n\r\n`,
  );
}

async function untilProgress(): Promise<void> {
  for (;;) {
    const { progress } = (await server.api('GET', '/api/v3/process/bench/state')) as {
      progress: { frame: number };
    };
    if (progress.frame > 0) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
