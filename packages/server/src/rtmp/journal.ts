import type { Link } from '../media/link.ts';
import type { RtmpHost } from './interface.ts';
import { printable } from './access.ts';

type Level = 'debug' | 'info' | 'warn' | 'error';

/** What is logged of clients: who does what. */
export interface Deed {
  who: 'PUBLISH' | 'PLAY' | 'CONNECT';
  action:
    | 'START'
    | 'STOP'
    | 'STREAM'
    | 'FORBIDDEN'
    | 'INVALID'
    | 'CONFLICT'
    | 'NOTFOUND'
    | 'LIMIT'
    | 'KICK'
    | 'ERROR';
  /** Without secrets. Whatever else a client put into it is made printable. */
  path: string;
  /** Address and port. */
  client: string;
}

/** Writes the log of the RTMP server. */
export class Journal {
  readonly #host: Link<RtmpHost>;
  /** Where RTMP is listened on; of RTMPS, too. */
  address = '';

  constructor(host: Link<RtmpHost>) {
    this.#host = host;
  }

  server(level: Level, message: string, fields: Record<string, unknown> = {}): void {
    this.#host.tell('log', level, message, { address: this.address, ...fields });
  }

  client(level: Level, { who, action, path, client }: Deed, message = ''): void {
    this.server(level, printable(message), { who, action, path: printable(path), client });
  }
}
