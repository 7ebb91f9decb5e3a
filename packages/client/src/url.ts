import { MillraceError } from './error.ts';

/** What can stand in a query; a list is joined by commas, and what is undefined is left out. */
export type QueryValue = string | number | boolean | readonly string[] | undefined;

/** The address of the server without what does not belong to it. Throws MillraceError if it is none. */
export function toBase(address: string | URL): string {
  let url: URL;
  try {
    url = new URL(address);
  } catch (cause) {
    throw new MillraceError('argument', 'baseUrl must be an absolute address', { cause });
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new MillraceError('argument', 'baseUrl must begin with http:// or https://');
  }
  if (url.username !== '' || url.password !== '') {
    throw new MillraceError('argument', 'user name and password do not belong in baseUrl');
  }
  return url.origin + url.pathname.replace(/\/+$/, '');
}

/**
 * The id of a process as a parameter of a path. Servers decode it twice, so what looks encoded has to be so twice; other ids stay
 * as they are.
 */
export function processId(id: string): string {
  return id.replaceAll('%', '%25');
}

/** The path of a route with its parameters, each encoded once. Throws MillraceError for one that would be another path. */
export function toPath(
  template: string,
  parameters: Readonly<Record<string, string>>,
  query: Readonly<Record<string, QueryValue>>,
): string {
  const path = template.replace(/\{(\w+)(\*?)\}/g, (_text, name: string, star: string) => {
    const value = parameters[name] ?? '';
    const segments = star === '' ? [value] : value.replace(/^\/+/, '').split('/');
    // The platform's URLs would take these for steps through folders, in every spelling.
    if (value === '' || segments.some((segment) => segment === '.' || segment === '..')) {
      throw new MillraceError('argument', `${name} must not be ${value === '' ? 'empty' : `"${value}"`}`);
    }
    return segments.map(encodeURIComponent).join('/');
  });
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) search.set(name, Array.isArray(value) ? value.join(',') : String(value));
  }
  return search.size === 0 ? path : `${path}?${search.toString()}`;
}
