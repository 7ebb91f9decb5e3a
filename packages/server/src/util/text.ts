const SECRET_PARAMETER = /([?&,;](?:token|passphrase|password|access_token)[=:])[^&,;#\s]*/gi;
/** In addresses of SRT secrets are not encoded: they may hold all that does not end the value or the address. */
const SRT_SECRET = /(,token:|[?&]passphrase=)(?:(?!['"]?(?:: |$)|,mode:)[^&\n])*/g;
const PASSWORD = /(:\/\/[^\s/?#:@]*:)[^\s/?#]*@/g;

/** Replaces passwords and the values of secret parameters in URLs and stream ids by `***`. */
export function maskSecrets(text: string): string {
  const withoutSrt = text.includes('srt://') ? text.replace(SRT_SECRET, '$1***') : text;
  return withoutSrt.replace(SECRET_PARAMETER, '$1***').replace(PASSWORD, '$1***@');
}

/** How deep `mapTexts` looks; what lies deeper is left out. */
const MAX_DEPTH = 4;

/** The same plain data with all its texts changed. Of an error, the text is left. */
export function mapTexts(value: unknown, change: (text: string) => string, depth = MAX_DEPTH): unknown {
  if (typeof value === 'string') return change(value);
  if (value instanceof Error) return change(value.message);
  if (typeof value !== 'object' || value === null || 'toJSON' in value) return value;
  if (depth === 0) return null;
  if (Array.isArray(value)) return value.map((item) => mapTexts(item, change, depth - 1));
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name, mapTexts(member, change, depth - 1)]),
  );
}

/** What one character of a string takes at most in UTF-8, in bytes. */
export const MAX_BYTES_A_CHARACTER = 3;
