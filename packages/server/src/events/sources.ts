import type { EventEmitter } from 'node:events';
import type { Component } from '../components.ts';
import type { EventSession, ServerEvent } from './event.ts';

interface ProcessLike {
  readonly id: string;
  readonly config: { readonly reference: string };
  readonly record: { readonly order: string };
}

/** What the processes tell. */
export interface ProcessSignals {
  state: [process: ProcessLike, to: string, from: string];
  added: [process: ProcessLike];
  updated: [process: ProcessLike, previousId: string];
  removed: [process: ProcessLike];
}

export interface SessionSignals {
  opened: [collector: string, session: EventSession];
  closed: [collector: string, session: EventSession];
}

/** What a media server tells. */
export interface StreamSignals {
  published: [stream: StreamLike];
  unpublished: [stream: StreamLike];
}

interface StreamLike {
  readonly name: string;
  readonly reference: string;
  readonly remote: string;
}

export interface LogSignals {
  recorded: [
    event: {
      level: string;
      component: string;
      message: string;
      fields: Readonly<Record<string, unknown>>;
    },
  ];
}

export interface ReloadSignals {
  changed: [outcome: { state: 'running' | 'done' | 'failed'; error: string }];
}

/** The parts of the server that events are made of. */
export interface Sources {
  processes: Source<ProcessSignals>;
  sessions: Source<SessionSignals>;
  log: Source<LogSignals>;
  reloads: Source<ReloadSignals>;
  rtmp: Source<StreamSignals>;
  srt: Source<StreamSignals>;
}

type Source<Signals extends Record<keyof Signals, unknown[]>> = Pick<EventEmitter<Signals>, 'on' | 'off'>;

/** Makes events of what the parts of the server tell, as long as it runs. */
export class EventSources implements Component {
  readonly #sources: Sources;
  readonly #events: { add(event: ServerEvent): void };
  #detach: (() => void)[] = [];

  constructor(sources: Sources, events: { add(event: ServerEvent): void }) {
    this.#sources = sources;
    this.#events = events;
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- components are asynchronous, this one need not be
  async start(): Promise<void> {
    const { processes, sessions, log, reloads } = this.#sources;
    const add = (event: ServerEvent) => {
      this.#events.add(event);
    };
    this.#listen(processes, 'state', (process, state, from) => {
      add({ type: 'process.state', ...nameOf(process), state, from, order: process.record.order });
    });
    this.#listen(processes, 'added', (process) => {
      add({ type: 'process.added', ...nameOf(process) });
    });
    this.#listen(processes, 'updated', (process, previousId) => {
      add({
        type: 'process.updated',
        ...nameOf(process),
        ...(previousId !== process.id && { previousId }),
      });
    });
    this.#listen(processes, 'removed', (process) => {
      add({ type: 'process.removed', ...nameOf(process) });
    });
    this.#listen(sessions, 'opened', (collector, session) => {
      add({ type: 'session.opened', collector, session });
    });
    this.#listen(sessions, 'closed', (collector, session) => {
      add({ type: 'session.closed', collector, session });
    });
    for (const protocol of ['rtmp', 'srt'] as const) {
      const server = this.#sources[protocol];
      this.#listen(server, 'published', (stream) => {
        add({ type: 'stream.published', protocol, ...stream });
      });
      this.#listen(server, 'unpublished', (stream) => {
        add({ type: 'stream.unpublished', protocol, ...stream });
      });
    }
    this.#listen(log, 'recorded', ({ level, component, message, fields }) => {
      add({ type: 'log', level, component, message, fields });
    });
    this.#listen(reloads, 'changed', ({ state, error }) => {
      add({ type: 'config.reload', state, error });
    });
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- as start()
  async close(): Promise<void> {
    for (const detach of this.#detach.splice(0)) detach();
  }

  #listen<Signals extends Record<keyof Signals, unknown[]>, Name extends keyof Signals & string>(
    source: Source<Signals>,
    name: Name,
    listener: (...values: Signals[Name]) => void,
  ): void {
    const emitter = source as unknown as Pick<EventEmitter, 'on' | 'off'>;
    emitter.on(name, listener as (...values: unknown[]) => void);
    this.#detach.push(() => emitter.off(name, listener as (...values: unknown[]) => void));
  }
}

function nameOf({ id, config: { reference } }: ProcessLike): { process: string; reference: string } {
  return { process: id, reference };
}
