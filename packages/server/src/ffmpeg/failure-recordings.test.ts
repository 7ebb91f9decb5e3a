import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Exit } from '../child/child.ts';
import { FAILURE_CLASSES, type FailureClass } from './failure-classes.ts';
import { explainFailure, type Failure } from './failure.ts';

const FAILURES = join(import.meta.dirname, 'samples', 'failures');

/** A recorded run of FFmpeg. */
interface Recording {
  name: string;
  command: string[];
  lines: string[];
  exit: Exit;
}

/** The runs in a file that tests/support/failures/record.ts wrote. */
function recordings(file: string): Recording[] {
  const sections = readFileSync(join(FAILURES, file), 'utf8').split(/^== /m).slice(1);
  return sections.map((section) => {
    const [name = '', command = '[]', ...lines] = section.trimEnd().split('\n');
    const end = lines.pop() ?? '';
    return { name, command: JSON.parse(command) as string[], lines, exit: toExit(end) };
  });
}

function toExit(end: string): Exit {
  const [, code, signal] = /^exit code (\d+)$|^signal (SIG[A-Z]+)$/.exec(end) ?? [];
  if (signal !== undefined) return { kind: 'signal', signal: signal as NodeJS.Signals, outOfMemory: false };
  if (code === undefined) throw new Error(`no end: ${end}`);
  return { kind: 'code', code: Number(code) };
}

function explainRecording({ command, lines, exit }: Recording): Failure | undefined {
  const log = lines.map((text) => ({ at: 0, text }));
  return explainFailure({ exit, reason: undefined, note: 'Ended.' }, { command, log });
}

type Row = [name: string, expected: FailureClass | 'none', line: RegExp | string];

/** Class and deciding line of each recorded failure, whatever the version. */
const TABLE: readonly Row[] = [
  ['input-missing', 'input_not_found', 'No such file or directory'],
  ['input-folder', 'input_not_found', 'Is a directory'],
  ['input-forbidden', 'permission_denied', 'Permission denied'],
  ['input-empty', 'input_invalid', 'moov atom not found'],
  ['input-garbage', 'input_invalid', 'moov atom not found'],
  ['input-without-moov', 'input_invalid', 'moov atom not found'],
  ['input-broken-mkv', 'input_invalid', 'File ended prematurely'],
  ['input-images-missing', 'input_not_found', /Could find no file .*picture%03d\.png/],
  ['input-list-unsafe', 'permission_denied', "Unsafe file name '/etc/hostname'"],
  ['input-list-missing', 'input_not_found', "Impossible to open 'missing.mp4'"],
  ['input-playlist-whitelist', 'protocol_unsupported', "Protocol 'http' not on whitelist"],
  ['input-sdp-whitelist', 'protocol_unsupported', "Protocol 'rtp' not on whitelist"],
  ['input-second-missing', 'input_not_found', 'No such file or directory'],
  ['input-format-unknown', 'format_unknown', "Unknown input format: 'nope'"],
  ['input-format-wrong', 'input_invalid', /Failed to (?:read frame size|find two consecutive)/],
  [
    'input-damaged',
    'input_invalid',
    /corrupt input packet in stream 0|Error retrieving a packet from demuxer/,
  ],
  ['input-lavfi-unknown', 'filter_failed', "No such filter: 'nope'"],
  ['tcp-refused', 'input_unreachable', /Connection to tcp:.* failed: Connection refused/],
  ['http-refused', 'input_unreachable', /Connection to tcp:.* failed: Connection refused/],
  ['https-refused', 'input_unreachable', /Connection to tcp:.* failed: Connection refused/],
  ['http-400', 'input_refused', 'HTTP error 400'],
  ['http-401', 'authentication_refused', 'HTTP error 401'],
  ['http-403', 'authentication_refused', 'HTTP error 403'],
  ['http-404', 'input_not_found', 'HTTP error 404'],
  ['http-410', 'input_not_found', 'HTTP error 410'],
  ['http-429', 'input_refused', 'HTTP error 429'],
  ['http-500', 'input_refused', 'HTTP error 500'],
  ['http-503', 'input_refused', 'HTTP error 503'],
  ['http-password', 'authentication_refused', 'HTTP error 401'],
  ['http-garbage', 'input_invalid', 'Invalid data found'],
  ['http-page', 'input_invalid', 'Invalid data found'],
  ['http-nothing', 'input_invalid', 'Invalid data found'],
  ['http-loop', 'unknown', 'Input/output error'],
  ['http-silent', 'timeout', 'Connection timed out'],
  ['http-closed', 'input_lost', /Connection reset by peer|End of file/],
  ['hls-segment-404', 'input_not_found', 'HTTP error 404'],
  ['hls-segment-program', 'input_invalid', /not in allowed_segment_extensions|Invalid data found/],
  ['hls-empty', 'input_invalid', 'Invalid data found'],
  ['hls-404', 'input_not_found', 'HTTP error 404'],
  ['tls-untrusted', 'tls', /certificate (?:failed verification|verify failed)/],
  ['tls-not-spoken', 'tls', /unexpected TLS packet|wrong version number|packet length too long/],
  ['tls-closed', 'input_lost', /End of file|Connection reset by peer|error:00000000/],
  ['dns-http', 'dns', 'Failed to resolve hostname camera.invalid'],
  ['dns-rtsp', 'dns', 'Failed to resolve hostname camera.invalid'],
  ['dns-rtmp', 'dns', 'Failed to resolve hostname a.rtmp.invalid'],
  ['rtsp-refused', 'input_unreachable', 'Connection refused'],
  ['rtsp-401', 'authentication_refused', 'method OPTIONS failed: 401'],
  ['rtsp-404', 'input_not_found', 'method OPTIONS failed: 404'],
  ['rtsp-453', 'input_refused', 'method OPTIONS failed: 453'],
  ['rtsp-503', 'input_refused', 'method OPTIONS failed: 503'],
  ['rtsp-closed', 'input_invalid', 'Invalid data found'],
  ['rtsp-silent', 'input_invalid', 'Invalid data found'],
  ['rtmp-refused', 'input_unreachable', 'Connection refused'],
  ['rtmp-closed', 'input_lost', /Connection reset by peer|End of file/],
  ['rtmp-app-refused', 'input_refused', 'Server error: no such app'],
  ['rtmps-not-spoken', 'tls', /unexpected TLS packet|wrong version number|packet length too long/],
  ['srt-refused', 'input_unreachable', /Connection to srt:.* failed/],
  ['srt-passphrase', 'authentication_refused', /Incorrect passphrase|BADSECRET/],
  ['srt-passphrase-short', 'syntax', 'SRTO_PASSPHRASE'],
  ['network-unreachable', 'input_unreachable', 'Network is unreachable'],
  ['ftp-refused', 'input_unreachable', 'Connection refused'],
  ['udp-silent', 'timeout', 'udp://127.0.0.1'],
  ['protocol-unknown', 'protocol_unsupported', 'Protocol not found'],
  ['address-without-port', 'address_invalid', 'Port missing in uri'],
  ['port-taken-tcp', 'port_in_use', 'Address already in use'],
  ['multicast-interface', 'address_invalid', 'IP_ADD_MEMBERSHIP'],
  ['port-taken-udp', 'port_in_use', 'Address already in use'],
  ['port-taken-rtmp', 'port_in_use', 'Address already in use'],
  ['port-taken-http', 'port_in_use', 'Address already in use'],
  ['port-taken-srt', 'port_in_use', 'Address already in use'],
  ['port-forbidden', 'address_invalid', 'Port missing in uri'],
  ['address-not-ours', 'address_invalid', 'Cannot assign requested address'],
  ['output-full', 'disk_full', 'No space left on device'],
  ['output-full-disk', 'disk_full', 'No space left on device'],
  ['output-readonly', 'output_not_writable', 'Read-only file system'],
  ['output-folder-missing', 'output_not_writable', 'missing/out.mp4: No such file or directory'],
  ['output-is-folder', 'output_not_writable', 'Is a directory'],
  ['output-forbidden', 'permission_denied', 'Permission denied'],
  ['output-exists', 'output_not_writable', 'Not overwriting - exiting'],
  ['output-name-unknown', 'format_unknown', /Unable to (?:find|choose) .*out\.nope/],
  ['output-format-unknown', 'format_unknown', "Requested output format 'nope'"],
  ['output-not-seekable', 'container_mismatch', 'muxer does not support non seekable output'],
  ['output-http-401', 'output_lost', 'Broken pipe'],
  ['output-http-refused', 'output_unreachable', 'Connection refused'],
  ['output-tcp-refused', 'output_unreachable', 'Connection refused'],
  ['output-tcp-reset', 'output_lost', 'Connection reset by peer'],
  ['output-rtmp-refused', 'output_unreachable', 'Connection refused'],
  ['output-rtmp-closed', 'output_lost', /Connection reset by peer|End of file/],
  ['output-rtmp-app', 'output_refused', 'Server error: no such app'],
  ['output-rtmp-key', 'output_refused', 'Server error: wrong stream key'],
  ['output-srt-refused', 'output_unreachable', /Connection to srt:.* failed/],
  ['output-rtsp-401', 'authentication_refused', 'method OPTIONS failed: 401'],
  ['output-rtsp-refused', 'output_unreachable', 'Connection refused'],
  ['output-icecast-401', 'output_lost', 'Broken pipe'],
  ['output-protocol-unknown', 'protocol_unsupported', 'Protocol not found'],
  ['tee-one-refused', 'output_unreachable', 'Connection refused'],
  ['tee-all-ignored', 'output_not_writable', 'missing/x.ts'],
  ['tee-format', 'format_unknown', "Requested output format 'nope'"],
  ['encoder-unknown', 'unknown_encoder', "Unknown encoder 'libnope'"],
  ['encoder-for-decoding-only', 'unknown_encoder', "Unknown encoder 'indeo5'"],
  ['encoder-of-sound', 'unknown_encoder', "Invalid encoder type 'aac'"],
  ['decoder-unknown', 'unknown_decoder', "Unknown decoder 'nope'"],
  ['container-webm-h264', 'container_mismatch', 'Only VP8 or VP9 or AV1 video'],
  ['container-flv-vp8', 'container_mismatch', 'Video codec vp8 not compatible with flv'],
  ['container-flv-opus', 'container_mismatch', 'Audio codec opus not compatible with flv'],
  ['container-mp4-raw', 'container_mismatch', 'Could not find tag for codec rawvideo'],
  ['container-mp4-pcm', 'container_mismatch', 'Could not find tag for codec pcm_s16le'],
  ['container-mp3-video', 'container_mismatch', 'Exactly one MP3 audio stream is required'],
  ['container-wav-two', 'container_mismatch', /exactly one stream|more than one stream/],
  ['container-subtitles-flv', 'stream_not_found', 'does not contain any stream'],
  ['subtitles-to-bitmap', 'container_mismatch', 'Subtitle encoding currently only possible'],
  ['bitstream-filter-unknown', 'filter_failed', "bitstream filter sequence 'nope'"],
  ['bitstream-filter-wrong', 'container_mismatch', "Codec 'h264' (27) is not supported"],
  ['size-odd', 'unsupported_parameters', 'width not divisible by 2 (321x181)'],
  ['size-zero', 'syntax', 'Invalid frame size: 0x0'],
  ['x264-preset', 'unsupported_parameters', 'Error setting preset/tune nope'],
  ['x264-profile', 'unsupported_parameters', 'Error setting profile nope'],
  ['x264-baseline-444', 'unsupported_parameters', 'Error setting profile baseline'],
  ['x264-tune', 'unsupported_parameters', 'Error setting preset/tune medium/nope'],
  ['x265-preset', 'unsupported_parameters', 'Error setting preset/tune nope'],
  ['size-h263', 'unsupported_parameters', 'picture size of 320x180 is not valid'],
  ['pixel-format-unknown', 'syntax', 'Unknown pixel format requested: nope'],
  ['sample-rate-mp3', 'unsupported_parameters', 'Specified sample rate 12345 is not supported'],
  ['sample-rate-opus', 'unsupported_parameters', 'Specified sample rate 44100 is not supported'],
  ['channels-mp3', 'unsupported_parameters', "Specified channel layout '5.1' is not supported"],
  ['bitrate-invalid', 'syntax', 'Error setting option b to value fast'],
  ['option-without-value', 'syntax', 'At least one output file must be specified'],
  ['option-unknown', 'syntax', "Unrecognized option 'nopeoption'"],
  ['option-value-time', 'syntax', /Invalid duration .*ss: abc/],
  ['option-value-rate', 'syntax', 'Invalid framerate value: abc'],
  ['option-value-size', 'syntax', 'Invalid frame size: abc'],
  ['option-value-number', 'syntax', 'Error setting option g to value abc'],
  ['option-input-only', 'syntax', 'Option stream_loop'],
  ['option-rtsp-transport', 'syntax', 'Error setting option rtsp_transport to value nope'],
  ['option-hls-method', 'syntax', 'Error setting option hls_segment_type to value nope'],
  ['option-loglevel', 'syntax', 'Invalid loglevel "nope"'],
  ['map-nothing', 'stream_not_found', 'matches no streams'],
  ['map-no-sound', 'stream_not_found', 'matches no streams'],
  ['map-no-input', 'stream_not_found', 'Invalid input file index: 5'],
  ['map-label', 'stream_not_found', "Output with label 'x' does not exist"],
  ['map-specifier', 'stream_not_found', 'matches no streams'],
  ['no-stream', 'stream_not_found', 'does not contain any stream'],
  ['codec-specifier', 'syntax', /stream specifier: q/],
  ['filter-unknown', 'filter_failed', "No such filter: 'nope'"],
  ['filter-option', 'filter_failed', /(?:filter 'scale'|'nope' not found)/],
  ['filter-expression', 'filter_failed', /filter 'scale'|Cannot parse expression/],
  ['filter-of-sound', 'filter_failed', /Cannot connect audio filter|Filtergraph has a audio output/],
  ['filter-syntax', 'filter_failed', /Mismatched '\['|filterchain 'scale=|filter 'scale'|filter description/],
  ['filter-input-missing', 'stream_not_found', "Stream specifier ':5'"],
  ['filter-label-unused', 'filter_failed', 'unconnected'],
  ['filter-simple-complex', 'filter_failed', "Filtergraph 'null' was specified"],
  ['filter-of-copy', 'filter_failed', 'Filtering and streamcopy cannot be used together'],
  ['filter-crop-too-large', 'filter_failed', 'Invalid too big or non positive size'],
  ['filter-file-missing', 'filter_failed', /drawtext|initializing filters/],
  ['filter-font-missing', 'filter_failed', /drawtext|load font/],
  ['filter-movie-missing', 'filter_failed', /filter 'movie'|Failed to avformat_open_input/],
  ['filter-subtitles-missing', 'filter_failed', 'subtitles'],
  ['hardware-vaapi', 'hardware_unavailable', /No VA display found|Unrecognized option 'vaapi_device'/],
  ['hardware-vaapi-alone', 'filter_failed', 'Impossible to convert between the formats'],
  ['hardware-nvenc', 'hardware_unavailable', 'Cannot load libcuda.so.1'],
  ['hardware-qsv', 'hardware_unavailable', /MFX session|Failed to create a VAAPI device/],
  ['hardware-v4l2m2m', 'hardware_unavailable', 'Could not find a valid device'],
  ['hardware-cuda', 'hardware_unavailable', 'CUDA'],
  ['hardware-hwaccel', 'hardware_unavailable', /setup failed for decoder|CUDA|No device available/],
  ['hardware-hwaccel-unknown', 'hardware_unavailable', 'Unrecognized hwaccel: nope'],
  ['device-camera', 'device_missing', 'Cannot open video device /dev/video99'],
  ['device-not-a-camera', 'device_missing', 'Inappropriate ioctl for device'],
  ['device-sound', 'device_missing', 'cannot open audio device hw:9,0'],
  ['device-screen', 'device_missing', 'Cannot open display :99'],
  ['device-framebuffer', 'device_missing', "Could not open framebuffer device '/dev/fb9'"],
  ['device-pulse', 'device_missing', 'No such process'],
  ['device-unknown', 'format_unknown', "Unknown input format: 'dshow'"],
  ['memory-exhausted', 'out_of_memory', /Failed to allocate|Cannot allocate memory/],
  ['files-exhausted', 'resources_exhausted', 'Too many open files'],
  ['memory-too-large', 'unsupported_parameters', 'Picture size 30000x30000 is invalid'],
  ['crashed', 'crashed', 'Ended.'],
  ['aborted', 'crashed', 'Ended.'],
  ['killed', 'killed', 'Ended.'],
  // What FFmpeg does not take for a failure, or does not notice
  ['interrupted', 'none', ''],
  ['terminated', 'none', ''],
  ['option-of-encoder', 'none', ''],
  ['output-full-hls', 'none', ''],
  ['output-hls-401', 'none', ''],
  ['output-hls-refused', 'none', ''],
];

/** Where versions differ from the table: in what they can do, in what they take for a failure, in what they tell. */
const BY_VERSION: Record<string, readonly Row[]> = {
  '4.4': [
    // It gives up without a word.
    ['input-damaged', 'unknown', 'concealing'],
    // Its option -timeout means to listen.
    ['rtsp-silent', 'port_in_use', 'Address already in use'],
    ['srt-passphrase', 'input_refused', 'REJECT reported'],
    ['hardware-vaapi-alone', 'unknown_encoder', "'h264_vaapi'"],
    ['hardware-qsv', 'unknown_encoder', "'h264_qsv'"],
    ['hardware-v4l2m2m', 'unknown_encoder', "'h264_v4l2m2m'"],
    ['device-pulse', 'format_unknown', "'pulse'"],
  ],
  '5.1': [
    ['tee-one-refused', 'none', ''],
    ['filter-font-missing', 'none', ''],
  ],
  '6.1': [
    ['output-exists', 'none', ''],
    ['tee-one-refused', 'none', ''],
    ['hardware-vaapi-alone', 'unknown_encoder', "'h264_vaapi'"],
    ['hardware-qsv', 'unknown_encoder', "'h264_qsv'"],
    ['device-pulse', 'format_unknown', "'pulse'"],
    ['filter-font-missing', 'filter_failed', "No such filter: 'drawtext'"],
    ['filter-file-missing', 'filter_failed', "No such filter: 'drawtext'"],
  ],
  '7.1': [
    ['input-damaged', 'unknown', 'unknown codec'],
    ['output-exists', 'none', ''],
    ['tee-one-refused', 'none', ''],
    ['map-specifier', 'syntax', 'Trailing garbage after stream specifier'],
    ['hardware-vaapi-alone', 'unknown_encoder', "'h264_vaapi'"],
    ['hardware-qsv', 'unknown_encoder', "'h264_qsv'"],
  ],
  '8.1': [
    ['input-damaged', 'unknown', 'unknown codec'],
    ['rtsp-closed', 'input_lost', 'Failed reading RTSP data'],
    ['rtsp-silent', 'timeout', 'Failed reading RTSP data'],
    ['output-exists', 'none', ''],
    ['container-flv-opus', 'none', ''],
    ['map-specifier', 'syntax', 'Trailing garbage after stream specifier'],
  ],
};

function expectedOf(version: string): Map<string, Row> {
  const numbers = version.replace('-level', '');
  return new Map([...TABLE, ...(BY_VERSION[numbers] ?? [])].map((row) => [row[0], row]));
}

const VERSIONS = ['4.4', '5.1', '5.1-level', '6.1', '7.1', '8.1'];

describe.each(VERSIONS)('recorded failures of FFmpeg %s', (version) => {
  const runs = recordings(`ffmpeg-${version}.txt`);
  const expected = expectedOf(version);

  test('have a row in the table each, and more than 150 were recorded', () => {
    expect(runs.map(({ name }) => name).filter((name) => !expected.has(name))).toEqual([]);
    expect(runs.length).toBeGreaterThan(150);
  });

  test.each(runs.map((run) => [run.name, run] as const))('%s', (name, run) => {
    const [, kind = 'none', line = ''] = expected.get(name) ?? [];
    const failure = explainRecording(run);
    expect(failure?.class ?? 'none').toBe(kind);
    if (failure === undefined) return;
    if (typeof line === 'string') expect(failure.line).toContain(line);
    else expect(failure.line).toMatch(line);
    // Placeholders are filled, and the advice is whole sentences.
    expect(failure.advice).toMatch(/^[A-Z`].*[.]$/s);
    expect(failure.advice).not.toMatch(/[{}]/);
    expect(JSON.stringify(failure)).not.toMatch(/geheim|wrong-horse/);
  });
});

test('every file with recorded failures is looked at', () => {
  expect(readdirSync(FAILURES).sort()).toEqual(VERSIONS.map((version) => `ffmpeg-${version}.txt`).sort());
});

test('any log leads to an answer', () => {
  const known = VERSIONS.flatMap((version) => recordings(`ffmpeg-${version}.txt`)).flatMap(
    ({ lines }) => lines,
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.string(), fc.constantFrom(...known)), { maxLength: 20 }), (lines) => {
      const failure = explainRecording({ name: '', command: [], lines, exit: { kind: 'code', code: 1 } });
      expect(Object.keys(FAILURE_CLASSES)).toContain(failure?.class);
      expect(failure?.advice).not.toMatch(/\{\w+\}/);
    }),
  );
});
