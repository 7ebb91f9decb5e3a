import type { DatabaseSync } from 'node:sqlite';

/** What access control keeps: refused tokens, instants before which tokens are refused, and admitted users. */
export class AuthTables {
  readonly #database: { readonly sqlite: DatabaseSync };

  constructor(database: { readonly sqlite: DatabaseSync }) {
    this.#database = database;
  }

  denials(): { id: string; kind: 'session' | 'rotated'; expires: number }[] {
    return this.#all('SELECT id, kind, expires FROM auth_denied ORDER BY expires').map((row) => ({
      id: String(row['id']),
      kind: row['kind'] === 'rotated' ? 'rotated' : 'session',
      expires: Number(row['expires']),
    }));
  }

  deny({ id, kind, expires }: { id: string; kind: string; expires: number }): void {
    this.#run('INSERT OR REPLACE INTO auth_denied (id, kind, expires) VALUES (?, ?, ?)', id, kind, expires);
  }

  prune(now: number): void {
    this.#run('DELETE FROM auth_denied WHERE expires <= ?', Math.floor(now));
  }

  notBefore(): { subject: string; instant: number }[] {
    return this.#all('SELECT subject, instant FROM auth_not_before').map((row) => ({
      subject: String(row['subject']),
      instant: Number(row['instant']),
    }));
  }

  setNotBefore({ subject, instant }: { subject: string; instant: number }): void {
    this.#run('INSERT OR REPLACE INTO auth_not_before (subject, instant) VALUES (?, ?)', subject, instant);
  }

  admissions(): { subject: string; issuer: string; groups: string[]; expires: number }[] {
    return this.#all('SELECT subject, issuer, groups, expires FROM auth_admitted ORDER BY expires').map(
      (row) => ({
        subject: String(row['subject']),
        issuer: String(row['issuer']),
        groups: JSON.parse(String(row['groups'])) as string[],
        expires: Number(row['expires']),
      }),
    );
  }

  admit(admission: { subject: string; issuer: string; groups: readonly string[]; expires: number }): void {
    const { subject, issuer, groups, expires } = admission;
    this.#run(
      'INSERT OR REPLACE INTO auth_admitted (subject, issuer, groups, expires) VALUES (?, ?, ?, ?)',
      subject,
      issuer,
      JSON.stringify(groups),
      expires,
    );
  }

  dismiss(subject: string): void {
    this.#run('DELETE FROM auth_admitted WHERE subject = ?', subject);
  }

  #all(sql: string): Record<string, unknown>[] {
    return this.#database.sqlite.prepare(sql).all();
  }

  #run(sql: string, ...values: (string | number)[]): void {
    this.#database.sqlite.prepare(sql).run(...values);
  }
}
