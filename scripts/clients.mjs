// The official clients, unchanged, against a fresh server: one line for each, and what its tests said if one failed.
//
//   node scripts/clients.mjs
import { spawn } from 'node:child_process';
import path from 'node:path';
import { withServer } from './server.mjs';
import { ROOT, ensureFfmpeg, findProgram, run } from './setup.mjs';

const CACHE = path.join(ROOT, 'node_modules/.cache/go');
const TIMEOUT_MS = 300_000;
const USERNAME = 'admin';
const PASSWORD = 'clients-secret';
const SETTINGS = {
  CORE_API_AUTH_ENABLE: 'true',
  CORE_API_AUTH_USERNAME: USERNAME,
  CORE_API_AUTH_PASSWORD: PASSWORD,
  CORE_RTMP_ENABLE: 'true',
  CORE_SRT_ENABLE: 'true',
  CORE_METRICS_ENABLE: 'true',
  CORE_SESSIONS_IP_IGNORELIST: '',
  CORE_UPDATE_CHECK: 'false',
};

await run(async () => {
  await ensureFfmpeg();
  const failures = [await goClient()].filter((isRight) => !isRight);
  return failures.length === 0 ? 0 : 1;
});

/** tests/clients/go: every method of `github.com/datarhei/core-client-go/v16`. */
async function goClient() {
  const title = 'Go client';
  const go = findProgram('go');
  if (!go) return skipped(title, 'no go on this machine');
  const folder = path.join(ROOT, 'tests/clients/go');
  const env = {
    ...process.env,
    GOMODCACHE: path.join(CACHE, 'mod'),
    GOCACHE: path.join(CACHE, 'build'),
    // So that removing node_modules removes the modules too, which are otherwise read-only.
    GOFLAGS: '-modcacherw',
    GOTOOLCHAIN: 'local',
  };
  const download = await output(go, ['mod', 'download'], { cwd: folder, env });
  if (download.code !== 0) return skipped(title, `its module cannot be loaded: ${download.text.trim()}`);

  const program = path.join(CACHE, 'clients.test');
  const build = await output(go, ['test', '-vet=off', '-c', '-o', program, '.'], { cwd: folder, env });
  if (build.code !== 0) return failed(title, build.text);
  return withServer(SETTINGS, async (origin) => {
    const { code, text } = await output(program, ['-test.v'], {
      cwd: folder,
      env: { ...process.env, CORE_URL: origin, CORE_USERNAME: USERNAME, CORE_PASSWORD: PASSWORD },
    });
    if (code !== 0) return failed(title, text);
    const count = (verdict) => text.match(new RegExp(`^ *--- ${verdict}: `, 'gm'))?.length ?? 0;
    console.log(`ok       ${title}: ${count('PASS')} passed, ${count('SKIP')} not built yet`);
    return true;
  });
}

function skipped(title, reason) {
  console.log(`SKIPPED  ${title}: ${reason}`);
  return true;
}

function failed(title, text) {
  console.log(`FAILED   ${title}\n${text}`);
  return false;
}

/** Runs a program to its end: what it printed, and its exit code, null if it took too long. */
async function output(program, args, options) {
  const child = spawn(program, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'], timeout: TIMEOUT_MS });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk) => (text += chunk));
  }
  const code = await new Promise((resolve) => {
    child.on('close', resolve).on('error', (error) => {
      text += error.message;
      resolve(null);
    });
  });
  return { code, text };
}
