import { CoreError } from '../util/errors.ts';

// compat: the range `+-:` takes in more than a scheme may have, as the reference does for inputs.
const LOOSE_SCHEME = /^([a-z][a-z0-9.+-:]*):\/{1,3}/i;

/** Whether the reference takes an input address for a URL. */
export function looksLikeUrl(address: string): boolean {
  return LOOSE_SCHEME.test(address);
}

/**
 * Checks the part of a URL that names user, host and port; everything else is free. Throws `invalid`.
 *
 * compat: a relaxed URL check with the error texts of the reference.
 */
export function checkUrl(address: string): void {
  const [withoutFragment = ''] = address.split('#', 1);
  const scheme = LOOSE_SCHEME.exec(withoutFragment)?.[1] ?? '';
  const rest = withoutFragment.slice(scheme.length + 1);
  const [hierarchy = ''] = rest.split('?', 1);
  if (!hierarchy.startsWith('//') || hierarchy.startsWith('///')) return;
  const [authority = ''] = hierarchy.slice(2).split('/', 1);
  const problem = findProblem(authority);
  if (problem !== undefined) throw new CoreError('invalid', `parse ${quote(`//${authority}`)}: ${problem}`);
}

function findProblem(authority: string): string | undefined {
  if (/[\u0000-\u001f\u007f]/.test(authority)) return 'net/url: invalid control character in URL';
  const at = authority.lastIndexOf('@');
  const problem = problemOfHost(authority.slice(at + 1));
  return problem ?? (at === -1 ? undefined : problemOfUser(authority.slice(0, at)));
}

function problemOfUser(user: string): string | undefined {
  if (!/^[A-Za-z0-9\-._:~!$&'()*+,;=%@]*$/.test(user)) return 'net/url: invalid userinfo';
  return problemOfText(user, () => true);
}

function problemOfHost(host: string): string | undefined {
  const isBracketed = host.startsWith('[');
  const end = isBracketed ? host.lastIndexOf(']') : host.lastIndexOf(':') - 1;
  if (isBracketed && end === -1) return "missing ']' in host";
  const port = end < -1 ? '' : host.slice(end + 1);
  if (!/^(?::[0-9]*)?$/.test(port)) return `invalid port ${quote(port)} after host`;
  return problemOfText(host, (code) => code === 0x25 || code >= 0x80);
}

/** The first broken or forbidden escape, or character that no host has. */
function problemOfText(text: string, isAllowed: (code: number) => boolean): string | undefined {
  for (const [found] of text.matchAll(/%.{0,2}|[ \\^`{|}]/g)) {
    if (!found.startsWith('%')) return `invalid character ${quote(found)} in host name`;
    const digits = /^%([0-9a-f]{2})$/i.exec(found)?.[1];
    if (digits === undefined || !isAllowed(parseInt(digits, 16))) return `invalid URL escape ${quote(found)}`;
  }
  return undefined;
}

/** As the reference quotes: what JSON writes in four digits has two here. */
function quote(text: string): string {
  return JSON.stringify(text)
    .replace(/\\(?:u00|.)/g, (escape) => (escape === '\\u00' ? '\\x' : escape))
    .replaceAll('\u007f', '\\x7f');
}
