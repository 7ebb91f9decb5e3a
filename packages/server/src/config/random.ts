import { randomInt } from 'node:crypto';

const LETTERS_AND_DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
// Without what needs quoting in files and lists.
const SYMBOLS = '!#%&()*+-.:;<=>?@[]^_{|}~';

const ADJECTIVES =
  'amber autumn bold brave bright calm clear cool crisp dawn deep eager early fair fleet gentle golden grand green happy hidden keen kind late light lively loud lucky mellow misty neat noble old open patient plain proud quick quiet rapid round shy silent silver slow small smooth soft steady still summer swift tall tidy vivid warm white wide wild winter wise young';
const NOUNS =
  'bank barn bay bird brook canal cloud creek dam dew dune falls fern field fjord flume forest frog garden glade grove harbor haze heron hill island lake leaf loch marsh meadow mill mist moon morning mountain otter paddle pebble pine pond pool rain rapids reed ridge river rock sea shore sky sluice smoke snow sound spring star stone stream sun thunder tide trout valley water wave weir wheel willow wind wood';

/** A secret of letters, digits and symbols. */
export function randomSecret(length: number): string {
  return pick(LETTERS_AND_DIGITS + SYMBOLS, length);
}

/** A password that needs no escaping in URLs. */
export function randomPassword(length: number): string {
  return pick(LETTERS_AND_DIGITS, length);
}

/** A name for an instance: `adjective-noun-NNNN`. */
export function randomName(): string {
  const number = String(randomInt(10_000)).padStart(4, '0');
  return `${pickWord(ADJECTIVES)}-${pickWord(NOUNS)}-${number}`;
}

function pick(characters: string, length: number): string {
  return Array.from({ length }, () => characters.charAt(randomInt(characters.length))).join('');
}

function pickWord(words: string): string {
  const list = words.split(' ');
  return list[randomInt(list.length)] ?? '';
}
