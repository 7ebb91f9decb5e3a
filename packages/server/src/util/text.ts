const SECRET_PARAMETER = /([?&,;](?:token|passphrase|password|access_token)[=:])[^&,;#\s]*/gi;
const PASSWORD = /(:\/\/[^\s/?#:@]*:)[^\s/?#]*@/g;

/** Replaces passwords and the values of secret parameters in URLs and stream ids by `***`. */
export function maskSecrets(text: string): string {
  return text.replace(SECRET_PARAMETER, '$1***').replace(PASSWORD, '$1***@');
}
