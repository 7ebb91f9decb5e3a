import type {
  Command,
  Probe,
  Process,
  ProcessConfig,
  ProcessReport,
  ProcessState,
  WidgetProcess,
} from '../api.ts';
import type { CallOptions } from '../http.ts';
import { ignoreGone } from '../repeated.ts';
import type { Transport } from '../transport.ts';
import { processId } from '../url.ts';

/** Some of the members, at every level. */
export type Partly<T> = T extends readonly (infer Item)[]
  ? Partly<Item>[]
  : T extends object
    ? { [Name in keyof T]?: Partly<T[Name]> | undefined }
    : T;

/** What of a process is to change; an input or output takes from the present one at its place what it leaves out. */
export type ProcessChange = Partly<ProcessConfig>;

/** An input or output of which only the address has to be there. */
export type NewProcessIO = Partly<ProcessConfig['output'][number]> & { address: string };

/** A new process: what is left out has its default. `autostart` is on, and an id is made up. */
export type NewProcess = ProcessChange & { input: NewProcessIO[]; output: NewProcessIO[] };

/** A part of a process. */
export type ProcessPart = 'config' | 'state' | 'report' | 'metadata';

/** Which processes to list, and what of them; all of it for all if left out. */
export interface ProcessQuery {
  /** Parts to show. */
  filter?: readonly ProcessPart[] | undefined;
  /** Only these. */
  id?: readonly string[] | undefined;
  /** Only with this reference. */
  reference?: string | undefined;
  /** Only ids that fit this pattern, such as `cam*`. */
  idpattern?: string | undefined;
  /** Only references that fit this pattern. */
  refpattern?: string | undefined;
}

/** What a process can be told. */
export type ProcessCommand = 'start' | 'stop' | 'restart' | 'reload';

/** The FFmpeg processes. */
export class Processes {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Lists processes. */
  list(query: ProcessQuery = {}, options?: CallOptions): Promise<Process[]> {
    const { filter, id, reference, idpattern, refpattern } = query;
    const encoded = {
      filter,
      id: id?.map(encodeURIComponent),
      reference: reference && encodeURIComponent(reference),
      idpattern: idpattern && encodeURIComponent(idpattern),
      refpattern: refpattern && encodeURIComponent(refpattern),
    };
    // Servers decode these twice, so that `+` would be a blank, and an id could not have a comma.
    return this.#transport.call('GET /api/v3/process', { query: encoded }, options);
  }

  /** One process, with all its parts or only those that are named. */
  get(id: string, parts?: readonly ProcessPart[], options?: CallOptions): Promise<Process> {
    const input = { path: { id: processId(id) }, query: { filter: parts } };
    return this.#transport.call('GET /api/v3/process/{id}', input, options);
  }

  /** Adds a process. Returns its configuration as it is stored. Not repeated if the answer gets lost. */
  add(process: NewProcess, options?: CallOptions): Promise<ProcessConfig> {
    return this.#transport.call('POST /api/v3/process', { body: toBody(process) }, options);
  }

  /** Changes a process; what is left out stays as it is. */
  update(id: string, change: ProcessChange, options?: CallOptions): Promise<ProcessConfig> {
    const input = { path: { id: processId(id) }, body: toBody(change) };
    return this.#transport.call('PUT /api/v3/process/{id}', input, options);
  }

  /** Stops a process and removes it. */
  async remove(id: string, options?: CallOptions): Promise<void> {
    await ignoreGone(
      this.#transport.call('DELETE /api/v3/process/{id}', { path: { id: processId(id) } }, options),
    );
  }

  /** Tells a process what to do. Only `start` and `stop` are repeated if the answer gets lost. */
  async command(id: string, command: ProcessCommand, options?: CallOptions): Promise<void> {
    const body: Command = { command };
    const isRepeatable = command === 'start' || command === 'stop';
    const input = { path: { id: processId(id) }, body, isRepeatable };
    await this.#transport.call('PUT /api/v3/process/{id}/command', input, options);
  }

  /** What FFmpeg is to do. */
  config(id: string, options?: CallOptions): Promise<ProcessConfig> {
    return this.#transport.call('GET /api/v3/process/{id}/config', { path: { id: processId(id) } }, options);
  }

  /** What FFmpeg does. */
  state(id: string, options?: CallOptions): Promise<ProcessState> {
    return this.#transport.call('GET /api/v3/process/{id}/state', { path: { id: processId(id) } }, options);
  }

  /** What FFmpeg has written, in this run and in those before. */
  report(id: string, options?: CallOptions): Promise<ProcessReport> {
    return this.#transport.call('GET /api/v3/process/{id}/report', { path: { id: processId(id) } }, options);
  }

  /** Looks at the inputs of a process. Takes as long as FFmpeg does: two minutes are granted if nothing else is said. */
  probe(id: string, options?: CallOptions): Promise<Probe> {
    const call = { timeout: 120_000, ...options };
    return this.#transport.call('GET /api/v3/process/{id}/probe', { path: { id: processId(id) } }, call);
  }

  /** All that is stored with a process, by key; null if there is nothing. */
  allMetadata(id: string, options?: CallOptions): Promise<unknown> {
    return this.#transport.call(
      'GET /api/v3/process/{id}/metadata',
      { path: { id: processId(id) } },
      options,
    );
  }

  /** What is stored with a process under a key. Status 404 if there is nothing. */
  metadata(id: string, key: string, options?: CallOptions): Promise<unknown> {
    return this.#transport.call(
      'GET /api/v3/process/{id}/metadata/{key*}',
      { path: { id: processId(id), key } },
      options,
    );
  }

  /** Stores any JSON with a process under a key; null removes it. */
  setMetadata(id: string, key: string, value: unknown, options?: CallOptions): Promise<unknown> {
    const input = { path: { id: processId(id), key }, body: value };
    return this.#transport.call('PUT /api/v3/process/{id}/metadata/{key*}', input, options);
  }

  /** What everybody may know about a process, without a token. */
  widget(id: string, options?: CallOptions): Promise<WidgetProcess> {
    return this.#transport.call(
      'GET /api/v3/widget/process/{id}',
      { path: { id: processId(id) }, isOpen: true },
      options,
    );
  }
}

/** The description has all members; the server takes what is left out from the defaults, or from what there is. */
function toBody(process: ProcessChange): ProcessConfig {
  return process as ProcessConfig;
}
