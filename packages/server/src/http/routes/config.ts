import type { ConfigAnswer, ConfigStatus } from '@millrace/api';
import type { FastifyReply } from 'fastify';
import {
  ConfigConflict,
  ConfigOutdated,
  type ConfigStore,
  ConfigVersionError,
  ConfigWriteError,
} from '../../config/store.ts';
import { JsonError } from '../../util/json.ts';
import { readBody } from '../body.ts';
import { JSON_BODY_LIMIT } from '../decode.ts';
import { ApiError } from '../errors.ts';
import { sendJson } from '../json.ts';
import type { Routes } from '../server.ts';

/** Moves the running server to the configuration of the file. */
export interface ReloadControl {
  /** How the latest reload went; undefined before the first. */
  readonly latest: { state: 'running' | 'done' | 'failed'; at: Date; error: string } | undefined;
  request(): Promise<void>;
}

export interface ConfigRoutesOptions {
  store: ConfigStore;
  reloader: ReloadControl;
  /** Leaves out what changes something. */
  readOnly: boolean;
}

/** `/config`: reading, changing and reloading the configuration. */
export function configRoutes({ store, reloader, readOnly }: ConfigRoutesOptions): Routes {
  return (app) => {
    app.get('/config', (_request, reply) => sendJson(reply, toAnswer(store)));

    // Here and not with the configuration: clients of the reference do not expect a tag there.
    app.get('/config/status', (_request, reply) => {
      return sendJson(reply.header('etag', `"${store.tag}"`), toStatus(store, reloader));
    });

    if (readOnly) return;

    app.put<{ Querystring: { dry_run?: string } }>('/config', async (request, reply) => {
      // compat: the content type does not matter here.
      const body = await readBody(request, JSON_BODY_LIMIT);
      // Who asks for it in any other way does not want a change either.
      const dryRun = ![undefined, '0', 'false'].includes(request.query.dry_run);
      const ifMatch = request.headers['if-match']?.replace(/^"(.*)"$/, '$1');
      try {
        await store.put(body, { dryRun, ifMatch: ifMatch === '*' ? undefined : ifMatch });
      } catch (error) {
        return sendFailure(reply, error);
      }
      return sendJson(reply, 'OK');
    });

    app.get('/config/reload', (_request, reply) => {
      void reloader.request();
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

function toStatus(store: ConfigStore, { latest }: ReloadControl): ConfigStatus {
  const reload = latest === undefined ? null : { ...latest, at: latest.at.toISOString() };
  return { loaded_at: store.loadedAt.toISOString(), tag: store.tag, reload };
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
