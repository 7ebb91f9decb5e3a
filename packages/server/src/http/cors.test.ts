import fastify from 'fastify';
import { describe, expect, test } from 'vitest';
import { answerCors, type CorsPolicy } from './cors.ts';

async function ask(
  policies: CorsPolicy[],
  method: 'GET' | 'OPTIONS',
  url: string,
  origin?: string,
  more: Record<string, string> = {},
) {
  const app = fastify();
  app.addHook('onRequest', (request, reply, done) => {
    if (!answerCors(policies, request, reply)) done();
  });
  app.get('/*', () => 'reached');
  const { headers, body, statusCode } = await app.inject({
    method,
    url,
    headers: { ...(origin && { origin }), ...more },
  });
  await app.close();
  return { headers, body, statusCode };
}

const files = (...origins: string[]): CorsPolicy[] => [
  { prefix: '/', origins },
  { prefix: '/api', origins: ['*'] },
];

describe('CORS', () => {
  test.each(['/api/v3/fs', '/%61pi/v3/fs?x', '/api%zz'])('goes by the decoded path of %s', async (url) => {
    const policies = files('http://a.example');
    const answer = await ask(policies, 'OPTIONS', url, 'http://b.example');
    // What cannot be decoded at all is refused before.
    expect(answer.headers['access-control-allow-origin']).toBe(url.includes('%zz') ? undefined : '*');
  });

  test('answers every OPTIONS with 204 before any route', async () => {
    const { statusCode, body, headers } = await ask(files('*'), 'OPTIONS', '/x', 'http://a.example');
    expect([statusCode, body]).toEqual([204, '']);
    expect(headers['access-control-allow-methods']).toBe('GET,HEAD,PUT,POST,DELETE,PATCH');
    expect(headers['access-control-max-age']).toBe('86400');
    expect(headers.vary).toEqual([
      'Origin',
      'Access-Control-Request-Method',
      'Access-Control-Request-Headers',
    ]);
  });

  test.each([
    ['authorization', ''],
    ['authorization, last-event-id', ',Last-Event-ID'],
    ['If-Match', ',If-Match'],
  ])('allows the headers %j as the reference does, and ours where they are asked for', async (asked, own) => {
    const headers = { 'access-control-request-headers': asked };
    const answer = await ask(files('*'), 'OPTIONS', '/x', 'http://a.example', headers);
    expect(answer.headers['access-control-allow-headers']).toBe(
      `Origin,Content-Length,Content-Type,Authorization${own}`,
    );
  });

  test.each([
    [['*'], 'http://a.example', '*'],
    [[], 'http://a.example', '*'],
    [['http://a.example'], 'http://a.example', 'http://a.example'],
    [['http://a.example'], 'http://b.example', undefined],
    [['https://*.example.com'], 'https://x.y.example.com', 'https://x.y.example.com'],
    [['https://*.example.com'], 'http://x.example.com', undefined],
    [['https://*.example.com'], 'https://example.com.evil', undefined],
    [['http://host?'], 'http://host1', 'http://host1'],
    [['https://*.*.example.com'], 'https://x.example.com', undefined],
    [['https://*.*.example.com'], 'https://x.y.example.com', 'https://x.y.example.com'],
    [['https://a*'], 'https://a', 'https://a'],
    [['https://*a?'], 'https://aab', 'https://aab'],
    [['https://*a?'], 'https://a', undefined],
  ])('origins %j for %s: %s', async (origins, origin, allowed) => {
    const { headers, body } = await ask(files(...origins), 'GET', '/x', origin);
    expect(headers['access-control-allow-origin']).toBe(allowed);
    expect(headers['access-control-expose-headers']).toBe(allowed && 'Content-Length');
    expect(body).toBe('reached');
  });

  test('the longest matching prefix decides', async () => {
    const { headers } = await ask(files('http://a.example'), 'GET', '/api/x', 'http://b.example');
    expect(headers['access-control-allow-origin']).toBe('*');
  });

  test('a long origin that nearly fits several times is refused at once', async () => {
    const { headers } = await ask(
      files('https://*.a*.a*.a.example.com'),
      'GET',
      '/x',
      `https://${'.a'.repeat(20_000)}`,
    );
    expect(headers['access-control-allow-origin']).toBeUndefined();
  });

  test('without an origin only varies by it', async () => {
    const { headers } = await ask(files('*'), 'GET', '/x');
    expect(headers.vary).toBe('Origin');
    expect(headers['access-control-allow-origin']).toBeUndefined();
  });
});
