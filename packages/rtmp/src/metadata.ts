import { type AmfValue, serializeAmf0 } from './amf0.ts';
import { ProtocolError } from './errors.ts';

/** Metadata that takes more than this, as it would be sent on, is ignored. */
const MAX_BYTES = 32_768;
/** How deep an object in metadata may go; `keyframes` of files has two. */
const MAX_DEPTH = 3;

export type Metadata = ReadonlyMap<string, AmfValue>;

/** What is known of one track. */
export interface Track {
  readonly kind: 'audio' | 'video';
  /** Short name, as in logs: `H264`, `AAC`. */
  readonly codec: string;
  /** What metadata calls the codec: a number of the FLV specification, or the FourCC as a number. */
  readonly codecId: number;
  /** 0 unless the publisher sends several tracks of a kind. */
  readonly id: number;
  /** In pixels, as far as the stream tells. */
  readonly width?: number;
  readonly height?: number;
  /** In Hz, as far as the stream tells. */
  readonly sampleRate?: number;
  readonly channels?: number;
}

/** Metadata as a publisher sent it, if it is in a form that can be kept and sent on. */
export function acceptMetadata(value: AmfValue): Metadata | undefined {
  if (!(value instanceof Map)) return undefined;
  const metadata = value as Metadata;
  if (depthOf(metadata) > MAX_DEPTH) return undefined;
  try {
    serializeMetadata(metadata, []);
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
  return metadata;
}

/** The body of the data message that players get: what the publisher said, corrected by what its tracks are. */
export function serializeMetadata(metadata: Metadata | undefined, tracks: Iterable<Track>): Buffer {
  const corrected = new Map(metadata);
  const set = (key: string, value: number | undefined) => {
    if (value !== undefined) corrected.set(key, value);
  };
  for (const track of tracks) {
    if (track.id !== 0) continue;
    if (track.kind === 'video') {
      set('videocodecid', track.codecId);
      set('width', track.width);
      set('height', track.height);
      if (corrected.has('displayWidth')) set('displayWidth', track.width);
      if (corrected.has('displayHeight')) set('displayHeight', track.height);
    } else {
      set('audiocodecid', track.codecId);
      set('audiosamplerate', track.sampleRate);
      set('audiochannels', track.channels);
    }
  }
  return serializeAmf0(['onMetaData', corrected], MAX_BYTES);
}

function depthOf(value: AmfValue): number {
  if (value instanceof Map) return 1 + Math.max(0, ...[...(value as Metadata).values()].map(depthOf));
  if (Array.isArray(value))
    return 1 + (value as AmfValue[]).reduce((depth: number, one) => Math.max(depth, depthOf(one)), 0);
  return 0;
}
