import type { FastifyRequest, onRequestHookHandler } from 'fastify';

/** Who may pass. Made by `auth`; the application only puts its hooks where they belong. */
export interface Guard {
  /** Lets pass who comes from an allowed address: 403 otherwise. */
  readonly address: onRequestHookHandler;
  /** Lets pass who comes from an allowed address with a valid access token: 403 or 401 otherwise. */
  readonly token: onRequestHookHandler;
  /** Whether the request carries a valid access token, or needs none. Never throws. */
  isAuthorized(request: FastifyRequest): boolean;
  /** The address of the client, with the forwarding headers of trusted proxies taken into account. */
  client(request: FastifyRequest): string;
}
