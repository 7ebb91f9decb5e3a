import { type KeyObject, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import {
  bitString,
  der,
  utcTime,
  integer,
  objectIdentifier,
  octetString,
  sequence,
  set,
  utf8String,
} from './der.ts';

const COMMON_NAME = objectIdentifier('2.5.4.3');
const SUBJECT_ALTERNATIVE_NAME = objectIdentifier('2.5.29.17');
const EXTENSION_REQUEST = objectIdentifier('1.2.840.113549.1.9.14');
const ECDSA_WITH_SHA256 = sequence(objectIdentifier('1.2.840.10045.4.3.2'));
const YEAR_MS = 365 * 24 * 60 * 60 * 1000;

/** A request for a certificate (DER, RFC 2986 §4) and the key for it (PEM). The key is new. */
export function createCertificateRequest(host: string): { request: Buffer; key: string } {
  const { privateKey, publicKey } = newKeys();
  const extensions = sequence(alternativeNames([host]));
  const info = sequence(
    integer(Buffer.from([0])),
    // The subject: what is asked for stands in the extension.
    sequence(),
    publicKey,
    der(0xa0, sequence(EXTENSION_REQUEST, set(extensions))),
  );
  return { request: signed(info, privateKey), key: toPem(privateKey) };
}

/** A certificate that nobody vouches for (RFC 5280 §4.1), so that connections are at least encrypted, and its key. */
export function createSelfSigned(hosts: readonly string[]): { cert: string; key: string } {
  const { privateKey, publicKey } = newKeys();
  const name = sequence(set(sequence(COMMON_NAME, utf8String('Millrace'))));
  const now = Date.now();
  const body = sequence(
    der(0xa0, integer(Buffer.from([2]))),
    // Never negative, and without a zero in front.
    integer(Buffer.concat([Buffer.from([1]), randomBytes(15)])),
    ECDSA_WITH_SHA256,
    name,
    sequence(utcTime(new Date(now - 60_000)), utcTime(new Date(now + YEAR_MS))),
    name,
    publicKey,
    der(0xa3, sequence(alternativeNames(hosts))),
  );
  const text = signed(body, privateKey)
    .toString('base64')
    .replace(/.{64}(?=.)/g, '$&\n');
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----\n`,
    key: toPem(privateKey),
  };
}

/** RFC 5280 §4.2.1.6 */
function alternativeNames(hosts: readonly string[]): Buffer {
  const names = hosts.map((host) => der(0x82, Buffer.from(host)));
  return sequence(SUBJECT_ALTERNATIVE_NAME, octetString(sequence(...names)));
}

function signed(body: Buffer, key: KeyObject): Buffer {
  return sequence(body, ECDSA_WITH_SHA256, bitString(sign('sha256', body, key)));
}

function newKeys(): { privateKey: KeyObject; publicKey: Buffer } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { privateKey, publicKey: publicKey.export({ type: 'spki', format: 'der' }) };
}

function toPem(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' });
}
