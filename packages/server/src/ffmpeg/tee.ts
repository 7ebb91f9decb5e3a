/** An option of one output of a tee list. */
export interface TeeOption {
  name: string;
  value: string;
  /** Of that output. */
  address: string;
}

const OPTIONS = /^\s*\[([^\]]*)\]/;

/** The options of all outputs of a tee list, such as `[f=hls:hls_time=2]a.m3u8|[f=flv]rtmp://…`; none for any other address. */
export function teeOptions(address: string): TeeOption[] {
  return address.split('|').flatMap((output) => {
    const [prefix = '', options] = OPTIONS.exec(output) ?? [];
    if (options === undefined) return [];
    const ownAddress = output.slice(prefix.length);
    // FFmpeg removes one level of escaping to find the outputs, and another to find their options.
    return split(split(options, '').join(''), ':').flatMap((option) => {
      const [name = '', ...value] = option.split('=');
      return name === '' ? [] : [{ name, value: value.join('='), address: ownAddress }];
    });
  });
}

/** Splits at a character that is neither escaped by a backslash nor quoted, and removes escapes and quotes. */
function split(text: string, separator: string): string[] {
  const parts: string[] = [];
  let part = '';
  let isQuoted = false;
  for (let i = 0; i < text.length; i++) {
    const character = text.charAt(i);
    if (character === "'") {
      isQuoted = !isQuoted;
    } else if (isQuoted) {
      part += character;
    } else if (character === separator) {
      parts.push(part);
      part = '';
    } else {
      part += character === '\\' ? text.charAt(++i) : character;
    }
  }
  return [...parts, part];
}
