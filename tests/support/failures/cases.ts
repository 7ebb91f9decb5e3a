import type { Peers } from './peers.ts';

/** What there is to run into: see `media.ts` for the files, `peers.ts` for the servers. */
export interface Surroundings extends Peers {
  /** A full file system of 64 KiB, and one that cannot be written; `''` where none could be made. */
  full: string;
  readonly: string;
}

/** How FFmpeg is brought to fail. */
export interface FailureCase {
  args: string[];
  /** What the shell's `ulimit` is given. */
  limit?: string;
  /** Is sent while it runs. */
  signal?: NodeJS.Signals;
}

const SIZE = 'testsrc2=size=320x180:rate=25';
const PICTURE = ['-f', 'lavfi', '-i', SIZE];
const SOUND = ['-f', 'lavfi', '-i', 'sine'];
const SECOND = ['-t', '1'];
const NOWHERE = ['-f', 'null', '-'];
const X264 = ['-codec:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p'];
const MPEG4 = ['-codec:v', 'mpeg4'];

const read = (...input: string[]): FailureCase => ({ args: [...input, ...NOWHERE] });
const from = (address: string): FailureCase => read('-i', address);
/** Encodes a second of the test picture. */
const write = (...output: string[]): FailureCase => ({ args: [...PICTURE, ...SECOND, ...output] });
const encode = (...options: string[]) => write(...options, ...NOWHERE);
const filter = (graph: string) => encode('-vf', graph);
const copy = (input: string, ...output: string[]): FailureCase => ({
  args: ['-i', input, '-codec', 'copy', '-y', ...output],
});
const hls = (address: string) =>
  write(...MPEG4, '-g', '5', '-f', 'hls', '-hls_time', '1', '-method', 'PUT', address);

/** Every failure by its name. The recordings and the table of the test use the same names. */
export function failureCases(at: Surroundings): Record<string, FailureCase> {
  const http = `http://127.0.0.1:${at.http}`;
  const https = `https://127.0.0.1:${at.https}`;
  const rtsp = `rtsp://127.0.0.1:${at.rtsp}`;
  const refused = `127.0.0.1:${at.refused}`;
  return {
    // Inputs that are not there, or not what they should be
    'input-missing': from('missing.mp4'),
    'input-folder': from('/'),
    'input-forbidden': from('forbidden.mp4'),
    'input-empty': from('empty.mp4'),
    'input-garbage': from('garbage.mp4'),
    'input-without-moov': from('without-moov.mp4'),
    'input-broken-mkv': from('broken.mkv'),
    'input-images-missing': from('picture%03d.png'),
    'input-list-unsafe': read('-f', 'concat', '-i', 'unsafe.txt'),
    'input-list-missing': read('-f', 'concat', '-safe', '0', '-i', 'missing.txt'),
    'input-playlist-whitelist': from('remote.m3u8'),
    'input-sdp-whitelist': from('camera.sdp'),
    'input-second-missing': {
      args: [...PICTURE, '-i', 'logo.png', '-filter_complex', 'overlay', ...NOWHERE],
    },
    'input-format-unknown': read('-f', 'nope', '-i', 'good.mp4'),
    'input-format-wrong': read('-f', 'mp3', '-i', 'garbage.mp4'),
    'input-damaged': read('-xerror', '-err_detect', 'explode', '-i', 'damaged.ts'),
    'input-lavfi-unknown': read('-f', 'lavfi', '-i', 'nope=size=320x180'),
    // Servers that cannot be reached, or do not want
    'tcp-refused': from(`tcp://${refused}`),
    'http-refused': from(`http://${refused}/live.ts`),
    'https-refused': from(`https://${refused}/live.ts`),
    'http-400': from(`${http}/400/live.ts`),
    'http-401': from(`${http}/401/live.ts`),
    'http-403': from(`${http}/403/live.ts`),
    'http-404': from(`${http}/404/live.ts`),
    'http-410': from(`${http}/410/live.ts`),
    'http-429': from(`${http}/429/live.ts`),
    'http-500': from(`${http}/500/live.ts`),
    'http-503': from(`${http}/503/live.ts`),
    'http-password': from(`http://camera:geheim@127.0.0.1:${at.http}/401/live.ts?token=geheim`),
    'http-garbage': from(`${http}/garbage/live.ts`),
    'http-page': from(`${http}/page`),
    'http-nothing': from(`${http}/nothing`),
    'http-loop': from(`${http}/loop`),
    'http-silent': read('-rw_timeout', '500000', '-i', `http://127.0.0.1:${at.silent}/live.ts`),
    'http-closed': from(`http://127.0.0.1:${at.closing}/live.ts`),
    'hls-segment-404': from(`${http}/hls/gone.m3u8`),
    'hls-segment-program': from(`${http}/hls/program.m3u8`),
    'hls-empty': from(`${http}/hls/empty.m3u8`),
    'hls-404': from(`${http}/404/live.m3u8`),
    'tls-untrusted': read('-tls_verify', '1', '-i', `${https}/garbage/live.ts`),
    'tls-not-spoken': from(`https://127.0.0.1:${at.http}/live.ts`),
    'tls-closed': from(`https://127.0.0.1:${at.closing}/live.ts`),
    'dns-http': from('http://camera.invalid/live.ts'),
    'dns-rtsp': from('rtsp://camera.invalid/live'),
    'dns-rtmp': write(...MPEG4, '-f', 'flv', '-codec:v', 'flv', 'rtmp://a.rtmp.invalid/live/key'),
    'rtsp-refused': from(`rtsp://${refused}/live`),
    'rtsp-401': from(`rtsp://admin:geheim@127.0.0.1:${at.rtsp}/401/live`),
    'rtsp-404': from(`${rtsp}/404/live`),
    'rtsp-453': from(`${rtsp}/453/live`),
    'rtsp-503': from(`${rtsp}/503/live`),
    'rtsp-closed': from(`rtsp://127.0.0.1:${at.closing}/live`),
    'rtsp-silent': read(
      '-timeout',
      '500000',
      '-rtsp_transport',
      'tcp',
      '-i',
      `rtsp://127.0.0.1:${at.silent}/live`,
    ),
    'rtmp-refused': from(`rtmp://${refused}/live/key`),
    'rtmp-closed': from(`rtmp://127.0.0.1:${at.closing}/live/key`),
    'rtmp-app-refused': from(`rtmp://127.0.0.1:${at.rtmpConnect}/live/key`),
    'rtmps-not-spoken': from(`rtmps://127.0.0.1:${at.http}/live/key`),
    'srt-refused': from(`srt://${refused}?mode=caller`),
    'srt-passphrase': from(`srt://127.0.0.1:${at.srt}?mode=caller&passphrase=wrong-horse-123`),
    'srt-passphrase-short': from(`srt://127.0.0.1:${at.srt}?mode=caller&passphrase=short`),
    'network-unreachable': from('tcp://255.255.255.255:80'),
    'ftp-refused': from(`ftp://${refused}/live.ts`),
    'udp-silent': read('-timeout', '500000', '-i', `udp://127.0.0.1:${at.refused}?timeout=500000`),
    'protocol-unknown': from('nope://127.0.0.1/live'),
    'address-without-port': from('tcp://127.0.0.1'),
    // Ports of others
    'port-taken-tcp': from(`tcp://127.0.0.1:${at.http}?listen=1`),
    'multicast-interface': from('udp://239.1.1.1:5000?localaddr=192.0.2.1'),
    'port-taken-udp': from(`udp://127.0.0.1:${at.udpTaken}`),
    'port-taken-rtmp': read('-listen', '1', '-i', `rtmp://127.0.0.1:${at.http}/live/key`),
    'port-taken-http': write(...MPEG4, '-listen', '1', '-f', 'mpegts', `${http}/live.ts`),
    'port-taken-srt': from(`srt://127.0.0.1:${at.srt}?mode=listener`),
    'port-forbidden': from('tcp://127.0.0.1:70000?listen=1'),
    'address-not-ours': from('tcp://192.0.2.1:8080?listen=1'),
    // Outputs
    'output-full': write('-t', '9', ...MPEG4, '-b:v', '4M', '-y', '-f', 'mpegts', '/dev/full'),
    'output-full-disk': write('-t', '8', ...X264, '-qp', '0', `${at.full}/out.mp4`),
    'output-full-hls': write(
      '-t',
      '8',
      ...X264,
      '-qp',
      '0',
      '-f',
      'hls',
      '-hls_time',
      '1',
      `${at.full}/out.m3u8`,
    ),
    'output-readonly': write(...MPEG4, `${at.readonly}/out.mp4`),
    'output-folder-missing': write(...MPEG4, 'missing/out.mp4'),
    'output-is-folder': write(...MPEG4, '-f', 'mp4', '-y', '/tmp'),
    'output-forbidden': write(...MPEG4, '/etc/out.mp4'),
    'output-exists': write(...MPEG4, 'good.mp4'),
    'output-name-unknown': write(...MPEG4, 'out.nope'),
    'output-format-unknown': write(...MPEG4, '-f', 'nope', 'out.mp4'),
    'output-not-seekable': write(...MPEG4, '-f', 'mp4', `tcp://127.0.0.1:${at.resetting}`),
    'output-hls-401': hls(`${http}/401/live.m3u8`),
    'output-hls-refused': hls(`http://${refused}/live.m3u8`),
    'output-http-401': write(
      ...MPEG4,
      '-f',
      'mpegts',
      '-method',
      'PUT',
      '-chunked_post',
      '0',
      `${http}/401/live.ts`,
    ),
    'output-http-refused': write(...MPEG4, '-f', 'mpegts', `http://${refused}/live.ts`),
    'output-tcp-refused': write(...MPEG4, '-f', 'mpegts', `tcp://${refused}`),
    'output-tcp-reset': {
      args: [
        ...PICTURE,
        '-t',
        '60',
        ...MPEG4,
        '-b:v',
        '8M',
        '-f',
        'mpegts',
        `tcp://127.0.0.1:${at.resetting}`,
      ],
    },
    'output-rtmp-refused': write('-codec:v', 'flv', '-f', 'flv', `rtmp://${refused}/live/key`),
    'output-rtmp-closed': write('-codec:v', 'flv', '-f', 'flv', `rtmp://127.0.0.1:${at.closing}/live/key`),
    'output-rtmp-app': write('-codec:v', 'flv', '-f', 'flv', `rtmp://127.0.0.1:${at.rtmpConnect}/live/key`),
    'output-rtmp-key': write('-codec:v', 'flv', '-f', 'flv', `rtmp://127.0.0.1:${at.rtmpPublish}/live/key`),
    'output-srt-refused': write(...MPEG4, '-f', 'mpegts', `srt://${refused}?mode=caller`),
    'output-rtsp-401': write(...MPEG4, '-f', 'rtsp', `${rtsp}/401/live`),
    'output-rtsp-refused': write(...MPEG4, '-f', 'rtsp', `rtsp://${refused}/live`),
    'output-icecast-401': {
      args: [...SOUND, ...SECOND, '-f', 'mp3', `icecast://source:geheim@127.0.0.1:${at.http}/401/live`],
    },
    'output-protocol-unknown': write(...MPEG4, '-f', 'mpegts', 'nope://127.0.0.1/live'),
    'tee-one-refused': write(...MPEG4, '-map', '0:v', '-f', 'tee', `[f=null]-|[f=mpegts]tcp://${refused}`),
    'tee-all-ignored': write(
      ...MPEG4,
      '-map',
      '0:v',
      '-f',
      'tee',
      `[f=mpegts:onfail=ignore]tcp://${refused}|[f=mpegts:onfail=ignore]missing/x.ts`,
    ),
    'tee-format': write(...MPEG4, '-map', '0:v', '-f', 'tee', '[f=nope]out.nope'),
    // Codecs and containers
    'encoder-unknown': encode('-codec:v', 'libnope'),
    'encoder-for-decoding-only': encode('-codec:v', 'indeo5'),
    'encoder-of-sound': encode('-codec:v', 'aac'),
    'decoder-unknown': read('-codec:v', 'nope', '-i', 'good.mp4'),
    'container-webm-h264': copy('good.mp4', 'out.webm'),
    'container-flv-vp8': write('-codec:v', 'libvpx', '-f', 'flv', 'out.flv', '-y'),
    'container-flv-opus': { args: [...SOUND, ...SECOND, '-codec:a', 'libopus', '-y', 'out.flv'] },
    'container-mp4-raw': write('-codec:v', 'rawvideo', '-y', 'out.mp4'),
    'container-mp4-pcm': {
      args: [...SOUND, ...SECOND, '-codec:a', 'pcm_s16le', '-f', 'ipod', '-y', 'out.mp4'],
    },
    'container-mp3-video': copy('good.mp4', 'out.mp3'),
    'container-wav-two': { args: [...SOUND, ...SOUND, '-map', '0', '-map', '1', ...SECOND, '-y', 'out.wav'] },
    'container-subtitles-flv': { args: ['-i', 'good.srt', '-codec', 'copy', '-y', 'out.flv'] },
    'subtitles-to-bitmap': { args: ['-i', 'good.srt', '-codec:s', 'dvdsub', '-y', 'out.mkv'] },
    'bitstream-filter-unknown': copy('good.mp4', '-bsf:v', 'nope', 'out.ts'),
    'bitstream-filter-wrong': copy('good.mp4', '-bsf:v', 'hevc_mp4toannexb', 'out.ts'),
    // What encoders do not take
    'size-odd': encode('-s', '321x181', '-codec:v', 'libx264', '-pix_fmt', 'yuv420p'),
    'size-zero': encode('-s', '0x0', ...MPEG4, '-vf', 'scale=0:-3'),
    'x264-preset': encode('-codec:v', 'libx264', '-preset', 'nope'),
    'x264-profile': encode('-codec:v', 'libx264', '-profile:v', 'nope'),
    'x264-baseline-444': encode('-codec:v', 'libx264', '-profile:v', 'baseline', '-pix_fmt', 'yuv444p'),
    'x264-tune': encode('-codec:v', 'libx264', '-tune', 'nope'),
    'x265-preset': encode('-codec:v', 'libx265', '-preset', 'nope'),
    'size-h263': encode('-codec:v', 'h263'),
    'pixel-format-unknown': encode(...MPEG4, '-pix_fmt', 'nope'),
    'sample-rate-mp3': { args: [...SOUND, ...SECOND, '-codec:a', 'libmp3lame', '-ar', '12345', ...NOWHERE] },
    'sample-rate-opus': { args: [...SOUND, ...SECOND, '-codec:a', 'libopus', '-ar', '44100', ...NOWHERE] },
    'channels-mp3': { args: [...SOUND, ...SECOND, '-codec:a', 'libmp3lame', '-ac', '6', ...NOWHERE] },
    'bitrate-invalid': encode(...MPEG4, '-b:v', 'fast'),
    // Options
    'option-without-value': { args: [...PICTURE, ...SECOND, '-b:v', 'out.mp4'] },
    'option-unknown': encode(...MPEG4, '-nopeoption', '1'),
    'option-of-encoder': encode(...MPEG4, '-preset', 'fast'),
    'option-value-time': encode(...MPEG4, '-ss', 'abc'),
    'option-value-rate': encode(...MPEG4, '-r', 'abc'),
    'option-value-size': encode(...MPEG4, '-s', 'abc'),
    'option-value-number': encode(...MPEG4, '-g', 'abc'),
    'option-input-only': encode(...MPEG4, '-stream_loop', '1'),
    'option-rtsp-transport': read('-rtsp_transport', 'nope', '-i', `${rtsp}/404/live`),
    'option-hls-method': write(...MPEG4, '-f', 'hls', '-hls_segment_type', 'nope', 'out.m3u8'),
    'option-loglevel': { args: ['-loglevel', 'nope', ...PICTURE, ...SECOND, ...NOWHERE] },
    'map-nothing': encode('-map', '0:9', ...MPEG4),
    'map-no-sound': encode('-map', '0:a', '-codec:a', 'aac'),
    'map-no-input': encode('-map', '5:0', ...MPEG4),
    'map-label': encode('-map', '[x]', ...MPEG4),
    'map-specifier': encode('-map', '0:q', ...MPEG4),
    'no-stream': encode('-vn'),
    'codec-specifier': encode('-codec:q', 'mpeg4'),
    // Filters
    'filter-unknown': filter('nope'),
    'filter-option': filter('scale=nope=3'),
    'filter-expression': filter('scale=abc:def'),
    'filter-of-sound': filter('volume=2'),
    'filter-syntax': filter('scale=[320'),
    'filter-input-missing': encode('-filter_complex', '[0:5]null[v]', '-map', '[v]', ...MPEG4),
    'filter-label-unused': encode('-filter_complex', '[0:v]split[a][b]', '-map', '[a]', ...MPEG4),
    'filter-simple-complex': encode(
      '-filter_complex',
      '[0:v]null[v]',
      '-map',
      '[v]',
      '-vf',
      'null',
      ...MPEG4,
    ),
    'filter-of-copy': copy('good.mp4', '-vf', 'scale=160:90', 'out.mp4'),
    'filter-crop-too-large': filter('crop=9999:9999'),
    'filter-file-missing': filter('drawtext=textfile=nowhere.txt'),
    'filter-font-missing': filter('drawtext=text=x:fontfile=missing.ttf'),
    'filter-movie-missing': filter('movie=missing.png[m];[in][m]overlay'),
    'filter-subtitles-missing': filter('subtitles=missing.srt'),
    // Hardware and devices
    'hardware-vaapi': {
      args: [
        '-vaapi_device',
        '/dev/dri/renderD128',
        ...PICTURE,
        ...SECOND,
        '-vf',
        'format=nv12,hwupload',
        '-codec:v',
        'h264_vaapi',
        ...NOWHERE,
      ],
    },
    'hardware-vaapi-alone': encode('-codec:v', 'h264_vaapi'),
    'hardware-nvenc': encode('-codec:v', 'h264_nvenc'),
    'hardware-qsv': encode('-codec:v', 'h264_qsv', '-pix_fmt', 'nv12'),
    'hardware-v4l2m2m': encode('-codec:v', 'h264_v4l2m2m', '-pix_fmt', 'yuv420p'),
    'hardware-cuda': { args: ['-init_hw_device', 'cuda', ...PICTURE, ...SECOND, ...NOWHERE] },
    'hardware-hwaccel': read('-hwaccel', 'cuda', '-hwaccel_output_format', 'cuda', '-i', 'good.mp4'),
    'hardware-hwaccel-unknown': read('-hwaccel', 'nope', '-i', 'good.mp4'),
    'device-camera': read('-f', 'v4l2', '-i', '/dev/video99'),
    'device-not-a-camera': read('-f', 'v4l2', '-i', '/dev/null'),
    'device-sound': read('-f', 'alsa', '-i', 'hw:9,0'),
    'device-screen': read('-f', 'x11grab', '-i', ':99'),
    'device-framebuffer': read('-f', 'fbdev', '-i', '/dev/fb9'),
    'device-pulse': read('-f', 'pulse', '-i', 'default'),
    'device-unknown': read('-f', 'dshow', '-i', 'video=camera'),
    // Memory and signals
    'memory-exhausted': {
      args: ['-f', 'lavfi', '-i', 'testsrc2=size=12000x12000', ...SECOND, '-codec:v', 'rawvideo', ...NOWHERE],
      limit: '-v 900000',
    },
    'files-exhausted': {
      args: [...Array.from({ length: 6 }, () => ['-i', 'good.mp4']).flat(), ...NOWHERE],
      limit: '-n 6',
    },
    'memory-too-large': {
      args: ['-f', 'lavfi', '-i', 'color=size=30000x30000', ...SECOND, '-codec:v', 'rawvideo', ...NOWHERE],
    },
    crashed: { args: ['-re', ...PICTURE, ...NOWHERE], signal: 'SIGSEGV' },
    aborted: { args: ['-re', ...PICTURE, ...NOWHERE], signal: 'SIGABRT' },
    interrupted: { args: ['-re', ...PICTURE, ...NOWHERE], signal: 'SIGINT' },
    terminated: { args: ['-re', ...PICTURE, ...NOWHERE], signal: 'SIGTERM' },
    killed: { args: ['-re', ...PICTURE, ...NOWHERE], signal: 'SIGKILL' },
  };
}
