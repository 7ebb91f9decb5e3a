import { isDeepStrictEqual } from 'node:util';
import type { Component, PreparedChange } from '../components.ts';
import type { Logger } from '../log/logger.ts';
import type { S3Location } from './s3-connection.ts';
import { S3Filesystem } from './s3.ts';

/** Where each S3 storage is, by its name. */
export type S3Options = Readonly<Record<string, S3Location>>;

/** All S3 storages of the configuration. */
export class S3Storages implements Component {
  readonly #log: Logger;
  #filesystems: Map<string, S3Filesystem>;
  /** Those of a change that is prepared: what is built for it must find them. */
  #coming = new Map<string, S3Filesystem>();

  /** @param log of component `FS`. */
  constructor(options: S3Options, log: Logger) {
    this.#log = log;
    this.#filesystems = new Map(
      Object.entries(options).map(([name, location]) => [name, new S3Filesystem(name, location, log)]),
    );
  }

  /** Waits for none of them. */
  async start(): Promise<void> {
    await Promise.all(this.list().map((filesystem) => filesystem.start()));
  }

  async close(): Promise<void> {
    await Promise.all(this.list().map((filesystem) => filesystem.close()));
  }

  /** By name. */
  list(): S3Filesystem[] {
    return [...this.#filesystems.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Undefined if there is no storage of that name, neither now nor after the change that is being prepared. */
  get(name: string): S3Filesystem | undefined {
    return this.#filesystems.get(name) ?? this.#coming.get(name);
  }

  /** Prepares other storages. Those that stay as they are notice nothing. */
  prepare(options: S3Options): PreparedChange {
    const names = new Set(Object.keys(options));
    const leaving = this.list().filter(({ name }) => !names.has(name));
    const staying = this.list().filter(({ name }) => names.has(name));
    const coming = Object.entries(options)
      .filter(([name]) => !this.#filesystems.has(name))
      .map(([name, location]) => new S3Filesystem(name, location, this.#log));
    this.#coming = new Map(coming.map((filesystem) => [filesystem.name, filesystem]));
    let ended: Promise<unknown> = Promise.resolve();
    return {
      commit: () => {
        this.#coming.clear();
        this.#filesystems = new Map([...staying, ...coming].map((one) => [one.name, one]));
        ended = Promise.all([
          ...coming.map((filesystem) => filesystem.start()),
          ...staying.map((filesystem) => configure(filesystem, options[filesystem.name])),
          ...leaving.map((filesystem) => filesystem.close()),
        ]);
      },
      settle: async () => {
        await ended;
      },
      abort: () => {
        this.#coming.clear();
      },
    };
  }
}

async function configure(filesystem: S3Filesystem, location: S3Location | undefined): Promise<void> {
  if (location === undefined || isDeepStrictEqual(location, filesystem.location)) return;
  await filesystem.configure(location);
}
