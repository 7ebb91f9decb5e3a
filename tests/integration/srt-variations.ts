import type { Connection, KeyLength } from '../../packages/srt/src/index.ts';
import { startListener } from './srt-peer.ts';

export const PASSPHRASE = '0123456789ab';

/** What a stream between us and a peer may differ in. */
export interface Variation {
  name: string;
  /** Of FFmpeg's address. */
  query?: string;
  passphrase?: string;
  keyLength?: KeyLength;
  address?: string;
  latency?: number;
  payload?: number;
  /** Packets sent with one key. */
  refresh?: number;
}

export const VARIATIONS: Variation[] = [
  { name: 'in the clear' },
  { name: 'AES-128', passphrase: PASSPHRASE, keyLength: 16 },
  { name: 'AES-192', passphrase: PASSPHRASE, keyLength: 24 },
  { name: 'AES-256', passphrase: PASSPHRASE, keyLength: 32 },
  {
    name: 'with keys that change every 50 packets',
    passphrase: PASSPHRASE,
    query: '&kmrefreshrate=50&kmpreannounce=20',
    refresh: 50,
  },
  { name: 'over IPv6', address: '::1' },
  { name: 'with a latency of 20 ms', latency: 20 },
  { name: 'with a latency of 2 s', latency: 2000 },
  { name: 'with payloads of 188 bytes', payload: 188 },
  { name: 'with payloads of 1456 bytes', payload: 1456 },
];

/** FFmpeg's and srt-live-transmit's form of an address, in their units. */
export function url(
  port: number,
  { address = '127.0.0.1', passphrase, keyLength, latency }: Variation,
  unit: number,
) {
  const query = [
    latency !== undefined && `latency=${latency * unit}`,
    passphrase !== undefined && `passphrase=${passphrase}`,
    keyLength !== undefined && `pbkeylen=${keyLength}`,
  ].filter((part) => part !== false);
  return `srt://${address === '::1' ? '[::1]' : address}:${port}?${query.join('&')}`;
}

/** A listener that lets the first caller in. */
export async function accepting({ address, passphrase, latency, refresh }: Variation) {
  const accepted = Promise.withResolvers<Connection>();
  const { port } = await startListener(
    async (request) => {
      if (passphrase !== undefined) await request.unlock(passphrase);
      accepted.resolve(request.accept());
    },
    {
      ...(latency !== undefined && { receiveLatency: latency, sendLatency: latency }),
      ...(refresh !== undefined && { keyRefresh: { after: refresh, preannounce: refresh / 2 } }),
    },
    address,
  );
  return { port, connection: accepted.promise };
}
