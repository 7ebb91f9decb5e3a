import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Log } from '../log/logger.ts';
import { Database } from './database.ts';

const SCHEMA = ['CREATE TABLE note (text TEXT NOT NULL) STRICT'];
const sink = { write: () => true };
let dir = '';
let log = new Log(sink, { level: 'debug', topics: [], maxLines: 100 });
const open: Database[] = [];

beforeEach(() => {
  dir = join(mkdtempSync(join(tmpdir(), 'millrace-db-')), 'db');
  log = new Log(sink, { level: 'debug', topics: [], maxLines: 100 });
});

afterEach(async () => {
  for (const database of open.splice(0)) await database.close();
  rmSync(join(dir, '..'), { recursive: true, force: true });
});

async function start(schema = SCHEMA): Promise<Database> {
  const database = new Database(dir, log.component('DB'), schema);
  await database.start();
  open.push(database);
  return database;
}

function write(database: Database, text: string): void {
  database.sqlite.prepare('INSERT INTO note VALUES (?)').run(text);
}

function notes({ sqlite }: { sqlite: DatabaseSync }): unknown[] {
  return sqlite
    .prepare('SELECT text FROM note')
    .all()
    .map((row) => row['text']);
}

function readNotes(path: string): unknown[] {
  const sqlite = new DatabaseSync(path, { readOnly: true });
  try {
    return notes({ sqlite });
  } finally {
    sqlite.close();
  }
}

const file = () => join(dir, 'millrace.db');
const copy = () => join(dir, 'millrace.db.bak');

/** A folder with the note `kept` in both the file and its copy. */
async function filled(): Promise<void> {
  const database = await start();
  for (let i = 0; i < 500; i++) write(database, 'x'.repeat(100));
  write(database, 'kept');
  await database.close();
}

describe('the database', () => {
  test('keeps what was written over a restart', async () => {
    const database = await start();
    write(database, 'a');
    await database.close();
    expect(notes(await start())).toEqual(['a']);
  });

  test('is readable by its owner only', async () => {
    const database = await start();
    write(database, 'a');
    expect(statSync(dir).mode & 0o777).toBe(0o700);
    for (const name of readdirSync(dir)) {
      expect([name, statSync(join(dir, name)).mode & 0o777]).toEqual([name, 0o600]);
    }
  });

  test('takes only the steps of the schema that it has not taken yet', async () => {
    await (await start()).close();
    const database = await start([...SCHEMA, 'ALTER TABLE note ADD COLUMN more TEXT']);
    database.sqlite.exec("INSERT INTO note VALUES ('a', 'b')");
    expect(notes(database)).toEqual(['a']);
  });

  test('a step that fails leaves everything as it was', async () => {
    await (await start()).close();
    await expect(start([...SCHEMA, 'CREATE TABLE other (a TEXT)', 'nonsense'])).rejects.toThrow(/syntax/);
    const database = await start([...SCHEMA, 'CREATE TABLE other (a TEXT)']);
    expect(database.sqlite.prepare('SELECT * FROM other').all()).toEqual([]);
  });

  test('refuses a file of a newer version', async () => {
    await (await start([...SCHEMA, 'CREATE TABLE other (a TEXT)'])).close();
    await expect(start()).rejects.toThrow(/newer version/);
  });

  test('refuses a file that another server has open', async () => {
    await start();
    await expect(start()).rejects.toThrow(/in use by another server/);
  });

  test('a transaction that throws leaves nothing behind', async () => {
    const database = await start();
    expect(() =>
      database.transaction(() => {
        write(database, 'a');
        throw new Error('no');
      }),
    ).toThrow('no');
    expect(notes(database)).toEqual([]);
  });

  test('an inner transaction is part of the outer one', async () => {
    const database = await start();
    expect(() =>
      database.transaction(() => {
        database.transaction(() => {
          write(database, 'a');
        });
        throw new Error('no');
      }),
    ).toThrow('no');
    expect(notes(database)).toEqual([]);
  });

  test('starts and ends although its copy cannot be renewed, and says so', async () => {
    await filled();
    rmSync(copy());
    mkdirSync(join(copy(), 'in the way'), { recursive: true });
    const database = await start();
    expect(notes(database)).toContain('kept');
    await database.close();
    expect(log.events().map(({ message }) => message)).toContain(
      'The copy of the database could not be renewed',
    );
  });

  test('renews its copy while it is open', async () => {
    vi.useFakeTimers();
    try {
      const database = await start();
      write(database, 'early');
      vi.advanceTimersByTime(10_000);
      write(database, 'late');
      const early = readNotes(copy());
      vi.advanceTimersByTime(24 * 3_600_000);
      expect([early, readNotes(copy())]).toEqual([['early'], ['early', 'late']]);
    } finally {
      vi.useRealTimers();
    }
  });

  test('its copy can be opened and holds the same', async () => {
    await filled();
    rmSync(file());
    expect(notes(await start())).toContain('kept');
  });
});

const DAMAGE: Record<string, () => void> = {
  'cut in the middle': () => {
    truncateSync(file(), Math.floor(statSync(file()).size / 2));
  },
  'cut by a byte': () => {
    truncateSync(file(), statSync(file()).size - 1);
  },
  'cut to a byte': () => {
    truncateSync(file(), 1);
  },
  'cut to nothing': () => {
    truncateSync(file(), 0);
  },
  'overwritten with something else': () => {
    writeFileSync(file(), 'this is no database, but it is long enough to be taken for one'.repeat(100));
  },
  'overwritten in the middle': () => {
    const bytes = readFileSync(file());
    bytes.fill(0xff, 4096, 12_288);
    writeFileSync(file(), bytes);
  },
};

describe.each(Object.entries(DAMAGE))('a file %s', (_how, damage) => {
  test('is put aside and replaced by the last good copy', async () => {
    await filled();
    damage();
    const damaged = readFileSync(file());
    expect(notes(await start())).toContain('kept');
    const aside = readdirSync(dir).find((name) => /^millrace\.db\.damaged-\d+$/.test(name)) ?? '';
    expect(readFileSync(join(dir, aside))).toEqual(damaged);
    expect(log.events().map(({ level }) => level)).toContain('error');
  });

  test('is left alone and refused if the copy is damaged as well', async () => {
    await filled();
    damage();
    const damaged = readFileSync(file());
    truncateSync(copy(), 5000);
    await expect(start()).rejects.toThrow(/last good copy cannot be used/);
    expect(readFileSync(file())).toEqual(damaged);
  });
});

/** What a server that was killed leaves behind: the file and a journal with all that is new. */
async function killed(): Promise<void> {
  const database = await start();
  write(database, 'kept');
  const left = join(dir, '..', 'left');
  cpSync(dir, left, { recursive: true });
  await database.close();
  rmSync(dir, { recursive: true });
  renameSync(left, dir);
}

test('what a killed server had written is there after the next start', async () => {
  await killed();
  expect(readdirSync(dir)).toContain('millrace.db-wal');
  expect(notes(await start())).toEqual(['kept']);
});

test('the journal of a damaged file is not applied to the copy that replaces it', async () => {
  await filled();
  await killed();
  writeFileSync(file(), 'damaged');
  const database = await start();
  expect(notes(database)).toHaveLength(501);
  expect(readdirSync(dir).filter((name) => /damaged-\d+-wal$/.test(name))).toHaveLength(1);
});

test('a damaged file without a copy is left alone and refused', async () => {
  await filled();
  rmSync(copy());
  truncateSync(file(), 6000);
  const damaged = readFileSync(file());
  await expect(start()).rejects.toThrow(/millrace\.db is damaged/);
  expect(readFileSync(file())).toEqual(damaged);
  expect(readdirSync(dir)).toEqual(['millrace.db']);
});

test.skipIf(process.getuid?.() === 0)('a file that may not be read is no reason to replace it', async () => {
  await filled();
  chmodSync(file(), 0);
  await expect(start()).rejects.toThrow(/can't open the database/);
  expect(readdirSync(dir).filter((name) => name.includes('damaged'))).toEqual([]);
});
