import { expect, test } from 'vitest';
import { belongsTo } from './variants.ts';

test.each([
  ['cam1', 'cam1', true],
  ['cam1_720p', 'cam1', true],
  ['cam1/sub', 'cam1', true],
  ['cam10', 'cam1', false],
  ['cam1é', 'cam1', false],
  ['cam_1', 'cam_', true],
  ['cam', 'cam1', false],
  ['cam', '', true],
  ['', '', true],
])('a session of %j belongs to a process of %j: %s', (reference, ofProcess, expected) => {
  expect(belongsTo(reference, ofProcess)).toBe(expected);
});
