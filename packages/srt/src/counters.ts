/** What a connection counts. Packets and bytes of data only; bytes include the headers unless it says otherwise. */
export class Counters {
  /** Bytes that each packet has before its payload: IP, UDP and SRT headers. */
  readonly headerBytes: number;
  sentPkt = 0;
  recvPkt = 0;
  sentUniquePkt = 0;
  recvUniquePkt = 0;
  recvLossPkt = 0;
  sentRetransPkt = 0;
  recvRetransPkt = 0;
  sentAckPkt = 0;
  recvAckPkt = 0;
  sentNakPkt = 0;
  recvNakPkt = 0;
  sentKmPkt = 0;
  recvKmPkt = 0;
  sendDurationUs = 0;
  sendDropPkt = 0;
  recvDropPkt = 0;
  recvUndecryptPkt = 0;
  sentBytes = 0;
  recvBytes = 0;
  sentUniqueBytes = 0;
  recvUniqueBytes = 0;
  recvLossBytes = 0;
  sentRetransBytes = 0;
  sendDropBytes = 0;
  recvDropBytes = 0;
  recvUndecryptBytes = 0;

  constructor(headerBytes: number) {
    this.headerBytes = headerBytes;
  }
}
