import { RE2JS } from 're2js';
import { CoreError, errorText } from '../util/errors.ts';

/** Regular expressions (RE2 syntax, matching anywhere in the address); blank ones are ignored. */
export interface AddressLists {
  allow: readonly string[];
  block: readonly string[];
}

/** Decides by two lists which addresses FFmpeg may use. */
export class AddressFilter {
  readonly #allow: readonly RE2JS[];
  readonly #block: readonly RE2JS[];

  /** Throws `invalid` if an expression cannot be understood. */
  constructor(lists: AddressLists) {
    this.#allow = compile(lists.allow);
    this.#block = compile(lists.block);
  }

  /** A match of the block list forbids; otherwise the allow list, unless it is empty, must match. */
  isAllowed(address: string): boolean {
    if (this.#block.some((expression) => expression.test(address))) return false;
    return this.#allow.length === 0 || this.#allow.some((expression) => expression.test(address));
  }
}

function compile(expressions: readonly string[]): RE2JS[] {
  return expressions
    .map((expression) => expression.trim())
    .filter((expression) => expression !== '')
    .map((expression) => {
      try {
        return RE2JS.compile(expression);
      } catch (error) {
        throw new CoreError('invalid', `invalid expression '${expression}': ${errorText(error)}`, {
          cause: error,
        });
      }
    });
}
