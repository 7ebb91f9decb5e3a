import { MillraceError } from './error.ts';

/** Of a message or detail; a proxy may answer with a whole page. */
const LONGEST_TEXT = 4096;

/** The error that an answer without success stands for. */
export async function readError(
  route: string,
  status: number,
  headers: Headers,
  answer: { text(): Promise<string> },
): Promise<MillraceError> {
  const text = await answer.text();
  const body = parse(text);
  const { message, details } = (isObject(body) ? body : {}) as { message?: unknown; details?: unknown };
  const context = { status, route, body, retryAfter: secondsOf(headers.get('retry-after')) };

  if (status === 404 && message === 'Not Found' && String(details) === 'Not Found') {
    const reason = 'the server is older than that, or a setting turns it off';
    return new MillraceError('unsupported', `the server has no ${route}: ${reason}`, {
      ...context,
      details: [],
    });
  }
  if (typeof message === 'string') {
    const lines = Array.isArray(details) ? details.map(String) : [];
    return new MillraceError('status', message, { ...context, details: lines });
  }
  if (status === 409 && isObject(body)) {
    return new MillraceError('status', 'The configuration has errors', {
      ...context,
      details: Object.entries(body).map(([name, reasons]) => `${name}: ${[reasons].flat().join(', ')}`),
    });
  }
  const rest = text.trim().slice(0, LONGEST_TEXT);
  return new MillraceError('status', `the server answered with ${status}`, {
    ...context,
    details: rest === '' ? [] : [rest],
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** RFC 9110 §10.2.3: seconds, or a date. */
function secondsOf(text: string | null): number | undefined {
  if (text === null) return undefined;
  const seconds = /^\d+$/.test(text) ? Number(text) : (Date.parse(text) - Date.now()) / 1000;
  return Number.isFinite(seconds) ? Math.max(0, Math.ceil(seconds)) : undefined;
}
