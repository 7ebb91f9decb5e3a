const KIBI = 1024;
const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A number of bytes with three digits and a binary unit: `0 B`, `1.50 MiB`. */
export function formatBytes(bytes: number): string {
  return scaled(bytes, KIBI, ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']);
}

/** A rate given in kbit/s: `250 kbit/s`, `2.50 Mbit/s`. */
export function formatBitrate(kbit: number): string {
  return scaled(kbit, 1000, ['kbit/s', 'Mbit/s', 'Gbit/s']);
}

/** A time span given in seconds, in its two largest units: `5s`, `2m 05s`, `3h 07m`, `12d 04h`. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (large: number, small: number, unit: string, less: string) =>
    `${Math.floor(whole / large)}${unit} ${String(Math.floor((whole % large) / small)).padStart(2, '0')}${less}`;
  if (whole < MINUTE) return `${whole}s`;
  if (whole < HOUR) return two(MINUTE, 1, 'm', 's');
  if (whole < DAY) return two(HOUR, MINUTE, 'h', 'm');
  return two(DAY, HOUR, 'd', 'h');
}

/** The time since a point that is given in Unix seconds. */
export function formatAge(since: number): string {
  return formatDuration(Date.now() / 1000 - since);
}

/** A part of a hundred: `0.5%`, `12%`. */
export function formatPercent(percent: number): string {
  return `${percent < 9.95 ? percent.toFixed(1) : Math.round(percent)}%`;
}

/** A point in time, given in Unix seconds, in the local time zone: `2026-11-24 00:54:55`. */
export function formatTime(unixSeconds: number): string {
  const at = new Date(unixSeconds * 1000);
  if (Number.isNaN(at.getTime())) return '';
  const two = (value: number) => String(value).padStart(2, '0');
  return (
    `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ` +
    `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`
  );
}

/** Seconds of `90`, `90s`, `5m`, `2h`, `1d`; undefined if it is none of these. */
export function parseDuration(text: string): number | undefined {
  const [, digits, unit = ''] = /^(\d{1,9})(s|m|h|d)?$/.exec(text.trim()) ?? [];
  if (digits === undefined) return undefined;
  return Number(digits) * ({ m: MINUTE, h: HOUR, d: DAY }[unit] ?? 1);
}

/** Bytes of `1048576`, `512K`, `512MiB`, `2G`, where a kilobyte has 1024; undefined if it is none of these. */
export function parseBytes(text: string): number | undefined {
  const [, digits, unit = ''] = /^(\d{1,9}(?:\.\d{1,3})?)\s*([KMGT]?)(?:i?B)?$/i.exec(text.trim()) ?? [];
  if (digits === undefined) return undefined;
  return Math.round(Number(digits) * KIBI ** ' KMGT'.indexOf(unit === '' ? ' ' : unit.toUpperCase()));
}

function scaled(value: number, base: number, units: readonly string[]): string {
  let index = 0;
  let rest = value;
  // As it will be rounded, so that nothing is shown as 1024 KiB.
  while (index < units.length - 1 && Math.abs(rest) >= base - 0.5) {
    rest /= base;
    index++;
  }
  const digits = index === 0 || Math.abs(rest) >= 99.95 ? 0 : Math.abs(rest) >= 9.995 ? 1 : 2;
  return `${rest.toFixed(digits)} ${units[index] ?? ''}`;
}
