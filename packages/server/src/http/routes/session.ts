import type {
  Session,
  SessionPeers,
  SessionStats,
  SessionSummary,
  SessionsActive,
  SessionsSummary,
} from '@millrace/api';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Collector, SessionInfo } from '../../sessions/collector.ts';
import type { Summary, Totals } from '../../sessions/history.ts';
import { sendJson } from '../json.ts';
import { decodeAgain, valueOf } from '../query.ts';
import type { Routes } from '../server.ts';

const MEBIBYTE = 1024 * 1024;

/** How many collectors one request may name: each gets an entry in the answer, also an unknown one. */
const MAX_NAMES = 100;

/** `/session`: who watches and sends now, and what the past amounts to. */
export function sessionRoutes(sessions: { collectors(): readonly Collector[] }): Routes {
  /** The collectors that are named; undefined where there is none of that name. */
  const named = (request: FastifyRequest): [name: string, collector: Collector | undefined][] => {
    const collectors = sessions.collectors();
    const names = new Set(decodeAgain(valueOf(request, 'collectors')).split(',', MAX_NAMES));
    return [...names].sort().map((name) => [name, collectors.find((collector) => collector.name === name)]);
  };
  return (app) => {
    const summary = (request: FastifyRequest, reply: FastifyReply) => {
      const answer: SessionsSummary = Object.fromEntries(
        named(request).map(([name, collector]) => [name, collector ? toApiSummary(collector) : NONE]),
      );
      return sendJson(reply, answer);
    };
    const active = (request: FastifyRequest, reply: FastifyReply) => {
      const answer: SessionsActive = Object.fromEntries(
        named(request).map(([name, collector]) => [name, collector?.active().map(toApiSession) ?? []]),
      );
      return sendJson(reply, answer);
    };
    app.get('/session', summary);
    app.get('/session/active', active);
    // compat: where the official Go client asks.
    app.get('/sessions', summary);
    app.get('/sessions/active', active);
  };
}

/** The answer for a collector that does not exist. */
const NONE: SessionSummary = {
  active: {
    list: [],
    sessions: 0,
    bandwidth_rx_mbit: 0,
    bandwidth_tx_mbit: 0,
    max_sessions: 0,
    max_bandwidth_rx_mbit: 0,
    max_bandwidth_tx_mbit: 0,
  },
  summary: { remote: {}, local: {}, reference: {}, sessions: 0, traffic_rx_mb: 0, traffic_tx_mb: 0 },
};

function toApiSummary(collector: Collector): SessionSummary {
  const { rxBitrate, txBitrate } = collector.rates();
  const { maxSessions, maxTxBitrate } = collector.settings;
  return {
    active: {
      list: collector.active().map(toApiSession),
      sessions: collector.activeCount,
      bandwidth_rx_mbit: toThousandths(rxBitrate / MEBIBYTE),
      bandwidth_tx_mbit: toThousandths(txBitrate / MEBIBYTE),
      max_sessions: maxSessions,
      // What comes in is not limited.
      max_bandwidth_rx_mbit: 0,
      max_bandwidth_tx_mbit: toThousandths(maxTxBitrate / MEBIBYTE),
    },
    summary: toApiHistory(collector.summary()),
  };
}

function toApiHistory(summary: Summary): SessionSummary['summary'] {
  return {
    remote: toRecord(summary.byPeer, (peer): SessionPeers => ({
      ...toStats(peer),
      local: toRecord(peer.byLocation, toStats),
    })),
    local: toRecord(summary.byLocation, toStats),
    reference: toRecord(summary.byReference, toStats),
    ...toStats(summary),
  };
}

function toApiSession(session: SessionInfo): Session {
  return {
    id: session.id,
    reference: session.reference,
    created_at: Math.floor(session.createdAt / 1000),
    local: session.location,
    remote: session.peer,
    extra: session.extra,
    bytes_rx: session.rxBytes,
    bytes_tx: session.txBytes,
    bandwidth_rx_kbit: toThousandths(session.rxBitrate / 1024),
    bandwidth_tx_kbit: toThousandths(session.txBitrate / 1024),
  };
}

function toStats({ sessions, rxBytes, txBytes }: Totals): SessionStats {
  return {
    sessions,
    traffic_rx_mb: Math.floor(rxBytes / MEBIBYTE),
    traffic_tx_mb: Math.floor(txBytes / MEBIBYTE),
  };
}

/** An object with sorted keys. */
function toRecord<T, U>(map: ReadonlyMap<string, T>, convert: (value: T) => U): Record<string, U> {
  const sorted = [...map].sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(sorted.map(([key, value]) => [key, convert(value)]));
}

function toThousandths(value: number): number {
  return Math.round(value * 1000) / 1000;
}
