import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const SETUP = path.join(import.meta.dirname, '../../scripts/setup.mjs');

describe('the set-up of a machine without FFmpeg', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'millrace-setup-'));
  });

  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  /** Puts a program into the only folder of the search path. */
  function program(name: string, script: string): void {
    const file = path.join(folder, name);
    writeFileSync(file, `#!/bin/sh\n${script}\n`);
    chmodSync(file, 0o755);
  }

  /** Asks for FFmpeg, with nobody at the terminal. */
  function ensureFfmpeg(): { status: number | null; output: string; errors: string } {
    const code = `
      const { run, ensureFfmpeg } = await import(${JSON.stringify(SETUP)});
      await run(async () => { console.log(await ensureFfmpeg()); return 0; });`;
    const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', code], {
      env: { PATH: folder },
      encoding: 'utf8',
    });
    return { status, output: stdout, errors: stderr };
  }

  const installs = (text: string) =>
    `echo "$@" >> ${folder}/calls; case "$*" in *"${text}"*) : > ${folder}/ffmpeg; /bin/chmod +x ${folder}/ffmpeg;; esac`;

  test('finds the FFmpeg that is there', () => {
    program('ffmpeg', '');
    expect(ensureFfmpeg()).toEqual({ status: 0, output: `${folder}/ffmpeg\n`, errors: '' });
  });

  test('installs it with a package manager that needs no rights', () => {
    program('brew', installs('install ffmpeg'));
    expect(ensureFfmpeg()).toEqual({
      status: 0,
      output: `Installing FFmpeg …\n${folder}/ffmpeg\n`,
      errors: '',
    });
  });

  test.runIf(process.getuid?.() === 0)('installs it as root without asking', () => {
    program('apt-get', installs('ffmpeg'));
    expect(ensureFfmpeg()).toMatchObject({ status: 0, output: `Installing FFmpeg …\n${folder}/ffmpeg\n` });
  });

  test.skipIf(process.getuid?.() === 0)('says what to type where it would need sudo and cannot ask', () => {
    program('apt-get', installs('ffmpeg'));
    program('sudo', '"$@"');
    expect(ensureFfmpeg()).toEqual({
      status: 1,
      output: '',
      errors:
        'FFmpeg is missing. Install it with: sudo apt-get update && sudo apt-get install -y --no-install-recommends ffmpeg\n',
    });
  });

  test('says so in one line where no package manager has it', () => {
    expect(ensureFfmpeg()).toEqual({
      status: 1,
      output: '',
      errors: 'FFmpeg is missing, and no package manager known here has it. Please install it.\n',
    });
  });

  test('says what to try where the package manager fails', () => {
    program('brew', 'exit 1');
    const { status, errors } = ensureFfmpeg();
    expect(status).toBe(1);
    expect(errors).toBe('FFmpeg could not be installed. Try it by hand: brew install ffmpeg\n');
  });
});
