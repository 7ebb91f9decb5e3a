import { argon2, createHmac, randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { CoreError } from '../util/errors.ts';

/** A password hash in the PHC string format, `$argon2id$…` or `$scrypt$…`. */
interface PasswordHash {
  derive(password: string): Promise<Buffer>;
  digest: Buffer;
}

/** How many passwords may be hashed at once: each takes tens of megabytes and one core. */
const MAX_CONCURRENT = 2;
/** How many more may wait for their turn. */
const MAX_WAITING = 64;
const MAX_ARGON2_MEMORY_KIB = 1024 * 1024;
const MAX_SCRYPT_LOG2_COST = 20;

const ARGON2ID =
  /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,3})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/;
const SCRYPT = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/;

/** RFC 9106 §4, the second recommended option: 64 MiB, three passes, four lanes. */
const ARGON2_PARAMETERS = { memory: 64 * 1024, passes: 3, parallelism: 4, tagLength: 32 };
const NONCE_LENGTH = 16;

/** Meaningless outside the process, so digests made with it are as well. */
const COMPARISON_KEY = randomBytes(32);

/** The one account of the server: its name, and its password in plain text or as a hash. */
export class Account {
  readonly #username: string;
  readonly #password: string;
  readonly #hash: PasswordHash | undefined;
  readonly #gate = new Gate(MAX_CONCURRENT, MAX_WAITING);

  constructor(username: string, password: string) {
    this.#username = username;
    this.#password = password;
    this.#hash = parseHash(password);
  }

  /**
   * Whether both are right, in a time that does not tell which is wrong. Throws `unavailable` if too many
   * hashes are waited for.
   */
  async matches(username: string, password: string): Promise<boolean> {
    const isUser = isSame(username, this.#username);
    const hash = this.#hash;
    const isPassword =
      hash === undefined
        ? isSame(password, this.#password)
        : await this.#gate.pass(async () => timingSafeEqual(await hash.derive(password), hash.digest));
    return isUser && isPassword;
  }
}

/** What a configured password is. A broken hash, which cannot be checked, counts as plain text. */
export function passwordKind(password: string): 'plain' | 'hash' | 'broken hash' {
  if (parseHash(password) !== undefined) return 'hash';
  return /^\$(argon2|scrypt)/.test(password) ? 'broken hash' : 'plain';
}

/** A hash that `Account` takes in place of the password, in the PHC string format: `$argon2id$…`. */
export async function hashPassword(password: string): Promise<string> {
  const { memory, passes, parallelism } = ARGON2_PARAMETERS;
  const nonce = randomBytes(NONCE_LENGTH);
  const digest = await new Promise<Buffer>((resolve, reject) => {
    argon2('argon2id', { ...ARGON2_PARAMETERS, nonce, message: password }, settle(resolve, reject));
  });
  const [salt, tag] = [nonce, digest].map((bytes) => bytes.toString('base64').replace(/=+$/, ''));
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${salt ?? ''}$${tag ?? ''}`;
}

function isSame(a: string, b: string): boolean {
  return timingSafeEqual(fingerprint(a), fingerprint(b));
}

function fingerprint(text: string): Buffer {
  return createHmac('sha256', COMPARISON_KEY).update(text).digest();
}

function parseHash(text: string): PasswordHash | undefined {
  return parseArgon2(text) ?? parseScrypt(text);
}

// https://github.com/P-H-C/phc-string-format, RFC 9106
function parseArgon2(text: string): PasswordHash | undefined {
  const match = ARGON2ID.exec(text);
  if (match === null) return undefined;
  const [memory = 0, passes = 0, parallelism = 0] = match.slice(1, 4).map(Number);
  const [nonce, digest] = decodeParts(match);
  if (memory < 8 * parallelism || memory > MAX_ARGON2_MEMORY_KIB || passes < 1 || parallelism < 1)
    return undefined;
  if (nonce.length < 8 || digest.length < 16) return undefined;
  const parameters = { nonce, parallelism, tagLength: digest.length, memory, passes };
  return {
    digest,
    derive: (password) =>
      new Promise((resolve, reject) => {
        argon2('argon2id', { ...parameters, message: password }, settle(resolve, reject));
      }),
  };
}

// RFC 7914
function parseScrypt(text: string): PasswordHash | undefined {
  const match = SCRYPT.exec(text);
  if (match === null) return undefined;
  const [logCost = 0, blockSize = 0, parallelization = 0] = match.slice(1, 4).map(Number);
  const [salt, digest] = decodeParts(match);
  if (logCost < 1 || logCost > MAX_SCRYPT_LOG2_COST || blockSize < 1 || parallelization < 1) return undefined;
  if (salt.length < 8 || digest.length < 16) return undefined;
  const cost = 2 ** logCost;
  const maxmem = 128 * blockSize * (cost + parallelization) + 1024 * 1024;
  return {
    digest,
    derive: (password) =>
      new Promise((resolve, reject) => {
        const options = { cost, blockSize, parallelization, maxmem };
        scrypt(password, salt, digest.length, options, settle(resolve, reject));
      }),
  };
}

function decodeParts(match: RegExpExecArray): [salt: Buffer, digest: Buffer] {
  return [Buffer.from(match[4] ?? '', 'base64'), Buffer.from(match[5] ?? '', 'base64')];
}

function settle(resolve: (key: Buffer) => void, reject: (error: Error) => void) {
  return (error: Error | null, key: Buffer): void => {
    if (error) reject(error);
    else resolve(key);
  };
}

/** Lets a few through at a time, keeps some waiting and turns the rest away. */
class Gate {
  readonly #limit: number;
  readonly #maxWaiting: number;
  readonly #waiting: (() => void)[] = [];
  #inside = 0;

  constructor(limit: number, maxWaiting: number) {
    this.#limit = limit;
    this.#maxWaiting = maxWaiting;
  }

  async pass<T>(act: () => Promise<T>): Promise<T> {
    if (this.#inside < this.#limit) {
      this.#inside++;
    } else {
      if (this.#waiting.length >= this.#maxWaiting) throw new CoreError('unavailable', 'too many logins');
      // Who leaves hands the place over.
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    try {
      return await act();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#inside--;
    }
  }
}
