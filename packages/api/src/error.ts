import { Type, type Static } from './schema.ts';

/** The body of every answer that is not a success. */
export const ApiErrorBody = Type.Object({
  code: Type.Integer({ description: 'The HTTP status' }),
  message: Type.String(),
  details: Type.Array(Type.String()),
});
export type ApiErrorBody = Static<typeof ApiErrorBody>;
