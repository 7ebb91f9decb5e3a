import type { Entry } from './event.ts';

/** How long a client waits before it connects again, in milliseconds. */
const RETRY = 2_000;

/** What a stream begins with (HTML §9.2.6). */
export const OPENING = `retry: ${RETRY}\n\n`;

/** An event on the wire (HTML §9.2.5). */
export function toFrame({ id, type, data }: Pick<Entry, 'id' | 'type' | 'data'>): string {
  return `id: ${id}\nevent: ${type}\ndata: ${data}\n\n`;
}

/** Sets the place at which a client resumes, without an event. */
export function toPosition(id: number): string {
  return `id: ${id}\n\n`;
}

/** Keeps proxies from taking the connection for dead, and the client's place from getting too old. */
export function toHeartbeat(id: number): string {
  return `: alive\n${toPosition(id)}`;
}

/** An event that has no place of its own: the client has missed what it cannot be given any more. */
export function toUnplacedFrame(type: string, data: string): string {
  return `event: ${type}\ndata: ${data}\n\n`;
}
