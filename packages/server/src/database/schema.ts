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
];
