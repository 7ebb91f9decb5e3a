import { readFileSync } from 'node:fs';
import type * as schemas from '@millrace/api';
import { expect, expectTypeOf, test } from 'vitest';
import { clientDocs, TARGET as REFERENCE } from '../../../scripts/client-docs.mjs';
import { clientTypes, TARGET } from '../../../scripts/client-types.mjs';
import type * as types from './api.ts';

test('the types are made from the present packages/api: npm run generate', async () => {
  const text = await clientTypes();
  expect(readFileSync(TARGET, 'utf8')).toBe(text);
});

test('the reference is made from the present sources: npm run generate', async () => {
  const text = await clientDocs();
  expect(readFileSync(REFERENCE, 'utf8')).toBe(text);
});

test('the types are those of the schemas', () => {
  expectTypeOf<types.About>().toEqualTypeOf<schemas.About>();
  expectTypeOf<types.ConfigAnswer>().toEqualTypeOf<schemas.ConfigAnswer>();
  expectTypeOf<types.ConfigStatus>().toEqualTypeOf<schemas.ConfigStatus>();
  expectTypeOf<types.Event>().toEqualTypeOf<schemas.Event>();
  expectTypeOf<types.MetricsResponse>().toEqualTypeOf<schemas.MetricsResponse>();
  expectTypeOf<types.PlayoutStatus>().toEqualTypeOf<schemas.PlayoutStatus>();
  expectTypeOf<types.Probe>().toEqualTypeOf<schemas.Probe>();
  expectTypeOf<types.Process>().toEqualTypeOf<schemas.Process>();
  expectTypeOf<types.ProcessConfigBody>().toEqualTypeOf<schemas.ProcessConfigBody>();
  expectTypeOf<types.SessionsSummary>().toEqualTypeOf<schemas.SessionsSummary>();
  expectTypeOf<types.Skills>().toEqualTypeOf<schemas.Skills>();
  expectTypeOf<types.SrtChannels>().toEqualTypeOf<schemas.SrtChannels>();
  expectTypeOf<types.WidgetProcess>().toEqualTypeOf<schemas.WidgetProcess>();
});
