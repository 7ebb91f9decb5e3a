/** How long before its end a token is renewed, in milliseconds, or a fifth of its life if that is less. */
const EARLY = 60_000;
const LATEST_PART = 0.2;
/** A token ends up to so much sooner than it says: its times are whole seconds. */
const ROUNDING = 1_000;

/** An access or refresh token, and when it ends by the clock here. */
export interface Token {
  readonly text: string;
  /** Infinity if the token does not say. */
  readonly expiresAt: number;
  /** From when on a new one is to be asked for. */
  readonly renewAt: number;
}

/**
 * @param now in milliseconds.
 * @param isNew whether the token was issued just now: then its lifetime (`exi`) counts from here on, however wrong the clock
 *   is. Of a stored one only the end (`exp`) says something.
 */
export function toToken(text: string, now: number, isNew: boolean): Token {
  const { exi, exp } = claimsOf(text);
  const end = typeof exp === 'number' ? exp * 1000 : Infinity;
  const life = typeof exi === 'number' && exi > 0 ? exi * 1000 : Infinity;
  const expiresAt = isNew && life !== Infinity ? now + life : end;
  const early = Math.min(EARLY, (life === Infinity ? Math.max(0, expiresAt - now) : life) * LATEST_PART);
  return { text, expiresAt, renewAt: expiresAt === Infinity ? Infinity : expiresAt - early - ROUNDING };
}

/** The claims of a token, which only its issuer can check. */
function claimsOf(text: string): { exi?: unknown; exp?: unknown } {
  try {
    const payload = text.split('.')[1] ?? '';
    const claims: unknown = JSON.parse(atob(payload.replaceAll('-', '+').replaceAll('_', '/')));
    return typeof claims === 'object' && claims !== null ? claims : {};
  } catch {
    return {};
  }
}
