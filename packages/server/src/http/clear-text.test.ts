import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, expect, test } from 'vitest';
import { ClearText } from './clear-text.ts';

interface Given {
  url?: string;
  host?: string;
  from?: string;
  length?: string;
  port?: number;
  isWanted?: boolean;
}

/** What becomes of a request: where it is sent, what it is answered with, or that the application has it. */
function outcome({
  url = '/a?b=c',
  host = 'media.example:8080',
  from = '203.0.113.7',
  length,
  port = 8181,
  isWanted = true,
}: Given) {
  let result: unknown;
  const response = {
    writeHead: (status: number, headers: Record<string, string>) => {
      result = { status, ...headers };
      return response;
    },
    end: (body?: string) => {
      if (body !== undefined) result = body;
    },
  };
  const request = {
    url,
    headers: {
      host,
      ...(length !== undefined && { 'content-length': length }),
    },
    socket: {
      remoteAddress: from,
      remoteFamily: from.includes(':') ? 'IPv6' : 'IPv4',
      localAddress: '192.0.2.1',
    },
  };
  const listener = new ClearText(
    {
      challengeAnswer: (path) => (path === '/.well-known/acme-challenge/open' ? 'proof' : undefined),
      redirectPort: () => (isWanted ? port : undefined),
    },
    { handle: () => (result = 'application') },
  );
  listener.handle(request as unknown as IncomingMessage, response as unknown as ServerResponse);
  return result;
}

describe('clear text', () => {
  test.each<[string, Given, unknown]>([
    ['another path', {}, { status: 308, location: 'https://media.example:8181/a?b=c' }],
    ['the usual port', { port: 443 }, { status: 308, location: 'https://media.example/a?b=c' }],
    [
      'a host by its address',
      { host: '[2001:db8::1]' },
      { status: 308, location: 'https://[2001:db8::1]:8181/a?b=c' },
    ],
    [
      'an upload',
      { length: '4' },
      { status: 308, location: 'https://media.example:8181/a?b=c', connection: 'close' },
    ],
    [
      'IPv4 in IPv6',
      { from: '::ffff:203.0.113.7' },
      { status: 308, location: 'https://media.example:8181/a?b=c' },
    ],
  ])('is sent to TLS: %s', (_what, given, expected) => {
    expect(outcome(given)).toEqual(expected);
  });

  test.each<[string, Given]>([
    ['without the setting', { isWanted: false }],
    ['a probe', { url: '/ping' }],
    ['a challenge of somebody else', { url: '/.well-known/acme-challenge/closed' }],
    ['FFmpeg on this machine', { from: '127.0.0.1' }],
    ['FFmpeg on this machine over IPv6', { from: '::1' }],
    ['FFmpeg on this machine over a dual stack', { from: '::ffff:127.0.0.1' }],
    ['this machine by its other address', { from: '192.0.2.1' }],
    ['a host that is none', { host: 'a/../b' }],
    ['no host', { host: '' }],
    ['an address for a proxy', { url: 'http://media.example/' }],
  ])('is served: %s', (_what, given) => {
    expect(outcome(given)).toBe('application');
  });

  test('answers an open challenge, whoever asks', () => {
    expect(outcome({ url: '/.well-known/acme-challenge/open' })).toBe('proof');
  });
});
