import type { Readable } from 'node:stream';
import type { RtmpChannel } from '@millrace/api';
import type { FastifyRequest } from 'fastify';
import { hostAndPort } from '../../util/address.ts';
import { ApiError } from '../errors.ts';
import { sendJson } from '../json.ts';
import { valueOf } from '../query.ts';
import type { Routes } from '../server.ts';

/** A stream that is being published. Times are Unix milliseconds, rates bit/s. */
interface Stream {
  name: string;
  reference: string;
  createdAt: number;
  remote: string;
  protocol: string;
  rxBytes: number;
  rxBitrate: number;
  videoCodecs: readonly string[];
  audioCodecs: readonly string[];
  gopSeconds: number;
  players: readonly { remote: string; protocol: string; createdAt: number; txBytes: number }[];
}

/** The RTMP server, as it is managed. */
export interface RtmpStreams {
  /** Sorted by name. */
  streams(): Promise<readonly Stream[]>;
  /** Cuts off the publisher, or only a player. Whether there was one. */
  kick(name: string, remote: string | undefined): Promise<boolean>;
}

/** The RTMP server, as it is watched over HTTP. */
export interface FlvStreams {
  /**
   * An FLV file without an end.
   *
   * @param name path and query in the words of the client, not decoded.
   * @returns why there is no room for another viewer, otherwise.
   * @throws CoreError `forbidden` without the right token, `not_found` if nobody publishes that.
   */
  play(name: string, viewer: { remote: string; client: string }): Promise<Readable | Refusal>;
}

type Refusal = 'sessions' | 'bitrate';

const REFUSALS = { sessions: 'Number of sessions exceeded', bitrate: 'Bitrate limit exceeded' } as const;
const EXTENSION = '.flv';

/** `/rtmp`: the streams that are being published. */
export function rtmpRoutes(rtmp: RtmpStreams, isReadOnly: boolean): Routes {
  return (app) => {
    app.get('/rtmp', async (_request, reply) => sendJson(reply, (await rtmp.streams()).map(toApi)));
    if (isReadOnly) return;
    app.delete('/rtmp/*', async (request, reply) => {
      const name = `/${(request.params as { '*': string })['*']}`;
      const remote = valueOf(request, 'remote');
      if (!(await rtmp.kick(name, remote === '' ? undefined : remote))) {
        throw new ApiError(
          404,
          'Unknown stream',
          remote === '' ? name : `${name} is not played by ${remote}`,
        );
      }
      return sendJson(reply, 'OK');
    });
  };
}

/** `GET /rtmp/{path}.flv`: plays a stream over HTTP. */
export function flvRoutes(rtmp: FlvStreams, client: (request: FastifyRequest) => string): Routes {
  return (app) => {
    app.get('/rtmp/*', async (request, reply) => {
      const [path = '', ...query] = request.url.slice('/rtmp/'.length).split('?');
      if (!path.endsWith(EXTENSION)) throw ApiError.plain(404);
      const name = [path.slice(0, -EXTENSION.length), ...query].join('?');
      const address = client(request);
      const remote = hostAndPort(address, request.socket.remotePort ?? 0);
      const stream = await rtmp.play(name, { client: address, remote });
      if (typeof stream === 'string') {
        // compat: the headline is spelled like this where HLS is refused.
        throw new ApiError(509, 'Bandwith limit exceeded', REFUSALS[stream]);
      }
      return reply
        .header('content-type', 'video/x-flv')
        .header('cache-control', 'no-store')
        .header('x-accel-buffering', 'no')
        .send(stream);
    });
  };
}

const KBIT = 1024;

function toApi(stream: Stream): RtmpChannel {
  return {
    name: stream.name,
    reference: stream.reference,
    created_at: toSeconds(stream.createdAt),
    remote: stream.remote,
    protocol: stream.protocol,
    bytes_rx: stream.rxBytes,
    bandwidth_rx_kbit: Math.round((stream.rxBitrate / KBIT) * 1000) / 1000,
    video_codecs: [...stream.videoCodecs],
    audio_codecs: [...stream.audioCodecs],
    gop_sec: stream.gopSeconds,
    players: stream.players.map(({ remote, protocol, createdAt, txBytes }) => ({
      remote,
      protocol,
      created_at: toSeconds(createdAt),
      bytes_tx: txBytes,
    })),
  };
}

function toSeconds(milliseconds: number): number {
  return Math.floor(milliseconds / 1000);
}
