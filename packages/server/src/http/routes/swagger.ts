import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { FastifyReply } from 'fastify';
import { compressJson } from '../compress.ts';
import { JSON_TYPE, TEXT_TYPE, toJson } from '../json.ts';
import type { Routes } from '../server.ts';

const HTML_TYPE = 'text/html; charset=UTF-8';
const SCRIPT_TYPE = 'text/javascript; charset=UTF-8';

const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>datarhei Core API</title>
<link rel="stylesheet" href="swagger-ui.css">
<link rel="icon" href="favicon-32x32.png">
</head>
<body>
<div id="swagger-ui"></div>
<script src="swagger-ui-bundle.js"></script>
<script src="start.js"></script>
</body>
</html>
`;
const START = `SwaggerUIBundle({ url: '../openapi.json', dom_id: '#swagger-ui', deepLinking: true, validatorUrl: null });
`;

/** Nothing but this server's own; the interface sets styles of elements. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** The files of the interface that the page needs, and their types. */
const ASSETS: Readonly<Record<string, string>> = {
  'swagger-ui.css': 'text/css; charset=UTF-8',
  'swagger-ui-bundle.js': SCRIPT_TYPE,
  'favicon-32x32.png': 'image/png',
};

/** The description of the API for programs, in both forms, and for people. It is made on the first request. */
export function swaggerRoutes(): Routes {
  const swagger = once(() => describe('toSwagger'));
  const openApi = once(() => describe('toOpenApi'));
  return (app) => {
    compressJson(app);
    for (const path of ['/api/swagger', '/api/swagger/']) {
      app.get(path, (_request, reply) =>
        reply.code(301).header('location', '/api/swagger/index.html').send(),
      );
    }
    app.get('/api/openapi.json', async (_request, reply) => send(reply, JSON_TYPE, await openApi()));
    app.get('/api/swagger/doc.json', async (_request, reply) => send(reply, JSON_TYPE, await swagger()));
    app.get('/api/swagger/index.html', (_request, reply) =>
      send(reply.header('content-security-policy', POLICY), HTML_TYPE, PAGE),
    );
    app.get('/api/swagger/start.js', (_request, reply) => send(reply, SCRIPT_TYPE, START));
    app.get<{ Params: { '*': string } }>('/api/swagger/*', async (request, reply) => {
      const name = request.params['*'];
      const type = Object.hasOwn(ASSETS, name) ? ASSETS[name] : undefined;
      if (type === undefined) return send(reply.code(404), TEXT_TYPE, 'not found');
      const content = await readFile(join(assetsFolder(), name));
      // As text, it is compressed.
      return send(reply, type, type.startsWith('text/') ? content.toString() : content);
    });
  };
}

function send(reply: FastifyReply, type: string, content: string | Buffer): FastifyReply {
  return reply.header('content-type', type).send(content);
}

/** Loads what it takes only now: most servers are never asked. */
async function describe(form: 'toSwagger' | 'toOpenApi'): Promise<string> {
  const [{ OPERATIONS }, forms] = await Promise.all([
    import('@millrace/api/operations'),
    import('../openapi.ts'),
  ]);
  return toJson(forms[form](OPERATIONS));
}

function assetsFolder(): string {
  return dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}
