import type { Statistics } from '@millrace/srt';
import type { PlaneHost } from '../media/host.ts';
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
  /** Ends a connection. Whether there was one. */
  kick(id: number): boolean;
}

/** What the thread of the API offers to the plane. */
export interface SrtHost extends PlaneHost {
  published(stream: StreamName): void;
  unpublished(stream: StreamName): void;
}

/** What is told of a stream when it comes and when it goes. */
export interface StreamName {
  name: string;
  /** What its sessions are known by. */
  reference: string;
  /** Address and port of the publisher. */
  remote: string;
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
