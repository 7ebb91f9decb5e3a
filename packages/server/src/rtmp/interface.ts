import type { Plane } from '../media/plane.ts';
import type { StreamHost } from '../media/streams.ts';
import type { PemSet } from '../tls/certificates.ts';
import type { AccessRules } from './access.ts';
import type { StreamInfo } from './stream.ts';

/** What the RTMP plane runs by. */
export interface RtmpPlaneOptions {
  /** `host:port` or `:port`, the latter on all interfaces. */
  address: string;
  /** Undefined if RTMPS is off. */
  addressTls: string | undefined;
  access: AccessRules;
  certificates: PemSet;
}

/** What the plane offers to the thread of the API. */
export interface RtmpPlane extends Plane<RtmpPlaneOptions> {
  /**
   * Opens what is to be listened on beside what is open. The next `configure` closes what is not needed: after that with
   * these options the old listeners, after that with the former ones those that this opened.
   */
  prepare(options: RtmpPlaneOptions): Promise<void>;
  /** The port in use. */
  port(protocol: 'rtmp' | 'rtmps'): number | undefined;
  /** Sorted by name. */
  streams(): StreamInfo[];
  /** Cuts off the publisher, or the player with that remote address. Whether there was one. */
  kick(name: string, remote: string | undefined): boolean;
  /**
   * Admits a viewer of FLV, who gets `flv` calls with that id.
   *
   * @param name path and query in the words of the client.
   * @returns why there is no room, otherwise.
   * @throws CoreError `forbidden`, `not_found`.
   */
  play(id: number, name: string, viewer: FlvViewer): Promise<string | undefined>;
  /** So many more bytes have been taken by the viewer. */
  flvTaken(id: number, bytes: number): void;
  /** The viewer has gone. */
  flvStop(id: number): void;
}

export interface FlvViewer {
  /** Address and port. */
  remote: string;
  /** Address alone. */
  client: string;
}

/** What the thread of the API offers to the plane. */
export interface RtmpHost extends StreamHost {
  /** Bytes for a viewer of FLV. */
  flv(id: number, bytes: Uint8Array): void;
  /** The stream of a viewer has ended. */
  flvEnd(id: number): void;
}
