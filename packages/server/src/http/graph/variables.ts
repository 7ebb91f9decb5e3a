import {
  type GraphQLInputType,
  type GraphQLSchema,
  isInputObjectType,
  isInputType,
  isListType,
  isNonNullType,
  isRequiredInputField,
  isSpecifiedScalarType,
  type OperationDefinitionNode,
  typeFromAST,
} from 'graphql';

/** A variable that does not fit, in the words of the reference. */
export interface UnfitVariable {
  message: string;
  path: (string | number)[];
}

/** The first of an operation's variables whose value does not fit its type; undefined if all do. */
export function unfitVariable(
  schema: GraphQLSchema,
  { variableDefinitions = [] }: OperationDefinitionNode,
  variables: Readonly<Record<string, unknown>>,
): UnfitVariable | undefined {
  for (const { variable, type: typeNode, defaultValue } of variableDefinitions) {
    const name = variable.name.value;
    const type = typeFromAST(schema, typeNode);
    if (!isInputType(type)) continue;
    const path = ['variable', name];
    const value = variables[name];
    if (value === undefined) {
      if (isNonNullType(type) && defaultValue === undefined) return { message: 'must be defined', path };
      continue;
    }
    const unfit = misfit(type, value, path);
    if (unfit !== undefined) return unfit;
  }
  return undefined;
}

function misfit(
  type: GraphQLInputType,
  value: unknown,
  path: (string | number)[],
): UnfitVariable | undefined {
  if (value === null) return isNonNullType(type) ? { message: 'cannot be null', path } : undefined;
  if (isNonNullType(type)) return misfit(type.ofType, value, path);
  if (isListType(type)) {
    const items: unknown[] = Array.isArray(value) ? value : [value];
    return first(items, (item, index) => misfit(type.ofType, item, [...path, index]));
  }
  if (isInputObjectType(type)) {
    if (typeof value !== 'object' || Array.isArray(value)) return { message: `must be a ${type.name}`, path };
    const given = value as Record<string, unknown>;
    const fields = type.getFields();
    const unknown = Object.keys(given).find((name) => !Object.hasOwn(fields, name));
    if (unknown !== undefined) return { message: 'unknown field', path: [...path, unknown] };
    return first(Object.values(fields), (field) => {
      const at = [...path, field.name];
      const member = given[field.name];
      if (member !== undefined) return misfit(field.type, member, at);
      return isRequiredInputField(field) ? { message: 'must be defined', path: at } : undefined;
    });
  }
  if (!isSpecifiedScalarType(type) || FITS[type.name]?.(value) !== false) return undefined;
  return { message: `cannot use ${kindOf(value)} as ${type.name}`, path };
}

function first<T>(
  items: readonly T[],
  find: (item: T, index: number) => UnfitVariable | undefined,
): UnfitVariable | undefined {
  for (const [index, item] of items.entries()) {
    const found = find(item, index);
    if (found !== undefined) return found;
  }
  return undefined;
}

const FITS: Readonly<Record<string, (value: unknown) => boolean>> = {
  Int: (value) => Number.isInteger(value) || (typeof value === 'string' && /^[+-]?\d+$/.test(value)),
  Float: (value) => typeof value === 'number' || (typeof value === 'string' && !Number.isNaN(Number(value))),
  String: (value) => typeof value === 'string' || typeof value === 'number',
  Boolean: (value) => typeof value === 'boolean',
  ID: (value) => typeof value === 'string' || typeof value === 'number',
};

/** compat: numbers come as texts. */
function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'slice';
  if (typeof value === 'object') return 'map';
  return typeof value === 'boolean' ? 'bool' : 'string';
}
