/** One stream of an input or output, as FFmpeg describes it before it begins. */
export interface Stream {
  /** Of the input or output it belongs to. */
  address: string;
  format: string;
  /** Number of the input or output in the command. */
  index: number;
  /** Number of the stream in its input or output. */
  stream: number;
  /** Three letters; `und` if it is not known. */
  language: string;
  /** `video`, `audio` or `subtitle`. */
  type: string;
  codec: string;
  /** Which encoder or decoder works on it; only a patched FFmpeg tells. */
  coder: string;
  bitrateKbps: number;
  durationSeconds: number;
  fps: number;
  pixFmt: string;
  width: number;
  height: number;
  samplingHz: number;
  layout: string;
  channels: number;
}

/** How many streams are kept of one command: far more than FFmpeg handles, so that forged output cannot pile up. */
export const MAX_STREAMS = 1_000;
