import * as api from './index.ts';
import { Type, type TSchema } from './schema.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

/** What a request has to carry: nothing, an access token, a refresh token, or a user name and password. */
export type Security = 'none' | 'token' | 'refresh' | 'login';

/** The content of a body or an answer. */
export interface Content<Schema extends TSchema = TSchema> {
  /** Media type. */
  type: string;
  schema: Schema;
}

/** One operation of the HTTP API. */
export interface Operation {
  id: string;
  method: Method;
  /** With the parameters in braces; one that ends in a star may hold slashes. */
  path: string;
  summary: string;
  security: Security;
  /** Descriptions by name. */
  query?: Readonly<Record<string, string>>;
  body?: Content;
  /** By status; undefined for an empty one. */
  answers: Readonly<Record<number, Content | undefined>>;
  /** Whether it is missing from a read-only server. */
  isWrite?: true;
  /** What is described as the reference has it, but not built yet. */
  isPlanned?: true;
  /** What a setting turns on. */
  needs?: string;
}

const json = <Schema extends TSchema>(schema: Schema): Content<Schema> => ({
  type: 'application/json',
  schema,
});
const OK = json(Type.String({ description: 'OK' }));
const ANY = json(Type.Unknown());
const TEXT: Content = { type: 'text/plain', schema: Type.String() };
const HTML: Content = { type: 'text/html', schema: Type.String() };
const file = (type: string): Content => ({ type, schema: Type.String({ format: 'binary' }) });
const ERROR = json(api.ApiErrorBody);
const PROCESS = '/api/v3/process/{id}';
const PLAYER = `${PROCESS}/playout/{inputid}`;

const get = (id: string, path: string, summary: string, answer: Content | undefined, ...errors: number[]) =>
  operation('GET', id, path, summary, { [answer ? 200 : 204]: answer }, errors);

function operation(
  method: Method,
  id: string,
  path: string,
  summary: string,
  answers: Record<number, Content | undefined>,
  errors: readonly number[],
): Operation {
  const guarded = path.startsWith('/api/');
  const failures = Object.fromEntries((guarded ? [401, ...errors] : errors).map((status) => [status, ERROR]));
  return {
    id,
    method,
    path,
    summary,
    security: guarded ? 'token' : 'none',
    answers: { ...failures, ...answers },
  };
}

const write = (
  method: Exclude<Method, 'GET'>,
  id: string,
  path: string,
  summary: string,
  body: Content | undefined,
  answers: Record<number, Content | undefined>,
  ...errors: number[]
): Operation => ({
  ...operation(method, id, path, summary, answers, errors),
  ...(body && { body }),
  isWrite: true,
});

const playout = (id: string, path: string, summary: string, answers: Record<number, Content | undefined>) =>
  operation('GET', id, `${PLAYER}/${path}`, summary, answers, [404, 500]);

/** Every operation of the HTTP API but those of mounted files: what the servers' routes and clients are held against. */
export const OPERATIONS: readonly Operation[] = [
  { ...get('about', '/api', 'API version and build infos', json(api.About)), security: 'token' },
  get('ping', '/ping', 'Liveliness check', TEXT),
  get('health-live', '/health/live', 'Whether the server runs', json(api.Liveness)),
  {
    ...get('health-ready', '/health/ready', 'Whether the server can do its work', json(api.Readiness)),
    answers: { 200: json(api.Readiness), 503: json(api.Readiness) },
  },
  { ...get('metrics', '/metrics', 'Prometheus metrics', TEXT), needs: 'metrics.enable_prometheus' },
  {
    ...get('profiling', '/profiling', 'Profiles of the server', HTML),
    answers: { 200: HTML, 404: TEXT },
    security: 'token',
    needs: 'debug.profiling',
  },
  { ...get('swagger', '/api/swagger', 'Swagger UI for this API', HTML), security: 'none' },
  {
    ...get('openapi', '/api/openapi.json', 'This description in OpenAPI 3.1', ANY),
    security: 'none',
  },

  {
    ...write(
      'POST',
      'jwt-login',
      '/api/login',
      'Retrieve an access and a refresh token',
      json(api.LoginRequest),
      {
        200: json(api.TokenPair),
        429: ERROR,
      },
      400,
      403,
      500,
    ),
    security: 'login',
  },
  {
    ...get('jwt-refresh', '/api/login/refresh', 'Retrieve a new access token', json(api.AccessToken), 500),
    security: 'refresh',
  },
  {
    ...write(
      'POST',
      'jwt-rotate',
      '/api/login/refresh',
      'Exchange a refresh token for new tokens',
      undefined,
      {
        200: json(api.TokenPair),
      },
    ),
    security: 'refresh',
  },
  write('POST', 'jwt-logout', '/api/logout', 'Log out', undefined, { 200: OK }),
  write(
    'POST',
    'jwt-revoke',
    '/api/v3/auth/revoke',
    'Revoke sessions',
    json(api.RevokeRequest),
    { 200: ANY },
    400,
  ),

  get('graph-playground', '/api/graph', 'Load GraphQL playground', HTML),
  ...(['/api/graph/query', '/api/v3/graph'] as const)
    .map((path, index) =>
      operation(
        index === 0 ? 'POST' : 'PUT',
        index === 0 ? 'graph-query' : 'graph-query-3',
        path,
        'Query the GraphAPI',
        {
          200: json(api.GraphResponse),
          400: json(api.GraphResponse),
          422: json(api.GraphResponse),
        },
        [413],
      ),
    )
    .map((graph): Operation => ({ ...graph, body: json(api.GraphQuery) })),

  get(
    'config-3-get',
    '/api/v3/config',
    'Retrieve the currently active configuration',
    json(api.ConfigAnswer),
  ),
  get(
    'config-3-status',
    '/api/v3/config/status',
    'Whether the stored configuration is the active one',
    json(api.ConfigStatus),
  ),
  {
    ...write(
      'PUT',
      'config-3-set',
      '/api/v3/config',
      'Update the configuration',
      json(api.ConfigData),
      {
        200: OK,
        409: json(api.ConfigConflictBody),
      },
      400,
    ),
    query: { dry_run: '1 or true to look for errors only, and to store nothing' },
  },
  {
    ...get('config-3-reload', '/api/v3/config/reload', 'Reload the currently active configuration', OK),
    isWrite: true,
  },

  get(
    'filesystem-3-list',
    '/api/v3/fs',
    'List all registered filesystems',
    json(Type.Array(api.FilesystemInfo)),
  ),
  {
    ...get(
      'filesystem-3-list-files',
      '/api/v3/fs/{storage}',
      'List all files on a filesystem',
      json(Type.Array(api.FileInfo)),
      404,
    ),
    query: {
      glob: 'Pattern that the names have to fit',
      sort: 'none, name, size or lastmod',
      order: 'asc or desc',
    },
  },
  operation(
    'GET',
    'filesystem-3-get-file',
    '/api/v3/fs/{storage}/{filepath*}',
    'Fetch a file from a filesystem',
    {
      200: file('application/data'),
      206: file('application/data'),
      301: TEXT,
      304: undefined,
    },
    [404, 416],
  ),
  write(
    'PUT',
    'filesystem-3-put-file',
    '/api/v3/fs/{storage}/{filepath*}',
    'Add a file to a filesystem',
    file('application/data'),
    {
      201: TEXT,
      204: undefined,
    },
    404,
    507,
  ),
  write(
    'DELETE',
    'filesystem-3-delete-file',
    '/api/v3/fs/{storage}/{filepath*}',
    'Remove a file from a filesystem',
    undefined,
    {
      200: TEXT,
    },
    404,
  ),

  {
    ...get('log-3', '/api/v3/log', 'Application log', json(api.LogLines), 400),
    query: {
      format: 'console or raw',
      level: 'Only of this level and above',
      component: 'Only of these components, separated by commas',
      since: 'RFC 3339 or Unix seconds',
      limit: 'Only the newest',
    },
  },
  {
    ...get(
      'events-3',
      '/api/v3/events',
      'What happens, as Server-Sent Events',
      {
        type: 'text/event-stream',
        schema: api.Event,
      },
      400,
    ),
    query: {
      type: 'Only of these types, separated by commas',
      process: 'Only of processes that fit this pattern',
      level: 'Log lines of this level and above',
      last_event_id: 'Only what came after this one; the header `Last-Event-ID` goes before it',
    },
  },

  get('metadata-3-get-all', '/api/v3/metadata', 'Retrieve all JSON metadata', ANY),
  get('metadata-3-get', '/api/v3/metadata/{key*}', 'Retrieve JSON metadata from a key', ANY, 400, 404),
  write(
    'PUT',
    'metadata-3-set',
    '/api/v3/metadata/{key*}',
    'Add JSON metadata under the given key',
    ANY,
    { 200: ANY },
    400,
  ),

  get(
    'metrics-3-describe',
    '/api/v3/metrics',
    'List all known metrics with their description and labels',
    json(Type.Array(api.MetricsDescription)),
  ),
  {
    ...operation(
      'POST',
      'metrics-3-metrics',
      '/api/v3/metrics',
      'Query the collected metrics',
      { 200: json(api.MetricsResponse) },
      [400],
    ),
    body: json(api.MetricsQuery),
  },

  {
    ...get('process-3-get-all', '/api/v3/process', 'List all known processes', json(Type.Array(api.Process))),
    query: {
      filter: 'Parts to show, separated by commas: config, state, report, metadata',
      reference: 'Only with this reference',
      id: 'Only these ids, separated by commas',
      idpattern: 'Only ids that fit this pattern',
      refpattern: 'Only references that fit this pattern',
    },
  },
  write(
    'POST',
    'process-3-add',
    '/api/v3/process',
    'Add a new process',
    json(api.ProcessConfigBody),
    { 200: json(api.ProcessConfig) },
    400,
  ),
  {
    ...get('process-3-get', PROCESS, 'List a process by its ID', json(api.Process), 404),
    query: { filter: 'Parts to show, separated by commas: config, state, report, metadata' },
  },
  write(
    'PUT',
    'process-3-update',
    PROCESS,
    'Replace an existing process',
    json(api.ProcessConfigBody),
    { 200: json(api.ProcessConfig) },
    400,
    404,
  ),
  write('DELETE', 'process-3-delete', PROCESS, 'Delete a process by its ID', undefined, { 200: OK }, 404),
  write(
    'PUT',
    'process-3-command',
    `${PROCESS}/command`,
    'Issue a command to a process',
    json(api.Command),
    { 200: OK },
    400,
    404,
  ),
  get(
    'process-3-get-config',
    `${PROCESS}/config`,
    'Get the configuration of a process',
    json(api.ProcessConfig),
    400,
    404,
  ),
  get(
    'process-3-get-state',
    `${PROCESS}/state`,
    'Get the state of a process',
    json(api.ProcessState),
    400,
    404,
  ),
  get(
    'process-3-get-report',
    `${PROCESS}/report`,
    'Get the logs of a process',
    json(api.ProcessReport),
    400,
    404,
  ),
  get('process-3-probe', `${PROCESS}/probe`, 'Probe a process', json(api.Probe)),
  get(
    'process-3-get-all-process-metadata',
    `${PROCESS}/metadata`,
    'Retrieve all JSON metadata stored with a process',
    ANY,
    404,
  ),
  get(
    'process-3-get-process-metadata',
    `${PROCESS}/metadata/{key*}`,
    'Retrieve JSON metadata stored with a process under a key',
    ANY,
    400,
    404,
  ),
  write(
    'PUT',
    'process-3-set-process-metadata',
    `${PROCESS}/metadata/{key*}`,
    'Add JSON metadata with a process under the given key',
    ANY,
    { 200: ANY },
    400,
    404,
  ),

  playout('process-3-playout-status', 'status', 'Get the current playout status', {
    200: json(api.PlayoutStatus),
  }),
  playout('process-3-playout-reopen-input', 'reopen', 'Close the current input stream', { 200: TEXT }),
  playout('process-3-playout-keyframe', 'keyframe/{name*}', 'Get the last keyframe', {
    200: file('image/jpeg'),
  }),
  playout('process-3-playout-errorframencode', 'errorframe/encode', 'Encode the errorframe', {
    204: undefined,
  }),
  ...(['POST', 'PUT'] as const).map((method) =>
    write(
      method,
      `process-3-playout-errorframe${method === 'PUT' ? '-put' : ''}`,
      `${PLAYER}/errorframe/{name*}`,
      'Upload an error frame',
      file('application/octet-stream'),
      { 204: undefined },
      404,
      500,
    ),
  ),
  write(
    'PUT',
    'process-3-playout-stream',
    `${PLAYER}/stream`,
    'Switch to a new stream',
    TEXT,
    { 204: undefined },
    404,
    500,
  ),

  {
    ...get(
      'rtmp-3-list-channels',
      '/api/v3/rtmp',
      'List all publishing RTMP streams',
      json(Type.Array(api.RtmpChannel)),
    ),
    needs: 'rtmp.enable',
  },
  {
    ...write(
      'DELETE',
      'rtmp-3-kick',
      '/api/v3/rtmp/{path*}',
      'Cut off the publisher of an RTMP stream, or one of its players',
      undefined,
      { 200: OK },
      404,
    ),
    query: { remote: 'Address and port of the player, instead of the publisher' },
    needs: 'rtmp.enable',
  },
  {
    ...get(
      'rtmp-flv',
      '/rtmp/{path*}',
      'Play an RTMP stream as HTTP-FLV',
      file('video/x-flv'),
      403,
      404,
      509,
    ),
    query: { token: 'The token, if `rtmp.token` is set' },
    needs: 'rtmp.enable',
  },
  {
    ...get('srt-3-list-channels', '/api/v3/srt', 'List all publishing SRT streams', json(api.SrtChannels)),
    needs: 'srt.enable',
  },
  {
    ...write(
      'DELETE',
      'srt-3-kick',
      '/api/v3/srt/{id}',
      'Cut off a publisher or a player by the id of its SRT socket',
      undefined,
      { 200: OK },
      404,
    ),
    needs: 'srt.enable',
  },

  {
    ...get(
      'session-3-summary',
      '/api/v3/session',
      'Get a summary of all active and past sessions',
      json(api.SessionsSummary),
    ),
    query: { collectors: 'Only of these collectors, separated by commas' },
  },
  {
    ...get(
      'session-3-current',
      '/api/v3/session/active',
      'Get a minimal summary of all active sessions',
      json(api.SessionsActive),
    ),
    query: { collectors: 'Only of these collectors, separated by commas' },
  },
  get('skills-3', '/api/v3/skills', 'FFmpeg capabilities', json(api.Skills)),
  get('skills-3-reload', '/api/v3/skills/reload', 'Refresh FFmpeg capabilities', json(api.Skills)),
  {
    ...get(
      'widget-3-get',
      '/api/v3/widget/process/{id}',
      'Fetch minimal statistics about a process',
      json(api.WidgetProcess),
      404,
    ),
    security: 'none',
  },
];
