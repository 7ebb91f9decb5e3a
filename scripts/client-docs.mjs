// Writes the reference of the client from its sources: every method with its comment, its types and its route, and every
// type.
//
//   node scripts/client-docs.mjs [--check]
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import ts from 'typescript';

const ROOT = path.join(import.meta.dirname, '..');
const SOURCES = path.join(ROOT, 'packages/client/src');
export const TARGET = path.join(ROOT, 'packages/client/docs/reference.md');

/** All of it is exported. */
const API = 'api.ts';

const HEAD = `<!-- Made from the sources by \`npm run generate\`: change their comments. -->

# Reference of the client

Every method, and the types that it takes and gives. How to use them is told in the [README](../README.md).
Every call takes [CallOptions](#types) last, and fails with a \`MillraceError\`.
`;

/** The reference's text. */
export async function clientDocs() {
  const index = readFileSync(path.join(SOURCES, 'index.ts'), 'utf8');
  const files = filesOf(index).map(parse);
  const declarations = new Map(
    files.flatMap((file) => file.statements.map((node) => [node.name?.text, node])),
  );
  const client = declarations.get('Client');
  const groups = client.members
    .filter((member) => ts.isPropertyDeclaration(member) && ts.isIdentifier(member.name))
    .filter((member) => declarations.has(member.type?.getText()))
    .map((member) => [member.name.text, declarations.get(member.type.getText())]);

  const text = [
    HEAD,
    classSection('Client', 'client', client),
    ...groups.map(([name, group]) => classSection(`client.${name}`, `client.${name}`, group)),
    '## Types\n',
    ...[...declarations.values()].filter((node) => isType(node, index)).map(declarationOf),
  ].join('\n');
  return format(text, { ...(await resolveConfig(TARGET)), parser: 'markdown' });
}

/** The modules that the index exports something of. */
function filesOf(index) {
  const names = [...index.matchAll(/from '\.\/([\w/-]+\.ts)'/g)].map(([, name]) => name);
  // The types of the API are many, and come last.
  return [...names.filter((name) => name !== API), API];
}

function parse(name) {
  const text = readFileSync(path.join(SOURCES, name), 'utf8');
  return ts.createSourceFile(name, text, ts.ScriptTarget.Latest, true);
}

function classSection(title, value, node) {
  const methods = node.members.filter(
    (member) =>
      (ts.isConstructorDeclaration(member) && title === 'Client') ||
      (ts.isMethodDeclaration(member) && ts.isIdentifier(member.name)),
  );
  return [`## ${title}\n`, commentOf(node), ...methods.map((method) => methodOf(value, method))].join('\n');
}

function methodOf(value, method) {
  const isConstructor = ts.isConstructorDeclaration(method);
  const parameters = method.parameters.map((parameter) => {
    const isOptional = parameter.questionToken !== undefined || parameter.initializer !== undefined;
    const name = ts.isIdentifier(parameter.name) ? parameter.name.text : 'options';
    return `${name}${isOptional ? '?' : ''}: ${parameter.type.getText()}`;
  });
  const call = isConstructor ? 'new Client' : `${value}.${method.name.text}`;
  const result = isConstructor ? 'Client' : method.type.getText();
  const signature = `${call}(${parameters.join(', ')}): ${result}`;
  const routes = routesOf(method).map((route) => `\`${route}\``);
  return [
    `### ${isConstructor ? 'Constructor' : call}\n`,
    `\`\`\`\n${signature}\n\`\`\`\n`,
    commentOf(method),
    routes.length > 0 ? `Route: ${routes.join(', ')}\n` : '',
  ].join('\n');
}

/** The routes that stand in the body of a method. */
function routesOf(method) {
  const texts = [];
  const visit = (node) => {
    if (ts.isStringLiteral(node) && /^(GET|POST|PUT|DELETE) \//.test(node.text)) texts.push(node.text);
    ts.forEachChild(node, visit);
  };
  ts.forEachChild(method, visit);
  return [...new Set(texts)];
}

/** The comment above a declaration as running text, with what it throws and returns. */
function commentOf(node) {
  const lines = ts.getJSDocCommentsAndTags(node).flatMap((comment) => {
    const tags = (comment.tags ?? []).map((tag) => {
      const name = tag.tagName.text;
      const text = ts.getTextOfJSDocComment(tag.comment) ?? '';
      return name === 'param'
        ? `\`${tag.name.getText()}\`: ${text}`
        : `${name === 'throws' ? 'Throws' : 'Returns'} ${text}`;
    });
    return [ts.getTextOfJSDocComment(comment.comment) ?? '', ...tags];
  });
  return `${lines.join('\n\n')}\n`;
}

/** Whether somebody may have to name it. What a client has as members is described above. */
function isType(node, index) {
  const name = node.name?.text;
  const isExported =
    node.getSourceFile().fileName === API ? name !== 'Routes' : new RegExp(`\\b${name}\\b`).test(index);
  const isError = ts.isClassDeclaration(node) && name === 'MillraceError';
  return isExported && (isError || ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node));
}

function declarationOf(node) {
  const comment = ts.getJSDocCommentsAndTags(node).map((one) => `${one.getText()}\n`);
  const text = ts.isClassDeclaration(node) ? fieldsOf(node) : node.getText().replace(/^export /, '');
  return `### ${node.name.text}\n\n\`\`\`ts\n${comment.join('')}${text}\n\`\`\`\n`;
}

/** A class as those who catch it see it. */
function fieldsOf(node) {
  const fields = node.members
    .filter((member) => ts.isPropertyDeclaration(member))
    .map((member) => member.getFullText().trim().replace('override ', ''));
  return `class ${node.name.text} extends Error {\n${fields.join('\n')}\n}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const text = await clientDocs();
  if (!process.argv.includes('--check')) writeFileSync(TARGET, text);
  else if (readFileSync(TARGET, 'utf8') !== text) {
    console.error(`${path.relative(ROOT, TARGET)} does not fit the client: npm run generate`);
    process.exitCode = 1;
  }
}
