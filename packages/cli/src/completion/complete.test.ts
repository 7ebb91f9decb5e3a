import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, describe, expect, test } from 'vitest';
import { COMMANDS, GROUPS } from '../commands.ts';
import { Context } from '../context.ts';
import { complete } from './complete.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'millrace-complete-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

async function words(...line: string[]): Promise<string[]> {
  const stream = () => new PassThrough();
  // Nothing listens there.
  const env = { MILLRACE_CONFIG_DIR: folder, MILLRACE_URL: 'http://127.0.0.1:1' };
  const { signal } = new AbortController();
  const context = new Context(
    { env, stdin: stream(), stdout: stream(), stderr: stream(), signal },
    { json: false },
  );
  await context.profiles.write('studio', { url: 'x', username: '', access_token: '', refresh_token: '' });
  const { candidates, hasFiles } = await complete(line, { commands: COMMANDS, groups: GROUPS }, context);
  return [...candidates.map(({ word }) => word), ...(hasFiles ? [':files'] : [])];
}

describe('completion', () => {
  test.each([
    [['sta'], ['start']],
    [['f'], ['fs']],
    [
      ['fs', ''],
      ['ls', 'cp', 'rm'],
    ],
    [['config', 'g'], ['get']],
    [['rt'], ['rtmp']],
    [['rtmp', ''], ['kick']],
    [['rtmp', 'kick', '--pl'], ['--player']],
    [['-p', 's'], ['studio']],
    [
      ['--profile', 'studio', 'pro'],
      ['probe', 'profile'],
    ],
    [['-p', 'sta', 'sto'], ['stop']],
    [['profile', 'use', ''], ['studio']],
    [['logs', '--fo'], ['--follow']],
    [['logs', '-n', '5', '--fo'], ['--follow']],
    [['logs', '--', '--fo'], []],
    [['skills', '--kind', 'h'], ['hwaccels']],
    [['skills', '--kind', 'hwaccels', '--re'], ['--reload']],
    [
      ['sessions', 'hls', 'h'],
      ['hlsingress', 'http'],
    ],
    [
      ['completion', ''],
      ['bash', 'zsh', 'fish'],
    ],
    [['config', 'get', 'log.l'], ['log.level']],
    [['config', 'set', 'log.l'], ['log.level=']],
    [['config', 'set', 'log.level=debug', 'rtmp.t'], ['rtmp.token=']],
    [['export', ''], [':files']],
    [['fs', 'cp', 'x'], [':files']],
    [['run', 'cam', '--wa'], []],
    [['run', '--wait-'], ['--wait-time']],
    [['ps', 'a', ''], []],
    [['nothing', ''], []],
    // The server cannot be reached: nothing, and no error.
    [['start', ''], []],
    [['__c'], []],
  ])('%j', async (line, expected) => {
    expect(await words(...line)).toEqual(expected);
  });

  test('offers all options with --help', async () => {
    expect(await words('ps', '--')).toEqual([
      '--reference',
      '--profile',
      '--url',
      '--json',
      '--timeout',
      '--help',
    ]);
  });
});
