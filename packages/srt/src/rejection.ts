// Why a connection is refused, as the caller is told in the handshake's type. draft-sharabayko-srt-01 Table 7;
// the codes of applications are libsrt's predefined ones (access control guidelines), offset by 1000 on the wire.

/** Codes as they stand on the wire. */
export const REJECTION = {
  unknown: 1000,
  system: 1001,
  peer: 1002,
  resource: 1003,
  rogue: 1004,
  backlog: 1005,
  internal: 1006,
  closed: 1007,
  version: 1008,
  rendezvousCookie: 1009,
  badSecret: 1010,
  unsecure: 1011,
  messageApi: 1012,
  congestion: 1013,
  filter: 1014,
  group: 1015,
  timeout: 1016,
  crypto: 1017,
  badRequest: 2400,
  unauthorized: 2401,
  overload: 2402,
  forbidden: 2403,
  notFound: 2404,
  badMode: 2405,
  unacceptable: 2406,
  conflict: 2409,
  notSupported: 2415,
  locked: 2423,
  failedDependency: 2424,
  internalServerError: 2500,
  notImplemented: 2501,
  gateway: 2502,
  down: 2503,
  unsupportedVersion: 2505,
  noRoom: 2507,
} as const;

export type RejectionName = keyof typeof REJECTION;

const NAMES = new Map<number, RejectionName>(
  (Object.keys(REJECTION) as RejectionName[]).map((name) => [REJECTION[name], name]),
);

/** The name of a code, or undefined if it is none that is known here. */
export function rejectionName(code: number): RejectionName | undefined {
  return NAMES.get(code);
}

/** The peer, or this side's own rules, refused the connection. */
export class RejectionError extends Error {
  override readonly name = 'RejectionError';
  /** As on the wire: 1000 and above. */
  readonly code: number;

  constructor(code: number, message = `connection rejected: ${rejectionName(code) ?? code}`) {
    super(message);
    this.code = code;
  }
}
