/** Text that is not what was asked for, as JSON or as the expected type; the message says what and where. */
export class JsonError extends Error {
  override readonly name = 'JsonError';
}

// ECMAScript has these; TypeScript's library does not know them yet.
declare global {
  interface JSON {
    rawJSON(text: string): RawJson;
    isRawJSON(value: unknown): value is RawJson;
  }
}
interface RawJson {
  readonly rawJSON: string;
}

/** Nested deeper than this is refused: everything that walks a value later does so recursively. */
const MAX_DEPTH = 1000;

/** More is refused: a short text can hold so many values that keeping them takes hundreds of times its size. */
const MAX_VALUES = 500_000;

/** The text of parsed objects and arrays, so that later errors can name a place in it. */
const SOURCES = new WeakMap<object, string>();

/**
 * Parses JSON as strictly as RFC 8259. Lone surrogates become U+FFFD; a number that would print differently than it was
 * written becomes a `JSON.rawJSON` with its exact text.
 *
 * @throws JsonError `syntax error at line L, character C: …`, also for more than 500000 values.
 */
export function parseJsonText(text: string): unknown {
  const value = parseQuickly(text) ?? new Parser(text).document();
  if (typeof value === 'object' && value !== null) SOURCES.set(value, text);
  return value;
}

/**
 * `line L, character C` of a member of a parsed value, behind its text; the beginning if the value was not parsed here.
 *
 * @param path keys and indices from the value to the member.
 */
export function placeOf(value: unknown, path: readonly (string | number)[]): string {
  const text = typeof value === 'object' && value !== null ? SOURCES.get(value) : undefined;
  const end = text === undefined ? undefined : new Parser(text, path).endOfMember();
  return text === undefined || end === undefined ? 'line 1, character 1' : place(text, end + 1);
}

/** What the runtime's parser takes differently: numbers that print differently, and escaped surrogates. */
const SPECIAL = /\d[.eE]|\d{16}|-0|\\u[dD][89a-fA-F]/;

/** The value of a text without anything special; undefined for every other, broken ones included. */
function parseQuickly(text: string): unknown {
  if (SPECIAL.test(text) || !isModest(text)) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the other parser says what is wrong with it
  }
}

/** Whether the text keeps the limits of depth and number, as far as brackets and commas tell. */
function isModest(text: string): boolean {
  let depth = 0;
  let values = 1;
  for (let i = 0; i < text.length; i += 1) {
    switch (text.charAt(i)) {
      case '"':
        i = endOfString(text, i);
        break;
      case '{':
      case '[':
        values += 1;
        depth += 1;
        if (depth > MAX_DEPTH) return false;
        break;
      case '}':
      case ']':
        depth -= 1;
        break;
      case ',':
        values += 1;
    }
    if (values > MAX_VALUES) return false;
  }
  return true;
}

/** The offset of the closing quote; that of the end of the text if there is none. */
function endOfString(text: string, start: number): number {
  for (let end = start; ;) {
    end = text.indexOf('"', end + 1);
    if (end === -1) return text.length;
    let backslashes = 0;
    while (text[end - 1 - backslashes] === '\\') backslashes += 1;
    if (backslashes % 2 === 0) return end;
  }
}

/** The text of a number as it was written, or `undefined` if the value is none. */
export function numberText(value: unknown): string | undefined {
  if (typeof value === 'number') return String(value);
  return JSON.isRawJSON(value) ? value.rawJSON : undefined;
}

/** Where the last character before the offset stands. Lines count from 1, characters are bytes. */
function place(text: string, offset: number): string {
  const earlier = text.slice(0, Math.max(0, offset - 1));
  const lineStart = earlier.lastIndexOf('\n') + 1;
  const beyond = Math.max(0, offset - text.length);
  const character = Buffer.byteLength(text.slice(lineStart, offset)) + beyond;
  return `line ${earlier.split('\n').length}, character ${character}`;
}

const SPACE = /[ \t\n\r]*/y;
const PLAIN = /[^"\\\u0000-\u001f]*/y;
const DIGITS = /[0-9]*/y;
const SIMPLE_ESCAPES = '"\\/bfnrt';

class Parser {
  readonly #text: string;
  /** The member to look out for. */
  readonly #wanted: readonly (string | number)[];
  #offset = 0;
  #depth = 0;
  #values = 0;
  /** How much of the way to the wanted member the present one shares. */
  #shared = 0;
  #end: number | undefined;

  constructor(text: string, wanted: readonly (string | number)[] = []) {
    this.#text = text;
    this.#wanted = wanted;
  }

  /** The offset behind the wanted member if it is a scalar, or behind its opening bracket; undefined if there is none. */
  endOfMember(): number | undefined {
    this.document();
    return this.#end;
  }

  document(): unknown {
    const value = this.#value();
    this.#skip(SPACE);
    if (this.#offset < this.#text.length) this.#unexpected('after top-level value');
    return value;
  }

  #value(): unknown {
    this.#skip(SPACE);
    this.#values += 1;
    if (this.#values > MAX_VALUES) this.#fail('exceeded max number of values');
    switch (this.#peek()) {
      case '{':
        return this.#object();
      case '[':
        return this.#array();
      case '"':
        return this.#string();
      case 't':
        return this.#literal('true', true);
      case 'f':
        return this.#literal('false', false);
      case 'n':
        return this.#literal('null', null);
      default:
        return this.#number();
    }
  }

  #object(): Record<string, unknown> {
    const entries: [string, unknown][] = [];
    this.#open();
    while (!this.#closes('}', entries.length > 0, 'after object key:value pair')) {
      if (this.#peek() !== '"') this.#unexpected('looking for beginning of object key string');
      const key = this.#string();
      this.#skip(SPACE);
      if (this.#peek() !== ':') this.#unexpected('after object key');
      this.#offset += 1;
      entries.push([key, this.#member(key)]);
    }
    this.#depth -= 1;
    // Defines members, `__proto__` as well, instead of assigning them.
    return Object.fromEntries(entries);
  }

  #array(): unknown[] {
    const items: unknown[] = [];
    this.#open();
    while (!this.#closes(']', items.length > 0, 'after array element')) {
      items.push(this.#member(items.length));
    }
    this.#depth -= 1;
    return items;
  }

  #open(): void {
    this.#offset += 1;
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH) this.#fail('exceeded max depth');
  }

  /** Steps behind the closing bracket, or behind the comma before the next member. */
  #closes(bracket: string, needsComma: boolean, context: string): boolean {
    this.#skip(SPACE);
    if (this.#peek() === bracket) {
      this.#offset += 1;
      return true;
    }
    if (needsComma) {
      if (this.#peek() !== ',') this.#unexpected(context);
      this.#offset += 1;
      this.#skip(SPACE);
    }
    return false;
  }

  #member(key: string | number): unknown {
    this.#skip(SPACE);
    const start = this.#offset;
    const isOnWay = this.#shared === this.#depth - 1 && this.#wanted[this.#shared] === key;
    if (isOnWay) this.#shared += 1;
    const value = this.#value();
    if (!isOnWay) return value;
    if (this.#shared === this.#wanted.length) {
      const isContainer = this.#text[start] === '{' || this.#text[start] === '[';
      this.#end = isContainer ? start + 1 : this.#offset;
    }
    this.#shared -= 1;
    return value;
  }

  #string(): string {
    const start = this.#offset;
    this.#offset += 1;
    for (;;) {
      this.#skip(PLAIN);
      const character = this.#peek();
      if (character === '"') break;
      if (character === '\\') this.#escape();
      else this.#unexpected('in string literal');
    }
    this.#offset += 1;
    return (JSON.parse(this.#text.slice(start, this.#offset)) as string).toWellFormed();
  }

  #escape(): void {
    this.#offset += 1;
    if (this.#peek() !== 'u') {
      if (!SIMPLE_ESCAPES.includes(this.#peek() ?? ' ')) this.#unexpected('in string escape code');
      this.#offset += 1;
      return;
    }
    this.#offset += 1;
    for (let digit = 0; digit < 4; digit += 1) {
      if (!/[0-9a-fA-F]/.test(this.#peek() ?? ' ')) this.#unexpected('in \\u hexadecimal character escape');
      this.#offset += 1;
    }
  }

  #literal<T>(word: string, value: T): T {
    for (const character of word) {
      if (this.#peek() !== character) this.#unexpected(`in literal ${word} (expecting '${character}')`);
      this.#offset += 1;
    }
    return value;
  }

  #number(): unknown {
    const start = this.#offset;
    if (this.#peek() === '-') this.#offset += 1;
    if (this.#peek() === '0') this.#offset += 1;
    else this.#digits(this.#offset > start ? 'in numeric literal' : 'looking for beginning of value');
    if (this.#peek() === '.') {
      this.#offset += 1;
      this.#digits('after decimal point in numeric literal');
    }
    if (this.#peek()?.toLowerCase() === 'e') {
      this.#offset += 1;
      if (this.#peek() === '+' || this.#peek() === '-') this.#offset += 1;
      this.#digits('in exponent of numeric literal');
    }
    const written = this.#text.slice(start, this.#offset);
    const value = Number(written);
    return String(value) === written ? value : JSON.rawJSON(written);
  }

  #digits(context: string): void {
    const start = this.#offset;
    this.#skip(DIGITS);
    if (this.#offset === start) this.#unexpected(context);
  }

  #peek(): string | undefined {
    return this.#text[this.#offset];
  }

  #skip(pattern: RegExp): void {
    pattern.lastIndex = this.#offset;
    pattern.test(this.#text);
    this.#offset = pattern.lastIndex;
  }

  #unexpected(context: string): never {
    const code = this.#text.codePointAt(this.#offset);
    if (code === undefined) this.#fail('unexpected end of JSON input');
    this.#offset += 1;
    return this.#fail(`invalid character ${quoteCharacter(String.fromCodePoint(code))} ${context}`);
  }

  #fail(reason: string): never {
    throw new JsonError(`syntax error at ${place(this.#text, this.#offset)}: ${reason}`);
  }
}

function quoteCharacter(character: string): string {
  if (character === "'") return `'\\''`;
  return character === '"' ? `'"'` : `'${JSON.stringify(character).slice(1, -1)}'`;
}
