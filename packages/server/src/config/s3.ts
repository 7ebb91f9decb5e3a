import type { ConfigS3 } from '@millrace/api';
import type { Kind } from './kinds.ts';

const SEPARATOR = '|';
const NAME = /^[A-Za-z0-9_-]+$/;
/** What has a meaning in an address or a route. */
const RESERVED = /[\s*:?#%\\]/;
const HIDDEN = '---';
/** The scheme and the keys, the region, the rest. */
const ADDRESS = /^(https?:\/\/(?:[^/?#]*@)?)(?:([^/?#.]*)\.)?(.*)$/is;

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
  // Taken out before the rest is looked at: in front of an IP address, the region makes no valid host.
  const [, scheme = '', region = '', rest = ''] = ADDRESS.exec(text) ?? [];
  const url = URL.parse(scheme + rest);
  if (url === null) {
    throw new Error(`the address of s3 storage ${index} must be an http or https URL`);
  }
  const { searchParams } = url;
  return {
    name: searchParams.get('name') ?? '',
    mountpoint: searchParams.get('mount') ?? '',
    auth: {
      enable: searchParams.has('username') || searchParams.has('password'),
      username: searchParams.get('username') ?? '',
      password: searchParams.get('password') ?? '',
    },
    endpoint: url.host,
    access_key_id: decodeUserInfo(url.username, index),
    secret_access_key: decodeUserInfo(url.password, index),
    bucket: url.pathname.replace(/^\//, ''),
    region: region.toLowerCase(),
    use_ssl: url.protocol === 'https:',
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
