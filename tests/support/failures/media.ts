import { execFile } from 'node:child_process';
import { chmod, mkdir, readFile, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

/** Makes files to read into the folder: good ones, and broken ones of every kind. */
export async function makeMedia(ffmpeg: string, folder: string): Promise<void> {
  const at = (name: string) => path.join(folder, name);
  const run = (args: string[]) =>
    promisify(execFile)(ffmpeg, ['-loglevel', 'error', '-y', ...args], { cwd: folder, env: {} });
  const source = [
    '-f',
    'lavfi',
    '-i',
    'testsrc2=size=320x180:rate=25',
    '-f',
    'lavfi',
    '-i',
    'sine',
    '-t',
    '2',
  ];
  await mkdir(folder, { recursive: true, mode: 0o777 });
  await run([...source, '-codec:v', 'libx264', '-g', '25', '-codec:a', 'aac', 'good.mp4']);
  await run(['-i', 'good.mp4', '-codec', 'copy', 'good.ts']);
  await run(['-i', 'good.mp4', '-codec', 'copy', 'broken.mkv']);
  const whole = await readFile(at('good.mp4'));
  await writeFile(at('good.srt'), '1\n00:00:00,000 --> 00:00:01,000\nHello\n');
  await writeFile(at('empty.mp4'), '');
  await writeFile(at('garbage.mp4'), 'nothing that can be played, '.repeat(500));
  await writeFile(at('without-moov.mp4'), whole.subarray(0, whole.indexOf('moov') - 4));
  await truncate(at('broken.mkv'), 100);
  const damaged = await readFile(at('good.ts'));
  for (let byte = 2_000; byte < damaged.length; byte += 97) damaged[byte] = 0x55;
  await writeFile(at('damaged.ts'), damaged);
  await writeFile(at('forbidden.mp4'), whole);
  await chmod(at('forbidden.mp4'), 0);
  await writeFile(at('unsafe.txt'), "file '/etc/hostname'\n");
  await writeFile(at('missing.txt'), "file 'missing.mp4'\n");
  await writeFile(
    at('remote.m3u8'),
    '#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nhttp://127.0.0.1:1/a.ts\n#EXT-X-ENDLIST\n',
  );
  await writeFile(
    at('camera.sdp'),
    'v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n',
  );
}
