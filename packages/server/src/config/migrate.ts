/** The layouts that can be read. */
export const CURRENT_VERSION = 3;

type Json = Record<string, unknown>;

/**
 * Brings JSON of an old layout into the current one. It need not be complete: only what it names is changed, so that a
 * partial change works like a whole file. What is not of the expected type is left for the decoder to refuse.
 *
 * @param version 1, 2 or 3.
 */
export function upgradeConfig(config: Json, version: number): Json {
  if (version === CURRENT_VERSION) return config;
  const second = version === 1 ? upgradeRtmp(config) : config;
  return { ...upgradeCacheTypes(second), version: CURRENT_VERSION };
}

/** Adds what a whole file of an old layout may leave out although the upgrade asks for it. */
export function completeOldFile(config: Json): Json {
  return isObject(config['rtmp'])
    ? withGroup(config, 'rtmp', { address: ':1935', ...config['rtmp'] })
    : config;
}

/** Layout 1 has one RTMP server, with or without TLS. Layout 2 has RTMPS beside RTMP, on the port below. */
function upgradeRtmp(config: Json): Json {
  const { rtmp } = config;
  if (!isObject(rtmp)) return config;
  const upgraded = { ...rtmp };
  const { app, enable_tls: isTls, address } = rtmp;
  if (typeof app === 'string' && !app.startsWith('/')) upgraded['app'] = `/${app}`;
  if (isTls === true) {
    upgraded['enable'] = true;
    if (typeof address === 'string') {
      upgraded['address_tls'] = address;
      upgraded['address'] = portBelow(address);
    }
  }
  return withGroup(config, 'rtmp', upgraded);
}

function portBelow(address: string): string {
  return address.replace(/:([0-9]+)$/, (_match, port: string) => `:${Math.max(0, Number(port) - 1)}`);
}

/** Layout 2 has one list of file types to cache. Layout 3 has one of types not to cache as well. */
function upgradeCacheTypes(config: Json): Json {
  const { storage } = config;
  if (!isObject(storage) || !isObject(storage['disk']) || !isObject(storage['disk']['cache'])) return config;
  const { disk } = storage;
  const { cache } = storage['disk'];
  if (!isObject(cache) || !Array.isArray(cache['types'])) return config;
  const upgraded = withGroup(cache, 'types', { allow: cache['types'] });
  return withGroup(config, 'storage', withGroup(storage, 'disk', withGroup(disk, 'cache', upgraded)));
}

function withGroup(parent: Json, name: string, group: unknown): Json {
  return { ...parent, [name]: group };
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
