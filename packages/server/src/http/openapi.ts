import * as api from '@millrace/api';
import type { Content, Operation, Security } from '@millrace/api/operations';
import { STATUS_CODES } from '../util/node-http.ts';

type Json = Record<string, unknown>;

/** The two forms of a description: OpenAPI 3.1, and Swagger 2.0 for older tools. */
type Form = 'openapi' | 'swagger';

const INFO = {
  title: 'datarhei Core API',
  description: 'Supervises FFmpeg processes, and takes and gives live streams',
  version: '3.0',
  license: { name: 'Apache 2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
};

const TOKEN_SCHEMES: Record<Form, Json> = {
  openapi: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
  swagger: { type: 'apiKey', name: 'Authorization', in: 'header' },
};
const SECURITY: Readonly<Record<Security, readonly Json[]>> = {
  none: [],
  token: [{ ApiKeyAuth: [] }],
  refresh: [{ ApiRefreshKeyAuth: [] }],
  // By the body, or by the token of a provider.
  login: [{}, { Auth0KeyAuth: [] }],
};

function securitySchemes(form: Form): Json {
  const token = TOKEN_SCHEMES[form];
  const basic = form === 'openapi' ? { type: 'http', scheme: 'basic' } : { type: 'basic' };
  return { ApiKeyAuth: token, ApiRefreshKeyAuth: token, Auth0KeyAuth: token, BasicAuth: basic };
}

/** The description in OpenAPI 3.1. */
export function toOpenApi(operations: readonly Operation[]): Json {
  const schemas = new Schemas('openapi');
  return {
    openapi: '3.1.1',
    info: INFO,
    servers: [{ url: '/' }],
    paths: pathsOf(operations, (operation) => ({
      ...headOf(operation),
      security: SECURITY[operation.security],
      parameters: [
        ...pathParameters(operation).map((name) => ({
          name,
          in: 'path',
          required: true,
          schema: { type: 'string' },
        })),
        ...Object.entries(operation.query ?? {}).map(([name, description]) => ({
          name,
          in: 'query',
          description,
          schema: { type: 'string' },
        })),
      ],
      ...(operation.body && {
        requestBody: { required: true, content: contentOf(operation.body, schemas) },
      }),
      responses: answersOf(operation, (content) => ({ content: contentOf(content, schemas) })),
    })),
    components: { schemas: schemas.definitions(), securitySchemes: securitySchemes('openapi') },
  };
}

/** The description in Swagger 2.0, as the reference serves it. */
export function toSwagger(operations: readonly Operation[]): Json {
  const schemas = new Schemas('swagger');
  return {
    swagger: '2.0',
    info: INFO,
    host: '',
    basePath: '/',
    schemes: [],
    paths: pathsOf(operations, (operation) => ({
      ...headOf(operation),
      security: SECURITY[operation.security],
      ...(operation.body && { consumes: [operation.body.type] }),
      produces: [...new Set(Object.values(operation.answers).flatMap((content) => content?.type ?? []))],
      parameters: [
        ...pathParameters(operation).map((name) => ({ name, in: 'path', required: true, type: 'string' })),
        ...Object.entries(operation.query ?? {}).map(([name, description]) => ({
          name,
          in: 'query',
          description,
          type: 'string',
        })),
        ...(operation.body
          ? [{ name: 'body', in: 'body', required: true, schema: schemas.use(operation.body.schema) }]
          : []),
      ],
      responses: answersOf(operation, ({ schema }) => ({ schema: schemas.use(schema) })),
    })),
    definitions: schemas.definitions(),
    securityDefinitions: securitySchemes('swagger'),
  };
}

function pathsOf(operations: readonly Operation[], describe: (operation: Operation) => Json): Json {
  const paths: Record<string, Json> = {};
  for (const operation of operations) {
    const path = operation.path.replaceAll('*}', '}');
    paths[path] = { ...paths[path], [operation.method.toLowerCase()]: describe(operation) };
  }
  return paths;
}

function headOf({ id, summary, path, isPlanned, needs }: Operation): Json {
  const notes = [
    ...(isPlanned ? ['Not built yet.'] : []),
    ...(needs === undefined ? [] : [`Only if \`${needs}\` is on.`]),
  ];
  return {
    operationId: id,
    summary,
    tags: [/^\/api\/v3\/([^/]+)/.exec(path)?.[1] ?? 'server'],
    ...(notes.length > 0 && { description: notes.join(' ') }),
  };
}

function pathParameters({ path }: Operation): string[] {
  return [...path.matchAll(/\{(\w+)\*?\}/g)].map(([, name = '']) => name);
}

function contentOf({ type, schema }: Content, schemas: Schemas): Json {
  return { [type]: { schema: schemas.use(schema) } };
}

function answersOf({ answers }: Operation, describe: (content: Content) => Json): Json {
  return Object.fromEntries(
    Object.entries(answers).map(([status, content]) => [
      status,
      { description: STATUS_CODES[status] ?? status, ...(content && describe(content)) },
    ]),
  );
}

/** Schemas in one form; those that the API names are put down once and referred to. */
class Schemas {
  readonly #form: Form;
  readonly #names: ReadonlyMap<unknown, string>;
  readonly #used = new Map<string, unknown>();

  constructor(form: Form) {
    this.#form = form;
    this.#names = new Map(Object.entries(api).map(([name, schema]) => [schema, name]));
  }

  use(schema: object): unknown {
    const name = this.#names.get(schema);
    if (name === undefined) return this.#convert(schema);
    if (!this.#used.has(name)) {
      this.#used.set(name, undefined);
      this.#used.set(name, this.#convert(schema));
    }
    const place = this.#form === 'openapi' ? 'components/schemas' : 'definitions';
    return { $ref: `#/${place}/${name}` };
  }

  definitions(): Json {
    return Object.fromEntries([...this.#used].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  #convert(schema: object): unknown {
    const { items, properties, anyOf, patternProperties, ...rest } = schema as Json;
    delete rest['additionalItems'];
    return {
      ...(this.#form === 'openapi' ? rest : withoutConst(rest)),
      ...(items !== undefined && this.#items(items as object)),
      ...(properties !== undefined && { properties: this.#each(properties as Json) }),
      ...(anyOf !== undefined && this.#alternatives(anyOf as object[])),
      // All records are of any keys.
      ...(patternProperties !== undefined && {
        additionalProperties: this.use(Object.values(patternProperties as Json)[0] as object),
      }),
    };
  }

  #each(schemas: Json): Json {
    return Object.fromEntries(
      Object.entries(schemas).map(([name, schema]) => [name, this.use(schema as object)]),
    );
  }

  /** Swagger knows no tuples. */
  #items(items: object): Json {
    if (!Array.isArray(items)) return { items: this.use(items) };
    const members = items.map((item: object) => this.use(item));
    if (this.#form === 'openapi') return { prefixItems: members, items: false };
    return { items: {}, maxItems: members.length };
  }

  /** Swagger knows no alternatives, and nothing that is null. */
  #alternatives(schemas: readonly object[]): Json {
    if (this.#form === 'openapi') return { anyOf: schemas.map((schema) => this.use(schema)) };
    const [only, ...others] = schemas.filter((schema) => (schema as Json)['type'] !== 'null');
    return only !== undefined && others.length === 0 ? { allOf: [this.use(only)], 'x-nullable': true } : {};
  }
}

function withoutConst({ const: value, ...schema }: Json): Json {
  return value === undefined ? schema : { ...schema, enum: [value] };
}
