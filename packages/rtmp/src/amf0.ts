import { type AmfValue, AmfReader } from './amf-reader.ts';
import { readAmf3Value } from './amf3.ts';
import { ProtocolError } from './errors.ts';

export type { AmfValue } from './amf-reader.ts';

/** What can be written: plain objects too. */
export type AmfInput =
  | undefined
  | null
  | boolean
  | number
  | string
  | Date
  | readonly AmfInput[]
  | ReadonlyMap<string, AmfInput>
  | { readonly [key: string]: AmfInput };

/** AMF0 §2.1 */
const Marker = {
  number: 0x00,
  boolean: 0x01,
  string: 0x02,
  object: 0x03,
  null: 0x05,
  undefined: 0x06,
  reference: 0x07,
  ecmaArray: 0x08,
  objectEnd: 0x09,
  strictArray: 0x0a,
  date: 0x0b,
  longString: 0x0c,
  unsupported: 0x0d,
  xml: 0x0f,
  typedObject: 0x10,
  amf3: 0x11,
} as const;

const MAX_WRITTEN_DEPTH = 20;

/** Reads the AMF0 values that fill the bytes; throws a {@link ProtocolError}. */
export function parseAmf0(bytes: Buffer): AmfValue[] {
  const reader = new AmfReader(bytes);
  const values: AmfValue[] = [];
  while (reader.remaining > 0) values.push(readValue(reader));
  return values;
}

function readValue(reader: AmfReader): AmfValue {
  return reader.nested(() => {
    const marker = reader.u8();
    switch (marker) {
      case Marker.number:
        return reader.double();
      case Marker.boolean:
        return reader.u8() !== 0;
      case Marker.string:
        return reader.text(reader.u16());
      case Marker.longString:
      case Marker.xml:
        return reader.text(reader.u32());
      case Marker.object:
        return readProperties(reader);
      case Marker.typedObject:
        reader.text(reader.u16());
        return readProperties(reader);
      case Marker.ecmaArray:
        // The count is only a hint, and often wrong.
        reader.u32();
        return readProperties(reader);
      case Marker.strictArray:
        return Array.from({ length: reader.count(reader.u32()) }, () => readValue(reader));
      case Marker.date: {
        const date = new Date(reader.double());
        reader.u16();
        return date;
      }
      case Marker.null:
        return null;
      case Marker.reference:
        // Nobody sends them. Followed, they would let a small message grow without bound.
        reader.u16();
        return undefined;
      case Marker.undefined:
      case Marker.unsupported:
        return undefined;
      case Marker.amf3:
        return readAmf3Value(reader);
      default:
        throw new ProtocolError(`AMF0: unknown marker ${marker}`);
    }
  });
}

/** The properties of an object up to its end; some encoders leave it or its marker out where the message ends. */
function readProperties(reader: AmfReader): Map<string, AmfValue> {
  const properties = new Map<string, AmfValue>();
  while (reader.remaining > 0 && !reader.consume(0, 0, Marker.objectEnd)) {
    const key = reader.text(reader.u16());
    if (key === '' && reader.remaining === 0) break;
    properties.set(key, readValue(reader));
  }
  return properties;
}

/**
 * Writes values as AMF0, objects and maps as anonymous objects.
 *
 * @throws ProtocolError if they take more than `maxBytes`, or if a value is nested too deeply
 */
export function serializeAmf0(values: readonly AmfInput[], maxBytes = 65_536): Buffer {
  const parts: Buffer[] = [];
  let size = 0;
  const put = (...added: Buffer[]) => {
    for (const part of added) size += part.length;
    if (size > maxBytes) throw new ProtocolError('AMF0: too large');
    parts.push(...added);
  };
  const write = (value: AmfInput, depth: number): void => {
    if (depth > MAX_WRITTEN_DEPTH) throw new ProtocolError('AMF0: nested too deeply');
    if (value === undefined) put(Buffer.of(Marker.undefined));
    else if (value === null) put(Buffer.of(Marker.null));
    else if (typeof value === 'number') put(Buffer.of(Marker.number), double(value));
    else if (typeof value === 'boolean') put(Buffer.of(Marker.boolean, value ? 1 : 0));
    else if (typeof value === 'string') put(...text(value));
    else if (value instanceof Date) put(Buffer.of(Marker.date), double(value.getTime()), u16(0));
    else if (isArray(value)) {
      put(Buffer.of(Marker.strictArray), u32(value.length));
      for (const element of value) write(element, depth + 1);
    } else {
      put(Buffer.of(Marker.object));
      for (const [key, property] of value instanceof Map ? value : Object.entries(value)) {
        const name = Buffer.from(key as string);
        put(u16(name.length), name);
        write(property as AmfInput, depth + 1);
      }
      put(Buffer.of(0, 0, Marker.objectEnd));
    }
  };
  for (const value of values) write(value, 0);
  return Buffer.concat(parts, size);
}

function isArray(value: AmfInput): value is readonly AmfInput[] {
  return Array.isArray(value);
}

function text(value: string): Buffer[] {
  const bytes = Buffer.from(value);
  return bytes.length <= 0xffff
    ? [Buffer.of(Marker.string), u16(bytes.length), bytes]
    : [Buffer.of(Marker.longString), u32(bytes.length), bytes];
}

function double(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeDoubleBE(value);
  return bytes;
}

function u16(value: number): Buffer {
  return Buffer.of(value >> 8, value & 0xff);
}

function u32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
