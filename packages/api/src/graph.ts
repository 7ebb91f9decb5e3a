import { Type, type Static } from './schema.ts';

/** The body of a GraphQL query. */
export const GraphQuery = Type.Object({
  query: Type.String(),
  variables: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  operationName: Type.Optional(Type.String()),
});
export type GraphQuery = Static<typeof GraphQuery>;

/** The answer to a GraphQL query. */
export const GraphResponse = Type.Object({
  data: Type.Unknown(),
  errors: Type.Optional(Type.Array(Type.Unknown())),
});
export type GraphResponse = Static<typeof GraphResponse>;
