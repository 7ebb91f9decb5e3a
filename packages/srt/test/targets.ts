// What bytes from outside go through, for fuzzing: nothing but a ProtocolError may come of any bytes.
import { checkProposal } from '../src/proposal.ts';
import { parseExtensions, parseHandshake } from '../src/handshake.ts';
import { parseKeyMaterial } from '../src/key-material.ts';
import { parseLossList } from '../src/loss-list.ts';
import { parsePacket, serializePacket } from '../src/packet.ts';
import { ProtocolError } from '../src/protocol-error.ts';
import { parseStreamId } from '../src/stream-id.ts';
import { Simulation, numberedPayload } from './simulation.ts';

/** Feeds one datagram to everything that reads datagrams. Throws if something breaks. */
export function feed(datagram: Buffer): void {
  const packet = expected(() => parsePacket(datagram));
  if (packet !== undefined && packet.kind !== 'unknown') {
    const again = parsePacket(serializePacket(packet));
    if (again.kind !== packet.kind) throw new Error(`${packet.kind} was written as ${again.kind}`);
  }
  const handshake = expected(() => parseHandshake(datagram));
  if (handshake !== undefined) {
    checkProposal(handshake, datagram);
    const streamId = expected(() => parseExtensions(datagram))?.streamId;
    if (streamId !== undefined) parseStreamId(streamId);
  }
  expected(() => parseKeyMaterial(datagram));
  expected(() => parseLossList(datagram));
}

/** A connection that lives through whatever it is sent; `feed` throws if something breaks. */
export function createVictim(seed: number): { feed(datagram: Buffer): void; check(): void } {
  let simulation = warmedUp(seed);
  return {
    feed: (datagram) => {
      expected(() => {
        simulation.receiver.handle(parsePacket(datagram), simulation.now);
      });
      simulation.run(1);
      if (simulation.receiver.closeReason !== undefined) simulation = warmedUp(seed);
    },
    check: () => {
      const { recvBufPkt, recvBufBytes, sendBufPkt } = simulation.receiver.statistics();
      if (recvBufPkt > 8192 || recvBufBytes > 8192 * 1456 || sendBufPkt > 8192)
        throw new Error('buffers overflow');
    },
  };
}

function warmedUp(seed: number): Simulation {
  const simulation = new Simulation({ seed });
  for (let number = 0; number < 20; number++) {
    simulation.sender.send(numberedPayload(number));
    simulation.receiver.send(numberedPayload(number));
  }
  simulation.run(50);
  return simulation;
}

function expected<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}
