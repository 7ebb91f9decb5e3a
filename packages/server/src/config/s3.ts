import type { ConfigS3 } from '@millrace/api';
import type { Kind } from './kinds.ts';

const SEPARATOR = '|';
const NAME = /^[A-Za-z0-9_-]+$/;
/** What has a meaning in an address or a route. */
const RESERVED = /[\s*:?#%\\]/;
const HIDDEN = '---';

/** S3 storages: `http(s)://keyid:secret@region.endpoint/bucket?name=…&mount=…&username=…&password=…` between `|`. */
export const s3List: Kind<ConfigS3[]> = {
  parse: (text) =>
    text
      .split(SEPARATOR)
      .map((element) => element.trim())
      .filter((element) => element !== '')
      .map(parseStorage),
  format: (value) => value.map(formatStorage).join(SEPARATOR),
  mask: (value) => value.map((storage) => formatStorage(withoutSecrets(storage))).join(SEPARATOR),
  check: (value) => value.flatMap(problemsOfS3),
};

/** The one form of a mount point: with a slash before, and none behind. */
export function mountOf(mountpoint: string): string {
  return `/${mountpoint.replace(/^\/+|\/+$/g, '')}`;
}

function parseStorage(text: string, index: number): ConfigS3 {
  // As the URL of a scheme that is not known: of HTTP's, `region.192.0.2.1` would be a broken IPv4 address.
  const url = URL.parse(`s3+${text}`);
  if (url === null || (url.protocol !== 's3+https:' && url.protocol !== 's3+http:') || url.host === '') {
    throw new Error(`the address of s3 storage ${index} must be an http or https URL`);
  }
  const { searchParams, host } = url;
  const dot = host.indexOf('.');
  return {
    name: searchParams.get('name') ?? '',
    mountpoint: searchParams.get('mount') ?? '',
    auth: {
      enable: searchParams.has('username') || searchParams.has('password'),
      username: searchParams.get('username') ?? '',
      password: searchParams.get('password') ?? '',
    },
    endpoint: host.slice(dot + 1),
    access_key_id: decodeUserInfo(url.username, index),
    secret_access_key: decodeUserInfo(url.password, index),
    bucket: url.pathname.replace(/^\//, ''),
    region: host.slice(0, Math.max(dot, 0)),
    use_ssl: url.protocol === 's3+https:',
  };
}

function formatStorage(storage: ConfigS3): string {
  const { name, mountpoint, auth, endpoint, bucket, region, use_ssl: isSecure } = storage;
  const query = new URLSearchParams({ name, mount: mountpoint });
  if (auth.enable) {
    query.set('username', auth.username);
    query.set('password', auth.password);
  }
  const keys = [storage.access_key_id, storage.secret_access_key].map(encodeURIComponent).join(':');
  const host = region === '' ? endpoint : `${region}.${endpoint}`;
  return `http${isSecure ? 's' : ''}://${keys}@${host}/${bucket}?${query.toString()}`;
}

function withoutSecrets(storage: ConfigS3): ConfigS3 {
  return { ...storage, secret_access_key: HIDDEN, auth: { ...storage.auth, password: HIDDEN } };
}

/** What is wrong with one storage by itself. */
export function problemsOfS3({ name, mountpoint, auth }: ConfigS3, index: number): string[] {
  const problems: string[] = [];
  if (name === '') problems.push(`the name for s3 storage ${index} is missing`);
  else if (!NAME.test(name)) problems.push(`the name for s3 storage must match the pattern ${NAME.source}`);
  if (mountpoint === '') problems.push(`the mountpoint for s3 storage ${index} is missing`);
  else if (!isPlain(mountpoint)) {
    problems.push(`the mountpoint for s3 storage ${index} must be a plain path`);
  }
  if (auth.enable && auth.username === '' && auth.password === '') {
    problems.push(`auth is enabled, but no username and password are set for s3 storage ${index}`);
  }
  return problems;
}

function isPlain(mountpoint: string): boolean {
  const parts = mountOf(mountpoint).slice(1).split('/');
  return (
    !RESERVED.test(mountpoint) &&
    !parts.some((part, index) => ['.', '..'].includes(part) || (part === '' && index > 0))
  );
}

function decodeUserInfo(text: string, index: number): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new Error(`the keys of s3 storage ${index} are not properly encoded`);
  }
}
