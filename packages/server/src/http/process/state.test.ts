import { describe, expect, test } from 'vitest';
import type { IoProgress, Progress } from '../../ffmpeg/progress.ts';
import type { TaskState } from '../../process/task.ts';
import { StateTexts, toApiState } from './state.ts';

const PROGRESS: Progress = {
  inputs: [],
  outputs: [],
  frame: 0,
  packet: 0,
  fps: 0,
  pps: 0,
  q: 0,
  sizeBytes: 0,
  timeSeconds: 0,
  bitrateKbit: 0,
  speed: 0,
  drop: 0,
  dup: 0,
};
const STATE: TaskState = {
  order: 'start',
  exec: 'running',
  inStateMs: 0,
  reconnectInMs: undefined,
  lastLogLine: '',
  progress: PROGRESS,
  failure: undefined,
  memoryBytes: 0,
  cpuPercent: 0,
  command: [],
};
const IO: IoProgress = {
  id: 'in',
  address: 'x',
  index: 0,
  stream: 0,
  format: 'lavfi',
  type: 'video',
  codec: 'rawvideo',
  coder: '',
  frame: 0,
  keyframe: 0,
  framerate: { min: 0, max: 0, avg: 0 },
  fps: 0,
  packet: 0,
  pps: 0,
  sizeBytes: 0,
  bitrateKbit: 0,
  extradataSizeBytes: 0,
  pixFmt: '',
  q: 0,
  width: 0,
  height: 0,
  samplingHz: 0,
  layout: '',
  channels: 0,
  avstream: undefined,
};

describe('the state of a process', () => {
  test('has its members in the order of the reference', () => {
    expect(JSON.stringify(toApiState(STATE))).toBe(
      '{"order":"start","exec":"running","runtime_seconds":0,"reconnect_seconds":-1,"last_logline":"",' +
        '"progress":{"inputs":[],"outputs":[],"frame":0,"packet":0,"fps":0,"q":0,"size_kb":0,"time":0,' +
        '"bitrate_kbit":0,"speed":0,"drop":0,"dup":0},"memory_bytes":0,"cpu_usage":0,"command":[]}',
    );
  });

  test.each([
    [0, 0],
    [994, 0],
    [995, 1],
    [1994, 1],
    [1995, 2],
  ])('%i ms after a change is %i s of run time', (inStateMs, expected) => {
    expect(toApiState({ ...STATE, inStateMs }).runtime_seconds).toBe(expected);
  });

  test.each([
    [undefined, -1],
    [0, 0],
    [999, 0],
    [7001, 7],
  ])('with %s ms to the next start it reconnects in %i s', (reconnectInMs, expected) => {
    expect(toApiState({ ...STATE, reconnectInMs }).reconnect_seconds).toBe(expected);
  });

  test('that is not valid is empty', () => {
    const invalid = { ...STATE, exec: undefined, command: undefined, lastLogLine: 'why' };
    expect(toApiState(invalid)).toMatchObject({
      order: '',
      exec: '',
      reconnect_seconds: 0,
      last_logline: 'why',
      command: null,
    });
  });

  test('rounds to three decimals and counts whole KiB', () => {
    const progress = { ...PROGRESS, fps: 23.57149, speed: 1, sizeBytes: 2047, timeSeconds: 7.6 };
    expect(toApiState({ ...STATE, progress, cpuPercent: 1.23456 })).toMatchObject({
      cpu_usage: 1.235,
      progress: { fps: 23.571, speed: 1, size_kb: 1, time: 7.6 },
    });
  });

  test('leaves out of a stream what it does not have', () => {
    const [input] = toApiState({ ...STATE, progress: { ...PROGRESS, inputs: [IO] } }).progress.inputs;
    expect(Object.keys(input ?? {}).join()).toBe(
      'id,address,index,stream,format,type,codec,coder,frame,keyframe,framerate,fps,packet,pps,size_kb,' +
        'bitrate_kbit,extradata_size_bytes,q,avstream',
    );
    const picture = { ...IO, pixFmt: 'rgb24', width: 64, height: 48 };
    const sound = { ...IO, samplingHz: 44100, layout: 'stereo', channels: 2 };
    expect(
      toApiState({ ...STATE, progress: { ...PROGRESS, outputs: [picture, sound] } }).progress.outputs,
    ).toMatchObject([
      { pix_fmt: 'rgb24', width: 64, height: 48 },
      { sampling_hz: 44100, layout: 'stereo', channels: 2 },
    ]);
  });
});

describe('the text of a state', () => {
  function example() {
    const task = {
      revision: 0,
      current: STATE,
      made: 0,
      status: () => task.current,
      state: () => {
        task.made++;
        return task.current;
      },
    };
    return task;
  }

  test('is made once for as long as nothing in it changes', () => {
    const task = example();
    const texts = new StateTexts();
    const first = texts.of(task);
    task.current = { ...STATE, inStateMs: 900 };
    expect([texts.of(task), task.made]).toEqual([first, 1]);
  });

  test.each<[string, Partial<TaskState>]>([
    ['the state', { exec: 'finishing' }],
    ['the run time', { inStateMs: 1000 }],
    ['the time to the next start', { reconnectInMs: 1000 }],
    ['the memory', { memoryBytes: 1 }],
    ['the CPU usage', { cpuPercent: 1 }],
  ])('follows %s', (_what, change) => {
    const task = example();
    const texts = new StateTexts();
    texts.of(task);
    task.current = { ...STATE, ...change };
    expect(JSON.parse(texts.of(task))).toEqual(toApiState(task.current));
  });

  test('follows everything else with the revision', () => {
    const task = example();
    const texts = new StateTexts();
    texts.of(task);
    task.current = { ...STATE, lastLogLine: 'new' };
    task.revision++;
    expect(JSON.parse(texts.of(task))).toEqual(toApiState(task.current));
  });
});
