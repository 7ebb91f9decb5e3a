import { SetupError } from './setup.mjs';

const ID = 'test-pattern';
const PLAYLIST = '/test-pattern.m3u8';
const PLAYLIST_TIMEOUT_MS = 30_000;
const ENCODERS = ['libx264', 'libopenh264', 'h264_videotoolbox'];
const ENCODER_OPTIONS = { libx264: ['-preset', 'ultrafast', '-tune', 'zerolatency', '-profile:v', 'main'] };

/**
 * Creates the test pattern through the API, as any client would, unless there is one, and waits for its playlist.
 *
 * @param {Promise<unknown>} ended tells that the server has gone, so that nothing waits for it.
 * @returns {Promise<string>} what is worth telling, empty if all is as expected.
 */
export async function ensureTestPattern(base, credentials, ended) {
  const call = await logIn(base, credentials);
  if (!call) return 'The test pattern was not checked: the password is not one this script can log in with.';
  // Lists, because asking for what is not there would leave warnings in the log.
  const process = async () => (await call('GET', `/api/v3/process?id=${ID}&filter=state`)).body[0];
  const playlists = async () => (await call('GET', `/api/v3/fs/mem?glob=${PLAYLIST}`)).body;

  const present = await process();
  if (!present) {
    const skills = await call('GET', '/api/v3/skills');
    const known = new Set(skills.body.codecs?.video?.flatMap(({ encoders }) => encoders ?? []));
    const encoder = ENCODERS.find((name) => known.has(name));
    if (!encoder) return 'No test pattern: this FFmpeg has no H.264 encoder.';
    const created = await call('POST', '/api/v3/process', testPattern(encoder));
    if (created.status !== 200)
      throw new SetupError(`The test pattern was refused: ${JSON.stringify(created.body)}`);
  } else if (present.state.order !== 'start') {
    return 'The test pattern is stopped; the page can start it.';
  }

  let gone = false;
  void ended.then(() => (gone = true));
  const deadline = Date.now() + PLAYLIST_TIMEOUT_MS;
  while (!gone && (await playlists()).length === 0) {
    if (Date.now() > deadline) {
      return `The test pattern does not stream. FFmpeg said: ${(await process()).state.last_logline}`;
    }
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  return '';
}

/** A function that calls the API, or undefined if the credentials are refused. */
async function logIn(base, credentials) {
  let token = '';
  const call = async (method, path, body) => {
    const response = await fetch(base + path, {
      method,
      headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
      ...(body && { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: await response.json() };
  };
  const about = await call('GET', '/api');
  if (about.body.id) return call;
  const login = await call('POST', '/api/login', credentials);
  if (login.status !== 200) return undefined;
  token = login.body.access_token;
  return call;
}

function testPattern(encoder) {
  return {
    id: ID,
    reference: ID,
    options: ['-loglevel', 'level+info', '-err_detect', 'ignore_err'],
    input: [
      { id: 'video', address: 'testsrc2=size=960x540:rate=25', options: ['-f', 'lavfi', '-re'] },
      {
        id: 'audio',
        address: 'sine=frequency=330:beep_factor=4:sample_rate=48000',
        options: ['-f', 'lavfi', '-re'],
      },
    ],
    output: [
      {
        id: 'hls',
        address: '{memfs}/test-pattern.m3u8',
        options: [
          ...['-map', '0:v', '-map', '1:a'],
          ...[
            '-codec:v',
            encoder,
            ...(ENCODER_OPTIONS[encoder] ?? []),
            '-pix_fmt',
            'yuv420p',
            '-b:v',
            '1500k',
          ],
          // A key frame every two seconds, where the segments are cut.
          ...['-g', '50', '-sc_threshold', '0', '-codec:a', 'aac', '-b:a', '64k'],
          ...['-f', 'hls', '-hls_time', '2', '-hls_list_size', '6', '-hls_flags', 'delete_segments'],
          // Numbers that only grow: players survive a restart of the process.
          ...['-hls_start_number_source', 'epoch', '-hls_segment_filename', '{memfs}/test-pattern_%d.ts'],
          ...['-method', 'PUT'],
        ],
        cleanup: [
          {
            pattern: 'memfs:/test-pattern.m3u8',
            max_files: 0,
            max_file_age_seconds: 0,
            purge_on_delete: true,
          },
          {
            pattern: 'memfs:/test-pattern_*.ts',
            max_files: 12,
            max_file_age_seconds: 60,
            purge_on_delete: true,
          },
        ],
      },
    ],
    autostart: true,
    reconnect: true,
    reconnect_delay_seconds: 5,
    stale_timeout_seconds: 30,
  };
}
