/** What happened. Texts may come from anybody; they are masked and cut before they are kept. */
export type ServerEvent =
  | { type: 'server.started'; version: string }
  | { type: 'config.reload'; state: 'running' | 'done' | 'failed'; error: string }
  | { type: 'process.added' | 'process.removed'; process: string; reference: string }
  | { type: 'process.updated'; process: string; reference: string; previousId?: string }
  | { type: 'process.state'; process: string; reference: string; state: string; from: string; order: string }
  | { type: 'session.opened' | 'session.closed'; collector: string; session: EventSession }
  | {
      type: 'stream.published' | 'stream.unpublished';
      protocol: 'rtmp' | 'srt';
      name: string;
      reference: string;
      remote: string;
    }
  | {
      type: 'log';
      level: string;
      component: string;
      message: string;
      fields: Readonly<Record<string, unknown>>;
    }
  /** So many events were left out, because there were too many at a time. */
  | { type: 'log.omitted' | 'session.omitted'; count: number }
  /** So many events, of any type, are missing at this place of the journal. */
  | { type: 'gap'; lost: number };

export interface EventSession {
  id: string;
  reference: string;
  location: string;
  peer: string;
  extra: string;
  /** Unix milliseconds. */
  createdAt: number;
  rxBytes: number;
  txBytes: number;
}

/** An event in the form that is kept and sent: what filters look at, and the text of all of it. */
export interface Entry {
  /** Greater than that of each entry before, also over restarts. */
  id: number;
  /** Unix milliseconds. */
  at: number;
  type: string;
  /** The process it is about; empty if there is none. */
  process: string;
  /** Of a line of the log; empty for other events. */
  level: string;
  /** JSON on one line. */
  data: string;
}

/** The JSON text of an event, on one line. */
export type Serialize = (event: ServerEvent, at: number) => string;

/** The id of the process that an event is about; empty if there is none. */
export function processOf(event: ServerEvent): string {
  if ('process' in event) return event.process;
  if (event.type !== 'log' || event.component !== 'Process') return '';
  const { id } = event.fields;
  return typeof id === 'string' ? id : '';
}
