// Packets as they are on the wire, beside what they mean. The handshakes were recorded between libsrt 1.5.1 and a listener.
import type { Packet } from '../../src/packet.ts';

const hex = (text: string) => Buffer.from(text.replaceAll(/\s/g, ''), 'hex');

export interface PacketVector {
  name: string;
  bytes: Buffer;
  decoded: Packet;
}

const header = { timestamp: 0x01020304, destination: 0x375347f3 };
const TAIL = '01020304 375347f3';

export const PACKETS: PacketVector[] = [
  {
    name: 'data',
    bytes: hex(`42ec6400 c0000001 ${TAIL} 47401110`),
    decoded: {
      kind: 'data',
      sequence: 0x42ec6400,
      position: 3,
      isOrdered: false,
      key: 0,
      isRetransmitted: false,
      message: 1,
      ...header,
      payload: hex('47401110'),
    },
  },
  {
    name: 'data that is ordered, encrypted with the odd key and retransmitted',
    bytes: hex(`7fffffff f7ffffff ${TAIL} 00`),
    decoded: {
      kind: 'data',
      sequence: 0x7fffffff,
      position: 3,
      isOrdered: true,
      key: 2,
      isRetransmitted: true,
      message: 0x3ffffff,
      ...header,
      payload: hex('00'),
    },
  },
  { name: 'keep-alive', bytes: hex(`80010000 00000000 ${TAIL}`), decoded: { kind: 'keepalive', ...header } },
  {
    name: 'full ACK',
    bytes: hex(`80020000 00000007 ${TAIL} 42ec6407 00000167 00000076 00001fff 00000378 00001000 0010000a`),
    decoded: {
      kind: 'ack',
      number: 7,
      sequence: 0x42ec6407,
      report: {
        rtt: 359,
        rttVariance: 118,
        availableBuffer: 8191,
        receiveRate: 888,
        linkCapacity: 4096,
        receiveByteRate: 1048586,
      },
      ...header,
    },
  },
  {
    name: 'small ACK',
    bytes: hex(`80020000 00000000 ${TAIL} 00000001 00000002 00000003 00000004`),
    decoded: {
      kind: 'ack',
      number: 0,
      sequence: 1,
      report: { rtt: 2, rttVariance: 3, availableBuffer: 4 },
      ...header,
    },
  },
  {
    name: 'light ACK',
    bytes: hex(`80020000 00000000 ${TAIL} 00000001`),
    decoded: { kind: 'ack', number: 0, sequence: 1, report: undefined, ...header },
  },
  {
    name: 'NAK',
    bytes: hex(`80030000 00000000 ${TAIL} 00000003 80000005 00000009`),
    decoded: {
      kind: 'nak',
      losses: [
        { first: 3, last: 3 },
        { first: 5, last: 9 },
      ],
      ...header,
    },
  },
  { name: 'shutdown', bytes: hex(`80050000 00000000 ${TAIL}`), decoded: { kind: 'shutdown', ...header } },
  {
    name: 'ACKACK',
    bytes: hex(`80060000 00000007 ${TAIL}`),
    decoded: { kind: 'ackack', number: 7, ...header },
  },
  {
    name: 'drop request',
    bytes: hex(`80070000 00000000 ${TAIL} 00000005 00000009`),
    decoded: { kind: 'dropreq', message: 0, first: 5, last: 9, ...header },
  },
  {
    name: 'peer error',
    bytes: hex(`80080000 00000fa0 ${TAIL}`),
    decoded: { kind: 'peererror', code: 4000, ...header },
  },
  {
    name: 'congestion warning',
    bytes: hex(`80040000 00000000 ${TAIL}`),
    decoded: { kind: 'congestion', ...header },
  },
  {
    name: 'HSREQ of version 4',
    bytes: hex(`ffff0001 00000000 ${TAIL} 00010203 0000003f 00000078`),
    decoded: { kind: 'hsreq', body: hex('00010203 0000003f 00000078'), ...header },
  },
  {
    name: 'a type that is not known',
    bytes: hex(`800a0000 00000000 ${TAIL}`),
    decoded: { kind: 'unknown', type: 10, subtype: 0, ...header },
  },
];

/** The key material in the handshake below. */
export const KEY_MATERIAL = hex(`
  12202901 00000000 02000200 00000404 12791c624ee2444b8c1476bf96163e93
  7767bf4aec9cd3822a8e221391822c28f7421a60bd03b1c5`);

const IP = '0100007f 00000000 00000000 00000000';

/** Control information of handshakes, in the order of the exchange. */
export const HANDSHAKES = {
  induction: hex(`00000004 00000002 42ec6400 000005dc 00002000 00000001 375347f3 00000000 ${IP}`),
  inductionAnswer: hex(`00000005 00004a17 42ec6400 000005dc 00002000 00000001 375347f3 b93d2d05 ${IP}`),
  conclusion: Buffer.concat([
    hex(`00000005 00020007 42ec6400 000005dc 00002000 ffffffff 375347f3 b93d2d05 ${IP}`),
    hex(`00010003 00010501 000000bf 00780000`),
    hex(`00050004 2c6f6f66 65646f6d 6275703a 6873696c`),
    hex(`0003000e`),
    KEY_MATERIAL,
  ]),
  conclusionAnswer: Buffer.concat([
    hex(`00000005 00020007 42ec6400 000005dc 00002000 ffffffff 0007863a 00000000 ${IP}`),
    hex(`00020003 00010401 0000003f 00780078`),
    hex(`0004000e`),
    KEY_MATERIAL,
    hex(`00050004 2c6f6f66 65646f6d 6275703a 6873696c`),
  ]),
};
