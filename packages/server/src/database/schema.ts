/**
 * The steps that lead from an empty database to the present one, oldest first. A database remembers how many
 * it has taken (`user_version`), so a step that was released never changes: new ones are added at the end.
 */
export const SCHEMA: readonly string[] = [
  `CREATE TABLE auth_denied (
     id TEXT PRIMARY KEY,
     kind TEXT NOT NULL,
     expires INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE auth_not_before (
     subject TEXT PRIMARY KEY,
     instant INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE auth_admitted (
     subject TEXT PRIMARY KEY,
     issuer TEXT NOT NULL,
     groups TEXT NOT NULL,
     expires INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID;`,
  `CREATE TABLE process (
     id TEXT PRIMARY KEY,
     config TEXT NOT NULL,
     desired_order TEXT NOT NULL,
     ffmpeg_constraint TEXT NOT NULL,
     created_at INTEGER NOT NULL,
     updated_at INTEGER NOT NULL,
     history TEXT NOT NULL
   ) STRICT;
   CREATE TABLE process_metadata (
     process TEXT NOT NULL REFERENCES process (id) ON UPDATE CASCADE ON DELETE CASCADE,
     key TEXT NOT NULL,
     value TEXT NOT NULL,
     PRIMARY KEY (process, key)
   ) STRICT;
   CREATE TABLE metadata (
     key TEXT PRIMARY KEY,
     value TEXT NOT NULL
   ) STRICT;
   CREATE TABLE imported (
     file TEXT PRIMARY KEY,
     at INTEGER NOT NULL
   ) STRICT;`,
  `CREATE TABLE session_history (
     collector TEXT NOT NULL,
     position INTEGER NOT NULL,
     location TEXT NOT NULL,
     peer TEXT NOT NULL,
     reference TEXT NOT NULL,
     sessions INTEGER NOT NULL,
     rx_bytes INTEGER NOT NULL,
     tx_bytes INTEGER NOT NULL,
     PRIMARY KEY (collector, position)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE session_imported (
     collector TEXT PRIMARY KEY,
     at INTEGER NOT NULL
   ) STRICT;`,
  `CREATE TABLE event (
     id INTEGER PRIMARY KEY,
     at INTEGER NOT NULL,
     type TEXT NOT NULL,
     process TEXT NOT NULL,
     level TEXT NOT NULL,
     data TEXT NOT NULL
   ) STRICT;`,
];
