import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ProcessConfig } from '../../process/config.ts';
import { ApiError } from '../errors.ts';
import { decodeChangedConfig, decodeNewConfig, toApiConfig } from './config.ts';

const IO = { id: 'i', address: 'x', options: ['-re'] };
const OUTPUT = {
  id: 'o',
  address: '-',
  options: [],
  cleanup: [{ pattern: 'mem:/a', max_files: 1, max_file_age_seconds: 2, purge_on_delete: true }],
};

function current(): ProcessConfig {
  return decodeNewConfig({
    id: 'p',
    reference: 'r',
    input: [IO, { ...IO, id: 'j' }],
    output: [OUTPUT],
    options: ['-y'],
    reconnect: true,
    reconnect_delay_seconds: 5,
    stale_timeout_seconds: 6,
    limits: { cpu_usage: 12.5, memory_mbytes: 7, waitfor_seconds: 8 },
  });
}

/** The API's form of the present configuration after a change. */
function changed(body: unknown) {
  return toApiConfig(decodeChangedConfig(body, current()));
}

function refusal(act: () => unknown): Partial<ApiError> {
  try {
    act();
  } catch (error) {
    if (error instanceof ApiError)
      return { status: error.status, message: error.message, details: error.details };
  }
  throw new Error('not refused');
}

describe('a new configuration', () => {
  test('has defaults for what is not given', () => {
    expect(toApiConfig(decodeNewConfig({ input: [{ address: 'x' }], output: [{ address: '-' }] }))).toEqual({
      id: expect.stringMatching(/^[2-9A-HJ-NP-Za-km-z]{22}$/) as string,
      type: 'ffmpeg',
      reference: '',
      input: [{ id: '', address: 'x', options: [] }],
      output: [{ id: '', address: '-', options: [] }],
      options: [],
      reconnect: false,
      reconnect_delay_seconds: 0,
      autostart: true,
      stale_timeout_seconds: 0,
      limits: { cpu_usage: 0, memory_mbytes: 0, waitfor_seconds: 0 },
    });
  });

  test('takes null for not given', () => {
    const body = {
      id: null,
      type: null,
      reference: null,
      autostart: null,
      limits: null,
      options: null,
      input: [{ id: null, address: 'x', options: null, cleanup: null }],
      output: [OUTPUT],
    };
    expect(decodeNewConfig(body)).toMatchObject({ reference: '', autostart: true, options: [] });
  });

  test('drops cleanup rules of inputs and unknown members, and does not mind the case', () => {
    const body = {
      ID: 'p',
      INPUT: [{ ...IO, cleanup: OUTPUT.cleanup, colour: 'red' }],
      Output: [OUTPUT],
      x: 1,
    };
    expect(toApiConfig(decodeNewConfig(body))).toMatchObject({ id: 'p', input: [IO], output: [OUTPUT] });
  });

  const required = (field: string) =>
    `Key: 'ProcessConfig.${field}' Error:Field validation for '${field}' failed on the 'required' tag`;

  test.each<[unknown, string, string[]]>([
    [{}, 'Invalid JSON', [required('Input'), required('Output')]],
    [null, 'Invalid JSON', [required('Input'), required('Output')]],
    [{ input: null, output: [OUTPUT] }, 'Invalid JSON', [required('Input')]],
    [
      { type: 'gstreamer', input: [IO], output: [OUTPUT] },
      'Invalid JSON',
      ["Key: 'ProcessConfig.Type' Error:Field validation for 'Type' failed on the 'oneof' tag"],
    ],
    [
      { type: '', input: [IO], output: [OUTPUT] },
      'Unsupported process type',
      ['Supported process types are: ffmpeg'],
    ],
    [{ input: [], output: [OUTPUT] }, 'At least one input and one output need to be defined', []],
    [{ input: [IO], output: [] }, 'At least one input and one output need to be defined', []],
  ])('%j is refused: %s', (body, message, details) => {
    expect(refusal(() => decodeNewConfig(body))).toEqual({ status: 400, message, details });
  });
});

describe('a change', () => {
  test.each([{}, null, { id: null, limits: null, reference: null, reconnect: null }, { type: '' }])(
    'by %j changes nothing',
    (body) => {
      expect(changed(body)).toEqual(toApiConfig(current()));
    },
  );

  test.each<[string, object, object]>([
    ['a scalar', { reference: 'new' }, { reference: 'new', options: ['-y'] }],
    [
      'one of the limits',
      { limits: { cpu_usage: 1 } },
      { limits: { cpu_usage: 1, memory_mbytes: 7, waitfor_seconds: 8 } },
    ],
    ['options as a whole', { options: ['-a', '-b'] }, { options: ['-a', '-b'] }],
    ['options to none by null', { options: null }, { options: [] }],
    [
      'a member of one input',
      { input: [{ options: [] }, {}] },
      {
        input: [
          { ...IO, options: [] },
          { ...IO, id: 'j' },
        ],
      },
    ],
    ['the number of inputs', { input: [{}] }, { input: [IO] }],
    ['an input that is null not at all', { input: [null, null] }, { input: [IO, { ...IO, id: 'j' }] }],
    [
      'what is added from nothing',
      { output: [{}, { address: 'y' }] },
      { output: [OUTPUT, { id: '', address: 'y', options: [] }] },
    ],
    [
      'cleanup rules one by one',
      { output: [{ cleanup: [{ max_files: 9 }] }] },
      { output: [{ ...OUTPUT, cleanup: [{ ...OUTPUT.cleanup[0], max_files: 9 }] }] },
    ],
    [
      'cleanup rules to none by null',
      { output: [{ cleanup: null }] },
      { output: [{ id: 'o', address: '-', options: [] }] },
    ],
    ['the inputs to none', { input: [] }, { input: [] }],
  ])('concerns %s', (_what, body, expected) => {
    expect(changed(body)).toMatchObject(expected);
  });

  test('cannot take the inputs away', () => {
    expect(refusal(() => changed({ input: null })).message).toBe('Invalid JSON');
  });

  test.each([
    [{ reconnect_delay_seconds: -1 }, "expect type 'uint64' for 'reconnect_delay_seconds'"],
    [{ reconnect_delay_seconds: 1.5 }, "expect type 'uint64' for 'reconnect_delay_seconds'"],
    [{ output: [{ cleanup: [{ max_files: -1 }] }] }, "expect type 'uint' for 'output.cleanup.max_files'"],
    [{ reference: 5 }, "expect type 'string' for 'reference'"],
    [{ input: {} }, "expect type '[]api.ProcessConfigIO' for 'input'"],
    [{ limits: 5 }, "expect type 'api.ProcessConfigLimits' for 'limits'"],
  ])('by %j is refused: %s', (body, reason) => {
    const { message, details } = refusal(() => changed(body));
    expect(message).toBe('Invalid JSON');
    expect(details?.[0]).toContain(reason);
  });

  test('by the whole present configuration changes nothing', () => {
    const natural = fc.maxSafeNat();
    const io = { id: fc.string(), address: fc.string(), options: fc.array(fc.string()) };
    const rule = fc.record({
      pattern: fc.string(),
      max_files: natural,
      max_file_age_seconds: natural,
      purge_on_delete: fc.boolean(),
    });
    const config = fc.record({
      id: fc.string(),
      type: fc.constant('ffmpeg'),
      reference: fc.string(),
      input: fc.array(fc.record(io), { minLength: 1 }),
      output: fc.array(fc.record({ ...io, cleanup: fc.array(rule, { minLength: 1 }) }), { minLength: 1 }),
      options: fc.array(fc.string()),
      reconnect: fc.boolean(),
      reconnect_delay_seconds: natural,
      autostart: fc.boolean(),
      stale_timeout_seconds: natural,
      limits: fc.record({
        cpu_usage: fc.integer(),
        memory_mbytes: fc.nat(2 ** 30),
        waitfor_seconds: natural,
      }),
    });
    fc.assert(
      fc.property(config, (body) => {
        const stored = decodeNewConfig(body);
        expect(toApiConfig(stored)).toEqual(body);
        expect(decodeChangedConfig(body, stored)).toEqual(stored);
      }),
    );
  });
});
