import { mkdir, mkdtemp, realpath, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { checkOutputAddress } from '../../packages/server/src/ffmpeg/address.ts';
import { AddressFilter } from '../../packages/server/src/ffmpeg/address-filter.ts';

const filter = new AddressFilter({ allow: [], block: [] });
let folder = '';
let diskDir = '';

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'millrace-')));
  diskDir = join(folder, 'data');
  await mkdir(join(diskDir, 'inside'), { recursive: true });
  await mkdir(join(folder, 'outside'));
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

test('a file behind a symbolic link that leaves the disk folder is refused', async () => {
  await symlink(join(folder, 'outside'), join(diskDir, 'link'));
  expect(() => checkOutputAddress(join(diskDir, 'link/new.mp4'), { filter, diskDir })).toThrow(
    `${diskDir}/link/new.mp4 is not inside of ${diskDir}`,
  );
});

test('a file behind a symbolic link that stays inside is accepted', async () => {
  await symlink(join(diskDir, 'inside'), join(diskDir, 'link'));
  expect(checkOutputAddress(join(diskDir, 'link/new.mp4'), { filter, diskDir })).toEqual({ isFile: true });
});

test('the disk folder itself may be a symbolic link', async () => {
  const link = join(folder, 'data-link');
  await symlink(diskDir, link);
  expect(checkOutputAddress(join(link, 'new/deep.mp4'), { filter, diskDir: link })).toEqual({ isFile: true });
});
