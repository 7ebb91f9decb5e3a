import { expect, test } from 'vitest';
import { defaultConfig } from './config/variables.ts';
import { authOptions } from './slices.ts';

test('a provider is as strict as its settings say', () => {
  const provider = { issuer: 'https://a', audience: 'b', clientid: 'c', algorithms: [], users: [] };
  const config = defaultConfig();
  config.api.auth.oidc.providers = [provider, { ...provider, check_client: true, allow_id_tokens: true }];
  expect(authOptions(config).providers).toMatchObject([
    { checksClient: false, allowsIdTokens: false },
    { checksClient: true, allowsIdTokens: true },
  ]);
});
