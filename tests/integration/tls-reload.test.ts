import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { freePort } from '../support/ports.ts';
import { startServer } from '../support/server.ts';
import { selfSignedCertificate } from './certificate.ts';
import { SOON } from './process-server.ts';
import { BASIC, TlsServer, answerOf, ask, writeCertificate } from './tls-server.ts';

describe('a reload', () => {
  test('turns TLS on and off, while clear text goes on', async () => {
    await using tls = await TlsServer.start({ isEnabled: false });
    await expect(tls.fingerprint()).rejects.toThrow('ECONNREFUSED');
    expect(await tls.change({ enable: true })).toBe('');
    const session = tls.session();
    expect((await ask(session, { ':path': '/ping' })).text).toBe('pong');
    expect(await tls.change({ enable: false })).toBe('');
    await expect(tls.fingerprint()).rejects.toThrow('ECONNREFUSED');
    expect((await fetch(`${tls.server.base}/ping`)).status).toBe(200);
  });

  test('to another address lets the streams of old connections end', async () => {
    await using tls = await TlsServer.start();
    const at = { ':path': '/memfs/moved', ':method': 'PUT', authorization: BASIC };
    const upload = tls.session().request({ ...at, expect: '100-continue' }, { endStream: false });
    await once(upload, 'continue');
    const moved = tls.change({ address: `127.0.0.1:${await freePort()}` });
    await vi.waitFor(() => expect(tls.fingerprint()).rejects.toThrow('ECONNREFUSED'), SOON);
    upload.end('body');
    expect((await answerOf(upload)).status).toBe(201);
    expect(await moved).toBe('');
    expect((await ask(tls.session(), { ':path': '/memfs/moved' })).text).toBe('body');
  });

  test('to a certificate with another key leaves everything as it is and says why', async () => {
    await using tls = await TlsServer.start();
    const before = await tls.fingerprint();
    const session = tls.session();
    await ask(session, { ':path': '/ping' });
    const foreign = path.join(tls.folder, 'foreign.pem');
    await writeFile(foreign, selfSignedCertificate().key);
    expect(await tls.change({ key_file: foreign })).toBe(
      "can't use the TLS certificate: the key does not belong to the certificate",
    );
    expect(await tls.fingerprint()).toBe(before);
    expect((await ask(session, { ':path': '/ping' })).status).toBe(200);
  });

  test('to a port that is taken leaves everything as it is and says why', async () => {
    await using tls = await TlsServer.start();
    const taken = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void taken.close());
    await once(taken, 'listening');
    const session = tls.session();
    await ask(session, { ':path': '/ping' });
    const address = `127.0.0.1:${(taken.address() as AddressInfo).port}`;
    await writeCertificate(tls.folder);
    const before = await tls.fingerprint();
    expect(await tls.change({ address })).toContain(`can't listen on ${address}`);
    expect(await tls.fingerprint()).toBe(before);
    expect((await ask(session, { ':path': '/ping' })).status).toBe(200);
  });
});

describe('a certificate', () => {
  test('is exchanged for the one that stands in the files, while connections go on', async () => {
    await using tls = await TlsServer.start();
    const session = tls.session();
    await ask(session, { ':path': '/ping' });
    const before = await tls.fingerprint();
    await writeCertificate(tls.folder);
    await tls.server.app.reload();
    expect(await tls.fingerprint()).not.toBe(before);
    expect((await ask(session, { ':path': '/ping' })).status).toBe(200);
  });

  test('stays in use where the files are broken, and the reload says why', async () => {
    await using tls = await TlsServer.start();
    const before = await tls.fingerprint();
    await writeFile(path.join(tls.folder, 'cert.pem'), selfSignedCertificate().cert);
    expect(await tls.change({})).toBe(
      "can't use the TLS certificate: the key does not belong to the certificate",
    );
    expect(await tls.fingerprint()).toBe(before);
    await writeCertificate(tls.folder);
    expect(await tls.change({})).toBe('');
    expect(await tls.fingerprint()).not.toBe(before);
  });

  test('that cannot be used keeps the server from starting', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'millrace-tls-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const [file, port] = [path.join(folder, 'x.pem'), await freePort()];
    await writeFile(file, 'nonsense');
    const env = { CORE_TLS_ENABLE: 'true', CORE_TLS_ADDRESS: `127.0.0.1:${port}` };
    await expect(
      startServer({ env: { ...env, CORE_TLS_CERT_FILE: file, CORE_TLS_KEY_FILE: file } }),
    ).rejects.toThrow("can't use the TLS certificate: the certificate can not be read");
  });
});
