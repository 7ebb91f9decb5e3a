import { CoreError } from '../util/errors.ts';

/** A place for files that FFmpeg reaches over HTTP. */
export interface HttpFilesystem {
  /** As in `{fs:name}`. */
  name: string;
  /** Path below which its files are mounted, such as `/memfs`. */
  mount: string;
  auth?: { username: string; password: string } | undefined;
}

/** What the placeholders that stand for parts of the server resolve to. */
export interface PlaceholderSources {
  /** Absolute. */
  diskDir: string;
  /** `host:port` of the HTTP server; an empty host is this machine. */
  address: string;
  /** `mem` and the S3 storages. */
  filesystems: readonly HttpFilesystem[];
  /** Keys by the path that they publish; who reads that needs the token. */
  rtmp: { address: string; app: string; token: string; keys?: Readonly<Record<string, string>> };
  srt: { address: string; token: string; passphrase: string };
}

/** What stands for a placeholder: a text in which `{key}` is replaced by the parameter of that name. */
export interface Template {
  text: string;
  /** Parameters that need not be given. */
  defaults?: Readonly<Record<string, string>>;
  /** What stands for it instead where a parameter has a value, by that value. */
  special?: { parameter: string; texts: ReadonlyMap<string, string> };
}

/** Templates by name. */
export type Templates = ReadonlyMap<string, Template>;

/** How the processes meet on the media servers: outputs publish, inputs request. */
export type StreamMode = 'publish' | 'request';

/** The templates that stand for parts of the server. */
export function createTemplates(sources: PlaceholderSources, mode: StreamMode): Templates {
  const disk = { text: sources.diskDir };
  const filesystems = sources.filesystems.map((filesystem): [string, Template] => [
    filesystem.name,
    { text: httpAddress(sources.address, filesystem) },
  ]);
  const memory = filesystems.find(([name]) => name === 'mem')?.[1] ?? { text: '' };
  return new Map<string, Template>([
    ['diskfs', disk],
    ['memfs', memory],
    ['fs:disk', disk],
    ...filesystems.map(([name, template]): [string, Template] => [`fs:${name}`, template]),
    ['rtmp', rtmpTemplate(sources.rtmp, mode)],
    ['srt', { text: srtAddress(sources.srt, mode), defaults: { latency: '20000' } }],
  ]);
}

function httpAddress(address: string, { mount, auth }: HttpFilesystem): string {
  const { host, port } = splitAddress(address);
  const userinfo = auth ? `${encodeUserinfo(auth.username)}:${encodeUserinfo(auth.password)}@` : '';
  // compat: also where the server speaks TLS.
  return `http://${userinfo}${host}:${port}${mount}`;
}

function rtmpTemplate(
  { address, app, token, keys = {} }: PlaceholderSources['rtmp'],
  mode: StreamMode,
): Template {
  const { host, port } = splitAddress(address);
  const folder = app === '/' ? '' : app;
  const base = `rtmp://${host}:${port}${folder}/{name}`;
  const withSecret = (secret: string) =>
    `${base}${secret === '' ? '' : `?token=${encodeURIComponent(secret)}`}`;
  const keyed = Object.entries(keys)
    .filter(([path]) => mode === 'publish' && path.startsWith(`${folder}/`))
    .map(([path, key]): [string, string] => [path.slice(folder.length + 1), withSecret(key)]);
  return {
    text: withSecret(token),
    ...(keyed.length > 0 && { special: { parameter: 'name', texts: new Map(keyed) } }),
  };
}

/** Who calls one of these over UDP gets the answers from the other, and does not take them. */
const LOOPBACK: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '[::]': '[::1]' };

function srtAddress({ address, token, passphrase }: PlaceholderSources['srt'], mode: StreamMode): string {
  const { host: given, port } = splitAddress(address);
  const host = LOOPBACK[given] ?? given;
  const streamId = `{name},mode:${mode}${token === '' ? '' : `,token:${toSrtValue(token)}`}`;
  const secret = passphrase === '' ? '' : `&passphrase=${toSrtValue(passphrase)}`;
  return `srt://${host}:${port}?mode=caller&transtype=live&latency={latency}&streamid=${streamId}${secret}`;
}

/** FFmpeg such as 5.1 takes values of SRT addresses as they are: encoded is only what works with none of them otherwise. */
function toSrtValue(text: string): string {
  return text.replace(/[&+]/g, encodeURIComponent);
}

function splitAddress(address: string): { host: string; port: string } {
  const colon = address.lastIndexOf(':');
  return { host: address.slice(0, Math.max(0, colon)) || 'localhost', port: address.slice(colon + 1) };
}

/** Percent-encodes all but what RFC 3986 §3.2.1 allows in a user name or password without a second meaning. */
function encodeUserinfo(text: string): string {
  return encodeURIComponent(text)
    .replace(/%(?:24|26|2B|2C|3B|3D)/g, decodeURIComponent)
    .replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** Values that parameters may use as `$name`; they are placeholders of that name themselves. */
export type Variables = Readonly<Record<string, string>>;

/** No argument of a program can be longer on Linux. Without a limit, a few placeholders fill the memory. */
const MAX_LENGTH = 131_072;

/**
 * Replaces the placeholders of one name, `fs:*` for all filesystems: `{name}`, `{name^C}` with the character C escaped,
 * `{name,key=value,…}`. A placeholder without a template becomes the empty text; other names stay. Takes time linear in
 * the length of the text. Throws `invalid` if the text grows beyond 131072 characters.
 */
export function replacePlaceholder(
  text: string,
  name: string,
  templates: Templates,
  variables: Variables,
): string {
  const isMeant =
    name === 'fs:*' ? (found: string) => found.startsWith('fs:') : (found: string) => found === name;
  const limit = Math.max(text.length, MAX_LENGTH);
  let result = '';
  let copied = 0;
  for (const { start, end, name: found, escaped, parameters } of findPlaceholders(text)) {
    if (!isMeant(found)) continue;
    // compat: names that the reference does not take for a placeholder stay if there is no such filesystem.
    if (/[_-]/.test(found) && !templates.has(found)) continue;
    const template = templates.get(found) ?? { text: variables[found] ?? '' };
    const value = fill(template, parameters, variables);
    result += text.slice(copied, start) + (escaped === undefined ? value : escape(value, escaped));
    copied = end;
    if (result.length > limit) throw tooLong();
  }
  return result + text.slice(copied);
}

interface Placeholder {
  /** Offsets of the opening brace, and behind the closing one. */
  start: number;
  end: number;
  name: string;
  escaped: string | undefined;
  parameters: string | undefined;
}

const HEAD = /\{([a-z]+(?::[0-9A-Za-z_-]+)?)(?:\^(.))?([,}])/uy;
const PARAMETERS_END = /[}\n\r\u2028\u2029]/g;

function* findPlaceholders(text: string): Generator<Placeholder> {
  let next = 0;
  // Searched again only when passed: where no brace closes, each opening one would look through all the rest.
  let parametersEnd = -1;
  for (;;) {
    const start = text.indexOf('{', next);
    if (start === -1) return;
    next = start + 1;
    HEAD.lastIndex = start;
    const [head, name = '', escaped, last] = HEAD.exec(text) ?? [];
    if (head === undefined) continue;
    let end = start + head.length;
    let parameters: string | undefined;
    if (last === ',') {
      if (parametersEnd < end) {
        PARAMETERS_END.lastIndex = end;
        parametersEnd = PARAMETERS_END.exec(text)?.index ?? text.length;
      }
      if (text[parametersEnd] !== '}') continue;
      parameters = text.slice(end, parametersEnd);
      end = parametersEnd + 1;
    }
    next = end;
    yield { start, end, name, escaped, parameters };
  }
}

function fill(template: Template, parameters: string | undefined, variables: Variables): string {
  const { defaults, special } = template;
  const values = new Map(Object.entries(defaults ?? {}));
  for (const parameter of parameters?.split(',') ?? []) {
    const equals = parameter.indexOf('=');
    if (equals === -1) continue;
    const value = decodeForm(parameter.slice(equals + 1));
    if (value !== undefined) values.set(parameter.slice(0, equals), insertVariables(value, variables));
  }
  const text = special?.texts.get(values.get(special.parameter) ?? '') ?? template.text;
  return text.replace(/\{([^{}]*)\}/g, (whole, key: string) => values.get(key) ?? whole);
}

/** `undefined` if it is not decodable. */
function decodeForm(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
}

function insertVariables(text: string, variables: Variables): string {
  return Object.entries(variables).reduce((result, [name, value]) => {
    const parts = result.split(`$${name}`);
    if (result.length + (parts.length - 1) * value.length > MAX_LENGTH) throw tooLong();
    return parts.join(value);
  }, text);
}

function tooLong(): CoreError {
  return new CoreError('invalid', `a text with placeholders gets longer than ${MAX_LENGTH} characters`);
}

/** Escapes a character for two levels of FFmpeg's quoting, as a tee output needs it. */
function escape(text: string, character: string): string {
  const safe = character === '\\' ? text : text.replaceAll('\\', () => '\\\\\\');
  return safe.replaceAll(character, () => `\\\\${character}`);
}
