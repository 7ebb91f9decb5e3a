import {
  type DocumentNode,
  type FragmentDefinitionNode,
  Kind,
  type Lexer,
  type SelectionSetNode,
  TokenKind,
} from 'graphql';

/** How deep brackets may be nested, those of types and values too: the parser calls itself for each. */
const MAX_NESTING = 100;
const OPENING = new Set([TokenKind.BRACE_L, TokenKind.BRACKET_L, TokenKind.PAREN_L]);
const CLOSING = new Set([TokenKind.BRACE_R, TokenKind.BRACKET_R, TokenKind.PAREN_R]);
/** How deep fields may be nested. Introspection has a rule of its own. */
const MAX_DEPTH = 10;
/** What a query may cost in all: a point a field, and more for those that are a lot of work or long. */
const MAX_COST = 1000;
const COSTS: Readonly<Record<string, number>> = {
  probe: 200,
  processes: 50,
  metrics: 50,
  history: 20,
  log: 20,
  prelude: 20,
};

interface Extent {
  depth: number;
  cost: number;
}

/** Whether brackets are nested too deeply to be parsed. Throws a `GraphQLError` at what is no token. */
export function isNestedTooDeeply(lexer: Lexer): boolean {
  let depth = 0;
  for (let { kind } = lexer.advance(); kind !== TokenKind.EOF; { kind } = lexer.advance()) {
    if (OPENING.has(kind)) depth += 1;
    if (CLOSING.has(kind)) depth -= 1;
    if (depth > MAX_NESTING) return true;
  }
  return false;
}

/**
 * Why a document is too much to ask; undefined if it is not. Each field counts as often as fragments repeat it, however
 * deeply they are nested. Fragments that contain themselves are left to the validation.
 */
export function excessOf({ definitions }: DocumentNode): string | undefined {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition);
  }
  const known = new Map<string, Extent>();

  const ofFragment = (name: string): Extent => {
    const seen = known.get(name);
    if (seen) return seen;
    known.set(name, { depth: 0, cost: 0 });
    const extent = extentOf(fragments.get(name)?.selectionSet);
    known.set(name, extent);
    return extent;
  };
  const extentOf = (selections: SelectionSetNode | undefined): Extent => {
    let depth = 0;
    let cost = 0;
    for (const selection of selections?.selections ?? []) {
      const below =
        selection.kind === Kind.FRAGMENT_SPREAD
          ? ofFragment(selection.name.value)
          : extentOf(selection.selectionSet);
      const field = selection.kind === Kind.FIELD ? selection.name.value : undefined;
      const ownDepth = field === undefined ? 0 : 1;
      depth = Math.max(depth, field?.startsWith('__') === true ? ownDepth : ownDepth + below.depth);
      cost += below.cost + (field === undefined ? 0 : (COSTS[field] ?? 1));
    }
    return { depth, cost };
  };

  for (const definition of definitions) {
    if (definition.kind !== Kind.OPERATION_DEFINITION) continue;
    const { depth, cost } = extentOf(definition.selectionSet);
    if (depth > MAX_DEPTH) return `the query is nested more than ${MAX_DEPTH} levels deep`;
    if (cost > MAX_COST) return `the query costs ${cost} points, which is more than ${MAX_COST}`;
  }
  return undefined;
}
