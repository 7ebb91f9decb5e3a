import type { ProcessConfigIOCleanup } from '@millrace/client';
import { UsageError } from '../errors.ts';
import { parseDuration } from '../terminal/units.ts';

/**
 * Reads a cleanup rule: the pattern, and what applies to the files that fit it, separated by commas, as in
 * `memfs:/cam*.ts,files=10,age=1m,purge`. A comma in braces belongs to the pattern.
 *
 * @throws UsageError
 */
export function parseCleanup(rule: string): ProcessConfigIOCleanup {
  const [pattern = '', ...limits] = rule.split(/,(?![^{]*\})/);
  if (!/^[^:/]+:.+/.test(pattern)) {
    throw new UsageError(
      `--cleanup: ${JSON.stringify(pattern)} is not a pattern of files`,
      'it names the storage first: memfs:/cam*.ts',
    );
  }
  const parsed = { pattern, max_files: 0, max_file_age_seconds: 0, purge_on_delete: false };
  for (const limit of limits) {
    const [name = '', value = ''] = limit.split('=', 2);
    const age = parseDuration(value);
    if (name === 'files' && /^\d{1,9}$/.test(value)) parsed.max_files = Number(value);
    else if (name === 'age' && age !== undefined) parsed.max_file_age_seconds = age;
    else if (limit === 'purge') parsed.purge_on_delete = true;
    else {
      throw new UsageError(
        `--cleanup: ${JSON.stringify(limit)} is not a limit`,
        'limits are files=10 (so many), age=1m (so old) and purge (all when the process is removed)',
      );
    }
  }
  return parsed;
}
