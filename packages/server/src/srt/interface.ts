import type { Statistics } from '@millrace/srt';
import type { Plane } from '../media/plane.ts';
import type { Secrets } from './access.ts';
import type { ProtocolEvents } from './protocol-log.ts';

/** What the SRT plane runs by. */
export interface SrtOptions extends Secrets {
  /** `host:port` or `:port`, the latter on all interfaces. */
  address: string;
  /** Of the protocol, to be logged; see `LogTopic` of the library. */
  topics: readonly string[];
}

/** What the plane offers to the thread of the API. */
export interface SrtPlane extends Plane<SrtOptions> {
  status(): SrtStatus;
  /**
   * Moves to an address that cannot be open beside the present one: all streams end. Rejects with `unavailable` if it
   * cannot be listened on; the present one is open again then.
   */
  move(address: string): Promise<void>;
  /** Ends a connection. Whether there was one. */
  kick(id: number): boolean;
}

/** Who publishes what, and who takes it. */
export interface SrtStatus {
  streams: {
    name: string;
    /** Socket ids. */
    publisher: number;
    subscribers: number[];
  }[];
  connections: {
    /** Of the socket. */
    id: number;
    statistics: Statistics;
    events: ProtocolEvents;
  }[];
  /** Those that are about no connection. */
  events: ProtocolEvents;
}
