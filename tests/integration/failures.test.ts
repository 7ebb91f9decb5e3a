import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { freePort } from '../support/ports.ts';
import {
  endless,
  FFMPEG,
  makeFolder,
  NOWHERE,
  openScripted,
  openServer,
  PICTURE,
  scripted,
  type Given,
  type ProcessClient,
} from './process-server.ts';

const OUT = (address: string, ...options: string[]) => ({ id: 'out', address, options });
const IN = (address: string, ...options: string[]) => ({ id: 'in', address, options });
const SECOND = { ...PICTURE, options: ['-f', 'lavfi', '-t', '1'] };

/** A server that answers each path with the status it begins with. */
async function openHttp(): Promise<string> {
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(Number(request.url?.slice(1, 4))).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function untilFailed(client: ProcessClient, id: string): Promise<string | undefined> {
  let found: string | undefined;
  await client.until(id, (state) => {
    found = state.failure?.class;
    expect(found).toBeDefined();
  });
  return found;
}

describe.skipIf(FFMPEG === '')('what FFmpeg runs into', () => {
  test('is told in the state, in the report and in the log', async () => {
    const folder = await makeFolder();
    await writeFile(path.join(folder, 'page.mp4'), '<!doctype html>'.repeat(200));
    const http = await openHttp();
    const nobody = `127.0.0.1:${await freePort()}`;
    const taken = new URL(http).port;
    const failures: Record<string, Given> = {
      input_unreachable: { input: [IN(`tcp://${nobody}`)] },
      input_not_found: { input: [IN(`${http}/404/live.ts`)] },
      input_refused: { input: [IN(`${http}/503/live.ts`)] },
      input_invalid: { input: [IN(path.join(folder, 'page.mp4'))] },
      authentication_refused: { input: [IN(`http://camera:geheim@127.0.0.1:${taken}/401/live.ts`)] },
      dns: { input: [IN('http://camera.invalid/live.ts')] },
      port_in_use: { input: [IN(`tcp://127.0.0.1:${taken}?listen=1`)] },
      output_unreachable: { output: [OUT(`tcp://${nobody}`, '-f', 'mpegts', '-codec:v', 'mpeg4')] },
      output_not_writable: { output: [OUT('{diskfs}/missing/out.mp4', '-codec:v', 'mpeg4')] },
      format_unknown: { output: [OUT('{diskfs}/out.nope', '-codec:v', 'mpeg4')] },
      unknown_encoder: { output: [OUT('-', '-f', 'null', '-codec:v', 'libnope')] },
      container_mismatch: { output: [OUT('{diskfs}/out.mp4', '-codec:v', 'rawvideo')] },
      stream_not_found: { output: [OUT('-', '-f', 'null', '-map', '0:a')] },
      filter_failed: { output: [OUT('-', '-f', 'null', '-vf', 'nope')] },
      syntax: { options: ['-nopeoption', '1'] },
    };
    const client = await openServer();
    const ids = Object.keys(failures);
    await Promise.all(
      ids.map((id) =>
        client.create({ id, autostart: true, input: [SECOND], output: [NOWHERE], ...failures[id] }),
      ),
    );
    const found = await Promise.all(ids.map((id) => untilFailed(client, id)));
    expect(Object.fromEntries(ids.map((id, index) => [id, found[index]]))).toEqual(
      Object.fromEntries(ids.map((id) => [id, id])),
    );
    for (const id of ids) {
      const { failure, log } = await client.report(id);
      expect(failure).toEqual((await client.state(id)).failure);
      expect(failure?.advice).toMatch(/^[A-Z`].*\.$/);
      expect(log.map(([, text]) => text.slice(-20))).toContain(failure?.line.slice(-20));
      expect(client.server.log()).toMatch(new RegExp(`msg="Failed".* class="${id}"`));
      expect(JSON.stringify(failure)).not.toContain('geheim');
    }
  });

  test('is nothing when it ends well or is stopped', async () => {
    const client = await openServer();
    await client.create({ id: 'short', autostart: true, input: [SECOND], output: [NOWHERE] });
    await client.create(endless('long', { autostart: true }));
    await client.until('long', ({ progress }) => {
      expect(progress.frame).toBeGreaterThan(0);
    });
    await client.command('long', 'stop');
    await client.untilExec('short', 'finished');
    for (const id of ['short', 'long']) {
      expect(await client.state(id)).not.toHaveProperty('failure');
      expect(await client.report(id)).not.toHaveProperty('failure');
    }
  });

  test('stays until FFmpeg works again; the history keeps it', async () => {
    const folder = await makeFolder();
    const input = path.join(folder, 'in.ppm');
    const client = await openServer();
    await client.create({
      ...endless('p', { autostart: true, reconnect: true }),
      input: [IN(input, '-re', '-stream_loop', '-1')],
    });
    expect(await untilFailed(client, 'p')).toBe('input_not_found');
    await client.until('p', ({ reconnect_seconds, failure }) => {
      expect(reconnect_seconds).toBeGreaterThanOrEqual(0);
      expect(failure).toBeDefined();
    });
    await writeFile(input, Buffer.concat([Buffer.from('P6 16 16 255\n'), Buffer.alloc(16 * 16 * 3)]));
    await client.until('p', (state) => {
      expect(state.exec).toBe('running');
      expect(state).not.toHaveProperty('failure');
    });
    const { history, failure } = await client.report('p');
    expect(failure).toBeUndefined();
    expect(history.at(-1)?.failure?.class).toBe('input_not_found');
  });
});

describe('what the server does', () => {
  test('is told: limits, stale timeout and signals', async () => {
    const client = await openScripted();
    await client.create(
      scripted('limit', ['obey', 'say', 'ready', 'wait'], { autostart: true, limits: { memory_mbytes: 1 } }),
    );
    await client.create(
      scripted('stale', ['obey', 'say', 'ready', 'wait'], { autostart: true, stale_timeout_seconds: 1 }),
    );
    await client.create(scripted('crash', ['kill-itself', 'SEGV'], { autostart: true }));
    await client.create(scripted('kill', ['kill-itself', 'KILL'], { autostart: true }));
    expect(await untilFailed(client, 'limit')).toBe('limit_exceeded');
    expect(await untilFailed(client, 'stale')).toBe('stale');
    expect(await untilFailed(client, 'crash')).toBe('crashed');
    expect(await untilFailed(client, 'kill')).toBe('killed');
    expect((await client.state('stale')).failure?.line).toMatch(/^Stale timeout after 1s/);
  });

  test('outlives a restart of the server in the history', async () => {
    const folder = await makeFolder();
    const first = await openScripted({ folder });
    await first.create(scripted('p', ['say', 'x: Connection refused', 'exit', '1'], { autostart: true }));
    expect(await untilFailed(first, 'p')).toBe('input_unreachable');
    await first.command('p', 'stop');
    await first.server.close();
    const second = await openScripted({ folder });
    const { history } = await second.report('p');
    expect(history.map(({ failure }) => failure?.class)).toEqual(['input_unreachable']);
    expect(await second.state('p')).not.toHaveProperty('failure');
  });
});
