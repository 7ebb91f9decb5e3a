import { MAX_STREAMS, type Stream } from './stream.ts';

// Addresses may be cut short without their closing quote, FFmpeg's log lines have a maximum length.
const HEADER = /^(Input|Output) #(\d{1,15}), (.*?), (?:from|to) '(.*?)(?:':?)?$/;
const DURATION = /^\s+Duration: (\d{1,15}):(\d{1,15}):(\d{1,15})\.(\d{1,15})/;
// Anchored, for metadata of an input may hold any text.
const STREAM =
  /^\s+Stream #(\d{1,15}):(\d{1,15})(?:\[[0-9a-fx]+\])?(?:\(([a-z]+)\))?: (Video|Audio|Subtitle): (.*)/;

const CODEC = /^([^\s,]+)/;
const BITRATE = /, (\d{1,15}) kb\/s/;
const PICTURE = /, ([0-9A-Za-z_]+)(?:\([^)]+\))?, (\d{1,15})x(\d{1,15})/;
const FPS = /, (\d{1,15}(?:\.\d{1,15})?) fps/;
const SOUND = /, (\d{1,15}) Hz, ([^,]+)/;

/** Collects the streams that a plain FFmpeg lists before it begins. */
export class PreludeParser {
  /** In order of appearance. */
  readonly inputs: Stream[] = [];
  readonly outputs: Stream[] = [];
  #section:
    { kind: 'Input' | 'Output'; format: string; address: string; durationSeconds: number } | undefined;

  /**
   * @param line without tags (see `stripTags`).
   * @returns whether a stream was found.
   */
  line(line: string): boolean {
    const header = line.includes(' #') && HEADER.exec(line);
    if (header) {
      const [, kind, , format = '', address = ''] = header;
      this.#section = { kind: kind === 'Input' ? 'Input' : 'Output', format, address, durationSeconds: 0 };
      return false;
    }
    if (this.#section === undefined || !line.startsWith(' ')) return false;
    const duration = DURATION.exec(line);
    if (duration) {
      this.#section.durationSeconds = toSeconds(duration);
      return false;
    }
    return this.#stream(line);
  }

  #stream(line: string): boolean {
    const found = STREAM.exec(line);
    if (found === null || this.#section === undefined) return false;
    const { kind, ...section } = this.#section;
    const streams = kind === 'Input' ? this.inputs : this.outputs;
    if (streams.length >= MAX_STREAMS) return false;
    const [, index, stream, language = '', type = '', details = ''] = found;
    streams.push({
      ...section,
      index: Number(index),
      stream: Number(stream),
      language: language.length === 3 ? language : 'und',
      type: type.toLowerCase(),
      coder: '',
      ...parseDetails(type, details),
    });
    return true;
  }
}

type Details = Omit<
  Stream,
  'address' | 'format' | 'index' | 'stream' | 'language' | 'type' | 'coder' | 'durationSeconds'
>;

function parseDetails(type: string, text: string): Details {
  const picture = type === 'Video' ? PICTURE.exec(text) : null;
  const sound = type === 'Audio' ? SOUND.exec(text) : null;
  return {
    codec: CODEC.exec(text)?.[1] ?? '',
    bitrateKbps: Number(BITRATE.exec(text)?.[1] ?? 0),
    fps: type === 'Video' ? Number(FPS.exec(text)?.[1] ?? 0) : 0,
    pixFmt: picture?.[1] ?? '',
    width: Number(picture?.[2] ?? 0),
    height: Number(picture?.[3] ?? 0),
    samplingHz: Number(sound?.[1] ?? 0),
    layout: sound?.[2] ?? '',
    channels: 0,
  };
}

function toSeconds([, hours, minutes, seconds, fraction = '']: readonly string[]): number {
  return Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds) + Number(`0.${fraction}`);
}
