import { timingSafeEqual, createHash } from 'node:crypto';
import { REJECTION } from '@millrace/srt';
import { type Mode, parseStreamId } from './stream-id.ts';

/** What a caller has to know; empty for nothing. */
export interface Secrets {
  token: string;
  /** 10 to 80 bytes. */
  passphrase: string;
}

/** Who asks to be connected. */
export interface Caller {
  streamId: string;
  /** 5, or 4 for those that know neither stream ids nor how to say that they encrypt. */
  handshakeVersion: number;
  isEncrypted: boolean;
  /** `ip:port`. */
  address: string;
}

/** What a caller may have, if there is room for it. */
export interface Wish {
  resource: string;
  mode: Mode;
}

/** Why a caller is turned away: as it is logged, and as the caller is told. */
export interface Refusal {
  status: 'INVALID' | 'FORBIDDEN' | 'CONFLICT' | 'NOTFOUND';
  /** As far as the stream id names one. */
  resource: string;
  message: string;
  /** Of the handshake, see `REJECTION`. */
  code: number;
}

/** C0 and C1 controls, and the separators that some programs take for the end of a line. */
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;

/**
 * Checks what a caller says against everything that needs neither its passphrase nor the streams there are. So who does not
 * know the token costs no key derivation, and who does not know the passphrase does not learn what streams there are.
 */
export function checkCaller(caller: Caller, { token, passphrase }: Secrets): Wish | Refusal {
  const request = requestOf(caller);
  const { resource, mode } = request;
  const refuse = (status: Refusal['status'], message: string, code: number): Refusal => ({
    status,
    resource,
    message,
    code,
  });
  if (CONTROL.test(caller.streamId)) {
    const message = 'the stream id has control characters';
    return { ...refuse('INVALID', message, REJECTION.badRequest), resource: '' };
  }
  if (resource === '') return refuse('INVALID', 'stream resource not provided', REJECTION.badRequest);
  if (caller.handshakeVersion > 4) {
    if (passphrase !== '' && !caller.isEncrypted) {
      return refuse('FORBIDDEN', 'connection has to be encrypted', REJECTION.unsecure);
    }
    if (passphrase === '' && caller.isEncrypted) {
      return refuse('INVALID', 'connection must not be encrypted', REJECTION.unsecure);
    }
  }
  if (mode !== 'publish' && mode !== 'request') {
    return refuse('INVALID', 'invalid connection mode', REJECTION.badMode);
  }
  if (token !== '' && !isSame(token, request.token)) {
    const message = request.token === '' ? 'token required' : 'invalid token (***)';
    return refuse('FORBIDDEN', message, REJECTION.unauthorized);
  }
  return { resource, mode };
}

/** Why a wish cannot be fulfilled, given whether somebody publishes the resource; undefined if it can. */
export function checkResource({ resource, mode }: Wish, hasPublisher: boolean): Refusal | undefined {
  if (mode === 'publish' && hasPublisher) {
    return { status: 'CONFLICT', resource, message: 'already publishing', code: REJECTION.conflict };
  }
  if (mode === 'request' && !hasPublisher) {
    const message = 'no publisher for this resource found';
    return { status: 'NOTFOUND', resource, message, code: REJECTION.notFound };
  }
  return undefined;
}

/** compat: callers of version 4 have no stream id. They publish, under their address, unless it takes a token. */
function requestOf({ streamId, handshakeVersion, address }: Caller) {
  return handshakeVersion > 4 ? parseStreamId(streamId) : { resource: address, mode: 'publish', token: '' };
}

/** Takes the same time wherever they differ. */
function isSame(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
