import fc from 'fast-check';
import Type from 'typebox';
import { describe, expect, test } from 'vitest';
import { decode, parseJson } from './decode.ts';
import { ApiError } from './errors.ts';

const Element = Type.Object(
  { id: Type.String(), address: Type.String(), options: Type.Array(Type.String()) },
  { title: 'ProcessConfigIO' },
);
const Limits = Type.Object(
  { cpu_usage: Type.Number(), memory_mbytes: Type.Integer({ minimum: 0 }) },
  { title: 'ProcessConfigLimits' },
);
const Config = Type.Object(
  {
    id: Type.String(),
    input: Type.Optional(Type.Array(Element)),
    options: Type.Array(Type.String()),
    reconnect: Type.Boolean(),
    delay: Type.Integer({ minimum: 0 }),
    range: Type.Integer(),
    limits: Limits,
    labels: Type.Record(Type.String(), Type.String()),
    extra: Type.Unknown(),
  },
  { title: 'ProcessConfig' },
);
const BASE: Type.Static<typeof Config> = {
  id: 'a',
  input: [{ id: 'i', address: 'x', options: ['-re'] }],
  options: ['-y'],
  reconnect: true,
  delay: 5,
  range: -5,
  limits: { cpu_usage: 1.5, memory_mbytes: 7 },
  labels: { a: 'b' },
  extra: null,
};

function decodeText(text: string): Type.Static<typeof Config> {
  return decode(Config, parseJson(Buffer.from(text)), BASE);
}

function errorOf(act: () => unknown): ApiError {
  try {
    act();
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
  throw new Error('did not throw');
}

describe('parsing', () => {
  test.each([
    ['', 'line 1, character 0: unexpected end of JSON input'],
    ['{"id":"bad",', 'line 1, character 12: unexpected end of JSON input'],
    ['{"command"', 'line 1, character 10: unexpected end of JSON input'],
    ['{"version":3} x', "line 1, character 15: invalid character 'x' after top-level value"],
    ['{"a":}', "line 1, character 6: invalid character '}' looking for beginning of value"],
    ['{"a"1}', "line 1, character 5: invalid character '1' after object key"],
    ['{"a":tru\n}', "line 1, character 9: invalid character '\\n' in literal true (expecting 'e')"],
    ['{"a":1,}', "line 1, character 8: invalid character '}' looking for beginning of object key string"],
    ['{"a":1 "b"}', `line 1, character 8: invalid character '"' after object key:value pair`],
    ['[1,]', "line 1, character 4: invalid character ']' looking for beginning of value"],
    ['[1 2]', "line 1, character 4: invalid character '2' after array element"],
    ['{\n  "ä": \'x\'}', "line 2, character 9: invalid character '\\'' looking for beginning of value"],
    ['"a\nb"', "line 1, character 3: invalid character '\\n' in string literal"],
    ['"\\x"', "line 1, character 3: invalid character 'x' in string escape code"],
    ['"\\u00g0"', "line 1, character 6: invalid character 'g' in \\u hexadecimal character escape"],
    ['-x', "line 1, character 2: invalid character 'x' in numeric literal"],
    ['1.x', "line 1, character 3: invalid character 'x' after decimal point in numeric literal"],
    ['1e+', 'line 1, character 3: unexpected end of JSON input'],
    ['01', "line 1, character 2: invalid character '1' after top-level value"],
    ['['.repeat(100_000), 'line 1, character 1001: exceeded max depth'],
  ])('%s is a syntax error at its place', (text, expected) => {
    const error = errorOf(() => parseJson(Buffer.from(text)));
    expect(error.body()).toEqual({
      code: 400,
      message: 'Invalid JSON',
      details: [`syntax error at ${expected}`],
    });
  });

  test('agrees with the built-in parser on every valid text', () => {
    fc.assert(
      fc.property(fc.json(), fc.nat(3), (text, indent) => {
        const value: unknown = JSON.parse(text);
        const spaced = JSON.stringify(value, null, indent);
        expect(JSON.stringify(parseJson(Buffer.from(spaced)))).toBe(JSON.stringify(value));
        // Such a number makes it read the text itself.
        const special = `[${spaced},1.0]`;
        expect(JSON.stringify(parseJson(Buffer.from(special)))).toBe(`[${JSON.stringify(value)},1.0]`);
      }),
    );
  });

  test.each(['1,', '1.0,', '[],', '{"":0},', '"\\\\",'])(
    'refuses a text of too many values, such as [%s…]',
    (part) => {
      const error = errorOf(() => parseJson(Buffer.from(`[${part.repeat(500_000)}1]`)));
      expect(error.details[0]).toMatch(/^syntax error at line 1, .*: exceeded max number of values$/);
    },
  );

  test('takes long texts of few values', () => {
    const text = JSON.stringify([',[{'.repeat(200_000), '\\"'.repeat(200_000)]);
    expect(parseJson(Buffer.from(text))).toEqual(JSON.parse(text));
  });

  test('agrees with the built-in parser on what is invalid', () => {
    const near = fc
      .tuple(fc.json(), fc.nat(), fc.constantFrom(...Array.from('{}[]",:\\tu0-.e \n')))
      .map(
        ([text, at, inserted]) =>
          text.slice(0, at % (text.length + 1)) + inserted + text.slice(at % (text.length + 1)),
      );
    fc.assert(
      fc.property(near, (text) => {
        const isValid = succeeds(() => JSON.parse(text) as unknown);
        expect(succeeds(() => parseJson(Buffer.from(text)))).toBe(isValid);
      }),
      { numRuns: 1000 },
    );
  });

  test.each(['12345678901234567890', '1.0', '1e400', '-0', '0.10', '1E3'])('keeps the text of %s', (text) => {
    expect(JSON.stringify(parseJson(Buffer.from(`{"a":[${text}]}`)))).toBe(`{"a":[${text}]}`);
  });

  test('turns lone surrogates and broken UTF-8 into U+FFFD', () => {
    expect(parseJson(Buffer.from('"\\ud800x\\ud83d\\ude00"'))).toBe('\ufffdx😀');
    expect(parseJson(Buffer.from([0x22, 0xff, 0x22]))).toBe('\ufffd');
  });

  test('a key __proto__ is a member like any other', () => {
    const value = parseJson(Buffer.from('{"__proto__":{"polluted":true}}')) as object;
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(Object.keys(value)).toEqual(['__proto__']);
  });
});

describe('decoding', () => {
  test('what the body does not name stays', () => {
    expect(decodeText('{}')).toEqual(BASE);
    expect(decodeText('null')).toEqual(BASE);
    expect(decodeText('{"limits":{"memory_mbytes":8}}').limits).toEqual({ cpu_usage: 1.5, memory_mbytes: 8 });
  });

  test('null means not given for scalars and objects', () => {
    expect(decodeText('{"id":null,"reconnect":null,"delay":null,"limits":null}')).toEqual(BASE);
  });

  test('null empties arrays and maps and removes optional members', () => {
    const result = decodeText('{"options":null,"labels":null,"input":null}');
    expect(result).toMatchObject({ options: [], labels: {} });
    expect(result).not.toHaveProperty('input');
  });

  test('unknown keys are ignored and keys match regardless of case', () => {
    expect(decodeText('{"color":1,"ID":"b","constructor":5,"__proto__":5}')).toEqual({ ...BASE, id: 'b' });
  });

  test.each([
    ['[]', []],
    ['[{}]', [{ id: 'i', address: 'x', options: ['-re'] }]],
    ['[null]', [{ id: 'i', address: 'x', options: ['-re'] }]],
    ['[{"options":[]}]', [{ id: 'i', address: 'x', options: [] }]],
    [
      '[{},{"address":"y"}]',
      [
        { id: 'i', address: 'x', options: ['-re'] },
        { id: '', address: 'y', options: [] },
      ],
    ],
  ])('array elements are decoded over those of the base: %s', (input, expected) => {
    expect(decodeText(`{"input":${input}}`).input).toEqual(expected);
  });

  test('maps gain entries', () => {
    expect(decodeText('{"labels":{"__proto__":"c","A":"d"}}').labels).toEqual(
      Object.fromEntries([
        ['a', 'b'],
        ['__proto__', 'c'],
        ['A', 'd'],
      ]),
    );
  });

  test('does not change the base', () => {
    const before = structuredClone(BASE);
    decodeText('{"input":[{"id":"z","options":["q"]}],"labels":{"x":"y"},"limits":{"cpu_usage":9}}');
    expect(BASE).toEqual(before);
  });

  test.each([
    ['{"id":5}', 'string', 'id', 8, 'number', 'ProcessConfig'],
    ['{"reconnect":"yes"}', 'bool', 'reconnect', 19, 'string', 'ProcessConfig'],
    ['{"delay":-1}', 'uint64', 'delay', 12, 'number -1', 'ProcessConfig'],
    ['{"delay":1.5}', 'uint64', 'delay', 13, 'number 1.5', 'ProcessConfig'],
    ['{"delay":1e1}', 'uint64', 'delay', 13, 'number 1e1', 'ProcessConfig'],
    ['{"delay":10.0}', 'uint64', 'delay', 14, 'number 10.0', 'ProcessConfig'],
    ['{"delay":"1"}', 'uint64', 'delay', 13, 'string', 'ProcessConfig'],
    ['{"range":1.5}', 'int64', 'range', 13, 'number 1.5', 'ProcessConfig'],
    ['{"range":99999999999999999999}', 'int64', 'range', 30, 'number 99999999999999999999', 'ProcessConfig'],
    ['{"options":"x"}', '[]string', 'options', 15, 'string', 'ProcessConfig'],
    ['{"options":[5]}', 'string', 'options', 14, 'number', 'ProcessConfig'],
    ['{"input":{}}', '[]api.ProcessConfigIO', 'input', 11, 'object', 'ProcessConfig'],
    ['{"input":["x"]}', 'api.ProcessConfigIO', 'input', 14, 'string', 'ProcessConfig'],
    ['{"input":[{"id":5}]}', 'string', 'input.id', 18, 'number', 'ProcessConfigIO'],
    ['{"limits":5}', 'api.ProcessConfigLimits', 'limits', 12, 'number', 'ProcessConfig'],
    [
      '{"limits":{"cpu_usage":1e400}}',
      'float64',
      'limits.cpu_usage',
      29,
      'number 1e400',
      'ProcessConfigLimits',
    ],
    ['{"labels":[]}', 'map[string]string', 'labels', 12, 'array', 'ProcessConfig'],
    [
      '{"LIMITS":{"memory_mbytes":true}}',
      'uint64',
      'limits.memory_mbytes',
      32,
      'bool',
      'ProcessConfigLimits',
    ],
  ])('%s is a type error', (text, type, path, character, given, owner) => {
    const error = errorOf(() => decodeText(text));
    expect(error.details).toEqual([
      `expect type '${type}' for '${path}' at line 1, character ${character}: json: cannot unmarshal ${given} into Go struct field ${owner}.${path} of type ${type}`,
    ]);
  });

  test.each(['[]', '5', '"x"', 'true'])('a body %s is no object', (text) => {
    expect(errorOf(() => decodeText(text)).details[0]).toMatch(
      /^expect type 'api.ProcessConfig' for '' at line 1, character \d+: json: cannot unmarshal \w+ into Go value of type api.ProcessConfig$/,
    );
  });

  test.each([
    ['0', 0],
    ['-0', 0],
    ['-7', -7],
    ['9007199254740991', Number.MAX_SAFE_INTEGER],
  ])('takes the integer %s', (text, expected) => {
    expect(decodeText(`{"range":${text}}`).range).toBe(expected);
  });

  test('only ever throws errors of the API', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        if (succeeds(() => decodeText(text))) return;
        expect(errorOf(() => decodeText(text)).status).toBe(400);
      }),
    );
  });
});

function succeeds(act: () => unknown): boolean {
  try {
    act();
    return true;
  } catch {
    return false;
  }
}
