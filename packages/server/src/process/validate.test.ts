import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { AddressFilter } from '../ffmpeg/address-filter.ts';
import { CoreError } from '../util/errors.ts';
import type { ResolvedConfig } from './resolve.ts';
import { validate } from './validate.ts';

const everything = new AddressFilter({ allow: [], block: [] });
const rules = { input: everything, output: everything, diskDir: '/data' };

const io = (id: string, address: string, options: string[] = []) => ({
  id,
  address,
  options,
  readAddress: address,
  cleanup: [],
});
function config(change: Partial<ResolvedConfig> = {}): ResolvedConfig {
  return { id: 'p', options: [], inputs: [io('in', 'testsrc')], outputs: [io('out', '-')], ...change };
}

describe('a configuration is refused', () => {
  test.each<[string, Partial<ResolvedConfig>]>([
    ["at least one input must be defined for the process 'p'", { inputs: [] }],
    ["at least one output must be defined for the process '#p'", { outputs: [] }],
    ["empty input IDs are not allowed (process 'p')", { inputs: [io(' ', 'x')] }],
    ["empty output IDs are not allowed (process 'p')", { outputs: [io(' ', '-')] }],
    ["the input ID 'i' is already in use for the process `p`", { inputs: [io('i', 'x'), io(' i', 'x')] }],
    ["the output ID 'o' is already in use for the process `p`", { outputs: [io('o', '-'), io('o', '-')] }],
    ["the address for input '#p:i' must not be empty", { inputs: [io('i', '  ')] }],
    ["the address for output '#p:o' must not be empty", { outputs: [io('o', '')] }],
    [
      `the address for input '#p:i' (http://[::1) is invalid: parse "//[::1": missing ']' in host`,
      { inputs: [io('i', 'http://[::1')] },
    ],
    [
      `the address for output '#p:o' is invalid: parse "//[::1": missing ']' in host`,
      { outputs: [io('o', 'http://[::1')] },
    ],
    [
      "the address for output '#p:o' is invalid: /etc/x is not inside of /data",
      { outputs: [io('o', '/etc/x')] },
    ],
    [
      "the option '-hls_segment_filename' of output '#p:o' is invalid: /etc/x_%d.ts is not inside of /data",
      { outputs: [io('o', '/data/x', ['-hls_segment_filename', '/etc/x_%d.ts'])] },
    ],
    [
      "the option '-hls_segment_filename' of output '#p:o' is invalid: /etc/x.ts is not inside of /data",
      { outputs: [io('o', '[f=hls:hls_segment_filename=/etc/x.ts]/data/x.m3u8|[f=null]-')] },
    ],
    [
      "the option '-report' of output '#p:o' is invalid: it writes outside of /data",
      { outputs: [io('o', '-', ['-report'])] },
    ],
    [
      `the option '-passlogfile:v' of output '#p:o' is invalid: ${resolve('log')} is not inside of /data`,
      { outputs: [io('o', '-', ['-passlogfile:v', 'log'])] },
    ],
    [
      "the option '-vstats_file' of the process 'p' is invalid: /tmp/x is not inside of /data",
      { options: ['-vstats_file', '/tmp/x'] },
    ],
    [
      "the option '-hls_fmp4_init_filename' of output '#p:o' is invalid: /i.mp4 is not inside of /data",
      { outputs: [io('o', '/data/x.m3u8', ['-hls_fmp4_init_filename', '../i.mp4'])] },
    ],
    [
      "the option '-master_pl_name' of output '#p:o' is invalid: /m.m3u8 is not inside of /data",
      { outputs: [io('o', '[f=null]-|[f=hls:master_pl_name=../m.m3u8]/data/x.m3u8')] },
    ],
    [
      "the option '-report' of input '#p:i' is invalid: it writes outside of /data",
      { inputs: [io('i', 'x', ['-re', '-report'])] },
    ],
    [
      "the option '-vstats' of input '#p:i' is invalid: it writes outside of /data",
      { inputs: [io('i', 'x', ['-vstats'])] },
    ],
    [
      "the option '-dump_attachment:t:0' of input '#p:i' is invalid: /etc/x is not inside of /data",
      { inputs: [io('i', 'x', ['-dump_attachment:t:0', '/etc/x'])] },
    ],
    [
      "the option '-progress' of the process 'p' is invalid: /etc/x is not inside of /data",
      { options: ['-progress'], inputs: [io('i', 'x', ['/etc/x'])] },
    ],
    [
      "the option '-progress' of input '#p:i' is invalid: /etc/x is not inside of /data",
      { inputs: [io('i', 'x', ['-progress', '/etc/x'])] },
    ],
  ])('%s', (reason, change) => {
    expect(() => validate(config(change), rules)).toThrow(new CoreError('invalid', reason));
  });

  test('for the first reason in the order of the lists', () => {
    const change = { inputs: [io('i', 'http://[::1'), io('', '')], outputs: [] };
    expect(() => validate(config(change), rules)).toThrow(/^the address for input '#p:i' \(/);
  });

  test('for a file beside the output only where it is', () => {
    const playlists = new AddressFilter({ allow: [String.raw`\.m3u8$`], block: [] });
    const outputs = ['http://h/x.m3u8', '/data/x.m3u8'].map((address, index) =>
      io(`o${index}`, address, ['-hls_fmp4_init_filename', 'i.mp4']),
    );
    expect(validate(config({ outputs }), { ...rules, output: playlists })).toEqual({ writesFiles: true });
  });

  test('if a list forbids an address', () => {
    const blocked = new AddressFilter({ allow: [], block: ['^rtmp:'] });
    expect(() => validate(config({ inputs: [io('i', 'rtmp://x')] }), { ...rules, input: blocked })).toThrow(
      "the address for input '#p:i' (rtmp://x) is invalid: address is not allowed",
    );
  });
});

describe('a configuration is accepted', () => {
  test.each<[string, Partial<ResolvedConfig>, boolean]>([
    ['with blanks around', { inputs: [io(' i ', ' x ')], outputs: [io(' o ', ' - ')] }, false],
    ['with the same id for input and output', { inputs: [io('x', 'x')], outputs: [io('x', '-')] }, false],
    ['that writes files', { outputs: [io('a', '-'), io('o', '/data/x.mp4')] }, true],
    ['that writes devices', { outputs: [io('o', '/dev/null')] }, false],
    [
      'with segments beside the playlist',
      { outputs: [io('o', '/data/x', ['-hls_segment_filename', '/data/x_%d.ts'])] },
      true,
    ],
    [
      'with an init segment in another folder of the disk',
      { outputs: [io('o', '/data/a/x.m3u8', ['-hls_fmp4_init_filename', '../i.mp4'])] },
      true,
    ],
    [
      'with names on a server',
      { outputs: [io('o', 'http://u:p@host/a/x.m3u8', ['-hls_fmp4_init_filename', 'i_%v.mp4'])] },
      false,
    ],
    ['that reports to a pipe', { options: ['-progress', 'pipe:1'] }, false],
  ])('%s', (_what, change, writesFiles) => {
    expect(validate(config(change), rules)).toEqual({ writesFiles });
  });
});
