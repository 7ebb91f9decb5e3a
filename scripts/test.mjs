// `npm test`: brings what the tests need, runs them on the pinned Node, and ends with one line of numbers.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {
  ROOT,
  SetupError,
  ensureChromium,
  ensureFfmpeg,
  ensureSrtLiveTransmit,
  installDependencies,
  projectNode,
  run,
} from './setup.mjs';

await run(async () => {
  installDependencies();
  await ensureFfmpeg();
  const chromium = await optional(ensureChromium, 'The tests in the browser are skipped.');
  await optional(ensureSrtLiveTransmit, "The tests with libsrt's own program are skipped.");

  const folder = mkdtempSync(path.join(os.tmpdir(), 'millrace-test-'));
  try {
    const file = path.join(folder, 'result.json');
    const vitest = path.join(ROOT, 'node_modules/vitest/vitest.mjs');
    const { status } = spawnSync(
      projectNode(),
      [
        vitest,
        'run',
        '--reporter=default',
        '--reporter=json',
        `--outputFile.json=${file}`,
        ...process.argv.slice(2),
      ],
      { cwd: ROOT, stdio: 'inherit', env: { ...process.env, CHROMIUM: chromium ?? '' } },
    );
    const result = readResult(file);
    const { passed, failed, skipped } = count(result, status);
    for (const line of failures(result)) console.log(line);
    console.log(`\n${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
    return failed === 0 ? 0 : 1;
  } finally {
    rmSync(folder, { recursive: true });
  }
});

/** What a part of the tests needs; without it, that part is skipped. */
async function optional(ensure, consequence) {
  try {
    return await ensure();
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    console.log(`${error.message}\n${consequence}\n`);
    return undefined;
  }
}

/** Counts also what failed outside of a test: a file that does not load, an error nobody caught. */
function count(result, status) {
  const unloaded = result.testResults.filter(
    (suite) => suite.status === 'failed' && suite.assertionResults.length === 0,
  );
  const failed = result.numFailedTests + unloaded.length;
  return {
    passed: result.numPassedTests,
    failed: failed === 0 && status !== 0 ? 1 : failed,
    skipped: result.numPendingTests + result.numTodoTests,
  };
}

/** A line or two for each failure, so that the end of the output tells what to look for. */
function failures(result) {
  return result.testResults.flatMap(({ name, status, message, assertionResults }) => {
    const file = path.relative(ROOT, name);
    if (status === 'failed' && assertionResults.length === 0) return [`FAILED ${file}`, firstLine(message)];
    return assertionResults
      .filter((test) => test.status === 'failed')
      .flatMap((test) => [`FAILED ${file}: ${test.fullName}`, firstLine(test.failureMessages.join('\n'))]);
  });
}

function firstLine(text) {
  return `  ${(text ?? '').trim().split('\n', 1)[0].slice(0, 300)}`;
}

function readResult(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return { testResults: [], numPassedTests: 0, numFailedTests: 0, numPendingTests: 0, numTodoTests: 0 };
  }
}
