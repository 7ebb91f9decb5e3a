const SECRET_PARAMETER = /([?&,;](?:token|passphrase|password|access_token)[=:])[^&,;#\s]*/gi;

/** Replaces the values of secret parameters in a URL or stream id by `***`. */
export function maskSecrets(text: string): string {
  return text.replace(SECRET_PARAMETER, '$1***');
}
