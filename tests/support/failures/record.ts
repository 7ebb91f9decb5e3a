// Records how FFmpeg fails, in every way that cases.ts names, as the server would see it:
//
//   node --conditions=source tests/support/failures/record.ts FFMPEG FILE [global option …]
//
// Run it as root: FFmpeg itself runs as nobody then, and there are file systems that are full or cannot be written.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { failureCases, type FailureCase } from './cases.ts';
import { makeMedia } from './media.ts';
import { startPeers } from './peers.ts';

const [, , ffmpeg = 'ffmpeg', file = 'failures.txt', ...options] = process.argv;

const NOBODY = 65_534;
const PATIENCE = 20_000;
/** What tells of the build, and what libx264 says of itself. */
const NOISE =
  /^(?:\[[^\]]*\] )*(?: {4}| {2}(?:built with|configuration:|lib(?:av|sw|post)\w+ )|using (?:SAR|cpu)|profile |2?64 - core|x265 |\[swscaler|frame I|frame P|frame B|mb [IPB]|8x8|coded y|i16|i8|i4|i8c|Weighted|ref [PB]|kb\/s:|consecutive)/;
const STATUS = /^(?:\[info\] )?(?:frame=|size=)/;

const isRoot = process.getuid?.() === 0;
const folder = mkdtempSync(path.join(tmpdir(), 'failures-'));
const full = path.join(folder, 'full');
const readonly = path.join(folder, 'readonly');

async function run({ args, limit, signal }: FailureCase, before: () => void): Promise<string | undefined> {
  before();
  const all = [...options, ...args];
  const [binary, argv] =
    limit === undefined
      ? [ffmpeg, all]
      : ['/bin/sh', ['-c', `ulimit ${limit}; exec "$0" "$@"`, ffmpeg, ...all]];
  const child = spawn(binary, argv, {
    cwd: folder,
    env: {},
    stdio: ['ignore', 'ignore', 'pipe'],
    ...(isRoot && { uid: NOBODY, gid: NOBODY }),
  });
  let text = '';
  const late = new AbortController();
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    if (signal !== undefined && !child.killed && text.includes('Output #0')) child.kill(signal);
  });
  const timer = setTimeout(() => {
    late.abort();
    child.kill('SIGKILL');
  }, PATIENCE);
  await once(child, 'close');
  clearTimeout(timer);
  if (late.signal.aborted) return undefined;
  const lines = text
    .split(/[\r\n]+/)
    .filter((line) => line !== '' && !NOISE.test(line) && !STATUS.test(line));
  const end = child.signalCode === null ? `exit code ${child.exitCode}` : `signal ${child.signalCode}`;
  return [JSON.stringify(args), ...lines, end].join('\n');
}

if (isRoot) {
  mkdirSync(full);
  mkdirSync(readonly);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k,mode=777', 'tmpfs', full]);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k,ro', 'tmpfs', readonly]);
}
execFileSync('chmod', ['777', folder]);
const servers = await startPeers('ffmpeg');
try {
  await makeMedia('ffmpeg', folder);
  const sections: string[] = [];
  const cases = failureCases({
    ...servers.peers,
    full: isRoot ? full : '',
    readonly: isRoot ? readonly : '',
  });
  for (const [name, failure] of Object.entries(cases)) {
    const section = await run(failure, () => {
      for (const left of ['out.mp4', 'out.ts', 'out.m3u8', 'out0.ts'])
        rmSync(path.join(full, left), { force: true });
    });
    if (section === undefined) process.stderr.write(`${name} does not end\n`);
    else sections.push(`== ${name}\n${section.replaceAll(folder, '/media')}\n`);
  }
  writeFileSync(file, sections.join('\n'));
} finally {
  servers.close();
  if (isRoot) {
    execFileSync('umount', [full]);
    execFileSync('umount', [readonly]);
  }
  rmSync(folder, { recursive: true });
}
