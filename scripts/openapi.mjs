// Compares the server's description in Swagger 2.0 with that of the reference: no path, method, status or field of the
// reference may be missing.
//
//   node --conditions=source scripts/openapi.mjs FILE_OF_THE_REFERENCE
import { readFileSync } from 'node:fs';
import process from 'node:process';
import { OPERATIONS } from '@millrace/api/operations';
import { toSwagger } from '../packages/server/src/http/openapi.ts';

/**
 * Where the reference's description is wrong about its own answers: a value is a pair, and not an object; the SRT streams
 * are one object, and not a list.
 */
const WRONG = /\.values\[\]\.(ts|value)$|^GET \/api\/v3\/srt: 200\[\]\./;

const [file] = process.argv.slice(2);
if (!file) throw new Error('usage: node --conditions=source scripts/openapi.mjs FILE_OF_THE_REFERENCE');
const reference = JSON.parse(readFileSync(file, 'utf8'));
const own = JSON.parse(JSON.stringify(toSwagger(OPERATIONS)));

const counts = { paths: 0, methods: 0, statuses: 0, fields: 0, exceptions: 0 };
const missing = [];

for (const [path, methods] of Object.entries(reference.paths)) {
  counts.paths++;
  for (const [method, operation] of Object.entries(methods)) {
    counts.methods++;
    const place = `${method.toUpperCase()} ${path}`;
    const found = own.paths[path]?.[method];
    if (!found) {
      missing.push(place);
      continue;
    }
    compareParameters(place, operation.parameters ?? [], found.parameters ?? []);
    for (const [status, answer] of Object.entries(operation.responses)) {
      counts.statuses++;
      const counterpart = found.responses[status];
      if (!counterpart) missing.push(`${place}: ${status}`);
      else compareFields(`${place}: ${status}`, answer.schema, counterpart.schema);
    }
  }
}
for (const name of Object.keys(reference.securityDefinitions)) {
  if (!own.securityDefinitions[name]) missing.push(`security ${name}`);
}

for (const place of missing) console.log(`MISSING  ${place}`);
console.log(
  `openapi: ${Object.entries(counts)
    .map(([what, count]) => `${count} ${what}`)
    .join(', ')}; ${missing.length} missing`,
);
process.exitCode = missing.length > 0 ? 1 : 0;

function compareParameters(place, wanted, given) {
  for (const parameter of wanted) {
    const isBody = parameter.in === 'body';
    const found = given.find((one) => one.in === parameter.in && (isBody || one.name === parameter.name));
    if (!found) missing.push(`${place}: ${parameter.in} ${parameter.name}`);
    else if (isBody) compareFields(`${place}: body`, parameter.schema, found.schema);
  }
}

/** Schemas that contain themselves would not end here; the reference has none. */
function compareFields(place, wanted, given) {
  const from = resolve(reference, wanted);
  const to = resolve(own, given);
  for (const [name, schema] of Object.entries(from.properties ?? {})) {
    const at = `${place}.${name}`;
    counts.fields++;
    if (to.properties?.[name]) compareFields(at, schema, to.properties[name]);
    else if (WRONG.test(at)) counts.exceptions++;
    else missing.push(at);
  }
  if (from.items) compareFields(`${place}[]`, from.items, to.items);
  if (typeof from.additionalProperties === 'object') {
    compareFields(`${place}{}`, from.additionalProperties, to.additionalProperties);
  }
}

function resolve(document, schema = {}) {
  const target = schema.$ref ?? schema.allOf?.[0]?.$ref;
  if (!target) return schema;
  return resolve(document, document.definitions[target.slice('#/definitions/'.length)]);
}
