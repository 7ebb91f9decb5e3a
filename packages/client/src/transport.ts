import type { About, AboutMinimal, Routes } from './api.ts';
import type { Authentication } from './authentication.ts';
import { type Body, isStream, jsonBody } from './body.ts';
import { isMillraceError, MillraceError } from './error.ts';
import type { Answer, CallOptions, Http } from './http.ts';
import { type QueryValue, toPath } from './url.ts';

/** A method and a path, such as `GET /api/v3/process/{id}`. */
export type Route = keyof Routes;

/** What a call of a route needs, as the API describes it. */
export type Input<R extends Route> = ([Routes[R]['path']] extends [never]
  ? unknown
  : { path: Readonly<Record<Routes[R]['path'], string>> }) &
  ([Routes[R]['query']] extends [never]
    ? unknown
    : { query?: Readonly<Partial<Record<Routes[R]['query'], QueryValue>>> }) &
  ([Routes[R]['body']] extends [undefined] ? unknown : { body: Routes[R]['body'] }) &
  (Routes[R]['security'] extends 'none' ? { isOpen: true } : unknown) & {
    /** Media type of a body that is not JSON. */
    contentType?: string;
    headers?: Readonly<Record<string, string>>;
    /** Whether the server ends up the same however often it is asked; by default for all methods but POST. */
    isRepeatable?: boolean;
  };

/** All that `Input` can have. */
interface AnyInput {
  path?: Readonly<Record<string, string>>;
  query?: Readonly<Record<string, QueryValue>>;
  body?: unknown;
  isOpen?: true;
  contentType?: string;
  headers?: Readonly<Record<string, string>>;
  isRepeatable?: boolean;
}

/** Calls routes of the API, with a token where one is needed. */
export class Transport {
  readonly #http: Http;
  readonly #authentication: Authentication;
  readonly #base: string;

  constructor(http: Http, authentication: Authentication, base: string) {
    this.#http = http;
    this.#authentication = authentication;
    this.#base = base;
  }

  /** The parsed answer. Throws MillraceError. */
  async call<R extends Route>(
    route: R,
    input: Input<R>,
    options?: CallOptions,
  ): Promise<Routes[R]['answer']> {
    return this.#read<Routes[R]['answer']>(route, input, (answer) => parse(route, answer), options);
  }

  /** The answer with its body as a stream. Throws MillraceError. */
  async open<R extends Route>(route: R, input: Input<R>, options?: CallOptions): Promise<Response> {
    return this.#read(route, input, (answer) => Promise.resolve(answer.stream()), options);
  }

  /** What the server is. Unlike other routes this one does not refuse a token that has ended, but tells less. */
  async about(options: CallOptions = {}): Promise<About | AboutMinimal> {
    const route = 'GET /api';
    const read = async (answer: Answer): Promise<About | AboutMinimal> => {
      const about = (await parse(route, answer)) as Partial<About> | undefined;
      if (about?.app === undefined)
        throw new MillraceError('answer', 'this is neither Millrace nor a Core', { route });
      const isStranger = about.id === undefined || about.id === '';
      if (isStranger && this.#authentication.canRenew) {
        throw new MillraceError('status', 'Unauthorized', { route, status: 401 });
      }
      return about as About | AboutMinimal;
    };
    return this.#read(route, {}, read, options);
  }

  async #read<T>(
    route: Route,
    input: AnyInput,
    read: (answer: Answer) => Promise<T>,
    options: CallOptions = {},
  ): Promise<T> {
    const { signal } = options;
    const [method = '', template = ''] = route.split(' ');
    const request = {
      route,
      method,
      url: this.#base + toPath(template, input.path ?? {}, input.query ?? {}),
      body: bodyOf(input),
      isRepeatable: input.isRepeatable ?? method !== 'POST',
    };
    const send = (token: string | undefined) => {
      const authorization = token === undefined ? undefined : { authorization: `Bearer ${token}` };
      return this.#http.send({ ...request, headers: { ...authorization, ...input.headers } }, read, options);
    };

    if (input.isOpen) return send(undefined);
    const token = await this.#authentication.freshToken(signal);
    try {
      return await send(token);
    } catch (error) {
      if (!isMillraceError(error, 401) || !this.#authentication.canRenew) throw error;
      if (request.body && isStream(request.body.bytes)) {
        const message = 'the token was refused, and the body was a stream that cannot be sent again';
        throw new MillraceError('stream', message, { route, status: 401, cause: error });
      }
      return send(await this.#authentication.replaceToken(token, signal));
    }
  }
}

function bodyOf(input: AnyInput): Body | undefined {
  if (!('body' in input)) return undefined;
  if (input.contentType === undefined) return jsonBody(input.body);
  return { type: input.contentType, bytes: input.body as Body['bytes'] };
}

async function parse(route: string, answer: Answer): Promise<unknown> {
  const text = await answer.text();
  if (text === '' || !answer.type.startsWith('application/json')) return text === '' ? undefined : text;
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new MillraceError('answer', 'the answer is no JSON', { route, cause });
  }
}
