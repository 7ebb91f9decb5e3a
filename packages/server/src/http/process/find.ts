import type { Task } from '../../process/task.ts';
import { ApiError } from '../errors.ts';

/** Where processes are looked up. */
export interface Tasks {
  get(id: string): Task | undefined;
}

/**
 * The process of an id in a path, which the router has decoded.
 *
 * @throws what `otherwise` makes, an ApiError 404 if left out.
 */
export function findTask(tasks: Tasks, id: string, otherwise: () => Error = unknownProcess): Task {
  // A path that ends where the id should be is no path of the API.
  if (id === '') throw ApiError.plain(404);
  // compat: the reference decodes ids once more, so its clients encode some of them twice.
  const found = tasks.get(id) ?? tasks.get(decodeOnce(id));
  if (found === undefined) throw otherwise();
  return found;
}

export function unknownProcess(): ApiError {
  return new ApiError(404, 'Unknown process ID', 'unknown process');
}

function decodeOnce(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
