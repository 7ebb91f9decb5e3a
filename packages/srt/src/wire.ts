/** The way to one peer. */
export interface Wire {
  /**
   * Sends one packet at once: the header's first three words (the fourth, the peer's socket id, is known here) and what
   * follows it. The body is not kept, but must not change before the call returns. What the network does not take is lost.
   */
  send(word0: number, word1: number, timestamp: number, body: Buffer | undefined): void;
}

/** An IP address in its usual form (IPv4 never as mapped IPv6) and a UDP port. */
export interface Remote {
  address: string;
  port: number;
}
