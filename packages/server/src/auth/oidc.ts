import { PROVIDER_ALGORITHMS } from '@millrace/api';
import type * as Jose from 'jose';
import type { JWTPayload, JWTVerifyGetKey } from 'jose';
import { CoreError, errorText } from '../util/errors.ts';

/** An issuer whose access tokens may be exchanged for tokens of this server, and who may do so. */
export interface ProviderOptions {
  kind: 'auth0' | 'oidc';
  /** `iss` of its tokens, compared exactly. */
  issuer: string;
  /** How `GET /api` names it. */
  method: string;
  audience: string;
  clientId: string;
  /** Allow-list of signature algorithms, none of them symmetric. */
  algorithms: readonly string[];
  /** Who may log in; compared with the user claim. */
  users: readonly string[];
  /** The claim that names the user. */
  userClaim: string;
  /** Members of these groups may log in as well, as the groups claim says. */
  groups: readonly string[];
  groupsClaim: string;
  keysUri?: string | undefined;
  /** Whether `aud` must hold the audience. */
  checksAudience: boolean;
  /** Whether the token must have been issued to the client id. */
  checksClient: boolean;
  allowsIdTokens: boolean;
}

export interface TenantOptions {
  domain: string;
  audience: string;
  clientId: string;
  users: readonly string[];
}

export interface OidcOptions {
  issuer: string;
  audience: string;
  clientId: string;
  algorithms?: readonly string[] | undefined;
  users: readonly string[];
  userClaim?: string | undefined;
  groups?: readonly string[] | undefined;
  groupsClaim?: string | undefined;
  keysUri?: string | undefined;
  allowsIdTokens?: boolean | undefined;
  checksClient?: boolean | undefined;
}

/** Who a verified token of a provider is about. */
export interface Identity {
  subject: string;
  issuer: string;
  /** The groups the user was let in for; empty if the user is on the list. */
  groups: readonly string[];
}

/** A provider with its keys. */
export interface Provider {
  options: ProviderOptions;
  key: JWTVerifyGetKey;
}

/** A token of a provider that must not be let in. `shown` may be told to the caller, the text is for the log. */
export class TokenRefused extends CoreError {
  readonly shown: string;

  constructor(reason: string, shown = 'invalid token', options?: ErrorOptions) {
    super('unauthorized', reason, options);
    this.shown = shown;
  }
}

const CLOCK_TOLERANCE = 30;
const ACCESS_TOKEN_TYPES = ['at+jwt', 'application/at+jwt'];
const MAX_GROUPS = 1000;

/** An Auth0 tenant as the provider that it is. */
export function auth0Provider(tenant: TenantOptions, checksAudience: boolean): ProviderOptions {
  const { domain, audience, clientId, users } = tenant;
  return {
    ...DEFAULTS,
    kind: 'auth0',
    issuer: `https://${domain}/`,
    method: `auth0 domain=${domain} audience=${audience} clientid=${clientId}`,
    audience,
    clientId,
    users,
    keysUri: `https://${domain}/.well-known/jwks.json`,
    checksAudience,
  };
}

/** Any other OpenID Connect provider. Throws `invalid` for an algorithm that is not allowed. */
export function oidcProvider(options: OidcOptions): ProviderOptions {
  const { issuer, audience, clientId, users } = options;
  const algorithms = options.algorithms?.length ? options.algorithms : DEFAULTS.algorithms;
  for (const algorithm of algorithms) {
    if (!PROVIDER_ALGORITHMS.includes(algorithm)) {
      throw new CoreError('invalid', `the algorithm ${algorithm} is not allowed for ${issuer}`);
    }
  }
  return {
    ...DEFAULTS,
    kind: 'oidc',
    issuer,
    method: `oidc issuer=${issuer} audience=${audience} clientid=${clientId}`,
    audience,
    clientId,
    algorithms,
    users,
    userClaim: given(options.userClaim) ?? DEFAULTS.userClaim,
    groups: options.groups ?? DEFAULTS.groups,
    groupsClaim: given(options.groupsClaim) ?? DEFAULTS.groupsClaim,
    keysUri: given(options.keysUri),
    checksClient: options.checksClient ?? DEFAULTS.checksClient,
    allowsIdTokens: options.allowsIdTokens ?? DEFAULTS.allowsIdTokens,
  };
}

/** An empty setting is none. */
function given(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}

const DEFAULTS = {
  algorithms: ['RS256'],
  userClaim: 'sub',
  groups: [] as readonly string[],
  groupsClaim: 'groups',
  checksAudience: true,
  checksClient: false,
  allowsIdTokens: false,
};

/**
 * The user of a provider's token. Throws TokenRefused if the token must not be let in.
 *
 * @returns undefined if the token comes from none of the providers.
 */
export async function identify(token: string, providers: readonly Provider[]): Promise<Identity | undefined> {
  if (providers.length === 0) return undefined;
  // Loaded when it is needed: most servers have no provider.
  const jose = await import('jose');
  const issuer = issuerOf(token, jose);
  const candidates = providers.filter(({ options }) => options.issuer === issuer);
  // Several may share an issuer; the audience tells them apart.
  let refusal: TokenRefused | undefined;
  for (const provider of candidates) {
    try {
      return await verify(token, provider, jose);
    } catch (error) {
      refusal ??= toRefusal(error, provider.options, jose);
    }
  }
  if (refusal !== undefined) throw refusal;
  return undefined;
}

function issuerOf(token: string, { decodeJwt, decodeProtectedHeader }: typeof Jose): unknown {
  try {
    decodeProtectedHeader(token);
    return decodeJwt(token).iss;
  } catch {
    return undefined;
  }
}

/** The signature comes first, the list of users last: nobody learns who is on it. */
async function verify(token: string, { options, key }: Provider, jose: typeof Jose): Promise<Identity> {
  const { payload, protectedHeader } = await jose.jwtVerify(token, key, {
    algorithms: [...options.algorithms],
    issuer: options.issuer,
    ...(options.checksAudience ? { audience: options.audience } : {}),
    clockTolerance: CLOCK_TOLERANCE,
    requiredClaims: ['exp', 'sub'],
  });
  if ('crit' in protectedHeader) throw new TokenRefused('token has a critical extension');
  if (!options.allowsIdTokens) refuseIdToken(payload, protectedHeader.typ);
  if (options.checksClient && (payload['azp'] ?? payload['client_id']) !== options.clientId) {
    throw new TokenRefused('token was issued to another client');
  }
  return admit(payload, options);
}

/** Only access tokens are meant to be shown to an API (RFC 9068 §2.1, §4). */
function refuseIdToken(payload: JWTPayload, typ: string | undefined): void {
  const type = typ?.toLowerCase();
  if (type !== undefined && ACCESS_TOKEN_TYPES.includes(type)) return;
  if (type !== undefined && type !== 'jwt') throw new TokenRefused('token is of another type');
  // Keycloak says it in a claim; older versions of it put a nonce into access tokens too.
  if (payload['typ'] === 'Bearer') return;
  if (payload['typ'] === 'ID' || ['nonce', 'at_hash', 'c_hash'].some((claim) => claim in payload)) {
    throw new TokenRefused('token is an ID token');
  }
}

function admit(payload: JWTPayload, options: ProviderOptions): Identity {
  const { issuer, userClaim, users, groups, groupsClaim } = options;
  const user = payload[userClaim];
  if (typeof user !== 'string' || user === '') throw new TokenRefused(`token has no claim ${userClaim}`);
  if (userClaim === 'email' && payload['email_verified'] === false) {
    throw new TokenRefused('the email address is not verified');
  }
  if (users.includes(user)) return { subject: user, issuer, groups: [] };
  const memberships = payload[groupsClaim];
  const list: unknown[] = Array.isArray(memberships) ? memberships.slice(0, MAX_GROUPS) : [memberships];
  const matching = groups.filter((group) => list.includes(group));
  if (matching.length === 0) throw new TokenRefused('user not allowed');
  return { subject: user, issuer, groups: matching };
}

function toRefusal(error: unknown, options: ProviderOptions, { errors }: typeof Jose): TokenRefused {
  if (error instanceof TokenRefused) return error;
  if (error instanceof errors.JWTExpired) {
    return new TokenRefused('token is expired', 'token is expired', { cause: error });
  }
  if (error instanceof errors.JWTClaimValidationFailed && error.claim === 'aud') {
    const { aud = [] } = error.payload;
    const presented = JSON.stringify(aud).slice(0, 200);
    return new TokenRefused(`token is for the audience ${presented}, not for ${options.audience}`);
  }
  return new TokenRefused(errorText(error), undefined, { cause: error });
}
