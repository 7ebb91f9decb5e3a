// From the start of the process until it listens, beside `node -e 0`.
import { spawnSync } from 'node:child_process';
import { median, startMillrace } from './children.ts';

const ROUNDS = 9;
const GOAL = 12;

const ratios: number[] = [];
let lastMs = 0;
for (let round = 0; round < ROUNDS; round++) {
  const started = performance.now();
  spawnSync(process.execPath, ['-e', '0']);
  const bareMs = performance.now() - started;
  const server = await startMillrace();
  await server.stop();
  lastMs = server.startMs;
  ratios.push(server.startMs / bareMs);
}
console.log(
  `start to listening: ${median(ratios).toFixed(1)} times \`node -e 0\` (goal ≤ ${GOAL}; ${Math.round(lastMs)} ms)`,
);
