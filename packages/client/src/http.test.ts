import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { MillraceError } from './error.ts';
import { type CallOptions, Http, type HttpRequest } from './http.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

type Reply = Response | Error | ((signal: AbortSignal) => Promise<Response>);

/** Gives the answers one after the other, the last one for ever. */
function serverOf(...replies: Reply[]) {
  const requests: { url: string; init: RequestInit }[] = [];
  const call = (async (url: string, init: RequestInit) => {
    const reply = replies[Math.min(requests.length, replies.length - 1)];
    requests.push({ url, init });
    if (reply instanceof Error) throw reply;
    if (typeof reply === 'function') return reply(init.signal ?? AbortSignal.abort());
    return reply?.clone() ?? new Response();
  }) as typeof fetch;
  return { requests, http: (options: CallOptions = {}) => new Http({ fetch: call, ...options }) };
}

const never = (signal: AbortSignal) =>
  new Promise<Response>((_resolve, reject) => {
    signal.addEventListener('abort', () => {
      reject(signal.reason as Error);
    });
  });

const GET: HttpRequest = {
  route: 'GET /thing',
  method: 'GET',
  url: 'http://localhost/thing',
  headers: {},
  isRepeatable: true,
};
const POST: HttpRequest = { ...GET, route: 'POST /thing', method: 'POST', isRepeatable: false };
const NETWORK = new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED 127.0.0.1:1') });

/** What becomes of a request when all time has passed. */
async function outcome(http: Http, request: HttpRequest, options?: CallOptions): Promise<unknown> {
  const result = http.send(request, (answer) => answer.text(), options).catch((error: unknown) => error);
  await vi.runAllTimersAsync();
  return result;
}

describe('a call that may be repeated', () => {
  test.each([
    ['a failure of the network', NETWORK] as const,
    ...[429, 502, 503, 504].map((status) => [`${status}`, new Response('', { status })] as const),
  ])('is repeated after %s', async (_title, reply) => {
    const server = serverOf(reply, reply, new Response('at last'));
    expect(await outcome(server.http(), GET)).toBe('at last');
    expect(server.requests).toHaveLength(3);
  });

  test.each([400, 401, 403, 404, 409, 500, 507])('is not repeated after %i', async (status) => {
    const server = serverOf(new Response('', { status }));
    expect(await outcome(server.http(), GET)).toMatchObject({ code: 'status', status, attempts: 1 });
    expect(server.requests).toHaveLength(1);
  });

  test('fails after two repetitions, or as many as are wanted', async () => {
    const server = serverOf(NETWORK);
    expect(await outcome(server.http(), GET)).toMatchObject({
      code: 'network',
      status: 0,
      attempts: 3,
      details: ['fetch failed', 'connect ECONNREFUSED 127.0.0.1:1'],
    });
    expect(await outcome(server.http({ retries: 1 }), GET)).toMatchObject({ attempts: 2 });
    expect(await outcome(server.http({ retries: 1 }), GET, { retries: 0 })).toMatchObject({ attempts: 1 });
  });

  test('is repeated if the answer is cut off in the middle', async () => {
    const cut = new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.error(new TypeError('terminated'));
      },
    });
    const server = serverOf(() => Promise.resolve(new Response(cut)), new Response('whole'));
    expect(await outcome(server.http(), GET)).toBe('whole');
  });

  test('waits as long as the server says', async () => {
    const busy = new Response('', { status: 503, headers: { 'retry-after': '20' } });
    const server = serverOf(busy, new Response('now'));
    const result = server.http().send(GET, (answer) => answer.text());
    await vi.advanceTimersByTimeAsync(19_000);
    expect(server.requests).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await result).toBe('now');
  });

  test('is not repeated if the server wants more patience than a caller has', async () => {
    const busy = new Response('', { status: 429, headers: { 'retry-after': '3600' } });
    const server = serverOf(busy);
    expect(await outcome(server.http(), GET)).toMatchObject({ status: 429, retryAfter: 3600, attempts: 1 });
  });
});

test('a call that may not be repeated is sent once', async () => {
  const server = serverOf(NETWORK);
  expect(await outcome(server.http(), POST)).toMatchObject({ code: 'network', attempts: 1 });
  expect(server.requests).toHaveLength(1);
});

test('a body that is kept is sent again, a stream is not', async () => {
  const kept = serverOf(NETWORK, new Response('ok'));
  const put = { ...GET, method: 'PUT', body: { type: 'text/plain', bytes: 'text' } };
  expect(await outcome(kept.http(), put)).toBe('ok');
  expect(kept.requests.map(({ init }) => init.body)).toEqual(['text', 'text']);

  const streamed = serverOf(NETWORK);
  const stream = { ...put, body: { type: 'text/plain', bytes: new Blob(['text']).stream() } };
  expect(await outcome(streamed.http(), stream)).toMatchObject({
    code: 'network',
    attempts: 1,
    details: expect.arrayContaining([expect.stringContaining('cannot be sent again')]) as string[],
  });
});

describe('a time-out', () => {
  test('ends a call that gets no answer, and the call is repeated', async () => {
    const server = serverOf(never);
    expect(await outcome(server.http({ timeout: 5_000 }), GET)).toMatchObject({
      code: 'timeout',
      message: 'no answer within 5 s',
      attempts: 3,
    });
    expect(await outcome(server.http(), POST, { timeout: 100 })).toMatchObject({
      message: 'no answer within 0.1 s',
    });
  });

  test('ends an answer that stands still, but not one that goes on for longer', async () => {
    let parts = 10;
    const slow = () =>
      new ReadableStream<Uint8Array>({
        async pull(controller) {
          await new Promise((resolve) => setTimeout(resolve, 900));
          controller.enqueue(new TextEncoder().encode('.'));
          if (--parts === 0) controller.close();
        },
      });
    const server = serverOf(() => Promise.resolve(new Response(slow())));
    expect(await outcome(server.http({ timeout: 1_000 }), GET)).toBe('..........');
    parts = 10;
    expect(await outcome(server.http({ timeout: 800 }), POST)).toMatchObject({ code: 'timeout' });
  });

  test('does not count while nobody reads', async () => {
    const server = serverOf(new Response('text'));
    const answer = await server.http({ timeout: 10 }).send(GET, (found) => Promise.resolve(found.stream()));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await answer.text()).toBe('text');
  });

  test('grows with what there is to send', async () => {
    const server = serverOf(never);
    const body = { type: 'text/plain', bytes: new Uint8Array(16_000_000) };
    const result = server.http({ timeout: 1_000 }).send({ ...POST, body }, (answer) => answer.text());
    const settled = vi.fn();
    result.then(settled, settled);
    await vi.advanceTimersByTimeAsync(1_000_000);
    expect(settled).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(2_000);
    await expect(result).rejects.toMatchObject({ code: 'timeout' });
  });

  test('of 0 is none', async () => {
    const server = serverOf(
      () =>
        new Promise((resolve) =>
          setTimeout(() => {
            resolve(new Response('late'));
          }, 10_000_000),
        ),
    );
    expect(await outcome(server.http({ timeout: 0 }), GET)).toBe('late');
  });
});

describe('a signal', () => {
  test('ends a call with its reason', async () => {
    const server = serverOf(never);
    const controller = new AbortController();
    const result = server.http().send(GET, (answer) => answer.text(), { signal: controller.signal });
    const reason = new Error('enough');
    controller.abort(reason);
    await expect(result).rejects.toBe(reason);
    expect(server.requests).toHaveLength(1);
  });

  test('ends the pause before a repetition', async () => {
    const server = serverOf(NETWORK);
    const controller = new AbortController();
    const result = server.http().send(GET, (answer) => answer.text(), { signal: controller.signal });
    const settled = expect(result).rejects.toThrow('aborted');
    await vi.advanceTimersByTimeAsync(0);
    controller.abort();
    await settled;
  });

  test('that has come before sends nothing', async () => {
    const server = serverOf(new Response());
    const signal = AbortSignal.abort();
    await expect(server.http().send(GET, (answer) => answer.text(), { signal })).rejects.toThrow('aborted');
    expect(server.requests).toEqual([]);
  });
});

describe('an error', () => {
  const refusal = async (status: number, body: string) => {
    const error = await outcome(serverOf(new Response(body, { status })).http(), GET);
    expect(error).toBeInstanceOf(MillraceError);
    return error;
  };

  test('has what the API says', async () => {
    const body = { code: 404, message: 'Unknown process ID', details: ['unknown process', 'really'] };
    expect(await refusal(404, JSON.stringify(body))).toMatchObject({
      code: 'status',
      status: 404,
      message: 'Unknown process ID',
      details: ['unknown process', 'really'],
      route: 'GET /thing',
      body,
    });
  });

  test('tells a route that the server lacks from a thing that it lacks', async () => {
    const body = JSON.stringify({ code: 404, message: 'Not Found', details: ['Not Found'] });
    expect(await refusal(404, body)).toMatchObject({
      code: 'unsupported',
      status: 404,
      message: expect.stringContaining('the server has no GET /thing') as string,
    });
  });

  test('names the settings of a configuration with errors', async () => {
    const body = { 'host.name': ['is empty'], 'tls.enable': ['has no names', 'nor files'] };
    expect(await refusal(409, JSON.stringify(body))).toMatchObject({
      details: ['host.name: is empty', 'tls.enable: has no names, nor files'],
      body,
    });
  });

  test.each(['', '<html>Bad Gateway</html>', 'null', '[]', '{"message":7}'])(
    'can be made of %j',
    async (body) => {
      expect(await refusal(500, body)).toMatchObject({
        message: 'the server answered with 500',
        details: body === '' ? [] : [body],
      });
    },
  );
});
