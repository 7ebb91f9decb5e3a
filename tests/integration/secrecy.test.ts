import { expect, test } from 'vitest';
import { openScripted, scripted } from './process-server.ts';

/** Nothing else contains these texts. */
const SECRETS = {
  CORE_API_AUTH_PASSWORD: 'SECRET-password',
  CORE_API_AUTH_JWT_SECRET: 'SECRET-jwt',
  CORE_API_AUTH_JWT_PREVIOUS_SECRETS: 'SECRET-previous',
  CORE_STORAGE_MEMORY_AUTH_ENABLE: 'true',
  CORE_STORAGE_MEMORY_AUTH_USERNAME: 'mem',
  CORE_STORAGE_MEMORY_AUTH_PASSWORD: 'SECRET-memory',
  CORE_RTMP_TOKEN: 'SECRET-rtmp',
  CORE_RTMP_KEYS: '/cam:SECRET-rtmp-key',
  CORE_SRT_TOKEN: 'SECRET-srt',
  CORE_SRT_PASSPHRASE: 'SECRET-passphrase',
  CORE_SERVICE_TOKEN: 'SECRET-service',
  CORE_STORAGE_S3: 'https://KEY:SECRET-s3@r.example/b?name=n&mount=/m&username=u&password=SECRET-s3-mount',
};

test('a run at debug level, whatever it meets, writes no secret into the log', async () => {
  const { server } = await openScripted({ env: { ...SECRETS, CORE_LOG_LEVEL: 'debug' } });
  const send = async (method: string, url: string, headers: Record<string, string> = {}, body?: string) => {
    const response = await fetch(server.base + url, { method, headers, ...(body !== undefined && { body }) });
    return { status: response.status, text: await response.text() };
  };
  const json = { 'content-type': 'application/json' };

  const login = (password: string) =>
    send('POST', '/api/login', json, JSON.stringify({ username: 'admin', password }));
  const { status, text } = await login('SECRET-password');
  expect(status).toBe(200);
  const { access_token, refresh_token } = JSON.parse(text) as { access_token: string; refresh_token: string };
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
  // These are answered late, so the rest goes on beside them.
  const refused = Promise.all([
    login('SECRET-guess'),
    send('POST', '/api/login', json, '{"username":"admin","password":"SECRET-cut'),
    send('GET', '/api/login/refresh', bearer('SECRET.bearer.token')),
  ]);
  await send('GET', '/api/login/refresh', bearer(refresh_token));
  await send('GET', '/api/v3/process', bearer('SECRET.bearer.token'));
  await send('GET', '/api/v3/process', { authorization: 'Basic SECRET-basic' });

  const call = (method: string, url: string, body?: object) =>
    send(
      method,
      `/api/v3${url}`,
      { ...json, ...bearer(access_token) },
      body === undefined ? undefined : JSON.stringify(body),
    );

  // Written with the right and the wrong password, and with a token in the address.
  const basic = (password: string) => ({
    authorization: `Basic ${Buffer.from(`mem:${password}`).toString('base64')}`,
  });
  await send('PUT', '/memfs/a', basic('SECRET-memory'), 'a');
  await send('PUT', '/memfs/a', basic('SECRET-wrong'), 'a');
  await send('GET', '/memfs/none?token=SECRET-query&access_token=SECRET-query');

  // Addresses with secrets: of processes that run, fail, and are refused.
  const input = [{ id: 'i', address: '{rtmp,name=a}' }];
  const output = [
    { id: 'm', address: '{memfs}/x.m3u8' },
    { id: 's', address: '{srt,name=b}' },
  ];
  expect(
    await call(
      'POST',
      '/process',
      scripted('runs', ['obey', 'say', 'x', 'wait'], { input, output, autostart: true }),
    ),
  ).toMatchObject({ status: 200 });
  expect(
    await call('POST', '/process', scripted('fails', ['exit', '1'], { input, output, autostart: true })),
  ).toMatchObject({ status: 200 });
  await call(
    'POST',
    '/process',
    scripted('refused', [], {
      input: [{ id: 'i', address: 'rtmp://u:SECRET-url@/x?token=SECRET-url' }],
      output: [{ id: 'o', address: 'bad{memfs}' }],
    }),
  );
  await call('GET', '/process/fails/probe');

  await call('PUT', '/config', {
    version: 3,
    srt: { passphrase: 'SECRET-x', enable: true },
    service: { token: 'SECRET-new' },
  });
  await call('PUT', '/config', {
    version: 3,
    api: { auth: { password: 7 } },
    rtmp: { token: ['SECRET-type'] },
  });
  await call('PUT', '/config', {
    version: 3,
    ffmpeg: { access: { input: { block: ['^rtmp:'], allow: [] } } },
  });
  await refused;
  await server.app.reload();
  await server.app.close();

  const log = server.log();
  expect(log).toContain('variable="srt.passphrase"');
  expect(log).toMatch(/Config reloaded/);
  const found = log
    .split('\n')
    .filter(
      (line) =>
        line.includes('SECRET-') ||
        line.includes('SECRET.') ||
        line.includes(access_token) ||
        line.includes(refresh_token),
    );
  expect(found).toEqual([]);
  for (const encoded of [...Object.values(SECRETS), 'mem:SECRET-memory'].map((secret) =>
    Buffer.from(secret).toString('base64'),
  )) {
    expect(log).not.toContain(encoded.replace(/=+$/, ''));
  }
});
