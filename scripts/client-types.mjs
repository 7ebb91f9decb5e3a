// Writes the types of the client from the schemas and the table of operations in packages/api, so that what is published
// needs neither them nor the library they are made with.
//
//   node --conditions=source scripts/client-types.mjs [--check]
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import * as api from '@millrace/api';
import { OPERATIONS } from '@millrace/api/operations';
import { format, resolveConfig } from 'prettier';

const ROOT = path.join(import.meta.dirname, '..');
export const TARGET = path.join(ROOT, 'packages/client/src/api.ts');

const HEAD = `// Made from packages/api by \`npm run generate\`: change it there.
import type { Bytes } from './body.ts';
`;

/** The sentence above each exported schema. */
const COMMENTS = commentsOf();

/** The schemas that have a name of their own, by their text: members that may be left out are copies. */
const NAMES = new Map(
  Object.entries(api)
    .filter(([name, value]) => name !== 'Type' && isNamed(value))
    .map(([name, schema]) => [JSON.stringify(schema), name]),
);

/** The module's text. */
export async function clientTypes() {
  const types = Object.entries(api)
    .filter(([name, value]) => name !== 'Type' && !Array.isArray(value))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, schema]) => declarationOf(name, schema));
  const text = [HEAD, ...types, routes()].join('\n');
  return format(text, { ...(await resolveConfig(TARGET)), parser: 'typescript' });
}

function commentsOf() {
  const source = readFileSync(path.join(ROOT, 'packages/api/src/index.ts'), 'utf8');
  const files = [...source.matchAll(/from '\.\/([\w-]+)\.ts'/g)].map(([, name]) => name);
  const found = new Map();
  for (const file of files) {
    const text = readFileSync(path.join(ROOT, `packages/api/src/${file}.ts`), 'utf8');
    for (const [, comment, name] of text.matchAll(/\/\*\*((?:(?!\*\/)[^])*)\*\/\nexport const (\w+)/g)) {
      found.set(name, comment.replace(/\s*\n \* ?/g, ' ').trim());
    }
  }
  return found;
}

/** A name of its own is worth it for objects and for alternatives of them. */
function isNamed(schema) {
  return schema.type === 'object' && schema.properties !== undefined;
}

function declarationOf(name, schema) {
  const comment = docOf(COMMENTS.get(name));
  const body = typeOf(schema, name);
  return isNamed(schema) && body.startsWith('{')
    ? `${comment}export interface ${name} ${body}\n`
    : `${comment}export type ${name} = ${body};\n`;
}

function docOf(text) {
  return text === undefined ? '' : `/** ${text} */\n`;
}

/** @param self the name of what is being declared, which is not to refer to itself. */
function typeOf(schema, self) {
  const name = NAMES.get(JSON.stringify(schema));
  if (name !== undefined && name !== self) return name;
  if ('const' in schema) return JSON.stringify(schema.const);
  if (schema.anyOf) return schema.anyOf.map((one) => typeOf(one)).join(' | ');
  switch (schema.type) {
    case 'string':
    case 'boolean':
    case 'null':
      return schema.type;
    case 'integer':
    case 'number':
      return 'number';
    case 'array':
      return Array.isArray(schema.items)
        ? `[${schema.items.map((item) => typeOf(item)).join(', ')}]`
        : `(${typeOf(schema.items)})[]`;
    case 'object':
      return objectOf(schema);
    case undefined:
      return 'unknown';
    default:
      throw new Error(`no type for ${JSON.stringify(schema)}`);
  }
}

function objectOf({ properties, required = [], patternProperties, additionalProperties }) {
  if (patternProperties) return `Record<string, ${typeOf(Object.values(patternProperties)[0])}>`;
  const members = Object.entries(properties).map(
    ([name, schema]) =>
      `${docOf(schema.description)}${name}${required.includes(name) ? '' : '?'}: ${typeOf(schema)};\n`,
  );
  const others = additionalProperties === true ? '[name: string]: unknown;\n' : '';
  return `{\n${members.join('')}${others}}`;
}

/** What each route takes and answers. */
function routes() {
  const entries = OPERATIONS.map((operation) => {
    const { method, path: route, summary, security, query = {} } = operation;
    const parameters = [...route.matchAll(/\{(\w+)\*?\}/g)].map(([, name]) => name);
    const union = (names) => names.map((name) => JSON.stringify(name)).join(' | ') || 'never';
    return `${docOf(summary)}${JSON.stringify(`${method} ${route}`)}: {
      security: ${JSON.stringify(security)};
      path: ${union(parameters)};
      query: ${union(Object.keys(query))};
      body: ${operation.body ? contentOf(operation.body, 'Bytes') : 'undefined'};
      answer: ${answerOf(operation)};
    };\n`;
  });
  return `/** What a route takes and answers, by its method and path. */
    export interface Routes {\n${entries.join('')}}
`;
}

function answerOf({ answers }) {
  const contents = Object.entries(answers)
    .filter(([status]) => status < 300 && status !== '206')
    .map(([, content]) => (content ? contentOf(content, 'Response') : 'undefined'));
  return [...new Set(contents)].join(' | ');
}

/** @param bytes the type of what is neither JSON nor text. */
function contentOf({ type, schema }, bytes) {
  if (type === 'application/json' || type === 'text/event-stream') return typeOf(schema);
  return type.startsWith('text/') ? 'string' : bytes;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const text = await clientTypes();
  if (!process.argv.includes('--check')) writeFileSync(TARGET, text);
  else if (readFileSync(TARGET, 'utf8') !== text) {
    console.error(`${path.relative(ROOT, TARGET)} does not fit packages/api: npm run generate`);
    process.exitCode = 1;
  }
}
