import { execFile } from 'node:child_process';
import { cp, mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export const ROOT = path.resolve(import.meta.dirname, '../..');
const TOOLS = path.join(ROOT, 'node_modules/.bin');

/** How a program ended, and what it wrote. */
export interface Outcome {
  code: number;
  output: string;
}

/** Runs one of the project's tools, or Node, until it ends. */
export async function runTool(
  name: string,
  args: readonly string[],
  options: { cwd: string; env?: Record<string, string> },
): Promise<Outcome> {
  // The versions that come with the project go before those of the machine.
  const env = {
    ...process.env,
    ...options.env,
    PATH: `${TOOLS}${path.delimiter}${process.env['PATH'] ?? ''}`,
  };
  try {
    const { stdout, stderr } = await run(name, args, { ...options, env, timeout: 120_000 });
    return { code: 0, output: stdout + stderr };
  } catch (error) {
    const { code, stdout = '', stderr = '' } = error as { code?: number; stdout?: string; stderr?: string };
    return { code: code ?? 1, output: stdout + stderr };
  }
}

/** Makes an empty project in the folder, and installs in it what `npm pack` makes of the client; needs no network. */
export async function installPackedClient(folder: string): Promise<void> {
  const must = async (name: string, args: string[], cwd: string) => {
    const { code, output } = await runTool(name, args, { cwd });
    if (code !== 0) throw new Error(`${name} ${args.join(' ')}: ${output}`);
    return output;
  };
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, 'package.json'), '{ "private": true, "type": "module" }');
  // In a place of its own, as others may build or pack at the same time.
  const copy = path.join(folder, 'packed');
  const source = path.join(ROOT, 'packages/client');
  await cp(source, copy, { recursive: true, filter: (file) => file !== path.join(source, 'dist') });
  const build = ['-p', source, '--composite', 'false', '--tsBuildInfoFile', 'null'];
  await must('tsc', [...build, '--declaration', '--outDir', path.join(copy, 'dist')], ROOT);
  const pack = ['pack', '--ignore-scripts', '--json', '--pack-destination', folder];
  const packed = await must('npm', pack, copy);
  await rm(copy, { recursive: true });
  const name = /"filename": "([^"]+)"/.exec(packed)?.[1];
  if (name === undefined) throw new Error(`no name in ${packed}`);
  await must('npm', ['install', '--offline', '--no-audit', '--no-fund', path.join(folder, name)], folder);
}
