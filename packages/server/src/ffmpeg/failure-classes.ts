/**
 * Why a run of FFmpeg failed, each with what to do about it.
 *
 * `{host}` stands for the server that the log names, `{address}` for the file or address.
 */
export const FAILURE_CLASSES = {
  input_unreachable:
    'Nobody answers at {host}. Check that the source is switched on, that address and port are right, and that no firewall is in between.',
  input_not_found:
    'There is no {address}. Check path and name; for a live source, check that it is being published under this name.',
  input_refused:
    'The server {host} answered, but does not give out the stream. Ask whoever runs it, or try later.',
  input_lost:
    'The connection to the input was closed by the other side. Let the process reconnect, and look into the log of the source.',
  input_invalid:
    'FFmpeg cannot make sense of what the input delivers. Check that the address leads to a stream or media file and not, for example, to a web page, and that the file is complete.',
  output_unreachable:
    'Nobody answers at {host}. Check address and port of the target, and that no firewall is in between.',
  output_refused:
    'The server {host} does not accept the stream. Check address and stream key, and that the target is ready to receive.',
  output_lost:
    'The target closed the connection. It may have refused the stream (check stream key, codecs and bitrate), or the network is too slow or was interrupted.',
  output_not_writable:
    'FFmpeg cannot create {address}. Check that its folder exists and that the name is not that of a folder.',
  authentication_refused:
    'Access was refused. Check user name, password, token or stream key of this address.',
  permission_denied:
    'The server may not do this. Check the permissions of the file, folder or device, and the user that the server runs as.',
  dns: 'The name {host} cannot be resolved. Check its spelling and the name server of this machine.',
  tls: 'No encrypted connection could be made. Check that the server speaks TLS at this port, and that its certificate is valid.',
  timeout:
    'The other side did not answer in time. Check that it is switched on and that the network is fast enough.',
  port_in_use:
    'Another program or process uses this port already. Choose another port, or stop the other one.',
  address_invalid:
    'FFmpeg cannot use this address. Check host and port; to listen, use an address of this machine.',
  protocol_unsupported:
    'This FFmpeg does not support, or may not use, the protocol of the address. Check the beginning of the address, and which protocols the skills list.',
  format_unknown:
    'FFmpeg does not know this format. Check the value of `-f`, or the extension of the output; the skills list all formats.',
  unknown_encoder: 'This FFmpeg does not have the encoder. Choose one that the skills list.',
  unknown_decoder: 'This FFmpeg does not have the decoder for the input. Choose one that the skills list.',
  container_mismatch:
    'The output format cannot hold these streams. Choose other codecs, or another format; copying needs a format that takes the codec of the input.',
  unsupported_parameters:
    'The encoder does not accept its settings. Change size, pixel format, frame rate, sample rate, preset or profile.',
  stream_not_found:
    'The input does not have the stream that was selected. Check `-map` and the streams that a probe shows.',
  filter_failed:
    'A filter does not work as it is set. Check names, options and the connections of the filters.',
  syntax:
    'An option of the command is wrong. Check its name, its value and its place: options stand before the input or output they belong to.',
  device_missing:
    'The device is not there, or is not of this kind. Check that it is plugged in, its name, and that the server may see it.',
  device_busy: 'The device is in use. Stop the other program or process that uses it.',
  hardware_unavailable:
    'Encoding or decoding in hardware is not possible here. Check graphics card, driver and access to its device, or use an encoder in software such as libx264.',
  disk_full:
    'There is no space left where FFmpeg writes. Delete files, set cleanup rules, or raise the size limit of the file system.',
  out_of_memory:
    'The memory of this machine does not suffice. Lower the resolution, run fewer processes, or add memory.',
  resources_exhausted:
    'The operating system allows no more open files or threads. Raise its limits for the server, or run fewer processes.',
  limit_exceeded:
    'FFmpeg took more CPU or memory than the limits of the process allow, and was stopped. Raise the limits, or lower resolution, frame rate or preset.',
  stale:
    'FFmpeg made no progress for longer than the stale timeout, and was stopped. Check that the source still sends; raise the timeout if it pauses at times.',
  crashed: 'FFmpeg crashed. Try another version of FFmpeg; the log shows what it did last.',
  killed:
    'FFmpeg was ended by a signal from outside of the server. Look who, or what, does that on this machine.',
  not_started:
    'FFmpeg could not be started. Check that it is installed and may be run, and that the command is not too long.',
  unknown: 'The cause is not known. The log has the details.',
} as const;

/** Why a run of FFmpeg failed, in a word. */
export type FailureClass = keyof typeof FAILURE_CLASSES;
