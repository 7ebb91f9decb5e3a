import type { About, AboutMinimal } from '@millrace/api';
import { ApiError } from '../errors.ts';
import type { Guard } from '../guard.ts';
import { sendText, toJson } from '../json.ts';
import type { Routes } from '../server.ts';

/** What the server says about itself. */
export interface AboutOptions {
  name: string;
  id: string;
  /** Start of the present run: of the program, or of its last reload, with which it changes. */
  readonly createdAt: Date;
  version: VersionInfo;
}

export interface VersionInfo {
  /** Semantic version that clients compare. */
  number: string;
  commit: string;
  branch: string;
  buildDate: string;
}

/** `GET /api`: everything for who has logged in, and for everybody else how to. */
export function aboutRoutes(about: AboutOptions, guard: Guard, auths: () => readonly string[]): Routes {
  return (app) => {
    const full = fullAnswer(about, auths);
    const minimal = minimalAnswer(about, auths);
    app.addHook('onRequest', guard.address);
    app.get('/api', (request, reply) => {
      sendText(reply, guard.isAuthorized(request) ? full() : minimal());
    });
    // Not 401 as everywhere else below: the address is known to all.
    app.route({
      method: ['HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
      url: '/api',
      handler: () => {
        throw ApiError.plain(404);
      },
    });
  };
}

function fullAnswer(about: AboutOptions, auths: () => readonly string[]): () => string {
  const text = cached((methods: readonly string[], createdAt: number, uptime: number) =>
    toJson(toAbout(about, methods, createdAt, uptime)),
  );
  return () => text(auths(), about.createdAt.getTime(), uptimeOf(about));
}

/** What the server says about itself at this moment. */
export function aboutOf(about: AboutOptions, auths: readonly string[]): About {
  return toAbout(about, auths, about.createdAt.getTime(), uptimeOf(about));
}

function toAbout(
  { name, id, version }: AboutOptions,
  auths: readonly string[],
  createdAt: number,
  uptime: number,
): About {
  return {
    app: 'datarhei-core',
    auths: [...auths],
    name,
    id,
    created_at: new Date(createdAt).toISOString().replace(/\.\d+Z$/, 'Z'),
    uptime_seconds: uptime,
    version: {
      number: version.number,
      repository_commit: version.commit,
      repository_branch: version.branch,
      build_date: version.buildDate,
      arch: goArch(),
      compiler: `node${process.versions.node}`,
    },
  };
}

/** In whole seconds. */
function uptimeOf({ createdAt }: AboutOptions): number {
  return Math.max(0, Math.floor((Date.now() - createdAt.getTime()) / 1000));
}

function minimalAnswer({ version }: AboutOptions, auths: () => readonly string[]): () => string {
  const [major = '0'] = version.number.split('.');
  const text = cached((methods: readonly string[]) =>
    toJson({
      app: 'datarhei-core',
      auths: [...methods],
      version: { number: `${major}.0.0` },
    } satisfies AboutMinimal),
  );
  return () => text(auths());
}

/** Makes the same call again free: clients ask for this more often than for anything else. */
function cached<T extends unknown[]>(make: (...values: T) => string): (...values: T) => string {
  let last: T | undefined;
  let text = '';
  return (...values) => {
    if (!last?.every((value, index) => value === values[index])) {
      text = make(...values);
      last = values;
    }
    return text;
  };
}

/** The platform in the notation of the reference, such as `linux/amd64`. */
export function goArch(platform: string = process.platform, arch: string = process.arch): string {
  const os = platform === 'win32' ? 'windows' : platform;
  const names: Record<string, string> = { x64: 'amd64', ia32: '386', mipsel: 'mipsle', ppc64: 'ppc64le' };
  return `${os}/${names[arch] ?? arch}`;
}
