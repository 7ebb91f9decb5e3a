// `npm run bench`: runs the measurements one after the other, each in a process of its own. They print ratios of
// servers that were measured side by side in the same run; absolute numbers say more about the machine.
import { spawnSync } from 'node:child_process';
import path from 'node:path';

const MEASUREMENTS = [
  'start',
  'api',
  'files',
  'disk',
  'hls',
  'supervise',
  'sessions',
  'metrics',
  'events',
  'rtmp',
  'srt',
];

// Servers are measured as they are published.
const ROOT = path.join(import.meta.dirname, '..');
const build = [path.join(ROOT, 'node_modules/typescript/bin/tsc'), '-b'];
if (spawnSync(process.execPath, build, { cwd: ROOT, stdio: 'inherit' }).status !== 0) process.exit(1);

const chosen = process.argv.slice(2);
for (const name of chosen.length > 0 ? chosen : MEASUREMENTS) {
  const file = path.join(import.meta.dirname, `${name}.ts`);
  const { status } = spawnSync(process.execPath, ['--conditions=source', file], { stdio: 'inherit' });
  if (status !== 0) process.exitCode = 1;
}
