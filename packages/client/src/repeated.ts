import { isMillraceError } from './error.ts';

/** What is not there any more when a request is repeated went with the first one, whose answer got lost. */
export async function ignoreGone(call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!isMillraceError(error, 404) || error.attempts === 1) throw error;
  }
}
