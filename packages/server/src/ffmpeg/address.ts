import { resolve, sep } from 'node:path';
import { realPath } from '../util/directory.ts';
import { CoreError } from '../util/errors.ts';
import type { AddressFilter } from './address-filter.ts';
import { checkUrl, looksLikeUrl } from './url.ts';

export interface OutputRules {
  filter: AddressFilter;
  /** Files may be written below this directory. */
  diskDir: string;
}

export interface CheckedOutput {
  /** Whether it, or a part of a tee list, is a file on the disk. */
  isFile: boolean;
}

/**
 * Checks a resolved input address. URLs must be well-formed; which of them, and of devices, filter graphs and
 * files, may be read is up to the lists. Throws `invalid`.
 */
export function checkInputAddress(address: string, filter: AddressFilter): void {
  const text = address.trim();
  if (looksLikeUrl(text)) checkUrl(text);
  requireAllowed(text, filter);
}

/** Checks a resolved output address, or a tee list of them. Throws `invalid`. */
export function checkOutputAddress(address: string, rules: OutputRules): CheckedOutput {
  const text = address.trim();
  const isTee = text.includes('|') || text.startsWith('[');
  const parts = isTee ? text.split('|').map((part) => part.replace(TEE_OPTIONS, '')) : [text];
  const checked = parts.map((part) => checkOutput(part, rules));
  return { isFile: checked.some(({ isFile }) => isFile) };
}

const TEE_OPTIONS = /^\[[^\]]*\]/;

/** A protocol as FFmpeg finds it; what only looks like one, such as `a/b:/c`, is a path to FFmpeg. */
const PROTOCOL = /^[a-z][a-z0-9.+-]*:\//i;

/** Protocols that open another address, which is what has to be checked. */
const WRAPPER = /^(?:async|cache|concatf?|crypto|file|md5|subfile|tee)(?:,[^:]*)?[:+]/;

function checkOutput(wrapped: string, rules: OutputRules): CheckedOutput {
  if (wrapped === '-') return { isFile: false };
  let address = wrapped;
  for (;;) {
    const wrapper = WRAPPER.exec(address)?.[0];
    if (wrapper === undefined) break;
    address = address.slice(wrapper.length);
    // `file:-` is a file of that name.
    if (wrapper === 'file:' || address === '-') return checkFile(address, rules);
  }
  if (PROTOCOL.test(address)) {
    checkUrl(address);
    requireAllowed(address, rules.filter);
    return { isFile: false };
  }
  return checkFile(address, rules);
}

function checkFile(path: string, { filter, diskDir }: OutputRules): CheckedOutput {
  const file = resolve(path);
  const isDevice = isBelow(file, '/dev');
  // The muxer `tee` takes quotes and backslashes away, behind which dots can hide.
  for (const target of new Set([file, resolve(path.replace(/['\\]/g, ''))])) {
    if (isBelow(target, '/dev') || isInside(target, resolve(diskDir))) continue;
    throw new CoreError('invalid', `${target} is not inside of ${resolve(diskDir)}`);
  }
  requireAllowed(`file:${file}`, filter);
  return { isFile: !isDevice };
}

function isInside(file: string, directory: string): boolean {
  return isBelow(file, directory) && isBelow(realPath(file), realPath(directory));
}

/** The directory itself counts as well: that it is no file is FFmpeg's to say. */
function isBelow(file: string, directory: string): boolean {
  return file === directory || file.startsWith(directory.endsWith(sep) ? directory : directory + sep);
}

function requireAllowed(address: string, filter: AddressFilter): void {
  if (!filter.isAllowed(address)) throw new CoreError('invalid', 'address is not allowed');
}
