/** What one peer may ask of this side; what exceeds it is dropped. */
export interface ConnectionLimits {
  /** NAKs that are acted on, a second. Ten times as many end the connection. */
  naksPerSecond: number;
  /** ACKs that are answered, a second. */
  acksPerSecond: number;
  /** Key material that is opened, a second. */
  keyRequestsPerSecond: number;
  /** Data packets taken, a second; three seconds in a row beyond it end the connection. */
  packetsPerSecond: number;
  /** Payload bytes taken, a second; likewise. */
  bytesPerSecond: number;
}

export const DEFAULT_CONNECTION_LIMITS: ConnectionLimits = {
  naksPerSecond: 200,
  acksPerSecond: 200,
  keyRequestsPerSecond: 10,
  packetsPerSecond: 100_000,
  bytesPerSecond: 125_000_000,
};

/** What all callers together may ask of a listener. */
export interface ListenerLimits {
  /** Connections at a time; beyond it callers are refused with 1003. */
  connections: number;
  /** From one IP address. */
  connectionsPerAddress: number;
  /** Callers that wait for a decision; beyond it they are refused with 1005. */
  pending: number;
  /** From one IP address. */
  pendingPerAddress: number;
  /** Key derivations that run at a time: each takes about a millisecond of a thread. */
  keyDerivations: number;
  /** Passphrases of callers that are checked a second, from one IP address. */
  secretsPerSecondPerAddress: number;
}

export const DEFAULT_LISTENER_LIMITS: ListenerLimits = {
  connections: 10_000,
  connectionsPerAddress: 10_000,
  pending: 128,
  pendingPerAddress: 128,
  keyDerivations: 4,
  secretsPerSecondPerAddress: 50,
};
