/**
 * Options of the `ffmpeg` program (4.4 to 8) that take no value. All others do: its own, and those of formats and codecs.
 * Each may stand with a stream specifier (`-autorotate:v`), and each switch also with `no` in front (`-nostats`).
 */
const SWITCHES = new Set([
  'accurate_seek',
  'an',
  'auto_conversion_filters',
  'benchmark',
  'benchmark_all',
  'bitexact',
  'copy_unknown',
  'copyinkf',
  'copyts',
  'debug_ts',
  'deinterlace',
  'display_hflip',
  'display_vflip',
  'dn',
  'drop_changed',
  'dump',
  'find_stream_info',
  'fix_sub_duration',
  'fix_sub_duration_heartbeat',
  'force_fps',
  'hex',
  'hide_banner',
  'ignore_unknown',
  'intra',
  'n',
  'override_ffserver',
  'print_graphs',
  'psnr',
  'qphist',
  're',
  'recast_media',
  'report',
  'shortest',
  'sn',
  'start_at_zero',
  'stats',
  'stdin',
  'vn',
  'vstats',
  'xerror',
  'y',
]);

/** Switches that wanted a value up to FFmpeg 6 and take none since 7. */
const FORMER_VALUES = new Set(['autorotate', 'autoscale']);

/** Options that are about the whole program, wherever they stand. */
const GLOBAL = new Set([
  'abort_on',
  'adrift_threshold',
  'async',
  'auto_conversion_filters',
  'benchmark',
  'benchmark_all',
  'copy_unknown',
  'copytb',
  'copyts',
  'cpucount',
  'cpuflags',
  'debug_ts',
  'deinterlace',
  'drop_changed',
  'dts_delta_threshold',
  'dts_error_threshold',
  'dump',
  'filter_buffered_frames',
  'filter_complex',
  'filter_complex_script',
  'filter_complex_threads',
  'filter_hw_device',
  'filter_threads',
  'frame_drop_threshold',
  'hex',
  'hide_banner',
  'ignore_unknown',
  'init_hw_device',
  'lavfi',
  'loglevel',
  'max_alloc',
  'max_error_rate',
  'n',
  'override_ffserver',
  'print_graphs',
  'print_graphs_file',
  'print_graphs_format',
  'progress',
  'psnr',
  'qphist',
  'qsv_device',
  'recast_media',
  'report',
  'sdp_file',
  'start_at_zero',
  'stats',
  'stats_period',
  'stdin',
  'timelimit',
  'v',
  'vaapi_device',
  'vol',
  'vstats',
  'vstats_file',
  'vstats_version',
  'vsync',
  'xerror',
  'y',
]);

/** Options that make FFmpeg print something and end. */
const QUESTIONS = new Set([
  '-help',
  '?',
  'L',
  'bsfs',
  'buildconf',
  'codecs',
  'colors',
  'decoders',
  'demuxers',
  'devices',
  'dispositions',
  'encoders',
  'filters',
  'formats',
  'h',
  'help',
  'hwaccels',
  'layouts',
  'muxers',
  'pix_fmts',
  'protocols',
  'sample_fmts',
  'sinks',
  'sources',
  'version',
]);

/** What an option of the `ffmpeg` program is. */
export interface OptionKind {
  /** Whether the next argument is its value, given what that argument is. */
  takesValue: (next: string | undefined) => boolean;
  /** Whether it is about the whole program and not about one file. */
  isGlobal: boolean;
  /** Whether FFmpeg only answers a question and does no work. */
  isQuestion: boolean;
}

/** What `-name` or `-name:specifier` is. */
export function optionKind(option: string): OptionKind {
  const [name = ''] = option.slice(1).split(':', 1);
  const positive = name.startsWith('no') && isSwitch(name.slice(2)) ? name.slice(2) : name;
  const isFlag = SWITCHES.has(positive) || positive !== name || QUESTIONS.has(name);
  return {
    takesValue: (next) =>
      FORMER_VALUES.has(name) ? next !== undefined && /^(0|1|true|false)$/.test(next) : !isFlag,
    // FFmpeg 7 reads any value from a file if a slash stands in front of the name.
    isGlobal: GLOBAL.has(positive.replace(/^\//, '')),
    isQuestion: QUESTIONS.has(name),
  };
}

function isSwitch(name: string): boolean {
  return SWITCHES.has(name) || FORMER_VALUES.has(name);
}
