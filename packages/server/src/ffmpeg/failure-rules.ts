import type { FailureClass } from './failure-classes.ts';

/** What a line of FFmpeg tells about why it fails. */
export interface FailureRule {
  /** Matches the line without its tags. Named groups can stand in the advice. */
  pattern: RegExp;
  /** For what may happen to either side, a class for each. */
  class: FailureClass | { input: FailureClass; output: FailureClass };
  /** What to do, instead of what the class advises. */
  advice?: string;
}

const UNREACHABLE = { input: 'input_unreachable', output: 'output_unreachable' } as const;
const REFUSED = { input: 'input_refused', output: 'output_refused' } as const;
const LOST = { input: 'input_lost', output: 'output_lost' } as const;
const MISSING = { input: 'input_not_found', output: 'output_not_writable' } as const;

/** Lines that name the cause by themselves. Where two match the same line, the first counts. */
export const CAUSES: readonly FailureRule[] = [
  // Access. Before 6.1, RTSP tells the reason without brackets.
  {
    pattern: /^(?:HTTP error|method \w+ failed:) (?<status>401|403|407)\b/,
    class: 'authentication_refused',
    advice: 'Access was refused by {host} ({status}). Check user name, password or token of the address.',
  },
  {
    pattern: /^Server error: .*(?:auth|denied|forbidden|password|credential|not allowed)/i,
    class: 'authentication_refused',
  },
  {
    pattern: /Incorrect passphrase|ERROR:BADSECRET/,
    class: 'authentication_refused',
    advice: 'The SRT passphrase is not the one of the other side. Set the same `passphrase` on both.',
  },
  // What a server answers
  {
    pattern: /^HTTP error 507\b/,
    class: 'disk_full',
    advice: 'The server {host} has no space left for the upload. Delete files there, or raise its limit.',
  },
  {
    pattern: /^(?:HTTP error|method \w+ failed:) (?<status>404|410)\b/,
    class: { input: 'input_not_found', output: 'output_refused' },
    advice:
      'There is nothing at this address, {host} says ({status}). Check path and name, and that the source is live.',
  },
  {
    pattern: /^(?:HTTP error|method \w+ failed:) (?<status>5\d\d)\b/,
    class: REFUSED,
    advice: 'The server {host} reports a problem of its own ({status}). Look into its log, or try later.',
  },
  {
    pattern: /^(?:HTTP error|method \w+ failed:) (?<status>4\d\d)\b/,
    class: REFUSED,
    advice:
      'The server {host} refuses the request ({status}). Check the address, or ask whoever runs the server.',
  },
  {
    pattern: /^Server error: (?<reason>.{1,200})/,
    class: REFUSED,
    advice: 'The RTMP server refuses the stream: {reason}. Check application name and stream key.',
  },
  { pattern: /REJECT reported from HS processing/, class: REFUSED },
  // Names, addresses and ports
  { pattern: /^Failed to resolve hostname (?<host>[^\s:]+)/, class: 'dns' },
  { pattern: /^getaddrinfo\((?<host>[^,)\s]+)/, class: 'dns' },
  {
    pattern:
      /certificate verify failed|certificate failed verification|certificate has expired|certificate's owner does not match/i,
    class: 'tls',
    advice:
      'The certificate of {host} is not valid or its authority is not known here. Renew it, name its authority with `-ca_file`, or do not use `-tls_verify`.',
  },
  {
    pattern:
      /unexpected TLS packet|:wrong version number|:packet length too long|:record layer failure|TLS fatal alert/i,
    class: 'tls',
    advice:
      'There is no TLS at this port of {host}, or no version in common. Check the port, or use the protocol without TLS.',
  },
  { pattern: /: Address already in use$/, class: 'port_in_use' },
  { pattern: /: Cannot assign requested address$/, class: 'address_invalid' },
  {
    pattern: /^setsockopt\(\w*(?:ADD_MEMBERSHIP|JOIN_\w*GROUP)\): No such device$/,
    class: 'address_invalid',
    advice:
      'No network of this machine leads to the multicast group. Check the group, the address in `localaddr`, and the routes.',
  },
  {
    pattern: /^Port missing in uri/,
    class: 'address_invalid',
    advice: 'The address needs a port from 1 to 65535, such as `tcp://host:1234`.',
  },
  {
    pattern: /^failed to set option SRTO_PASSPHRASE/,
    class: 'syntax',
    advice: 'An SRT passphrase has 10 to 79 characters.',
  },
  {
    pattern: /^Protocol '(?<protocol>[^']*)' not on whitelist/,
    class: 'protocol_unsupported',
    advice:
      'The input refers to an address that it may not. If you trust it, add `-protocol_whitelist` with {protocol} among others.',
  },
  { pattern: /: Protocol not found$/, class: 'protocol_unsupported' },
  // Inputs
  {
    pattern: /not in allowed_(?:segment_)?extensions|is not a common multimedia extension/,
    class: 'input_invalid',
    advice:
      'The playlist names files with an unusual extension. If you trust it, add `-extension_picky 0` or `-allowed_extensions ALL`.',
  },
  {
    pattern: /^moov atom not found/,
    class: 'input_invalid',
    advice:
      'The MP4 file is empty, incomplete or none: its index is missing. It may still be being written, or its recording was interrupted.',
  },
  { pattern: /^Could find no file (?:or sequence )?with path/, class: 'input_not_found' },
  {
    pattern: /^Impossible to open '(?<path>[^']*)'/,
    class: 'input_not_found',
    advice: 'The list names a file that cannot be opened: {path}. Paths are relative to the list.',
  },
  {
    pattern: /^Unsafe file name/,
    class: 'permission_denied',
    advice: 'The list names a file outside of its folder. If you trust it, add `-safe 0`.',
  },
  {
    pattern: /: corrupt input packet in stream|^Decode error rate .* exceeds maximum/,
    class: 'input_invalid',
    advice:
      'The input is damaged, and the command asks FFmpeg to give up then. Check the source, or leave out `-xerror`.',
  },
  { pattern: /^Failed reading RTSP data: .*timed out/, class: 'timeout' },
  { pattern: /^Failed reading RTSP data: /, class: 'input_lost' },
  { pattern: /^Failed to read frame size:|^Failed to find two consecutive MPEG/, class: 'input_invalid' },
  { pattern: /^Unknown input format: '/, class: 'format_unknown' },
  // Outputs
  {
    pattern: /^Unable to (?:find a suitable|choose an) output format for '/,
    class: 'format_unknown',
    advice:
      'The extension of the output does not tell its format. Choose another, or name the format with `-f`.',
  },
  { pattern: /^Requested output format '/, class: 'format_unknown' },
  {
    pattern: /Not overwriting - exiting/,
    class: 'output_not_writable',
    advice: 'The output file exists. Add the option `-y` to overwrite it, or choose another name.',
  },
  {
    pattern: /: Read-only file system$/,
    class: 'output_not_writable',
    advice: 'The file system of the output cannot be written.',
  },
  { pattern: /No space left on device|Disk quota exceeded/, class: 'disk_full' },
  {
    pattern:
      /^(?:av_interleaved_write_frame\(\)|Error submitting a packet to the muxer): (?:Broken pipe|Connection reset by peer|End of file)/,
    class: 'output_lost',
  },
  // Codecs
  {
    pattern:
      /^Unknown encoder '(?<encoder>\w+_(?:nvenc|vaapi|qsv|amf|v4l2m2m|omx|videotoolbox|mf|vulkan|rkmpp))'/,
    class: 'unknown_encoder',
    advice:
      'This FFmpeg was built without the hardware encoder {encoder}. Install one that has it, or use libx264.',
  },
  {
    pattern: /^Unknown encoder '(?<encoder>[^']*)'/,
    class: 'unknown_encoder',
    advice:
      'This FFmpeg does not have the encoder {encoder}. Check the spelling, or choose one that the skills list.',
  },
  {
    pattern: /^Invalid encoder type '(?<encoder>[^']*)'/,
    class: 'unknown_encoder',
    advice:
      'The encoder {encoder} is for another kind of stream. Video, sound and subtitles have encoders of their own.',
  },
  { pattern: /^Automatic encoder selection failed/, class: 'unknown_encoder' },
  { pattern: /^(?:Unknown|Invalid) decoder|^Decoder \(codec \S+\) not found/, class: 'unknown_decoder' },
  {
    pattern: /^(?:Video|Audio) codec (?<codec>\S+) not compatible with (?<format>\S+)/,
    class: 'container_mismatch',
    advice:
      'The format {format} cannot hold {codec}. Choose another codec, such as H.264 with AAC, or another format.',
  },
  {
    pattern: /^Could not find tag for codec (?<codec>\S+) in stream/,
    class: 'container_mismatch',
    advice:
      'The output format cannot hold {codec}. Choose another codec, such as H.264 with AAC, or another format.',
  },
  {
    pattern:
      /are supported for WebM|Exactly one MP3 audio stream|have exactly one stream|does not support more than one stream|codec not currently supported in container/,
    class: 'container_mismatch',
  },
  {
    pattern: /^muxer does not support non seekable output/,
    class: 'container_mismatch',
    advice:
      'This format has to go back in its file and cannot be sent. Use mpegts, flv or fragmented MP4 (`-movflags frag_keyframe+empty_moov`).',
  },
  { pattern: /^Codec '[^']*' \(\d+\) is not supported by the bitstream filter/, class: 'container_mismatch' },
  {
    pattern: /^Malformed AAC bitstream detected|^H\.264 bitstream malformed/,
    class: 'container_mismatch',
    advice: 'The copied stream is packed for another format. Add the bitstream filter that the line names.',
  },
  { pattern: /Subtitle encoding currently only possible from text to text/, class: 'container_mismatch' },
  // Settings of encoders
  {
    pattern: /(?<side>width|height) not divisible by 2 \((?<size>\d+x\d+)\)/,
    class: 'unsupported_parameters',
    advice:
      'The {side} of {size} is odd. Choose even numbers, or add the filter `scale=trunc(iw/2)*2:trunc(ih/2)*2`.',
  },
  {
    pattern: /^Error setting (?:preset\/tune|profile) /,
    class: 'unsupported_parameters',
    advice:
      'The encoder does not know this preset, tune or profile, or it does not fit the pixel format. The log lists those it knows.',
  },
  {
    pattern:
      /^Specified (?:sample rate|channel layout|sample format|pixel format) .* is (?:not supported|invalid)/,
    class: 'unsupported_parameters',
  },
  { pattern: /^The specified picture size of .* is not valid/, class: 'unsupported_parameters' },
  { pattern: /Picture size \d+x\d+ is invalid/, class: 'unsupported_parameters' },
  // Streams
  {
    pattern: /matches no streams/,
    class: 'stream_not_found',
    advice: 'The input does not have the selected stream. Check `-map`; a `?` at its end makes it optional.',
  },
  {
    pattern: /^Invalid input file index: /,
    class: 'stream_not_found',
    advice: '`-map` counts inputs from 0, and there are fewer.',
  },
  {
    pattern: /^Output with label '(?<label>[^']*)' does not exist/,
    class: 'stream_not_found',
    advice:
      'No filter has an output with the label {label}, or it is used twice. Check `-filter_complex` and `-map`.',
  },
  {
    pattern: /^Output file (?:#\d+ )?does not contain any stream/,
    class: 'stream_not_found',
    advice:
      'Nothing is left for the output. Check `-map`, `-vn` and `-an`, and that the format takes the kind of stream.',
  },
  // Filters
  {
    pattern: /No such filter: '(?<filter>[^']*)'/,
    class: 'filter_failed',
    advice: 'This FFmpeg has no filter {filter}. Check the spelling and the list of filters in the skills.',
  },
  {
    pattern: /^Could not load font|^Cannot find a valid font/,
    class: 'filter_failed',
    advice: 'The font for the text is missing. Name a font file with `fontfile`.',
  },
  {
    pattern: /^Error (?:initializing|applying option '[^']*' to) filter '(?<filter>[^']*)'/,
    class: 'filter_failed',
    advice:
      'The filter {filter} does not accept its options, or a file that they name is missing. The lines before say more.',
  },
  {
    pattern:
      /^Cannot connect \w+ filter to|^Filtergraph has an? \w+ output, cannot connect|^Media type mismatch/,
    class: 'filter_failed',
    advice: 'A filter for sound is connected to video, or the other way round.',
  },
  {
    pattern: /^Failed to avformat_open_input '|^The text file '.*' could not be read|^Unable to open \S+$/,
    class: 'filter_failed',
    advice: 'A file that a filter reads cannot be opened. Check its path, and that the server may read it.',
  },
  { pattern: /^Cannot parse expression|^Error when evaluating the expression/, class: 'filter_failed' },
  {
    pattern: /^Error parsing filterchain|^Mismatched '\[' found|\bunconnected\b/,
    class: 'filter_failed',
  },
  {
    pattern: /Filtering and streamcopy cannot be used together/,
    class: 'filter_failed',
    advice: 'A stream that is copied cannot be filtered. Name an encoder for it, or take the filter away.',
  },
  {
    pattern: /-filter_complex cannot be used together|^Filtergraph '.*' was specified/,
    class: 'filter_failed',
    advice:
      'A stream of `-filter_complex` cannot have `-vf` or `-af` too. Put everything into `-filter_complex`.',
  },
  {
    pattern: /^Impossible to convert between the formats/,
    class: 'filter_failed',
    advice:
      'Two steps have no pixel or sample format in common. An encoder in hardware needs its device and the filter `hwupload`.',
  },
  { pattern: /^Error parsing bitstream filter sequence|^Unknown bitstream filter/, class: 'filter_failed' },
  {
    pattern: /^Invalid too big or non positive size/,
    class: 'filter_failed',
    advice: 'The part to crop is larger than the picture.',
  },
  // Hardware and devices
  {
    pattern: /^Cannot load (?<library>lib(?:cuda|nv)\S*)/,
    class: 'hardware_unavailable',
    advice:
      'The library {library} of the NVIDIA driver is missing. Install the driver, give the container access to the card, or use libx264.',
  },
  {
    pattern:
      /^No VA display found|^Failed to create a VAAPI device|an internal MFX session|^No device available for decoder|^Could not find a valid device|^No capable devices found|^OpenEncodeSessionEx failed|^Could not dynamically load CUDA|[Dd]evice setup failed for decoder|^Unrecognized hwaccel|^Unrecognized option '(?:vaapi|qsv)_device'|hardware device reference is required/,
    class: 'hardware_unavailable',
  },
  {
    pattern:
      /device .*\bDevice or resource busy|^ioctl\(VIDIOC_\w+\): Device or resource busy|: Device or resource busy$/,
    class: 'device_busy',
  },
  {
    pattern:
      /^(?:Cannot|Could not) open (?:video|framebuffer) device '?(?<device>[^\s':]+)'?: Permission denied|^cannot open audio device (?<sound>\S+) \(Permission denied\)/,
    class: 'permission_denied',
  },
  {
    pattern: /^(?:[Cc]annot|Could not) open (?:video|audio|framebuffer) device '?(?<device>[^\s':]+)/,
    class: 'device_missing',
    advice:
      'There is no device {device}. Check that it is plugged in and its name, and give the container access to it.',
  },
  {
    pattern: /^ioctl\(VIDIOC_\w+\): Inappropriate ioctl|: Inappropriate ioctl for device$/,
    class: 'device_missing',
    advice: 'This is not a camera or capture device. Check its name.',
  },
  {
    pattern: /^Cannot open display (?<display>[^\s,]+)/,
    class: 'device_missing',
    advice: 'There is no screen {display} to be recorded.',
  },
  // Memory
  {
    pattern: /Cannot allocate memory|^Failed to allocate |bad_alloc|^malloc of size \d+ failed/,
    class: 'out_of_memory',
  },
  { pattern: /Too many open files|Resource temporarily unavailable$/, class: 'resources_exhausted' },
  // Options
  {
    pattern: /^Unrecognized option '(?<option>[^']*)'/,
    class: 'syntax',
    advice:
      'FFmpeg does not know the option -{option}. Check the spelling; options change between versions of FFmpeg.',
  },
  {
    pattern: /^Missing argument for option '(?<option>[^']*)'/,
    class: 'syntax',
    advice: 'The option -{option} needs a value.',
  },
  {
    pattern: /^At least one output file must be specified/,
    class: 'syntax',
    advice:
      'The address of the output was taken for the value of an option. Give the last option before it a value.',
  },
  {
    pattern:
      /^Invalid (?:duration specification for|duration for option|date specification for) (?<option>\w+): (?<value>.{0,100})/,
    class: 'syntax',
    advice:
      'The value {value} is not a time for the option -{option}. Times are written as seconds or 00:00:00.',
  },
  { pattern: /^Invalid (?:framerate value|frame size): /, class: 'syntax' },
  { pattern: /^Unable to parse (?:"\w+" )?option value "/, class: 'syntax' },
  {
    pattern: /^Error setting option (?<option>\w+) to value (?<value>.{0,100})\.$/,
    class: 'syntax',
    advice: 'The option {option} cannot have the value {value}. Check its spelling and its unit.',
  },
  {
    pattern: /^Option (?<option>\S+) .*cannot be applied to/,
    class: 'syntax',
    advice: 'The option -{option} stands at the wrong place: inputs and outputs have their own options.',
  },
  { pattern: /^Invalid loglevel|^Unknown pixel format requested/, class: 'syntax' },
  { pattern: /^Option '?[\w-]+'? not found/, class: 'syntax' },
  { pattern: /^Invalid stream specifier|^Trailing garbage (?:at the end of|after) /, class: 'syntax' },
];

/** Lines that say in which part it went wrong. They count where no cause is named, and before mere errors. */
export const SYMPTOMS: readonly FailureRule[] = [
  {
    pattern: /^Failed to set value '[^']*' for option '(?<option>[^']*)'/,
    class: 'syntax',
    advice: 'The value of the option -{option} is wrong.',
  },
  { pattern: /Error while opening encoder/, class: 'unsupported_parameters' },
  {
    pattern:
      /^Error (?:re)?initializing filters|^Error initializing a simple|^Failed to configure \w+ pad on/,
    class: 'filter_failed',
  },
];

/** Lines that say what went wrong, but not always why. They count where nothing better is found. */
export const ERRORS: readonly FailureRule[] = [
  {
    pattern: /: Connection refused(?:$|, continuing)/,
    class: UNREACHABLE,
    advice: 'Nothing listens at {host}. Check that it is switched on, and that address and port are right.',
  },
  {
    pattern: /: (?:No route to host|Network is unreachable|Network is down|Host is down)$/,
    class: UNREACHABLE,
    advice: 'There is no way to {host} in the network. Check the address, and the network of this machine.',
  },
  { pattern: /: (?:Connection|Operation) timed out$/, class: 'timeout' },
  {
    pattern: /^Connection to srt:.* failed: |^Connection setup failure: connection time/,
    class: UNREACHABLE,
    advice:
      'No SRT listener answers at {host}. Check address and port, that UDP is not blocked, and passphrase and stream id.',
  },
  // A UDP input with a time-out says nothing more than this.
  { pattern: /^(?:Error opening input file )?udp:\/\/\S*[?&]timeout=/, class: 'timeout' },
  { pattern: /: (?:Connection reset by peer|Broken pipe|End of file)$/, class: LOST },
  { pattern: /^error:00000000:lib/, class: LOST },
  { pattern: /^Server returned (?:401|403)|: Server returned (?:401|403)/, class: 'authentication_refused' },
  { pattern: /: Server returned 404/, class: { input: 'input_not_found', output: 'output_refused' } },
  { pattern: /: Server returned [45]/, class: REFUSED },
  { pattern: /: No such file or directory$/, class: MISSING },
  { pattern: /: Is a directory$/, class: MISSING, advice: 'The address is a folder. Name a file in it.' },
  { pattern: /: Permission denied$/, class: 'permission_denied' },
  { pattern: /: No such (?:device|device or address|process)$/, class: 'device_missing' },
  {
    pattern: /^rtsps?:.*: Invalid data found when processing input$/,
    class: 'input_invalid',
    advice:
      'The other side does not answer as RTSP demands: it closed the connection or kept silent. Check that this is the RTSP port, and restart the camera.',
  },
  { pattern: /: Invalid data found when processing input$|^File ended prematurely/, class: 'input_invalid' },
];
