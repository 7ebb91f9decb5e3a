import type { AmfInput, AmfValue } from './amf0.ts';
import { CHUNK_SIZE } from './chunk-writer.ts';
import { numberOf, serializeCommand, textOf } from './commands.ts';
import { ProtocolError } from './errors.ts';
import { MessageType, peerBandwidth, u32 } from './message.ts';
import { commandMessage, streamEvent } from './status.ts';
import type { OutgoingMessage } from './transport.ts';

const WINDOW_BYTES = 2_500_000;
/** Enhanced RTMP v2, `capsEx`: what we do of it. */
const Capability = { reconnect: 1, multitrack: 2, modEx: 4, nanoseconds: 8 } as const;
const CAPABILITIES = Capability.reconnect | Capability.multitrack | Capability.modEx | Capability.nanoseconds;
/** That we forward whatever codec it is. */
const CAN_FORWARD = 4;

/** A client's `connect` command, as far as it matters later. */
export interface Client {
  app: string;
  tcUrl?: string;
  /** What encoder or player it says it is. */
  flashVersion?: string;
  canReconnect: boolean;
}

/** Reads the command object of `connect`; throws a {@link ProtocolError} if it names no app. */
export function parseClient(object: AmfValue): Client {
  const app = textOf(object, 'app');
  if (app === undefined) throw new ProtocolError('connect without an app');
  const tcUrl = textOf(object, 'tcUrl');
  const flashVersion = textOf(object, 'flashVer');
  return {
    app,
    ...(tcUrl === undefined ? {} : { tcUrl }),
    ...(flashVersion === undefined ? {} : { flashVersion }),
    canReconnect: ((numberOf(object, 'capsEx') ?? 0) & Capability.reconnect) !== 0,
  };
}

/** What a client is sent after its `connect`: RTMP 1.0 §7.2.1.1. */
export function greeting(transaction: number, object: AmfValue): OutgoingMessage[] {
  const result = serializeCommand(
    '_result',
    transaction,
    { fmsVer: 'FMS/3,0,1,123', capabilities: 31 },
    {
      level: 'status',
      code: 'NetConnection.Connect.Success',
      description: 'Connection succeeded.',
      objectEncoding: numberOf(object, 'objectEncoding') ?? 3,
      ...enhancements(object),
    },
  );
  return [
    { type: MessageType.windowAcknowledgementSize, body: u32(WINDOW_BYTES) },
    { type: MessageType.setPeerBandwidth, body: peerBandwidth(WINDOW_BYTES) },
    streamEvent('streamBegin', 0),
    { type: MessageType.setChunkSize, body: u32(CHUNK_SIZE) },
    commandMessage(result),
    commandMessage(serializeCommand('onBWDone', 0, null, 8192)),
  ];
}

/** Enhanced RTMP v2, `connect`: our side of what the client told, if it told anything. */
function enhancements(client: AmfValue): Record<string, AmfInput> {
  const keys = ['fourCcList', 'videoFourCcInfoMap', 'audioFourCcInfoMap', 'capsEx'];
  if (!(client instanceof Map) || !keys.some((key) => client.has(key))) return {};
  return {
    fourCcList: ['*'],
    videoFourCcInfoMap: { '*': CAN_FORWARD },
    audioFourCcInfoMap: { '*': CAN_FORWARD },
    capsEx: CAPABILITIES,
  };
}
