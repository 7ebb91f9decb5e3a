import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Metadata } from '../../process/metadata.ts';
import { readJson } from '../decode.ts';
import { CoreError } from '../../util/errors.ts';
import { ApiError } from '../errors.ts';
import { sendJson } from '../json.ts';
import { findTask, unknownProcess, type Tasks } from '../process/find.ts';
import type { Routes } from '../server.ts';

export interface MetadataRoutesOptions {
  processes: Tasks & { readonly metadata: Metadata };
  /** Leaves out what changes something. */
  isReadOnly: boolean;
  /** Of a value, in bytes. Clients keep their whole state under one key. */
  limit: number;
}

interface ByKey {
  Params: { id: string; '*': string };
}

/** `/metadata` and `/process/{id}/metadata`: whatever JSON clients want to keep, by key. */
export function metadataRoutes({ processes, isReadOnly, limit }: MetadataRoutesOptions): Routes {
  return (app) => {
    const ofProcess = ({ params }: FastifyRequest<ByKey>) => findTask(processes, params.id).metadata;

    app.get('/metadata', (_request, reply) => sendJson(reply, processes.metadata.all()));
    app.get<ByKey>('/metadata/*', (request, reply) =>
      read(request, reply, () => processes.metadata, 'Metadata not found'),
    );
    app.get<ByKey>('/process/:id/metadata', (request, reply) => sendJson(reply, ofProcess(request).all()));
    app.get<ByKey>('/process/:id/metadata/*', (request, reply) =>
      // compat: also if it is the key that is unknown.
      read(request, reply, () => ofProcess(request), 'Unknown process ID'),
    );
    if (isReadOnly) return;

    app.put<ByKey>('/metadata/*', (request, reply) => write(request, reply, limit, () => processes.metadata));
    app.put<ByKey>('/process/:id/metadata/*', (request, reply) =>
      write(request, reply, limit, () => ofProcess(request)),
    );
  };
}

function read(
  request: FastifyRequest<ByKey>,
  reply: FastifyReply,
  find: () => Metadata,
  headline: string,
): FastifyReply {
  const key = keyOf(request);
  const value = find().get(key);
  if (value === undefined) throw new ApiError(404, headline, 'unknown key');
  return sendJson(reply, value);
}

async function write(
  request: FastifyRequest<ByKey>,
  reply: FastifyReply,
  limit: number,
  find: () => Metadata,
): Promise<FastifyReply> {
  const key = keyOf(request);
  const value = await readJson(request, limit);
  try {
    find().set(key, value);
  } catch (error) {
    // It was being removed.
    if (error instanceof CoreError && error.code === 'not_found') throw unknownProcess();
    throw error;
  }
  return sendJson(reply, value);
}

function keyOf({ params }: FastifyRequest<ByKey>): string {
  const key = params['*'];
  if (key === '') throw ApiError.plain(404);
  return key;
}
