import { X509Certificate, createPrivateKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { type SecureContext, createSecureContext } from 'node:tls';
import { MIN_TLS_VERSION } from '../util/node-tls.ts';
import { CoreError, errorText } from '../util/errors.ts';

/** A certificate with the chain above it, and its key. */
export interface KeyPair {
  /** PEM, the certificate itself first. */
  readonly cert: string;
  /** PEM. */
  readonly key: string;
  readonly context: SecureContext;
  readonly validFrom: Date;
  readonly expires: Date;
}

/** Checks that certificate and key can be used, and together. Throws `invalid` with what is wrong. */
export function parseKeyPair(cert: string, key: string): KeyPair {
  const certificate = attempt('the certificate can not be read', () => new X509Certificate(cert));
  const privateKey = attempt('the key can not be read', () => createPrivateKey(key));
  if (!certificate.checkPrivateKey(privateKey)) {
    throw new CoreError('invalid', 'the key does not belong to the certificate');
  }
  return {
    cert,
    key,
    context: attempt('the certificate can not be used', () =>
      createSecureContext({ cert, key, minVersion: MIN_TLS_VERSION }),
    ),
    validFrom: new Date(certificate.validFrom),
    expires: new Date(certificate.validTo),
  };
}

/** Reads both files, without judging what is in them. Throws what keeps them from being read. */
export async function readPemFiles(
  certFile: string,
  keyFile: string,
): Promise<{ cert: string; key: string }> {
  const [cert, key] = await Promise.all([readFile(certFile, 'utf8'), readFile(keyFile, 'utf8')]);
  return { cert, key };
}

function attempt<T>(failure: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw new CoreError('invalid', `${failure}: ${errorText(error)}`, { cause: error });
  }
}
