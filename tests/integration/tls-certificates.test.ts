import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { Log } from '../../packages/server/src/log/logger.ts';
import { Certificates } from '../../packages/server/src/tls/certificates.ts';
import { selfSignedCertificate } from './certificate.ts';
import { SOON } from './process-server.ts';
import { writeCertificate } from './tls-server.ts';

/** Certificates from files that are looked at again and again, and what was logged about them. */
async function watchFiles(write = writeCertificate) {
  const folder = await mkdtemp(path.join(tmpdir(), 'millrace-tls-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  await write(folder);
  const lines: string[] = [];
  const console = { write: (text: string) => lines.push(text) };
  const log = new Log(console, { level: 'info', topics: [], maxLines: 0 }).component('HTTPS');
  const [certFile, keyFile] = [path.join(folder, 'cert.pem'), path.join(folder, 'key.pem')];
  const certificates = new Certificates({ source: 'files', certFile, keyFile }, log, 10);
  onTestFinished(() => certificates.close());
  await certificates.start();
  return { folder, certificates, lines };
}

test('new files are found without being told', async () => {
  const { folder, certificates, lines } = await watchFiles();
  const before = certificates.main?.cert;
  const changed = once(certificates, 'changed');
  await writeCertificate(folder);
  await changed;
  expect(certificates.main?.cert).not.toBe(before);
  await vi.waitFor(() => {
    expect(lines.join('')).toContain('Certificate reloaded');
  }, SOON);
});

test('a broken file is complained about once, and the certificate stays', async () => {
  const { folder, certificates, lines } = await watchFiles();
  const before = certificates.main;
  await writeFile(path.join(folder, 'cert.pem'), 'nonsense');
  await vi.waitFor(() => {
    expect(lines.join('')).toContain('Certificate not reloaded');
  }, SOON);
  for (let round = 0; round < 3; round++) await certificates.refresh();
  expect(lines.filter((line) => line.includes('not reloaded'))).toHaveLength(1);
  expect(certificates.main).toBe(before);
});

test.each([
  ['20010101000000', 'Certificate has expired'],
  [
    new Date(Date.now() + 5 * 86_400_000).toISOString().replace(/\D/g, '').slice(0, 14),
    'Certificate expires soon',
  ],
])('a certificate that lasts until %s is complained about: %s', async (end, complaint) => {
  const { lines } = await watchFiles(async (folder) => {
    const { cert, key } = selfSignedCertificate(`${end.slice(2)}Z`);
    await writeFile(path.join(folder, 'cert.pem'), cert);
    await writeFile(path.join(folder, 'key.pem'), key);
  });
  expect(lines.join('')).toContain(`level=WARN component="HTTPS" msg="${complaint}"`);
});

test('certificates that the reference has stored are used on, each for its host', async () => {
  const dir = await mkdtemp(path.join(tmpdir(), 'millrace-tls-'));
  onTestFinished(() => rm(dir, { recursive: true }));
  const hosts = ['a.example', 'b.example'];
  const stored = new Map<string, string>();
  for (const host of hosts) {
    const { cert, key } = selfSignedCertificate();
    const folder = path.join(dir, 'certificates', 'acme-v02.api.letsencrypt.org-directory', host);
    await mkdir(folder, { recursive: true });
    await writeFile(path.join(folder, `${host}.crt`), cert);
    await writeFile(path.join(folder, `${host}.key`), key);
    stored.set(host, cert);
  }
  const log = new Log(process.stderr, { level: 'silent', topics: [], maxLines: 0 }).component('HTTPS');
  const directoryUrl = 'https://acme-v02.api.letsencrypt.org/directory';
  const certificates = new Certificates({ source: 'store', hosts, dir, directoryUrl }, log);
  onTestFinished(() => certificates.close());
  await certificates.start();
  expect(hosts.map((host) => certificates.pairOf(host)?.cert)).toEqual([...stored.values()]);
  expect(certificates.main?.cert).toBe(stored.get('a.example'));
  expect(certificates.isTrusted).toBe(true);
});
