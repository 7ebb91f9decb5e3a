import {
  type ASTNode,
  type ASTVisitor,
  type DocumentNode,
  getLocation,
  getNamedType,
  GraphQLError,
  type GraphQLSchema,
  isLeafType,
  Kind,
  Lexer,
  NoSchemaIntrospectionCustomRule,
  parse,
  ScalarLeafsRule,
  Source,
  TokenKind,
  specifiedRules,
  UniqueOperationNamesRule,
  validate,
  type ValidationContext,
  type ValidationRule,
  visit,
} from 'graphql';
import { isNestedTooDeeply } from './limits.ts';

/** What is wrong with a query, and where. */
export interface Mistake {
  message: string;
  locations?: readonly { line: number; column: number }[];
}

/** How many words and signs a query may have. */
const MAX_TOKENS = 10_000;
/** How many lines: the place of each mistake is counted from the first. */
const MAX_LINES = 10_000;

const EMPTY: DocumentNode = { kind: Kind.DOCUMENT, definitions: [] };

/** A query that cannot be read, because it is wrong or because it is too much. */
export class UnreadableQuery extends Error {
  readonly mistake: Mistake;
  readonly isTooMuch: boolean;

  constructor(mistake: Mistake, isTooMuch = false) {
    super(mistake.message);
    this.mistake = mistake;
    this.isTooMuch = isTooMuch;
  }
}

/** Reads a query. Throws `UnreadableQuery`, in the words of the reference, which clients and their tests know. */
export function parseQuery(query: string): DocumentNode {
  const source = new Source(query);
  const lexer = new Lexer(source);
  let noToken: GraphQLError | undefined;
  try {
    if (isNestedTooDeeply(lexer))
      throw new UnreadableQuery({ message: 'the query is nested too many levels deep' }, true);
    if (lexer.line > MAX_LINES)
      throw new UnreadableQuery({ message: `the query has more than ${MAX_LINES} lines` }, true);
  } catch (error) {
    if (!(error instanceof GraphQLError)) throw error;
    noToken = error;
  }

  // compat: nothing but comments is no syntax error.
  if (noToken === undefined && lexer.lastToken.kind === TokenKind.SOF) return EMPTY;
  // compat: what is no token is one of the kind `<Invalid>`, at which the parser stops as at any other.
  const readable = noToken === undefined ? query : query.slice(0, lexer.token.end);
  let document: DocumentNode | undefined;
  try {
    document = parse(readable, { maxTokens: MAX_TOKENS });
  } catch (error) {
    if (!(error instanceof GraphQLError)) throw error;
    if (noToken === undefined || !error.message.includes('<EOF>')) throw unreadable(error, source);
    throw new UnreadableQuery({
      message: wordsOf(error.message).replace('<EOF>', '<Invalid>'),
      ...placesOf(noToken),
    });
  }
  if (noToken !== undefined)
    throw new UnreadableQuery({ message: 'Unexpected <Invalid>', ...placesOf(noToken) });
  for (const { kind, loc } of document.definitions) {
    if (kind === Kind.OPERATION_DEFINITION || kind === Kind.FRAGMENT_DEFINITION || loc === undefined)
      continue;
    throw new UnreadableQuery({
      message: `Unexpected Name "${loc.startToken.value}"`,
      locations: [getLocation(source, loc.start)],
    });
  }
  return document;
}

function unreadable(error: GraphQLError, source: Source): UnreadableQuery {
  const offset = error.positions?.[0];
  if (offset === undefined) return new UnreadableQuery({ message: wordsOf(error.message) });
  const isEmptySelection =
    error.message.includes('Expected Name, found "}"') && /\{\s*$/.test(source.body.slice(0, offset));
  return new UnreadableQuery({
    message: isEmptySelection ? 'expected at least one definition, found }' : wordsOf(error.message),
    locations: [getLocation(source, offset + quotesAt(source.body, offset))],
  });
}

/** The library's words with signs that are not quoted, and without the text of what was found. */
function wordsOf(message: string): string {
  return message
    .replace(/^Syntax Error: /, '')
    .replace(/\.$/, '')
    .replace(/^(Expected|Unexpected) "([^\w"]+)"/, '$1 $2')
    .replace(/, found "([^\w"]+)"$/, ', found $1')
    .replace(/, found (\w+) ".*"$/s, ', found $1');
}

function placesOf({ locations }: GraphQLError): Pick<Mistake, 'locations'> {
  return locations === undefined
    ? {}
    : { locations: locations.slice(0, 1).map(({ line, column }) => ({ line, column })) };
}

/** compat: the place of a text is behind its opening quotes. */
function quotesAt(text: string, offset: number): number {
  if (text.startsWith('"""', offset)) return 3;
  return text.startsWith('"', offset) ? 1 : 0;
}

const REPLACED: readonly ValidationRule[] = [ScalarLeafsRule, UniqueOperationNamesRule];
const RULES: readonly ValidationRule[] = [
  ...specifiedRules.filter((rule) => !REPLACED.includes(rule)),
  leavesRule,
  operationsRule,
];

/** What is wrong with a query that could be read, in the order and at the places of the reference. */
export function mistakesOf(
  schema: GraphQLSchema,
  document: DocumentNode,
  hasIntrospection: boolean,
): Mistake[] {
  const rules = hasIntrospection ? RULES : [...RULES, NoSchemaIntrospectionCustomRule];
  const errors = validate(schema, document, rules);
  if (errors.length === 0) return [];
  const parents = parentsOf(document);
  return errors
    .map((error) => ({ error, node: blamed(error) }))
    .sort((a, b) => turnOf(a.node, parents) - turnOf(b.node, parents))
    .map(({ error: { message, source }, node }) =>
      node === undefined || source === undefined
        ? { message }
        : { message, locations: [getLocation(source, offsetOf(node, parents))] },
    );
}

/** The reference finds a selection on a text twice: at the fields it asks for, and at the text. */
function leavesRule(context: ValidationContext): ASTVisitor {
  return {
    Field: {
      leave(node) {
        const type = context.getFieldDef()?.type;
        if (type === undefined) return;
        const named = getNamedType(type);
        const { selectionSet, name } = node;
        const report = (message: string, at: ASTNode) => {
          context.reportError(new GraphQLError(message, { nodes: at }));
        };
        if (!isLeafType(named)) {
          if (selectionSet !== undefined) return;
          report(
            `Field "${name.value}" of type "${type.toString()}" must have a selection of subfields. Did you mean "${name.value} { ... }"?`,
            node,
          );
        } else if (selectionSet !== undefined) {
          for (const selection of selectionSet.selections) {
            if (selection.kind === Kind.FIELD)
              report(`Cannot query field "${selection.name.value}" on type "${named.name}".`, selection);
          }
          report(
            `Field "${name.value}" must not have a selection since type "${named.name}" has no subfields.`,
            node,
          );
        }
      },
    },
  };
}

/** In the reference, no name is a name like any other: there may be only one. */
function operationsRule(context: ValidationContext): ASTVisitor {
  const names = new Set<string>();
  return {
    OperationDefinition(node) {
      const report = (message: string) => {
        context.reportError(new GraphQLError(message, { nodes: node }));
      };
      if (!context.getSchema().getRootType(node.operation))
        report(`Schema does not support operation type "${node.operation}"`);
      const name = node.name?.value ?? '';
      if (names.has(name)) report(`There can be only one operation named "${name}".`);
      names.add(name);
    },
  };
}

type Parents = ReadonlyMap<ASTNode, ASTNode>;

function parentsOf(document: DocumentNode): Parents {
  const parents = new Map<ASTNode, ASTNode>();
  visit(document, {
    enter(node, _key, parent, _path, ancestors) {
      // Members of a list have the list for their parent.
      const above = isNode(parent) ? parent : ancestors.at(-1);
      if (isNode(above)) parents.set(node, above);
    },
  });
  return parents;
}

function isNode(value: ASTNode | readonly ASTNode[] | undefined): value is ASTNode {
  return value !== undefined && !Array.isArray(value);
}

/** Of several places the last, but for the operation in which something is missing. */
function blamed({ nodes = [] }: GraphQLError): ASTNode | undefined {
  const last = nodes.at(-1);
  return last?.kind === Kind.OPERATION_DEFINITION ? nodes[0] : last;
}

/** What a mistake is found at: names belong to what they name, and types to what is of them. */
function ownerOf(node: ASTNode, parents: Parents): ASTNode {
  const parent = parents.get(node);
  switch (node.kind) {
    case Kind.NAME:
      return parent ?? node;
    case Kind.ARGUMENT:
      return parent ?? node;
    case Kind.NAMED_TYPE:
    case Kind.LIST_TYPE:
    case Kind.NON_NULL_TYPE:
      return parent === undefined ? node : ownerOf(parent, parents);
    default:
      return node;
  }
}

/** Where a mistake is said to be. */
function offsetOf(node: ASTNode, parents: Parents): number {
  const { kind, loc } = ownerOf(node, parents);
  if (loc === undefined) return 0;
  switch (kind) {
    case Kind.DIRECTIVE:
      return loc.start + 1;
    case Kind.STRING:
      return loc.start + quotesAt(loc.source.body, loc.start);
    case Kind.FRAGMENT_SPREAD:
    case Kind.INLINE_FRAGMENT:
      return loc.startToken.next?.start ?? loc.start;
    default:
      return loc.start;
  }
}

/** When a mistake is found: values and directives on the way down, all else on the way up. */
function turnOf(node: ASTNode | undefined, parents: Parents): number {
  if (node === undefined) return 0;
  const owner = ownerOf(node, parents);
  switch (owner.kind) {
    case Kind.FIELD:
    case Kind.INLINE_FRAGMENT:
    case Kind.FRAGMENT_DEFINITION:
    case Kind.OPERATION_DEFINITION:
      return owner.loc?.end ?? 0;
    case Kind.VARIABLE_DEFINITION: {
      // A type that does not exist is noticed at once, all else when the operation ends.
      const operation = parents.get(owner);
      return (node === owner ? operation?.loc?.end : owner.loc?.start) ?? 0;
    }
    default:
      return owner.loc?.start ?? 0;
  }
}
