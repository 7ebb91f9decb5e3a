import process from 'node:process';

/** The oldest version of TLS that is spoken. Everything before it is broken (RFC 8996). */
export const MIN_TLS_VERSION = 'TLSv1.2';

/** `node:tls`, read by the first of a thread that needs it: it takes some 2 MiB of each. */
export function nodeTls() {
  return process.getBuiltinModule('node:tls');
}
