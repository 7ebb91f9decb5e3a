import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { OPERATIONS } from '@millrace/api/operations';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startServer, type TestServer } from '../support/server.ts';

/** Routes that are files, or there to refuse what other methods and paths ask for. */
const UNDESCRIBED = / \/(?!api|health|metrics$|ping$)|\/\*$| \/api\/swagger\/|^(POST|PUT|DELETE) \/api$/;

/** Where the official Go client asks by mistake: answered, but nothing to tell others of. */
const MISTAKEN = ['GET /api/v3/sessions', 'GET /api/v3/sessions/active', 'GET /api/v3/widget/process:id(.+)'];

let server: TestServer;
const routes = new Set<string>();

beforeAll(async () => {
  const collect = (message: unknown) => {
    (message as { fastify: FastifyInstance }).fastify.addHook('onRoute', ({ method, url }) => {
      for (const one of [method].flat()) routes.add(`${one} ${url}`);
    });
  };
  subscribe('fastify.initialization', collect);
  server = await startServer({
    env: {
      CORE_METRICS_ENABLE_PROMETHEUS: 'true',
      CORE_RTMP_ENABLE: 'true',
      CORE_RTMP_ADDRESS: '127.0.0.1:0',
      CORE_SRT_ENABLE: 'true',
      CORE_SRT_ADDRESS: '127.0.0.1:0',
    },
  });
  unsubscribe('fastify.initialization', collect);
});

afterAll(async () => {
  await server.close();
});

/** The form that operations and routes have in common. */
const common = (path: string) => path.replace(/\{\w+\*\}/g, '*').replace(/\{\w+\}|:\w+/g, ':');

const described = OPERATIONS.filter(({ isPlanned, needs }) => !isPlanned && needs !== 'debug.profiling').map(
  ({ method, path }) => `${method} ${common(path)}`,
);

test('every described operation has a route', () => {
  const known = new Set([...routes].map(common));
  expect(described.filter((operation) => !known.has(operation))).toEqual([]);
});

test('every route of the API is described', () => {
  const unknown = [...routes]
    .filter((route) => /^(GET|POST|PUT|DELETE) /.test(route))
    .filter((route) => !UNDESCRIBED.test(route) && !MISTAKEN.includes(route))
    .filter((route) => !described.includes(common(route)));
  expect(unknown).toEqual([]);
});

describe.each(['/api/openapi.json', '/api/swagger/doc.json'])('%s', (path) => {
  test('refers to nothing that is not there, and names no operation twice', async () => {
    const answer = await fetch(`${server.base}${path}?any=query`);
    const text = await answer.text();
    const document = JSON.parse(text) as { definitions?: object; components?: { schemas: object } };
    const schemas = Object.keys(document.definitions ?? document.components?.schemas ?? {});
    const references = [...text.matchAll(/"\$ref":"#\/(?:definitions|components\/schemas)\/(\w+)"/g)];
    expect(new Set(references.map(([, name]) => name))).toEqual(new Set(schemas));
    const ids = OPERATIONS.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

test.each(['/api/swagger', '/api/swagger/'])('%s leads to the page', async (path) => {
  const answer = await fetch(`${server.base}${path}`);
  expect({ url: answer.url, status: answer.status }).toEqual({
    url: `${server.base}/api/swagger/index.html`,
    status: 200,
  });
});
