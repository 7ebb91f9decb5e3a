import type { ConfigAnswer, ConfigStatus } from '@millrace/api';
import type { FastifyReply } from 'fastify';
import {
  ConfigConflict,
  ConfigOutdated,
  type ConfigStore,
  ConfigVersionError,
  ConfigWriteError,
} from '../../config/store.ts';
import { errorText } from '../../util/errors.ts';
import { JsonError } from '../../util/json.ts';
import { readBody } from '../body.ts';
import { JSON_BODY_LIMIT } from '../decode.ts';
import { ApiError } from '../errors.ts';
import { sendJson } from '../json.ts';
import type { Routes } from '../server.ts';

export interface ConfigRoutesOptions {
  store: ConfigStore;
  /** Moves the running server to the configuration of the file. Rejects if the old one still runs. */
  reload: () => Promise<void>;
  /** Leaves out what changes something. */
  readOnly: boolean;
}

/** `/config`: reading, changing and reloading the configuration. */
export function configRoutes({ store, reload, readOnly }: ConfigRoutesOptions): Routes {
  const reloader = new Reloader(reload);
  return (app) => {
    app.get('/config', (_request, reply) => sendJson(reply, toAnswer(store)));

    // Here and not with the configuration: clients of the reference do not expect a tag there.
    app.get('/config/status', (_request, reply) => {
      const status: ConfigStatus = { loaded_at: store.loadedAt.toISOString(), reload: reloader.latest };
      return sendJson(reply.header('etag', `"${store.tag}"`), status);
    });

    if (readOnly) return;

    app.put<{ Querystring: Record<string, unknown> }>('/config', async (request, reply) => {
      // compat: the content type does not matter here.
      const body = await readBody(request, JSON_BODY_LIMIT);
      const dryRun = ['1', 'true'].includes(String(request.query['dry_run']));
      const ifMatch = request.headers['if-match']?.replace(/^"(.*)"$/, '$1');
      try {
        await store.put(body, { dryRun, ifMatch: ifMatch === '*' ? undefined : ifMatch });
      } catch (error) {
        return sendFailure(reply, error);
      }
      return sendJson(reply, 'OK');
    });

    app.get('/config/reload', (_request, reply) => {
      reloader.request();
      return sendJson(reply, 'OK');
    });
  };
}

function toAnswer(store: ConfigStore): ConfigAnswer {
  return {
    created_at: store.createdAt.toISOString(),
    loaded_at: store.loadedAt.toISOString(),
    updated_at: store.updatedAt.toISOString(),
    config: store.shown(),
    overrides: store.overrides,
  };
}

function sendFailure(reply: FastifyReply, error: unknown): FastifyReply {
  if (error instanceof JsonError) throw new ApiError(400, 'Invalid JSON', error);
  if (error instanceof ConfigVersionError) throw new ApiError(400, 'Invalid config version', error);
  if (error instanceof ConfigWriteError) throw new ApiError(400, 'Failed to store config', error);
  if (error instanceof ConfigOutdated) throw new ApiError(412, undefined, error);
  // compat: the one error that is not in the API's usual form.
  if (error instanceof ConfigConflict) return sendJson(reply, error.messages, 409);
  throw error;
}

/** Runs reloads in the background, one at a time; requests that come meanwhile are answered by one more. */
class Reloader {
  readonly #reload: () => Promise<void>;
  #latest: ConfigStatus['reload'] = null;
  #isWanted = false;

  constructor(reload: () => Promise<void>) {
    this.#reload = reload;
  }

  get latest(): ConfigStatus['reload'] {
    return this.#latest;
  }

  request(): void {
    this.#isWanted = true;
    if (this.#latest?.state !== 'running') void this.#run();
  }

  async #run(): Promise<void> {
    while (this.#isWanted) {
      this.#isWanted = false;
      this.#latest = outcome('running');
      try {
        await this.#reload();
        this.#latest = outcome('done');
      } catch (error) {
        this.#latest = outcome('failed', errorText(error));
      }
    }
  }
}

function outcome(state: 'running' | 'done' | 'failed', error = ''): NonNullable<ConfigStatus['reload']> {
  return { state, at: new Date().toISOString(), error };
}
