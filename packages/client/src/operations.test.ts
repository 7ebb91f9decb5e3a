import { OPERATIONS } from '@millrace/api/operations';
import { expect, test } from 'vitest';
import { Client } from './client.ts';

const process = { input: [{ address: 'in' }], output: [{ address: 'out' }] };

/** One call for each operation of the API, by its id. */
const CALLS: Record<string, (client: Client) => Promise<unknown>> = {
  about: (client) => client.about(),
  ping: (client) => client.health.ping(),
  'health-live': (client) => client.health.live(),
  'health-ready': (client) => client.health.ready(),
  metrics: (client) => client.metrics.prometheus(),
  profiling: (client) => client.pages.profiling(),
  swagger: (client) => client.pages.swagger(),
  openapi: (client) => client.pages.openApi(),
  'jwt-login': (client) => client.login(),
  'jwt-refresh': (client) => client.refresh(),
  'jwt-rotate': (client) => client.rotate(),
  'jwt-logout': (client) => client.logout(),
  'jwt-revoke': (client) => client.revoke({ subject: 'admin' }),
  'graph-playground': (client) => client.pages.graph(),
  'graph-query': (client) => client.graph.query({ query: '{ ping }' }),
  'graph-query-3': (client) => client.graph.put({ query: '{ ping }' }),
  'config-3-get': (client) => client.config.get(),
  'config-3-status': (client) => client.config.status(),
  'config-3-set': (client) => client.config.set({ name: 'x' }),
  'config-3-reload': (client) => client.config.reload(),
  'filesystem-3-list': (client) => client.files.filesystems(),
  'filesystem-3-list-files': (client) => client.files.list('mem', { glob: '/*', sort: 'name', order: 'asc' }),
  'filesystem-3-get-file': (client) => client.files.get('mem', '/a/b'),
  'filesystem-3-put-file': (client) => client.files.put('mem', '/a/b', 'text'),
  'filesystem-3-delete-file': (client) => client.files.remove('mem', '/a/b'),
  'log-3': (client) => Promise.all([client.log.lines(), client.log.events()]),
  'events-3': (client) => client.events().next(),
  'metadata-3-get-all': (client) => client.metadata.all(),
  'metadata-3-get': (client) => client.metadata.get('a/b'),
  'metadata-3-set': (client) => client.metadata.set('a/b', { c: 1 }),
  'metrics-3-describe': (client) => client.metrics.describe(),
  'metrics-3-metrics': (client) => client.metrics.query({ metrics: [{ name: 'cpu_idle' }] }),
  'process-3-get-all': (client) => client.processes.list({ filter: ['state'], id: ['x'], idpattern: 'x*' }),
  'process-3-add': (client) => client.processes.add(process),
  'process-3-get': (client) => client.processes.get('x', ['config']),
  'process-3-update': (client) => client.processes.update('x', { reference: 'y' }),
  'process-3-delete': (client) => client.processes.remove('x'),
  'process-3-command': (client) => client.processes.command('x', 'start'),
  'process-3-get-config': (client) => client.processes.config('x'),
  'process-3-get-state': (client) => client.processes.state('x'),
  'process-3-get-report': (client) => client.processes.report('x'),
  'process-3-probe': (client) => client.processes.probe('x'),
  'process-3-get-all-process-metadata': (client) => client.processes.allMetadata('x'),
  'process-3-get-process-metadata': (client) => client.processes.metadata('x', 'a/b'),
  'process-3-set-process-metadata': (client) => client.processes.setMetadata('x', 'a/b', null),
  'process-3-playout-status': (client) => client.playout.status('x', 'in'),
  'process-3-playout-reopen-input': (client) => client.playout.reopen('x', 'in'),
  'process-3-playout-keyframe': (client) => client.playout.keyframe('x', 'in', 'last.png'),
  'process-3-playout-errorframencode': (client) => client.playout.encodeErrorFrame('x', 'in'),
  'process-3-playout-errorframe': (client) => client.playout.postErrorFrame('x', 'in', 'a.jpg', new Blob()),
  'process-3-playout-errorframe-put': (client) =>
    client.playout.setErrorFrame('x', 'in', 'a.jpg', new Blob()),
  'process-3-playout-stream': (client) => client.playout.setStream('x', 'in', 'rtmp://host/live'),
  'rtmp-3-list-channels': (client) => client.rtmp.channels(),
  'rtmp-3-kick': (client) => client.rtmp.kick('/live/cam', { remote: '127.0.0.1:5' }),
  'rtmp-flv': (client) => client.rtmp.play('/live/cam', { token: 'x' }),
  'srt-3-list-channels': (client) => client.srt.channels(),
  'srt-3-kick': (client) => client.srt.kick(5),
  'session-3-summary': (client) => client.sessions.summary(['hls']),
  'session-3-current': (client) => client.sessions.active(),
  'skills-3': (client) => client.skills.get(),
  'skills-3-reload': (client) => client.skills.reload(),
  'widget-3-get': (client) => client.processes.widget('x'),
};

/** What stands on other methods, or sends nothing. */
const COMPOSED = ['tokens', 'waitFor', 'config.check'];

interface Sent {
  method: string;
  path: string;
  query: string[];
  hasToken: boolean;
}

/** A client of a server that answers everything, and what it has sent. */
function record() {
  const sent: Sent[] = [];
  const answer = { access_token: 'a', refresh_token: 'r', app: 'datarhei-core', id: 'x', status: 'ok' };
  const call = ((url: string, { method = '', headers }: RequestInit) => {
    const { pathname, searchParams } = new URL(url);
    const hasToken = new Headers(headers).has('authorization');
    sent.push({ method, path: pathname, query: [...searchParams.keys()], hasToken });
    const isEvents = pathname.endsWith('/events');
    const body = isEvents ? 'id: 1\ndata: {}\n\n' : JSON.stringify(answer);
    const type = isEvents ? 'text/event-stream' : 'application/json';
    return Promise.resolve(new Response(body, { headers: { 'content-type': type } }));
  }) as typeof fetch;
  const session = { username: 'admin', password: 'x', accessToken: 'a', refreshToken: 'r' };
  return { sent, client: new Client({ baseUrl: 'http://localhost', ...session, fetch: call }) };
}

test('every operation of the API has a method, and every method an operation', () => {
  expect(Object.keys(CALLS).sort()).toEqual(OPERATIONS.map(({ id }) => id).sort());
});

test.each(OPERATIONS.map((operation) => [operation.id, operation] as const))(
  '%s is what its method sends, with a token if one is needed',
  async (id, { method, path, query = {}, security }) => {
    const { sent, client } = record();
    await CALLS[id]?.(client);
    expect(sent.length).toBeGreaterThan(0);
    const pattern = new RegExp(`^${path.replaceAll(/\{\w+\*\}/g, '.+').replaceAll(/\{\w+\}/g, '[^/]+')}$`);
    for (const request of sent) {
      expect(request.method).toBe(method);
      expect(request.path).toMatch(pattern);
      expect(Object.keys(query)).toEqual(expect.arrayContaining(request.query));
      expect(request.hasToken).toBe(security === 'token' || security === 'refresh');
    }
  },
);

test('no method is left out', async () => {
  const { client } = record();
  const called = new Set<string>();
  const watch = (target: object, prefix: string) =>
    new Proxy(target, {
      get(object, name): unknown {
        const value: unknown = Reflect.get(object, name, object);
        if (typeof value !== 'function') {
          return typeof value === 'object' && value !== null ? watch(value, `${String(name)}.`) : value;
        }
        called.add(prefix + String(name));
        return value.bind(object) as unknown;
      },
    });
  const watched = watch(client, '') as Client;
  for (const call of Object.values(CALLS)) await call(watched);

  const groups = Object.entries(client).filter(([, value]) => typeof value === 'object');
  const methods = [
    ...methodsOf(client),
    ...groups.flatMap(([name, group]) => methodsOf(group as object).map((method) => `${name}.${method}`)),
  ].filter((name) => !COMPOSED.includes(name));
  expect([...called].sort()).toEqual(methods.sort());
});

function methodsOf(object: object): string[] {
  const prototype = Object.getPrototypeOf(object) as object;
  return Object.getOwnPropertyNames(prototype).filter((name) => name !== 'constructor');
}
