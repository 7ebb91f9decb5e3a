import { gunzipSync } from 'node:zlib';
import fastify from 'fastify';
import { expect, test } from 'vitest';
import { acceptsGzip, compressJson } from './compress.ts';

test.each([
  [undefined, false],
  ['', false],
  ['gzip', true],
  ['deflate, GZIP;q=0.5', true],
  ['gzip;q=0', false],
  ['gzip; q=0.000, *', false],
  ['*', true],
  ['*;q=0', false],
  ['gzipped', false],
  ['br', false],
])('Accept-Encoding %j allows gzip: %s', (header, expected) => {
  expect(acceptsGzip(header)).toBe(expected);
});

test.each([
  [999, undefined],
  [1000, 'gzip'],
])('an answer of %i bytes has the encoding %s', async (size, encoding) => {
  const app = fastify();
  compressJson(app);
  app.get('/', () => 'x'.repeat(size));
  const response = await app.inject({ url: '/', headers: { 'accept-encoding': 'gzip' } });
  await app.close();
  expect(response.headers['content-encoding']).toBe(encoding);
  expect(response.headers.vary).toEqual(['Accept-Encoding']);
  const body = encoding === 'gzip' ? gunzipSync(response.rawPayload) : response.rawPayload;
  expect(body.toString()).toBe('x'.repeat(size));
  expect(Number(response.headers['content-length'])).toBe(response.rawPayload.length);
});
