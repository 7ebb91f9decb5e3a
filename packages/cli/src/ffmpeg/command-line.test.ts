import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ffmpegWords, type FfmpegCommand, parseFfmpegCommand } from './command-line.ts';
import { joinWords, splitWords } from './words.ts';

type Files = [address: string, ...options: string[]][];

function command(options: string[], input: Files, output: Files): FfmpegCommand {
  const files = (kind: string, list: Files) =>
    list.map(([address, ...fileOptions], index) => ({
      id: `${kind}_${index}`,
      address,
      options: fileOptions,
    }));
  return { options, input: files('input', input), output: files('output', output) };
}

const ACCEPTED: [line: string, FfmpegCommand][] = [
  ['-i in.mp4 out.mkv', command([], [['in.mp4']], [['out.mkv']])],
  ['ffmpeg -i in.mp4 out.mkv', command([], [['in.mp4']], [['out.mkv']])],
  ['/usr/local/bin/ffmpeg -i in.mp4 out.mkv', command([], [['in.mp4']], [['out.mkv']])],
  ['-i ffmpeg ffmpeg', command([], [['ffmpeg']], [['ffmpeg']])],
  [
    '-f lavfi -re -i testsrc=size=64x64 -c:v libx264 -f hls {memfs}/cam.m3u8',
    command(
      [],
      [['testsrc=size=64x64', '-f', 'lavfi', '-re']],
      [['{memfs}/cam.m3u8', '-c:v', 'libx264', '-f', 'hls']],
    ),
  ],
  [
    '-re -i a -stream_loop -1 -ss -5 -i b -map 0:v -map 1:a -c copy x.ts -vn -c:a aac y.ts -f null -',
    command(
      [],
      [
        ['a', '-re'],
        ['b', '-stream_loop', '-1', '-ss', '-5'],
      ],
      [
        ['x.ts', '-map', '0:v', '-map', '1:a', '-c', 'copy'],
        ['y.ts', '-vn', '-c:a', 'aac'],
        ['-', '-f', 'null'],
      ],
    ),
  ],
  // An input may come after an output.
  ['-i a out1 -an -i b out2', command([], [['a'], ['b', '-an']], [['out1'], ['out2']])],
  // Global options, wherever they stand.
  [
    '-hide_banner -loglevel warning -y -i in -shortest out -nostdin -stats',
    command(
      ['-hide_banner', '-loglevel', 'warning', '-y', '-nostdin', '-stats'],
      [['in']],
      [['out', '-shortest']],
    ),
  ],
  [
    '-i a -i b -filter_complex "[0:v][1:v]hstack[v];[0:a]volume=0.5[a]" -map [v] -map [a] out',
    command(
      ['-filter_complex', '[0:v][1:v]hstack[v];[0:a]volume=0.5[a]'],
      [['a'], ['b']],
      [['out', '-map', '[v]', '-map', '[a]']],
    ),
  ],
  [
    '-i a -lavfi scale=64:-2 -/filter_complex graph.txt out',
    command(['-lavfi', 'scale=64:-2', '-/filter_complex', 'graph.txt'], [['a']], [['out']]),
  ],
  [
    '-init_hw_device vaapi=foo:/dev/dri/renderD128 -hwaccel vaapi -hwaccel_device foo -i a -vf format=nv12 out',
    command(
      ['-init_hw_device', 'vaapi=foo:/dev/dri/renderD128'],
      [['a', '-hwaccel', 'vaapi', '-hwaccel_device', 'foo']],
      [['out', '-vf', 'format=nv12']],
    ),
  ],
  // Switches and what only looks like one.
  ['-an -vn -sn -dn -i a out', command([], [['a', '-an', '-vn', '-sn', '-dn']], [['out']])],
  ['-noaccurate_seek -i a -copyts out', command(['-copyts'], [['a', '-noaccurate_seek']], [['out']])],
  [
    '-fix_sub_duration:s:0 -i a -fix_sub_duration_heartbeat:v:0 out',
    command([], [['a', '-fix_sub_duration:s:0']], [['out', '-fix_sub_duration_heartbeat:v:0']]),
  ],
  ['-noise_reduction 3 -i a out', command([], [['a', '-noise_reduction', '3']], [['out']])],
  ['-i a -no_such_thing out out', command([], [['a']], [['out', '-no_such_thing', 'out']])],
  // FFmpeg up to 6 wants a value, later ones none.
  [
    '-autorotate 0 -i a -autoscale:v 1 out',
    command([], [['a', '-autorotate', '0']], [['out', '-autoscale:v', '1']]),
  ],
  ['-autorotate -i a -noautoscale out', command([], [['a', '-autorotate']], [['out', '-noautoscale']])],
  // A value may look like an option, or like nothing.
  ['-i a -metadata -i out', command([], [['a']], [['out', '-metadata', '-i']])],
  ['-i -my-file.mp4 -metadata title= out', command([], [['-my-file.mp4']], [['out', '-metadata', 'title=']])],
  ['-i a -metadata "title=A \\"b\\" c" out', command([], [['a']], [['out', '-metadata', 'title=A "b" c']])],
  ["-i 'my file.mp4' out\\ file", command([], [['my file.mp4']], [['out file']])],
  ['-i a -metadata "" out', command([], [['a']], [['out', '-metadata', '']])],
  ['-i a -- -odd', command([], [['a']], [['-odd']])],
  ['-i - -f mpegts -', command([], [['-']], [['-', '-f', 'mpegts']])],
  [
    '-rtsp_transport tcp -i rtsp://user:pa$s@cam/1?x=1&y=2 -f tee "[f=flv]{rtmp,name=a}|[f=mpegts]{srt,name=b,stream=c}"',
    command(
      [],
      [['rtsp://user:pa$s@cam/1?x=1&y=2', '-rtsp_transport', 'tcp']],
      [['[f=flv]{rtmp,name=a}|[f=mpegts]{srt,name=b,stream=c}', '-f', 'tee']],
    ),
  ],
  [
    '-i #other:output=main -c copy {diskfs}/a.mp4',
    command([], [['#other:output=main']], [['{diskfs}/a.mp4', '-c', 'copy']]),
  ],
  ['-i a \\\n  -c copy \\\n  out', command([], [['a']], [['out', '-c', 'copy']])],
];

const REFUSED: [line: string, says: RegExp][] = [
  ['', /no input/],
  ['ffmpeg', /no input/],
  ['-i in', /no output/],
  ['out.mp4', /no input/],
  ['-i', /-i: its value is missing/],
  ['-i a out -c', /-c: its value is missing/],
  ['-i a out -c copy', /-c copy: options have to stand before/],
  ['-i a out -vn', /-vn: options have to stand before/],
  ['-version', /-version: FFmpeg would print/],
  ['-h full', /-h: FFmpeg would print/],
  ['-i a -dec 0:0 out', /-dec: /],
  ['-i "" out', /address of an input is empty/],
  ['-i a "" ', /address of an output is empty/],
  ['-i "a out', /quote \("\) is not closed/],
];

describe('a command line of FFmpeg', () => {
  test.each(ACCEPTED)('%s', (line, expected) => {
    expect(parseFfmpegCommand([line])).toEqual(expected);
    // A shell has split it already.
    expect(parseFfmpegCommand(splitWords(line))).toEqual(expected);
  });

  test.each(REFUSED)('%s is refused', (line, says) => {
    expect(() => parseFfmpegCommand(splitWords(line))).toThrow(says);
  });

  test('what it was read into says the same again', () => {
    for (const [, expected] of ACCEPTED.filter(([line]) => !line.includes('-- -'))) {
      expect(parseFfmpegCommand(ffmpegWords(expected))).toEqual(expected);
      expect(parseFfmpegCommand([joinWords(ffmpegWords(expected))])).toEqual(expected);
    }
  });

  test('no word is lost or made up, whatever is typed', () => {
    const word = fc.oneof(
      fc.constantFrom('-i', '-y', '-c', '-vn', 'a', '-', '--', '-autorotate', '0', '-f', '-filter_complex'),
      fc.string({ minLength: 1 }),
    );
    fc.assert(
      fc.property(fc.array(word, { minLength: 2 }), (words) => {
        let command;
        try {
          command = parseFfmpegCommand(words);
        } catch {
          return;
        }
        const given = /^(.*\/)?ffmpeg(\.exe)?$/.test(words[0] ?? '') ? words.slice(1) : words;
        const without = (list: string[]) => list.filter((one) => one !== '--').toSorted();
        expect(without(ffmpegWords(command).slice(1))).toEqual(without(given));
      }),
    );
  });
});

describe('words of a shell', () => {
  test('quoting and splitting gives the same words', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), (words) => {
        expect(splitWords(joinWords(words))).toEqual(words);
      }),
    );
  });
});
