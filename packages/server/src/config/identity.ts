import { ConfigOidcProvider, ConfigTenant, PROVIDER_ALGORITHMS } from '@millrace/api';
import { decodeJson } from '../util/decode.ts';
import { errorText } from '../util/errors.ts';
import { parseJsonText } from '../util/json.ts';
import type { Kind } from './kinds.ts';

const NO_TENANT: ConfigTenant = { domain: '', audience: '', clientid: '', users: [] };
const NO_PROVIDER: ConfigOidcProvider = { issuer: '', audience: '', clientid: '', algorithms: [], users: [] };

const TENANT_SCHEME = 'auth0://';

/** Auth0 tenants: `auth0://clientid@domain?aud=…&user=…` or base64 of their JSON, between commas. */
export const tenants: Kind<ConfigTenant[]> = {
  parse: (text) =>
    text.split(',').map((element, index) => {
      const trimmed = element.trim();
      const name = `tenant ${index}`;
      if (trimmed.startsWith(TENANT_SCHEME)) return parseTenantUrl(trimmed, name);
      const json = fromBase64(trimmed, name);
      return inJson(name, () => decodeJson(ConfigTenant, parseJsonText(json), NO_TENANT));
    }),
  format: (value) => value.map(formatTenant).join(','),
  check: (value) =>
    value.flatMap(({ domain, audience }, index) => [
      ...missing(domain, `the domain for tenant ${index}`),
      ...missing(audience, `the audience for tenant ${index}`),
    ]),
};

/** OpenID Connect providers: a JSON array, or base64 of the JSON of each, between commas. */
export const providers: Kind<ConfigOidcProvider[]> = {
  parse(text) {
    const trimmed = text.trim();
    const elements = trimmed.startsWith('[')
      ? inJson('providers', () => asArray(parseJsonText(trimmed)))
      : trimmed
          .split(',')
          .map((element, index) => fromBase64(element.trim(), `provider ${index}`))
          .map((json, index) => inJson(`provider ${index}`, () => parseJsonText(json)));
    return elements.map((element, index) =>
      inJson(`provider ${index}`, () => decodeJson(ConfigOidcProvider, element, NO_PROVIDER)),
    );
  },
  format: (value) =>
    value.length === 0 ? '[]' : value.map((provider) => toBase64(JSON.stringify(provider))).join(','),
  check: (value) =>
    value.flatMap(({ issuer, audience, algorithms, jwks_uri: keys = '' }, index) => [
      ...(isHttps(issuer) ? [] : [`the issuer for provider ${index} must be an https URL`]),
      ...missing(audience, `the audience for provider ${index}`),
      ...algorithms
        .filter((algorithm) => !PROVIDER_ALGORITHMS.includes(algorithm))
        .map((algorithm) => `the algorithm ${algorithm} for provider ${index} is not allowed`),
      ...(keys === '' || isHttps(keys) ? [] : [`the jwks_uri for provider ${index} must be an https URL`]),
    ]),
};

function parseTenantUrl(text: string, name: string): ConfigTenant {
  const url = URL.parse(text);
  const clientid = url && decodePercent(url.username);
  if (url === null || clientid === undefined || clientid === null) {
    throw new Error(`invalid url encoding of ${name}: not a URL`);
  }
  const { searchParams } = url;
  return {
    domain: url.host,
    audience: searchParams.get('aud') ?? '',
    clientid,
    users: searchParams.getAll('user'),
  };
}

function formatTenant({ domain, audience, clientid, users }: ConfigTenant): string {
  const query = new URLSearchParams([
    ['aud', audience],
    ...users.map((user) => ['user', user] as [string, string]),
  ]);
  return `${TENANT_SCHEME}${encodeURIComponent(clientid)}@${domain}?${query.toString()}`;
}

function decodePercent(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** Both alphabets, with or without padding. */
function fromBase64(text: string, name: string): string {
  const bad = text.search(/[^A-Za-z0-9+/_-]/);
  if (bad !== -1 && !/^={1,2}$/.test(text.slice(bad))) {
    throw new Error(`invalid base64 encoding of ${name}: illegal base64 data at input byte ${bad}`);
  }
  return Buffer.from(text, 'base64').toString();
}

function toBase64(text: string): string {
  return Buffer.from(text).toString('base64');
}

function inJson<T>(name: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw new Error(`invalid JSON in ${name}: ${errorText(error).replace(/^syntax error at [^:]*: /, '')}`, {
      cause: error,
    });
  }
}

function asArray(value: unknown): unknown[] {
  if (Array.isArray(value)) return value;
  throw new Error('not an array');
}

function missing(value: string, what: string): string[] {
  return value === '' ? [`${what} is missing`] : [];
}

function isHttps(text: string): boolean {
  return URL.parse(text)?.protocol === 'https:';
}
