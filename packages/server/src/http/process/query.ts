import type { FastifyRequest } from 'fastify';
import { createGlob } from '../../util/glob.ts';
import { decodeAgain, listOf, valueOf } from '../query.ts';

/** The parts of a process that a client can ask for. */
export const PARTS = ['config', 'state', 'report', 'metadata'] as const;
export type Part = (typeof PARTS)[number];

/** The parts named by `filter`; all if it names none, and none if it names only unknown ones. */
export function partsOf(request: FastifyRequest): ReadonlySet<Part> {
  const names = listOf(request, 'filter')
    .flatMap((name) => decodeAgain(name).split(','))
    .filter((name) => name !== '');
  return new Set(names.length === 0 ? PARTS : PARTS.filter((part) => names.includes(part)));
}

/** Whether a process is among those that the query asks for. */
export function selectionOf(
  request: FastifyRequest,
): (process: { id: string; reference: string }) => boolean {
  const reference = decodeAgain(valueOf(request, 'reference'));
  // A comma that is escaped once more is part of an id, or the whole list was escaped twice.
  const ids = new Set(
    listOf(request, 'id')
      .map(decodeAgain)
      .flatMap((id) => [id, ...id.split(',')]),
  );
  const idPattern = decodeAgain(valueOf(request, 'idpattern'));
  const referencePattern = decodeAgain(valueOf(request, 'refpattern'));
  const matchesId = idPattern === '' ? undefined : createGlob(idPattern);
  const matchesReference = referencePattern === '' ? undefined : createGlob(referencePattern);
  return (process) => {
    if (matchesId?.(process.id) === false) return false;
    if (matchesReference?.(process.reference) === false) return false;
    // compat: with a reference, ids do not count.
    if (reference !== '') return process.reference === reference;
    return ids.size === 0 || ids.has(process.id);
  };
}
