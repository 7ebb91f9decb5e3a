import type { Relay } from './relay.ts';
import type { ServerConnection } from './server-connection.ts';
import type { StreamAddress, StreamName } from './stream-address.ts';

/** A wish to publish or to play, before anything was granted. */
export interface StreamRequest extends StreamName, StreamAddress {}

/** Why publishing or playing is not granted, and what the peer is told. Never put a secret into the description. */
export interface Refusal {
  readonly refused: 'denied' | 'busy' | 'not_found';
  readonly description: string;
}

export function refuse(refused: Refusal['refused'], description: string): Refusal {
  return { refused, description };
}

/** Decides about the streams of a server. What it throws ends the connection. */
export interface StreamHandler {
  /** Grants publishing by the relay that takes the stream. The relay is closed when the publisher is gone. */
  publish(request: StreamRequest, connection: ServerConnection): Relay | Refusal | Promise<Relay | Refusal>;
  /** Grants playing by the relay that has the stream. */
  play(request: StreamRequest, connection: ServerConnection): Relay | Refusal | Promise<Relay | Refusal>;
}

/** What the client is told: `NetStream.` and more. */
export function refusalCode(what: 'publish' | 'play', refused: Refusal['refused']): string {
  if (what === 'publish')
    return refused === 'busy' ? 'NetStream.Publish.BadName' : 'NetStream.Publish.Denied';
  return refused === 'not_found' ? 'NetStream.Play.StreamNotFound' : 'NetStream.Play.Failed';
}
