import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mutate, seeded } from '../test/feed.ts';
import { type AmfInput, type AmfValue, parseAmf0, serializeAmf0 } from './amf0.ts';
import { ProtocolError } from './errors.ts';

const hex = (text: string) => Buffer.from(text.replace(/\s/g, ''), 'hex');
const object = (properties: Record<string, AmfValue>) => new Map(Object.entries(properties));

/** Name, bytes, value; those that are written the same way are marked. */
const VECTORS: [name: string, bytes: string, value: AmfValue, isWritten?: true][] = [
  ['a number', '00 3ff8000000000000', 1.5, true],
  ['true', '01 01', true, true],
  ['false', '01 00', false, true],
  ['a string', '02 0003 c3a461', 'äa', true],
  ['an object', '03 0001 61 05 0001 62 01 01 000009', object({ a: null, b: true }), true],
  ['an object without an end', '03 0001 61 05', object({ a: null })],
  ['an object whose end has no marker', '03 0001 61 05 0000', object({ a: null })],
  ['null', '05', null, true],
  ['undefined', '06', undefined, true],
  ['a reference', '07 0001', undefined],
  ['an array with names, whose count is wrong', '08 000000ff 0001 61 05 000009', object({ a: null })],
  ['an array', '0a 00000002 05 0101', [null, true], true],
  ['a date', '0b 4270000000000000 0000', new Date(2 ** 40), true],
  ['a long string', '0c 00000002 6162', 'ab'],
  ['an unsupported value', '0d', undefined],
  ['XML', '0f 00000002 6162', 'ab'],
  ['a typed object', '10 0001 58 0001 61 05 000009', object({ a: null })],
  ['a key that objects inherit', '03 0009 5f5f70726f746f5f5f 05 000009', object({ ['__proto__']: null })],
  ['AMF3: undefined, null, false, true', '0a 00000004 1100 1101 1102 1103', [undefined, null, false, true]],
  ['AMF3: integers', '0a 00000003 11047f 11048100 1104ffffffff', [127, 128, -1]],
  ['AMF3: a double', '11 05 3ff8000000000000', 1.5],
  ['AMF3: a string', '11 06 05 6162', 'ab'],
  ['AMF3: an array with a string used twice', '11 09 05 01 06 05 6162 06 00', ['ab', 'ab']],
  ['AMF3: an array with names', '11 09 03 03 61 01 01 05 3ff8000000000000', object({ a: null, 0: 1.5 })],
  ['AMF3: a dynamic object', '11 0a 0b 01 03 61 04 01 01', object({ a: 1 })],
  ['AMF3: an object with traits', '11 0a 13 01 03 61 04 02', object({ a: 2 })],
  ['AMF3: a date', '11 08 01 4270000000000000', new Date(2 ** 40)],
  ['AMF3: bytes and XML', '0a 00000002 110c056162 110b056162', [undefined, 'ab']],
];

test.each(VECTORS)('%s is read', (_name, bytes, value) => {
  expect(parseAmf0(hex(bytes))).toEqual([value]);
});

test.each(VECTORS.filter((vector) => vector[3]))('%s is written', (_name, bytes, value) => {
  expect(serializeAmf0([value]).toString('hex')).toBe(bytes.replace(/\s/g, ''));
});

test('values that are cut off are an error, and not a wrong value', () => {
  for (const [, bytes] of VECTORS) {
    const whole = hex(bytes);
    for (let length = 1; length < whole.length; length++) {
      try {
        parseAmf0(whole.subarray(0, length));
      } catch (error) {
        expect(error).toBeInstanceOf(ProtocolError);
      }
    }
  }
  expect(() => parseAmf0(hex('00 3ff8'))).toThrow(ProtocolError);
  expect(() => parseAmf0(hex('02 0003 61'))).toThrow(ProtocolError);
});

test('what is written is read back', () => {
  const { value } = fc.letrec<{ value: AmfInput }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 5 },
      fc.constantFrom<AmfInput>(null, undefined, true, false),
      fc.double({ noNaN: true }),
      fc.string(),
      fc.date({ noInvalidDate: true }),
      fc.array(tie('value'), { maxLength: 5 }),
      fc.array(fc.tuple(fc.string(), tie('value')), { maxLength: 5 }).map((entries) => new Map(entries)),
    ),
  }));
  fc.assert(
    fc.property(fc.array(value, { maxLength: 4 }), (values) => {
      // An empty key followed by the end marker is the end, whoever wrote it.
      const bytes = serializeAmf0(values);
      expect(parseAmf0(bytes)).toEqual(values);
    }),
  );
});

describe('limits', () => {
  test.each<[string, Buffer]>([
    ['a count larger than the message', hex('0a ffffffff 05')],
    ['an AMF3 count larger than the message', hex('11 09 ffffffff 01')],
    ['more traits than the message has', hex('11 0a fffffff3 01')],
    ['arrays in arrays', Buffer.concat(Array.from({ length: 100_000 }, () => hex('0a 00000001')))],
    ['objects in objects', Buffer.concat(Array.from({ length: 100_000 }, () => hex('03 0001 61')))],
    [
      'AMF3 arrays in arrays',
      Buffer.concat([hex('11'), ...Array.from({ length: 1000 }, () => hex('09 03 01'))]),
    ],
    ['too many values', Buffer.alloc(5000, 5)],
    ['a string that is too long', Buffer.concat([hex('0c 00010001'), Buffer.alloc(65_537, 0x61)])],
    ['an unknown marker', hex('04')],
    ['an unknown AMF3 marker', hex('11 0d')],
    ['an unknown string', hex('11 06 02')],
    ['unknown traits', hex('11 0a 01')],
  ])('%s is a protocol error', (_name, bytes) => {
    expect(() => parseAmf0(bytes)).toThrow(ProtocolError);
  });

  test('what would be written beyond the limit is not', () => {
    expect(() => serializeAmf0(['x'.repeat(100)], 99)).toThrow(ProtocolError);
    expect(serializeAmf0(['x'.repeat(96)], 99)).toHaveLength(99);
  });

  test('a value that contains itself is not written', () => {
    const loop = new Map<string, AmfInput>();
    loop.set('self', loop);
    expect(() => serializeAmf0([loop], 1e6)).toThrow(ProtocolError);
  });
});

test('mutated bytes are values or protocol errors, and nothing else', () => {
  const random = seeded(2);
  const bytes = VECTORS.map(([, text]) => hex(text));
  for (let i = 0; i < 5_000; i++) {
    const some = bytes.filter(() => random() < 0.3);
    try {
      parseAmf0(mutate(Buffer.concat(some), random));
    } catch (error) {
      expect(error).toBeInstanceOf(ProtocolError);
    }
  }
});
