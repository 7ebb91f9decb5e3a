import { Children } from '../../packages/server/src/child/children.ts';
import { Log } from '../../packages/server/src/log/logger.ts';

// Starts children that ignore every polite request and print nothing, and tells their ids. Its parent kills it.
const [, , binary = '', count = '1', mode = ''] = process.argv;

const log = new Log({ write: () => true }, { level: 'silent', topics: [], maxLines: 0 }).component('Process');
const children = new Children(log);
await children.start();

const spawn = (): number | undefined =>
  children.spawn({ binary, args: ['ignore', 'INT', 'ignore', 'TERM', 'wait'] }).pid;
const report = { guardian: children.guardianPid, children: Array.from({ length: Number(count) }, spawn) };
process.stdout.write(`${JSON.stringify(report)}\n`);

setInterval(() => {
  if (mode === 'storm') spawn();
}, 1);
setInterval(() => {
  if (mode === 'new-guardian')
    process.stdout.write(`${JSON.stringify({ ...report, guardian: children.guardianPid })}\n`);
}, 50);
