import type { Process, ProcessConfig } from '@millrace/api';
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { Cli } from '../support/cli.ts';
import { PASSWORD, startServer, type TestServer, USERNAME } from '../support/server.ts';
import { FFMPEG, SOON } from './process-server.ts';

// Each command is a program that starts, which takes its time on a busy machine.
vi.setConfig({ testTimeout: 120_000 });

const PICTURE = ['-re', '-f', 'lavfi', '-i', 'testsrc=size=64x64:rate=25'];
const ENDLESS = [...PICTURE, '-f', 'null', '-'];

async function open(): Promise<{
  cli: Cli;
  server: TestServer;
  json: (...args: string[]) => Promise<unknown>;
}> {
  const server = await startServer();
  onTestFinished(() => server.close());
  const cli = await Cli.forTest();
  await cli.ok(['login', server.base, '-u', USERNAME, '--password-stdin'], { input: PASSWORD });
  return { cli, server, json: async (...args) => JSON.parse(await cli.ok([...args, '--json'])) as unknown };
}

async function states(json: (...args: string[]) => Promise<unknown>): Promise<Record<string, string>> {
  const processes = (await json('ps')) as Process[];
  return Object.fromEntries(processes.map(({ id, state }) => [id, state?.exec ?? '']));
}

describe.skipIf(FFMPEG === '')('processes on the command line', () => {
  test('are made, listed, stopped, started and removed', async () => {
    const { cli, json } = await open();
    await cli.ok(['run', '--wait', 'cam-1', ...ENDLESS]);
    await cli.ok(['run', '--wait', '--reference', 'hall', 'cam-2', `ffmpeg ${ENDLESS.join(' ')}`]);
    expect(await states(json)).toEqual({ 'cam-1': 'running', 'cam-2': 'running' });
    expect(await cli.ok(['ps', '--reference', 'hall'])).toMatch(/^ID +STATE .*\ncam-2 +running .* hall\n$/);

    expect(await cli.run(['stop', '--wait', 'nothing', 'cam-*'])).toMatchObject({
      code: 4,
      stderr: expect.stringMatching(
        /nothing: there is no such process[^]*cam-1: stopped\ncam-2: stopped/,
      ) as string,
    });
    expect(Object.values(await states(json))).not.toContain('running');
    await cli.ok(['start', '--wait', 'cam-1']);
    expect(await states(json)).toMatchObject({ 'cam-1': 'running' });

    const again = await cli.run(['run', 'cam-1', ...ENDLESS]);
    expect(again).toMatchObject({
      code: 5,
      stderr: expect.stringContaining('--replace changes it') as string,
    });
    await cli.ok(['run', '--replace', '--stopped', 'cam-1', '-vn', ...ENDLESS]);
    const [{ config }] = ((await json('export')) as { processes: [{ config: ProcessConfig }] }).processes;
    expect(config.input[0]?.options).toEqual(['-vn', ...PICTURE.slice(0, 3)]);

    await cli.ok(['rm', 'cam-*']);
    expect(await states(json)).toEqual({});
    expect(await cli.run(['rm', 'cam-1'])).toMatchObject({ code: 4 });
    expect(await cli.run(['rm', '-f', 'cam-1'])).toMatchObject({ code: 0 });
    expect(await cli.run(['rm', 'cam-*'])).toMatchObject({ code: 4 });
  });

  test('that fail say why, and what is to be done', async () => {
    const { cli } = await open();
    const failed = await cli.run([
      'run',
      '--wait',
      'bad',
      '-i',
      'http://no.such.host.invalid/x',
      '-f',
      'null',
      '-',
    ]);
    expect(failed.code).toBe(7);
    expect(failed.stderr).toMatch(/process bad is failed\n.*Failed to resolve[^]*Check its spelling/);
    expect(await cli.ok(['report', 'bad'])).toContain('Failed (dns): ');
    expect(await cli.run(['report', '--run', '50', 'bad'])).toMatchObject({ code: 4 });
    const probed = await cli.run(['probe', 'bad']);
    expect(probed).toMatchObject({ code: 1, stdout: expect.stringContaining('Failed to resolve') as string });
  });

  test('show what is in their inputs, and FFmpeg what it can', async () => {
    const { cli } = await open();
    await cli.ok(['run', '--stopped', 'cam', ...ENDLESS]);
    expect(await cli.ok(['probe', 'cam'])).toMatch(/STREAM +TYPE .*\n0:0 +video +rawvideo +64x64/);
    expect(await cli.ok(['skills'])).toMatch(/^FFmpeg \d/);
    expect(await cli.ok(['skills', 'testsrc2'])).toMatch(/filter +testsrc2/);
  });

  test('tell their log as it comes, over a new run, until Ctrl-C', async () => {
    const { cli } = await open();
    await cli.ok(['run', '--wait', 'cam', ...ENDLESS]);
    const logs = cli.start(['logs', '-f', '-n', '0', 'cam']);
    const runs = () => logs.out.stdout.split('ffmpeg version').length - 1;
    // Nothing of what was there, and so nothing to see that it follows: until something comes, restarts are made.
    await expect
      .poll(
        async () => {
          await cli.ok(['restart', 'cam']);
          return runs();
        },
        { ...SOON, interval: 500 },
      )
      .toBeGreaterThan(0);
    await expect.poll(() => logs.out.stderr).toContain('-- running → finishing');
    logs.process.kill('SIGINT');
    expect((await logs.ended).code).toBe(130);
    const lines = logs.out.stdout.split('\n').filter((line) => line.includes('Press [q]'));
    expect(lines).toHaveLength(runs());
  });

  test('and metadata come back from an export, which can be imported again and again', async () => {
    const { cli, server, json } = await open();
    await cli.ok(['run', '--wait', 'source', ...ENDLESS]);
    await cli.ok(['run', '--stopped', 'b', '-i', '#source:output=output_0', '-f', 'null', '-']);
    await cli.ok(['run', 'a', ...ENDLESS]);
    await cli.ok(['stop', 'a']);
    await server.api('PUT', '/v3/metadata/note', { text: 'hello' });
    await server.api('PUT', '/v3/process/a/metadata/ui', [1, 2]);
    const file = path.join(cli.folder, 'export.json');
    await cli.ok(['export', file]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(await json('import', file)).toEqual({ dry_run: false, changes: [], failed: [] });

    await cli.ok(['rm', 'source', 'a', 'b']);
    await server.api('PUT', '/v3/metadata/note', null);
    await cli.ok(['run', '--stopped', 'other', ...ENDLESS]);
    const dry = (await json('import', '--dry-run', file)) as { changes: { what: string; name: string }[] };
    expect(dry.changes.map(({ what, name }) => `${what} ${name}`)).toEqual([
      'add a',
      'add a: ui',
      'add source',
      'add b',
      'add note',
    ]);
    expect(Object.keys(await states(json))).toEqual(['other']);

    await cli.ok(['import', '--prune', file]);
    expect(await json('import', '--prune', file)).toMatchObject({ changes: [] });
    const again = JSON.parse(await cli.ok(['export'])) as object;
    const before = JSON.parse(readFileSync(file, 'utf8')) as object;
    expect({ ...again, exported_at: '' }).toEqual({ ...before, exported_at: '' });
    await expect.poll(() => states(json)).toMatchObject({ source: 'running', a: 'finished' });
  });

  test('with one change that the server refuses, the rest of an import is made', async () => {
    const { cli, json } = await open();
    await cli.ok(['run', '--stopped', 'a', ...ENDLESS]);
    await cli.ok(['run', '--stopped', 'b', ...ENDLESS]);
    const all = (await json('export')) as { processes: { config: ProcessConfig }[] };
    const [first] = all.processes;
    if (first?.config.output[0]) first.config.output[0].address = '/etc/not-allowed';
    await cli.ok(['rm', 'a', 'b']);
    const outcome = await cli.run(['import'], { input: JSON.stringify(all) });
    expect(outcome.code).toBe(5);
    expect(outcome.stderr).toMatch(/a: Invalid process config\n.*not-allowed/);
    expect(Object.keys(await states(json))).toEqual(['b']);
  });
});
