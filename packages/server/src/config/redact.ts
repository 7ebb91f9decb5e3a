import type { ConfigS3 } from '@millrace/api';
import { type Config, setSetting, settingOf } from './schema.ts';
import { VARIABLES } from './variables.ts';

/** What the API shows instead of a secret. Given back in a change, it means "as it is". */
export const PLACEHOLDER = '***';

/** A copy of the configuration without the secrets that no client needs. */
export function redactConfig(config: Config): Config {
  const redacted = structuredClone(config);
  for (const { name, redacted: isHidden } of VARIABLES) {
    if (isHidden === true) setSetting(redacted, name, hide(settingOf(redacted, name)));
  }
  for (const storage of redacted.storage.s3)
    storage.secret_access_key = hide(storage.secret_access_key) as string;
  return redacted;
}

/** The value of a setting with its placeholders replaced by the secrets of an earlier value. */
export function restoreSecrets(name: string, value: unknown, earlier: unknown): unknown {
  if (name === 'storage.s3') return restoreStorages(value as ConfigS3[], earlier as ConfigS3[]);
  const isHidden = VARIABLES.some((variable) => variable.name === name && variable.redacted === true);
  if (!isHidden) return value;
  if (Array.isArray(value)) return restoreList(value as string[], earlier as string[]);
  if (typeof value === 'object') return restoreMap(value as SecretMap, earlier as SecretMap);
  return value === PLACEHOLDER ? earlier : value;
}

type SecretMap = Readonly<Record<string, string>>;

/** A placeholder without an earlier value stays, and is none that could be used. */
function restoreMap(secrets: SecretMap, earlier: SecretMap): SecretMap {
  return Object.fromEntries(
    Object.entries(secrets).map(([name, secret]) => [
      name,
      secret === PLACEHOLDER && Object.hasOwn(earlier, name) ? (earlier[name] ?? '') : secret,
    ]),
  );
}

/** Secrets are added in front, the newest first, and dropped at the end. */
function restoreList(secrets: string[], earlier: string[]): string[] {
  const added = Math.max(0, secrets.length - earlier.length);
  return secrets
    .map((secret, index) => (secret === PLACEHOLDER ? earlier[index - added] : secret))
    .filter((secret) => secret !== undefined);
}

/** Names are what tells storages apart; one that was renamed still has its key, whose secret that is. */
function restoreStorages(storages: ConfigS3[], earlier: ConfigS3[]): ConfigS3[] {
  return storages.map((storage) => {
    if (storage.secret_access_key !== PLACEHOLDER) return storage;
    const same =
      earlier.find(({ name }) => name === storage.name) ??
      earlier.find(({ access_key_id: key }) => key !== '' && key === storage.access_key_id);
    return { ...storage, secret_access_key: same?.secret_access_key ?? '' };
  });
}

function hide(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(hide);
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([name, secret]) => [name, hide(secret)]));
  }
  return value === '' ? '' : PLACEHOLDER;
}
