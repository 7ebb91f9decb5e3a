// What it costs to supervise many children: CPU and memory of the server's own process. Linux only.
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startMillrace, usage } from './children.ts';

const CHILDREN = 500;
const SETTLE_MS = 15_000;
const MEASURE_MS = 20_000;
const CPU_GOAL_PERCENT = 10;
const MEMORY_GOAL_MIB = 200;

/** Prints what FFmpeg prints, twice a second, and ends as it does; Perl, because 500 of it fit anywhere. */
const STAND_IN = String.raw`#!/usr/bin/perl
use strict;
$| = 1;
if (grep { $_ eq '-version' } @ARGV) {
  print "ffmpeg version 6.1.1 Copyright (c) 2000-2023 the FFmpeg developers\nbuilt with gcc 12\nconfiguration: --enable-gpl\n";
  exit 0;
}
exit 0 unless grep { $_ eq '-i' } @ARGV;
$SIG{INT} = sub { exit 255 };
select(STDERR);
$| = 1;
print "Input #0, lavfi, from 'testsrc2':\n  Duration: N/A, start: 0.000000, bitrate: N/A\n";
print "  Stream #0:0: Video: rawvideo (I420 / 0x30323449), yuv420p, 320x180, 25 fps, 25 tbr, 25 tbn\n";
print "Output #0, null, to 'pipe:':\n  Stream #0:0: Video: wrapped_avframe, yuv420p, 320x180, q=2-31, 200 kb/s, 25 fps, 25 tbn\n";
for (my $half = 1; ; $half++) {
  my ($frame, $seconds) = (int($half * 12.5), $half / 2);
  printf "frame=%5d fps= 25 q=28.0 size=%8dkB time=%02d:%02d:%05.2f bitrate= 800.0kbits/s speed=   1x    \r",
    $frame, $half * 50, $seconds / 3600, $seconds / 60 % 60, $seconds - 60 * int($seconds / 60);
  select(undef, undef, undef, 0.5);
}
`;

if (process.platform !== 'linux' || !existsSync('/usr/bin/perl')) {
  console.log('supervising: not measured, it needs Linux and Perl');
  process.exit();
}

const folder = await mkdtemp(path.join(tmpdir(), 'millrace-stand-in-'));
const binary = path.join(folder, 'ffmpeg');
await writeFile(binary, STAND_IN);
await chmod(binary, 0o755);
const server = await startMillrace({ CORE_FFMPEG_BINARY: binary });
try {
  await measure();
} finally {
  await server.stop();
  await rm(folder, { recursive: true });
}

async function measure(): Promise<void> {
  await pause(2000);
  const empty = await usage(server.pid);
  for (let index = 0; index < CHILDREN; index++) {
    await server.api('POST', '/api/v3/process', {
      id: `child-${index}`,
      input: [{ address: 'testsrc2', options: ['-f', 'lavfi'] }],
      output: [{ address: '-', options: ['-f', 'null'] }],
      reconnect: true,
      reconnect_delay_seconds: 1,
    });
  }
  await pause(SETTLE_MS);
  const before = await usage(server.pid);
  const started = performance.now();
  await pause(MEASURE_MS);
  const after = await usage(server.pid);
  const seconds = (performance.now() - started) / 1000;
  const running = await countProgressing();

  const cpuPercent = ((after.cpuSeconds - before.cpuSeconds) / seconds) * 100;
  const memoryMib = (after.memoryBytes - empty.memoryBytes) / 1024 / 1024;
  console.log(
    `supervising ${running} children: ${cpuPercent.toFixed(1)} % of one core (goal ≤ ${CPU_GOAL_PERCENT}), ` +
      `${Math.round(memoryMib)} MiB more than without (goal ≤ ${MEMORY_GOAL_MIB})`,
  );
}

/** How many processes run and have shown progress: the measurement means nothing without. */
async function countProgressing(): Promise<number> {
  const processes = (await server.api('GET', '/api/v3/process?filter=state')) as {
    state: { exec: string; progress: { frame: number } };
  }[];
  return processes.filter(({ state }) => state.exec === 'running' && state.progress.frame > 0).length;
}

async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}
