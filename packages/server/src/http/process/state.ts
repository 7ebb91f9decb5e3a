import type { Progress as ApiProgress, ProcessState, ProgressIO } from '@millrace/api';
import type { IoProgress, Progress } from '../../ffmpeg/progress.ts';
import type { Task, TaskState, TaskStatus } from '../../process/task.ts';
import { toJson } from '../json.ts';

type AvStream = NonNullable<IoProgress['avstream']>;

/** The API's form of how a process is doing. */
export function toApiState(state: TaskState): ProcessState {
  const { exec } = state;
  return {
    // compat: a process that is not valid has neither.
    order: exec === undefined ? '' : state.order,
    exec: exec ?? '',
    runtime_seconds: toRuntime(state),
    reconnect_seconds: toReconnect(state),
    last_logline: state.lastLogLine,
    progress: toApiProgress(state.progress),
    memory_bytes: state.memoryBytes,
    cpu_usage: toThousandths(state.cpuPercent),
    command: state.command ? [...state.command] : null,
    ...(state.failure && { failure: { ...state.failure } }),
  };
}

type StateSource = Pick<Task, 'revision' | 'status' | 'state'>;

interface StateText {
  text: string;
  revision: number;
  status: TaskStatus;
}

/** Gives out states as JSON text, which is made anew only if something in it changed: pages ask several times a second. */
export class StateTexts {
  readonly #texts = new WeakMap<StateSource, StateText>();

  of(task: StateSource): string {
    const known = this.#texts.get(task);
    const status = task.status();
    if (known?.revision === task.revision && looksSame(known.status, status)) return known.text;
    const text = toJson(toApiState(task.state()));
    this.#texts.set(task, { text, revision: task.revision, status });
    return text;
  }
}

function looksSame(a: TaskStatus, b: TaskStatus): boolean {
  return (
    a.exec === b.exec &&
    a.memoryBytes === b.memoryBytes &&
    a.cpuPercent === b.cpuPercent &&
    toRuntime(a) === toRuntime(b) &&
    toReconnect(a) === toReconnect(b)
  );
}

function toRuntime({ inStateMs }: TaskStatus): number {
  return Math.floor(Math.round(inStateMs / 10) / 100);
}

function toReconnect({ exec, reconnectInMs }: TaskStatus): number {
  if (reconnectInMs !== undefined) return Math.floor(reconnectInMs / 1000);
  return exec === undefined ? 0 : -1;
}

function toApiProgress(progress: Progress): ApiProgress {
  return {
    inputs: progress.inputs.map(toApiIo),
    outputs: progress.outputs.map(toApiIo),
    frame: progress.frame,
    packet: progress.packet,
    fps: toThousandths(progress.fps),
    q: toThousandths(progress.q),
    size_kb: toKibibytes(progress.sizeBytes),
    time: toThousandths(progress.timeSeconds),
    bitrate_kbit: toThousandths(progress.bitrateKbit),
    speed: toThousandths(progress.speed),
    drop: progress.drop,
    dup: progress.dup,
  };
}

function toApiIo(io: IoProgress): ProgressIO {
  return {
    id: io.id,
    address: io.address,
    index: io.index,
    stream: io.stream,
    format: io.format,
    type: io.type,
    codec: io.codec,
    coder: io.coder,
    frame: io.frame,
    keyframe: io.keyframe,
    framerate: io.framerate,
    fps: toThousandths(io.fps),
    packet: io.packet,
    pps: toThousandths(io.pps),
    size_kb: toKibibytes(io.sizeBytes),
    bitrate_kbit: toThousandths(io.bitrateKbit),
    extradata_size_bytes: io.extradataSizeBytes,
    ...(io.pixFmt !== '' && { pix_fmt: io.pixFmt }),
    q: toThousandths(io.q),
    ...(io.width !== 0 && { width: io.width }),
    ...(io.height !== 0 && { height: io.height }),
    ...(io.samplingHz !== 0 && { sampling_hz: io.samplingHz }),
    ...(io.layout !== '' && { layout: io.layout }),
    ...(io.channels !== 0 && { channels: io.channels }),
    avstream: io.avstream ? toApiAvStream(io.avstream) : null,
  };
}

function toApiAvStream(avstream: AvStream): NonNullable<ProgressIO['avstream']> {
  const { input, output, loopingRuntimeSeconds, ...rest } = avstream;
  return {
    input: toApiAvStreamIo(input),
    output: toApiAvStreamIo(output),
    aqueue: rest.aqueue,
    queue: rest.queue,
    dup: rest.dup,
    drop: rest.drop,
    enc: rest.enc,
    looping: rest.looping,
    looping_runtime: loopingRuntimeSeconds,
    duplicating: rest.duplicating,
    gop: rest.gop,
  };
}

function toApiAvStreamIo({ state, packet, timeSeconds, sizeBytes }: AvStream['input']) {
  return { state, packet, time: Math.floor(timeSeconds), size_kb: toKibibytes(sizeBytes) };
}

function toThousandths(value: number): number {
  return Math.round(value * 1000) / 1000;
}

function toKibibytes(bytes: number): number {
  return Math.floor(bytes / 1024);
}
