import type { Logger } from '../log/logger.ts';

/** Who sends to us or takes from us over a connection, and what. */
export interface SessionName {
  id: string;
  /** What is sent or watched, by name. */
  reference: string;
  /** What is sent or watched, by its place on this server. */
  location: string;
  /** Address and port at the other end. */
  peer: string;
  /** Address at the other end. */
  client: string;
  /** Bit/s that a new session is going to take, until its own traffic tells. */
  expectedBitrate?: number;
  /** Whether it is no viewer: publishers take nobody's place. */
  isPublisher?: boolean;
}

/** One second of a connection. */
export interface SessionTraffic extends SessionName {
  /** Bytes since the last time. */
  rxBytes: number;
  txBytes: number;
}

/** Who asks to be admitted. */
export interface Viewer extends SessionName {
  expectedBitrate: number;
}

/** What the thread of the API offers its planes. */
export interface PlaneHost {
  log(level: 'debug' | 'info' | 'warn' | 'error', message: string, fields: Record<string, unknown>): void;
  /** Counts traffic; what is counted for the first time opens a session. */
  count(traffic: readonly SessionTraffic[]): void;
  /** Ends the sessions with these ids: their connections are closed. */
  end(ids: readonly string[]): void;
  /**
   * Opens the session of a viewer if there is room for it; why there is none, otherwise. Whoever is admitted counts before
   * the next one is asked about, however many come at once.
   */
  admit(viewer: Viewer): string | undefined;
}

/** The sessions of one protocol, see `sessions`. */
interface Collector {
  isCountable(ip: string): boolean;
  has(id: string): boolean;
  register(id: string, options: Omit<SessionTraffic, 'id' | 'rxBytes' | 'txBytes'>): void;
  activate(id: string): void;
  ingress(id: string, bytes: number): void;
  egress(id: string, bytes: number): void;
  close(id: string): void;
}

/** Where a host counts, and asks whether there is room. */
export interface HostSessions<Name extends string> {
  /** Undefined while sessions are off. */
  collector(name: Name): Collector | undefined;
  refusal(expectedBitrate: number, client: string, name: Name): string | undefined;
}

/** What a plane of a protocol gets of the server: its log and its sessions. */
export function planeHost<Name extends string>(
  name: Name,
  sessions: HostSessions<Name>,
  log: Logger,
): PlaneHost {
  /** Whether it is counted. */
  const open = (collector: Collector, { id, ...session }: SessionName): boolean => {
    if (collector.has(id)) return true;
    if (!collector.isCountable(session.client)) return false;
    collector.register(id, session);
    collector.activate(id);
    return true;
  };
  return {
    log: (level, message, fields) => {
      log[level](message, fields);
    },
    count: (traffic) => {
      const collector = sessions.collector(name);
      if (collector === undefined) return;
      for (const { rxBytes, txBytes, ...session } of traffic) {
        if (!open(collector, session)) continue;
        collector.ingress(session.id, rxBytes);
        collector.egress(session.id, txBytes);
      }
    },
    end: (ids) => {
      const collector = sessions.collector(name);
      for (const id of ids) collector?.close(id);
    },
    admit: (viewer) => {
      const collector = sessions.collector(name);
      if (collector?.isCountable(viewer.client) !== true) return undefined;
      const refusal = sessions.refusal(viewer.expectedBitrate, viewer.client, name);
      if (refusal === undefined) open(collector, viewer);
      return refusal;
    },
  };
}
