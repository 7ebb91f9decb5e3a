/** A stream that is being published, as it is listed. Times are Unix milliseconds. */
export interface StreamInfo {
  /** Its path, without a token. */
  name: string;
  /** What its sessions are known by. */
  reference: string;
  createdAt: number;
  /** Address and port of the publisher. */
  remote: string;
  protocol: Protocol;
  rxBytes: number;
  /** Bit/s over the last seconds. */
  rxBitrate: number;
  /** One for each track, such as `h264`. */
  videoCodecs: readonly string[];
  audioCodecs: readonly string[];
  /** Between the last two key frames; 0 if there were no two. */
  gopSeconds: number;
  players: readonly PlayerInfo[];
}

export interface PlayerInfo {
  /** Address and port. */
  remote: string;
  protocol: Protocol | 'flv';
  createdAt: number;
  txBytes: number;
}

export type Protocol = 'rtmp' | 'rtmps';
