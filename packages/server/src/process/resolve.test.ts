import { describe, expect, test } from 'vitest';
import type { ProcessConfig } from './config.ts';
import { Resolver } from './resolve.ts';

const resolver = new Resolver({
  diskDir: '/data',
  address: '127.0.0.1:8080',
  filesystems: [{ name: 'mem', mount: '/memfs' }],
  rtmp: { address: ':1935', app: '/', token: '' },
  srt: { address: ':6000', token: '', passphrase: '' },
});

const ALL =
  '{diskfs} {memfs} {fs:disk} {fs:mem} {rtmp,name=n} {srt,name=n} {processid} {reference} {inputid} {outputid}';
const MEM = 'http://127.0.0.1:8080/memfs';
const RTMP = 'rtmp://localhost:1935/n';
const srt = (mode: string) =>
  `srt://localhost:6000?mode=caller&transtype=live&latency=20000&streamid=n,mode:${mode}`;

const config: ProcessConfig = {
  id: 'p',
  reference: 'r',
  inputs: [{ id: 'in_{processid}_{reference}_{inputid}', address: ALL, options: [ALL] }],
  outputs: [
    {
      id: 'out_{processid}_{reference}_{outputid}',
      address: ALL,
      options: [ALL],
      cleanup: [{ pattern: `mem:/${ALL}`, maxFiles: 1, maxFileAgeSeconds: 0, purgeOnDelete: false }],
    },
  ],
  options: [ALL],
  reconnect: false,
  reconnectDelaySeconds: 0,
  autostart: false,
  staleTimeoutSeconds: 0,
  limits: { cpuPercent: 0, memoryBytes: 0, waitForSeconds: 0 },
};

describe('which placeholders are replaced where', () => {
  const resolved = resolver.config(config);
  const [input] = resolved.inputs;
  const [output] = resolved.outputs;
  const inputId = 'in_p_r_{inputid}';
  const outputId = 'out_p_r_{outputid}';

  test('in global options', () => {
    expect(resolved.options).toEqual([
      `/data {memfs} /data ${MEM} {rtmp,name=n} {srt,name=n} {processid} {reference} {inputid} {outputid}`,
    ]);
  });

  test('in ids', () => {
    expect([input?.id, output?.id]).toEqual([inputId, outputId]);
  });

  test('in input options', () => {
    expect(input?.options).toEqual([
      `/data ${MEM} /data ${MEM} {rtmp,name=n} {srt,name=n} p r in_p_r_{inputid} {outputid}`,
    ]);
  });

  test('in an input address', () => {
    expect(input?.address).toBe(
      `/data ${MEM} /data ${MEM} ${RTMP} ${srt('request')} p r ${inputId} {outputid}`,
    );
  });

  test('in output options', () => {
    expect(output?.options).toEqual([
      `/data ${MEM} /data ${MEM} {rtmp,name=n} {srt,name=n} p r {inputid} ${outputId}`,
    ]);
  });

  test('in an output address', () => {
    expect(output?.address).toBe(
      `/data ${MEM} /data ${MEM} ${RTMP} ${srt('publish')} p r {inputid} ${outputId}`,
    );
  });

  test('in a cleanup pattern', () => {
    expect(output?.cleanup.map(({ pattern }) => pattern)).toEqual([
      `mem:/{diskfs} {memfs} {fs:disk} {fs:mem} {rtmp,name=n} {srt,name=n} p r {inputid} ${outputId}`,
    ]);
  });
});

test('who reads an SRT output requests it', () => {
  expect(resolver.outputs(config)[0]?.readAddress).toContain('mode:request');
});

test('what a placeholder inserts is seen by those after it', () => {
  const nested = {
    ...config,
    reference: '{diskfs}',
    inputs: [{ id: 'i', address: '{reference}', options: [] }],
  };
  expect(resolver.config(nested).inputs[0]?.address).toBe('/data');
});
