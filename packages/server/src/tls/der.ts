/*
 * What of ASN.1 a certificate needs, in the distinguished encoding (ITU-T X.690 §8, §10).
 */

/** A value with its tag and length. */
export function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([tag, ...lengthOctets(content.length)]), content]);
}

export function sequence(...parts: readonly Buffer[]): Buffer {
  return der(0x30, ...parts);
}

export function set(...parts: readonly Buffer[]): Buffer {
  return der(0x31, ...parts);
}

/** @param octets big-endian and not negative. */
export function integer(octets: Buffer): Buffer {
  return der(0x02, octets);
}

export function bitString(content: Buffer): Buffer {
  return der(0x03, Buffer.from([0]), content);
}

export function octetString(content: Buffer): Buffer {
  return der(0x04, content);
}

export function utf8String(text: string): Buffer {
  return der(0x0c, Buffer.from(text));
}

/** @param date before 2050 (RFC 5280 §4.1.2.5.1). */
export function utcTime(date: Date): Buffer {
  const text = date.toISOString().replace(/\.\d+/, '').replace(/[-T:]/g, '');
  return der(0x17, Buffer.from(text.slice(2)));
}

/** @param dotted such as `2.5.29.17`. */
export function objectIdentifier(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  return der(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

function base128(arc: number): number[] {
  const octets = [arc & 0x7f];
  for (let left = arc >> 7; left > 0; left >>= 7) octets.unshift((left & 0x7f) | 0x80);
  return octets;
}

function lengthOctets(length: number): number[] {
  if (length < 0x80) return [length];
  const octets: number[] = [];
  for (let left = length; left > 0; left >>= 8) octets.unshift(left & 0xff);
  return [0x80 | octets.length, ...octets];
}
