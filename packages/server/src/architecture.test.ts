import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { expect, test } from 'vitest';

const root = import.meta.dirname;

/** Which folders a folder may import from, beside itself. Of `log` only its types. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  util: [],
  config: ['util', 'log'],
  log: ['util'],
  auth: ['util', 'log'],
  database: ['util', 'log'],
  child: ['util', 'log'],
  storage: ['util', 'log'],
  sessions: ['util', 'log'],
  tls: ['util', 'log'],
  metrics: ['util', 'log'],
  debug: ['util', 'log'],
  telemetry: ['util', 'log'],
  events: ['util', 'log'],
  media: ['util', 'log'],
  ffmpeg: ['util', 'log', 'child'],
  process: ['util', 'log', 'ffmpeg', 'child', 'storage', 'database'],
  http: [
    'util',
    'log',
    'config',
    'auth',
    'database',
    'child',
    'storage',
    'sessions',
    'metrics',
    'debug',
    'events',
    'ffmpeg',
    'process',
  ],
  delivery: [
    'util',
    'log',
    'config',
    'auth',
    'database',
    'child',
    'storage',
    'sessions',
    'events',
    'ffmpeg',
    'process',
    'http',
  ],
  rtmp: ['util', 'log', 'config', 'sessions', 'media', 'tls'],
  srt: ['util', 'log', 'config', 'sessions', 'media'],
};
const IMPORT = /^\s*(?:import|export)\s(?:[^'"]*?\sfrom\s)?['"](\.[^'"]+)['"]/gm;

function sources(): string[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .map((file) => join(root, file));
}

function folderOf(file: string): string {
  const path = relative(root, file);
  return path.includes('/') ? path.slice(0, path.indexOf('/')) : '';
}

test('folders import only what their layer allows', () => {
  const violations: string[] = [];
  for (const file of sources()) {
    const folder = folderOf(file);
    if (folder === '') continue;
    for (const [line, target = ''] of readFileSync(file, 'utf8').matchAll(IMPORT)) {
      const imported = folderOf(resolve(dirname(file), target));
      const isType = /^\s*(?:import|export)\s+type\s/.test(line);
      // Any component may say that it is one.
      if (imported === '' && target.endsWith('/components.ts')) continue;
      if (imported === folder) continue;
      const allowed = MAY_IMPORT[folder]?.includes(imported) ?? false;
      const isHidden = imported === 'log' && !isType;
      if (!allowed || isHidden) violations.push(`${relative(root, file)} imports ${target}`);
    }
  }
  expect(violations).toEqual([]);
});
