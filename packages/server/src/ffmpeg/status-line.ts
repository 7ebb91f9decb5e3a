/** What FFmpeg's status line tells. A value that a line does not have is absent. */
export interface StatusLine {
  frame?: number;
  /** −1 where the quantizer is not known. */
  q?: number;
  sizeBytes?: number;
  /** Never negative: before the first frame FFmpeg may count up to zero. */
  timeSeconds?: number;
  speed?: number;
  drop?: number;
  dup?: number;
}

// Without video the line begins with the size, the last one with `Lsize`.
const STATUS = /^(?:frame=|L?size=\s*(?:N\/A|\d{1,15}\s*[kKM]i?B)\s+time=)/;

const FRAME = /frame=\s*(\d{1,15})/;
const Q = /\bL?q=\s*(-?\d{1,15}(?:\.\d{1,15})?)/;
const SIZE = /size=\s*(\d{1,15})\s*(?:kB|KiB)/;
const TIME = /\btime=\s*(-?)(\d{1,9}):(\d\d):(\d\d(?:\.\d{1,15})?)/;
const SPEED = /speed=\s*(\d{1,15}(?:\.\d{1,15})?(?:e[+-]?\d{1,2})?)x/;
const DROP = /drop=\s*(\d{1,15})/;
const DUP = /dup=\s*(\d{1,15})/;

/** Whether the line, without tags, is a status line of FFmpeg 4 to 8. */
export function isStatusLine(line: string): boolean {
  return STATUS.test(line);
}

/** The values of a status line; parts that are missing or `N/A` are left out. */
export function parseStatusLine(line: string): StatusLine {
  const status: StatusLine = {};
  setNumber(status, 'frame', FRAME.exec(line)?.[1]);
  setNumber(status, 'q', Q.exec(line)?.[1]);
  const kibibytes = SIZE.exec(line)?.[1];
  if (kibibytes !== undefined) status.sizeBytes = Number(kibibytes) * 1024;
  const time = TIME.exec(line);
  if (time)
    status.timeSeconds =
      time[1] === '-' ? 0 : Number(time[2]) * 3600 + Number(time[3]) * 60 + Number(time[4]);
  setNumber(status, 'speed', SPEED.exec(line)?.[1]);
  setNumber(status, 'drop', DROP.exec(line)?.[1]);
  setNumber(status, 'dup', DUP.exec(line)?.[1]);
  return status;
}

function setNumber(status: StatusLine, name: keyof StatusLine, text: string | undefined): void {
  if (text === undefined) return;
  const value = Number(text);
  // `q=-0.0` is a plain zero.
  status[name] = value === 0 ? 0 : value;
}
