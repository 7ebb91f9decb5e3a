import type { HttpsOptions } from './https-json.ts';
import { Ranges } from '../util/cidr.ts';
import { type AccessLists, IpFilter } from './ip-filter.ts';
import type { KeySet, KeySetTimes } from './jwks.ts';
import type { Provider, ProviderOptions } from './oidc.ts';
import { Account, passwordKind } from './password.ts';
import type { ThrottleOptions } from './throttle.ts';
import { Tokens, type TokenUse } from './tokens.ts';

/** What the configuration says about access. */
export interface AuthOptions {
  /** Whether the API asks for tokens at all. */
  enabled: boolean;
  username: string;
  /** In plain text, or a hash in the PHC format. */
  password: string;
  /** Part of the key that signs tokens. If it is empty, a random one is used until the server stops. */
  secret: string;
  /** Secrets whose tokens are still accepted. */
  previousSecrets: readonly string[];
  /** Lifetimes of tokens in seconds. */
  lifetimes: Readonly<Record<TokenUse, number>>;
  /** Auth0 tenants and other providers, in the order in which they are asked. */
  providers: readonly ProviderOptions[];
  /** Whether `GET /api` lists Auth0 before the local login. */
  prefersAuth0: boolean;
  /** Whether programs on this machine need no token. */
  trustsLocalhost: boolean;
  /** Names of this server. */
  hostNames: readonly string[];
  /** Proxies whose forwarding headers are believed, as CIDR ranges. */
  trustedProxies: readonly string[];
  /** Who may come, by the listener: the plain one and the TLS one. */
  access: Readonly<Record<'http' | 'https', AccessLists>>;
  /** Whether the plain listener can be reached from other machines. */
  isExposed: boolean;
  /** How the providers' servers are reached. */
  https: HttpsOptions;
  /** Deviations from the default limits. */
  throttle?: Partial<ThrottleOptions>;
  /** Deviations from the default times. */
  keySetTimes?: Partial<KeySetTimes>;
}

const LOCAL_METHOD = 'localjwt';
/** The least an HMAC-SHA-256 key should have, in bytes (RFC 7518 §3.2). */
const MIN_KEY_BYTES = 32;
const MIN_PASSWORD_LENGTH = 8;

/** The configuration of access, made ready for use. Never changes: a reload makes another. */
export class Policy {
  readonly options: AuthOptions;
  readonly tokens: Tokens;
  readonly account: Account;
  readonly providers: readonly Provider[];
  readonly trustedProxies: Ranges;
  readonly filters: Readonly<Record<'http' | 'https', IpFilter>>;
  /** `auths` of `GET /api`. */
  readonly methods: readonly string[];

  /**
   * Throws `invalid` if a value cannot be used.
   *
   * @param randomSecret takes the place of an empty secret.
   * @param keySets the keys of each provider, in the providers' order.
   */
  constructor(options: AuthOptions, randomSecret: string, keySets: readonly KeySet[]) {
    const { username, password, secret, previousSecrets, lifetimes, access } = options;
    // compat: plain concatenation, so that sessions of the reference go on.
    const keyOf = (part: string): string => username + password + part;
    this.options = options;
    this.tokens = new Tokens({
      key: keyOf(secret === '' ? randomSecret : secret),
      previousKeys: previousSecrets.filter((previous) => previous !== '').map(keyOf),
      lifetimes,
    });
    this.account = new Account(username, password);
    this.providers = options.providers.flatMap((provider, index) => {
      const keySet = keySets[index];
      return keySet ? [{ options: provider, key: (header) => keySet.key(header) }] : [];
    });
    this.trustedProxies = new Ranges(options.trustedProxies);
    this.filters = { http: new IpFilter(access.http), https: new IpFilter(access.https) };
    this.methods = methodsOf(options);
  }

  /** What an operator should know about the configuration. Holds no secrets. */
  warnings(): string[] {
    const { enabled, username, password, secret, trustsLocalhost, isExposed } = this.options;
    if (!enabled) return [];
    const warnings: string[] = [];
    const kind = passwordKind(password);
    if (kind === 'broken hash') {
      warnings.push(
        'api.auth.password looks like a hash, but cannot be used as one and counts as plain text',
      );
    } else if (kind === 'plain' && password.length < MIN_PASSWORD_LENGTH) {
      warnings.push(
        `api.auth.password is shorter than ${MIN_PASSWORD_LENGTH} characters, 15 or more are advised`,
      );
    }
    if (secret !== '' && Buffer.byteLength(username + password + secret) < MIN_KEY_BYTES) {
      warnings.push(
        `the signing key is shorter than ${MIN_KEY_BYTES} bytes, a longer api.auth.jwt.secret is advised`,
      );
    }
    if (trustsLocalhost) warnings.push('programs on this machine need no login (api.auth.disable_localhost)');
    if (isExposed) {
      warnings.push('passwords and tokens travel in clear: the plain HTTP port is open to other machines');
    }
    return warnings;
  }
}

function methodsOf({ enabled, providers, prefersAuth0 }: AuthOptions): string[] {
  if (!enabled) return [];
  const auth0 = providers.filter(({ kind }) => kind === 'auth0').map(({ method }) => method);
  const oidc = providers.filter(({ kind }) => kind === 'oidc').map(({ method }) => method);
  // compat: clients stop at the first method they know, and one gives up if the local one is missing.
  return prefersAuth0 ? [...auth0, LOCAL_METHOD, ...oidc] : [LOCAL_METHOD, ...auth0, ...oidc];
}
