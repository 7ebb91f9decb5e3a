import type { ExecutionResult, GraphQLError, OperationDefinitionNode } from 'graphql';
import type { Logger } from '../../log/logger.ts';
import { CoreError, errorText } from '../../util/errors.ts';
import { ApiError } from '../errors.ts';
import { SCHEMA } from './schema.ts';

/** A decoded query (GraphQL over HTTP §5.4). */
export interface GraphRequest {
  query: string;
  variables: Record<string, unknown>;
  operationName: string;
}

/** An answer with its status. */
export interface GraphAnswer {
  status: 200 | 422;
  body: { errors?: readonly GraphErrorBody[]; data: unknown };
}

/** An error in the form of the GraphQL specification §7.1.2. */
export interface GraphErrorBody {
  message: string;
  locations?: readonly { line: number; column: number }[];
  path?: readonly (string | number)[];
  extensions?: { code: string };
}

/** What makes a query fail before it is executed. */
type Failure = 'GRAPHQL_PARSE_FAILED' | 'GRAPHQL_VALIDATION_FAILED';

/** Answers queries; the library comes with the first one, for most servers never get any. */
export type GraphExecutor = (request: GraphRequest, root: unknown) => Promise<GraphAnswer>;

/**
 * Loads the library and reads the schema.
 *
 * @param log is told of errors that are the server's own.
 * @param hasIntrospection whether the schema may be asked for.
 */
export async function createExecutor(log: Logger, hasIntrospection: boolean): Promise<GraphExecutor> {
  const [graphql, { mistakesOf, parseQuery, UnreadableQuery }, { excessOf }, { unfitVariable }] =
    await Promise.all([
      import('graphql'),
      import('./document.ts'),
      import('./limits.ts'),
      import('./variables.ts'),
    ]);
  const schema = graphql.buildSchema(SCHEMA);

  return async ({ query, variables, operationName }, rootValue) => {
    let document;
    try {
      document = parseQuery(query);
    } catch (error) {
      if (!(error instanceof UnreadableQuery)) throw error;
      return error.isTooMuch ? invalid(error.mistake) : refuse('GRAPHQL_PARSE_FAILED', [error.mistake]);
    }

    const operations = document.definitions.filter(
      (definition) => definition.kind === graphql.Kind.OPERATION_DEFINITION,
    );
    if (operations.length === 0) return invalid({ message: 'no operation provided' });
    const excess = excessOf(document);
    if (excess !== undefined) return invalid({ message: excess });
    const mistakes = mistakesOf(schema, document, hasIntrospection);
    if (mistakes.length > 0) return invalid(...mistakes);

    const operation =
      operationName === '' && operations.length === 1 ? operations[0] : named(operations, operationName);
    if (operation === undefined) return invalid({ message: `operation ${operationName} not found` });
    const unfit = unfitVariable(schema, operation, variables);
    if (unfit !== undefined) return invalid(unfit);

    const result = await graphql.execute({
      schema,
      document,
      rootValue,
      variableValues: variables,
      operationName: operationName === '' ? undefined : operationName,
    });
    return toAnswer(result, log);
  };
}

function named(operations: readonly OperationDefinitionNode[], wanted: string) {
  return operations.find(({ name }) => wanted !== '' && name?.value === wanted);
}

function toAnswer({ errors, data }: ExecutionResult, log: Logger): GraphAnswer {
  if (data === undefined) return invalid(...(errors ?? []).map(located));
  if (errors === undefined) return { status: 200, body: { data } };
  return { status: 200, body: { errors: errors.map((error) => toFieldError(error, log)), data } };
}

/** compat: without the place in the query; the path says it. */
function toFieldError(error: GraphQLError, log: Logger): GraphErrorBody {
  const { originalError: cause, path } = error;
  const where = path && { path };
  if (cause instanceof ApiError) return { message: cause.details[0] ?? cause.message, ...where };
  if (cause === undefined || cause instanceof CoreError) return { message: error.message, ...where };
  log.error('Query failed', { error: errorText(cause) });
  return { message: 'internal system error', ...where };
}

function located({ message, locations }: GraphQLError): GraphErrorBody {
  return {
    message,
    ...(locations && { locations: locations.map(({ line, column }) => ({ line, column })) }),
  };
}

function invalid(...errors: GraphErrorBody[]): GraphAnswer {
  return refuse('GRAPHQL_VALIDATION_FAILED', errors);
}

function refuse(code: Failure, errors: GraphErrorBody[]): GraphAnswer {
  return {
    status: 422,
    body: { errors: errors.map((error) => ({ ...error, extensions: { code } })), data: null },
  };
}
