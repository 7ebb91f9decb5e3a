import type { AmfReader, AmfValue } from './amf-reader.ts';
import { ProtocolError } from './errors.ts';

/** AMF3 §3.1 */
const Marker = {
  undefined: 0x00,
  null: 0x01,
  false: 0x02,
  true: 0x03,
  integer: 0x04,
  double: 0x05,
  string: 0x06,
  xmlDocument: 0x07,
  date: 0x08,
  array: 0x09,
  object: 0x0a,
  xml: 0x0b,
  byteArray: 0x0c,
} as const;

interface Traits {
  names: string[];
  isDynamic: boolean;
}

/** What later values of the same AMF3 value refer back to. */
interface References {
  strings: string[];
  traits: Traits[];
}

/** Reads one AMF3 value, as it stands behind AMF0's marker for it: AMF0 §3.1. */
export function readAmf3Value(reader: AmfReader): AmfValue {
  return readValue(reader, { strings: [], traits: [] });
}

function readValue(reader: AmfReader, references: References): AmfValue {
  return reader.nested(() => {
    const marker = reader.u8();
    switch (marker) {
      case Marker.undefined:
        return undefined;
      case Marker.null:
        return null;
      case Marker.false:
        return false;
      case Marker.true:
        return true;
      case Marker.integer:
        return (readU29(reader) << 3) >> 3;
      case Marker.double:
        return reader.double();
      case Marker.string:
        return readString(reader, references);
      case Marker.xml:
      case Marker.xmlDocument:
        return readInline(reader, (length) => reader.text(length));
      case Marker.byteArray:
        // Of no use to anybody here.
        readInline(reader, (length) => {
          reader.skip(length);
          return undefined;
        });
        return undefined;
      case Marker.date:
        return readInline(reader, () => new Date(reader.double()));
      case Marker.array:
        return readInline(reader, (length) => readArray(reader, references, length));
      case Marker.object:
        return readInline(reader, (flags) => readObject(reader, references, flags));
      default:
        throw new ProtocolError(`AMF3: unknown marker ${marker}`);
    }
  });
}

/** AMF3 §1.3.1: seven bits in each of the first three bytes, eight in the fourth. */
function readU29(reader: AmfReader): number {
  let value = 0;
  for (let i = 0; i < 3; i++) {
    const byte = reader.u8();
    value = (value << 7) | (byte & 0x7f);
    if (byte < 0x80) return value;
  }
  return (value << 8) | reader.u8();
}

/** A value that could be a reference to an earlier one. Those are undefined, for the reason that AMF0's are. */
function readInline<T extends AmfValue>(reader: AmfReader, read: (header: number) => T): T | undefined {
  const header = readU29(reader);
  return (header & 1) === 0 ? undefined : read(header >> 1);
}

function readString(reader: AmfReader, { strings }: References): string {
  const header = readU29(reader);
  if ((header & 1) === 0) {
    const known = strings[header >> 1];
    if (known === undefined) throw new ProtocolError('AMF3: reference to an unknown string');
    return known;
  }
  const text = reader.text(header >> 1);
  if (text !== '') strings.push(text);
  return text;
}

function readArray(reader: AmfReader, references: References, announced: number): AmfValue {
  const named = readDynamic(reader, references);
  const elements = Array.from({ length: reader.count(announced) }, () => readValue(reader, references));
  if (named.size === 0) return elements;
  elements.forEach((element, i) => named.set(String(i), element));
  return named;
}

function readObject(reader: AmfReader, references: References, flags: number): AmfValue {
  const traits = readTraits(reader, references, flags);
  const properties = new Map<string, AmfValue>();
  for (const name of traits.names) properties.set(name, readValue(reader, references));
  if (traits.isDynamic) {
    for (const [key, value] of readDynamic(reader, references)) properties.set(key, value);
  }
  return properties;
}

/** AMF3 §3.12 */
function readTraits(reader: AmfReader, references: References, flags: number): Traits {
  if ((flags & 1) === 0) {
    const known = references.traits[flags >> 1];
    if (!known) throw new ProtocolError('AMF3: reference to unknown traits');
    return known;
  }
  if ((flags & 2) !== 0) throw new ProtocolError('AMF3: an object in a form of its own');
  readString(reader, references);
  const names = Array.from({ length: reader.count(flags >> 3) }, () => readString(reader, references));
  const traits = { names, isDynamic: (flags & 4) !== 0 };
  references.traits.push(traits);
  return traits;
}

function readDynamic(reader: AmfReader, references: References): Map<string, AmfValue> {
  const properties = new Map<string, AmfValue>();
  for (let key = readString(reader, references); key !== ''; key = readString(reader, references)) {
    properties.set(key, readValue(reader, references));
  }
  return properties;
}
