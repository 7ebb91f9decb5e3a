import semver from 'semver';

/** The range of versions that counts as the same FFmpeg: `^5.1.9`, or, down to the `minor`, `^5.1.0`. */
export function constraintFor(version: string, down: 'patch' | 'minor' = 'patch'): string {
  const parsed = semver.parse(version);
  if (parsed === null) return `^${version}`;
  return down === 'patch' ? `^${version}` : `^${parsed.major}.${parsed.minor}.0`;
}

/** Whether the version is in the range; not if either cannot be understood. */
export function fitsConstraint(version: string, constraint: string): boolean {
  return semver.valid(version) !== null && semver.satisfies(version, constraint);
}
