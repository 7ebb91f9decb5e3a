import { type AmfInput, type AmfValue, parseAmf0, serializeAmf0 } from './amf0.ts';
import { ProtocolError } from './errors.ts';
import { type Message, MessageType } from './message.ts';

/** RTMP 1.0 §7.2: a call of the peer, an answer to one of ours, or a status. */
export interface Command {
  name: string;
  /** What an answer refers to; 0 if none is expected. */
  transaction: number;
  /** The command object, and `null` or undefined where a command has none. */
  object: AmfValue;
  args: AmfValue[];
}

/** Reads a command; throws a {@link ProtocolError} if it is none. */
export function parseCommand(message: Message): Command {
  const [name, transaction, object, ...args] = parseValues(message);
  if (typeof name !== 'string') throw new ProtocolError('command without a name');
  return { name, transaction: typeof transaction === 'number' ? transaction : 0, object, args };
}

/** Reads the values of a command or data message. Those of AMF3 are AMF0 behind a byte that some leave out. */
export function parseValues({ type, body }: Message): AmfValue[] {
  const isAmf3 = type === MessageType.commandAmf3 || type === MessageType.dataAmf3;
  return parseAmf0(isAmf3 && body[0] === 0 ? body.subarray(1) : body);
}

/** The body of a command. */
export function serializeCommand(
  name: string,
  transaction: number,
  object: AmfInput,
  ...args: AmfInput[]
): Buffer {
  return serializeAmf0([name, transaction, object, ...args]);
}

/** What an `onStatus` or the answer to `connect` tells. */
export interface Status {
  level: 'status' | 'error' | 'warning';
  code: string;
  description: string;
}

/** A status out of a command's arguments, if it has one. */
export function parseStatus(command: Command): Status | undefined {
  const info = command.args.find((arg) => arg instanceof Map);
  const code = textOf(info, 'code');
  if (code === undefined) return undefined;
  const level = textOf(info, 'level');
  return {
    level: level === 'error' || level === 'warning' ? level : 'status',
    code,
    description: textOf(info, 'description') ?? '',
  };
}

/** A text property of an object, if both are that. */
export function textOf(value: AmfValue, key: string): string | undefined {
  const property = value instanceof Map ? (value.get(key) as AmfValue) : undefined;
  return typeof property === 'string' ? property : undefined;
}

/** A number property of an object, if both are that. */
export function numberOf(value: AmfValue, key: string): number | undefined {
  const property = value instanceof Map ? (value.get(key) as AmfValue) : undefined;
  return typeof property === 'number' ? property : undefined;
}
