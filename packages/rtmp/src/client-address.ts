const PORTS: Record<string, number> = { 'rtmp:': 1935, 'rtmps:': 443 };

/** Where a client connects to, and what for. */
export interface ClientAddress {
  isSecure: boolean;
  host: string;
  port: number;
  app: string;
  /** The stream's name with its query, as it is sent. */
  name: string;
  /** The address without the name, as `connect` has it. */
  tcUrl: string;
}

/**
 * Takes `rtmp[s]://host[:port]/app/name` apart; the app is all but the last segment.
 *
 * @throws TypeError if it is no such address
 */
export function parseClientAddress(address: string): ClientAddress {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  const defaultPort = url && PORTS[url.protocol];
  if (!url?.hostname || defaultPort === undefined) throw new TypeError('not an address of RTMP');
  const segments = url.pathname.split('/').filter((segment) => segment !== '');
  const name = (segments.pop() ?? '') + url.search;
  const app = segments.join('/');
  return {
    isSecure: url.protocol === 'rtmps:',
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? defaultPort : Number(url.port),
    app,
    name,
    tcUrl: `${url.protocol}//${url.host}/${app}`,
  };
}
