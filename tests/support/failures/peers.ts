import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createSocket } from 'node:dgram';
import { selfSignedCertificate } from '../../integration/certificate.ts';
import { freePort } from '../ports.ts';
import { refuseConnect, refusePublish } from './rtmp-peer.ts';

/** Addresses of servers on loopback that make it hard for FFmpeg, each in its own way. Numbers are ports. */
export interface Peers {
  /** Nobody listens there. */
  refused: number;
  /** Accepts and never says a word. */
  silent: number;
  /** Accepts and closes at once. */
  closing: number;
  /** Takes a few hundred kilobytes, then resets the connection. */
  resetting: number;
  /** Answers with the status that the path begins with, such as `/404/live.ts`; see `answer` for more. */
  http: number;
  /** The same behind a certificate that nobody trusts. */
  https: number;
  /** Answers with the status that the path begins with. */
  rtsp: number;
  /** Refuses the application. */
  rtmpConnect: number;
  /** Refuses the stream key. */
  rtmpPublish: number;
  /** An SRT listener with the passphrase `correct-horse`; 0 if FFmpeg has no SRT. */
  srt: number;
  /** Taken by others. */
  udpTaken: number;
}

/** Starts all of them. `close` ends them. */
export async function startPeers(ffmpeg: string): Promise<{ peers: Peers; close(): void }> {
  const servers: { close(): unknown }[] = [];
  const sockets = new Set<Socket>();
  const listen = async (server: Server) => {
    server.on('connection', (socket) => {
      sockets.add(socket);
      // The other side ends as it likes.
      socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    servers.push(server);
    return (server.address() as AddressInfo).port;
  };
  const udp = createSocket('udp4').bind(0, '127.0.0.1');
  await once(udp, 'listening');
  servers.push(udp);
  const srt = await freePort();
  const listener = spawn(
    ffmpeg,
    [
      '-loglevel',
      'error',
      '-i',
      `srt://127.0.0.1:${srt}?mode=listener&passphrase=correct-horse`,
      '-f',
      'null',
      '-',
    ],
    { stdio: 'ignore' },
  );
  return {
    peers: {
      refused: await freePort(),
      silent: await listen(createServer((socket) => socket.resume())),
      closing: await listen(createServer((socket) => socket.destroy())),
      resetting: await listen(createServer(resetLater)),
      http: await listen(createHttpServer(answer)),
      https: await listen(createHttpsServer(selfSignedCertificate(), answer)),
      rtsp: await listen(createServer(answerRtsp)),
      rtmpConnect: await listen(createServer(refuseConnect)),
      rtmpPublish: await listen(createServer(refusePublish)),
      srt,
      udpTaken: udp.address().port,
    },
    close() {
      listener.kill('SIGKILL');
      for (const server of servers) server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** `/404/…` answers 404, `/garbage` no media, `/page` a web page, `/loop` a redirect to itself, `/hls/…` playlists. */
function answer(request: IncomingMessage, response: ServerResponse): void {
  const [, first = '', second] = request.url?.split('/') ?? [];
  request.resume();
  const status = Number.parseInt(first, 10);
  if (status >= 400) {
    response.writeHead(status, status === 401 ? { 'www-authenticate': 'Basic realm="media"' } : {});
    response.end();
  } else if (first === 'garbage') response.end('nothing that can be played, '.repeat(200));
  else if (first === 'page') response.setHeader('content-type', 'text/html').end('<!doctype html><p>Log in');
  else if (first === 'loop') response.writeHead(302, { location: '/loop' }).end();
  else if (first === 'hls' && second === 'gone.m3u8') response.end(playlist('/404/segment.ts'));
  else if (first === 'hls' && second === 'program.m3u8') response.end(playlist('/garbage/segment.exe'));
  else if (first === 'hls' && second === 'empty.m3u8') response.end('#EXTM3U\n#EXT-X-ENDLIST\n');
  else response.end();
}

function playlist(segment: string): string {
  return `#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n${segment}\n#EXT-X-ENDLIST\n`;
}

function answerRtsp(socket: Socket): void {
  socket.setEncoding('latin1').on('data', (text: string) => {
    const sequence = /CSeq: *(\d+)/i.exec(text)?.[1] ?? '1';
    const status = /rtsp:\/\/[^/]*\/(\d{3})/.exec(text)?.[1] ?? '200';
    const challenge = status === '401' ? 'WWW-Authenticate: Basic realm="camera"\r\n' : '';
    socket.write(`RTSP/1.0 ${status} ${REASONS[status] ?? ''}\r\nCSeq: ${sequence}\r\n${challenge}\r\n`);
  });
}

const REASONS: Record<string, string> = {
  401: 'Unauthorized',
  404: 'Stream Not Found',
  453: 'Not Enough Bandwidth',
  503: 'Service Unavailable',
};

function resetLater(socket: Socket): void {
  let received = 0;
  socket.on('data', (bytes) => {
    received += bytes.length;
    if (received > 300_000) socket.resetAndDestroy();
  });
}
