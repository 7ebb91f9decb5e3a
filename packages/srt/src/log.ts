/** What is logged; a colon parts a topic from its sub-topic. */
export type LogTopic =
  | `connection:${'close' | 'new' | 'rtt'}`
  | `control:recv:${ControlName}:${'dump' | 'cif'}`
  | `control:recv:${'ACK' | 'ACKACK' | 'KMReq'}:error`
  | `control:send:${ControlName}:${'dump' | 'cif'}`
  | `data:${'recv' | 'send'}:dump`
  | `handshake:recv:${'dump' | 'cif' | 'error'}`
  | `handshake:send:${'dump' | 'cif'}`
  | 'listen'
  | `packet:${'recv' | 'send'}:dump`;

/** The word that topics have for a kind of control packet. */
export type ControlName =
  'ACK' | 'NAK' | 'ACKACK' | 'keepalive' | 'shutdown' | 'HSReq' | 'HSRes' | 'KMReq' | 'KMRes';

/**
 * Where the library tells what it does, packet by packet if wanted. Texts are made only if their topic is wanted, and
 * for packets that question is asked once per connection, so a topic that is off costs nothing.
 */
export interface Log {
  /** Whether the topic is of interest; the answer must not change later. */
  wants(topic: LogTopic): boolean;
  /** @param socketId of the connection; 0 if it is about none. @param text may have several lines. */
  write(topic: LogTopic, socketId: number, text: string): void;
}

/** A log for those topics that equal one of the names or lie below one: `handshake` matches `handshake:recv:cif`. */
export function createLog(
  topics: readonly string[],
  write: (topic: LogTopic, socketId: number, text: string) => void,
): Log {
  return {
    wants: (topic) => topics.some((name) => topic === name || topic.startsWith(`${name}:`)),
    write,
  };
}
