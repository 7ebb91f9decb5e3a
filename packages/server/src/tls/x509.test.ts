import { X509Certificate } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { objectIdentifier, octetString } from './der.ts';
import { parseKeyPair } from './key-pair.ts';
import { createCertificateRequest, createSelfSigned } from './x509.ts';

test.each([
  // ITU-T X.690 §8.19.5
  ['2.5.29.17', '0603551d11'],
  ['1.2.840.113549.1.9.14', '06092a864886f70d01090e'],
])('the identifier %s is written as %s', (dotted, hex) => {
  expect(objectIdentifier(dotted).toString('hex')).toBe(hex);
});

test.each([
  [0, '0400'],
  [127, '047f'],
  [128, '048180'],
  [256, '04820100'],
])('%i octets begin with %s', (length, hex) => {
  expect(octetString(Buffer.alloc(length)).toString('hex').slice(0, hex.length)).toBe(hex);
});

describe('a certificate of our own', () => {
  test('is for all hosts and verifies with its own key', () => {
    const { cert, key } = createSelfSigned(['a.example', 'b.example']);
    const certificate = new X509Certificate(cert);
    expect(certificate.subjectAltName).toBe('DNS:a.example, DNS:b.example');
    expect(certificate.verify(certificate.publicKey)).toBe(true);
    expect(parseKeyPair(cert, key).expires.getTime()).toBeGreaterThan(Date.now());
  });

  test('is not taken with the key of another', () => {
    const [first, second] = [createSelfSigned(['a']), createSelfSigned(['a'])];
    expect(() => parseKeyPair(first.cert, second.key)).toThrow('the key does not belong to the certificate');
  });

  test('is not asked for with the same key twice', () => {
    expect(createCertificateRequest('a').key).not.toBe(createCertificateRequest('a').key);
  });
});
