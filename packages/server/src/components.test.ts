import { describe, expect, test } from 'vitest';
import { ComponentGraph, simpleChange, type Component, type PreparedChange } from './components.ts';

interface Config {
  store: string;
  server: { port: number; fails?: boolean };
  level: string;
}

/** A component that writes down what happens to it. */
class Part implements Component {
  readonly name: string;
  readonly #journal: string[];
  readonly #fails: boolean;

  constructor(name: string, journal: string[], fails = false) {
    this.name = name;
    this.#journal = journal;
    this.#fails = fails;
  }

  start(): Promise<void> {
    if (this.#fails) return Promise.reject(new Error(`${this.name} cannot start`));
    this.#journal.push(`start ${this.name}`);
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.#journal.push(`close ${this.name}`);
    return Promise.resolve();
  }
}

function exampleGraph() {
  const journal: string[] = [];
  const graph = new ComponentGraph<Config>((name) => journal.push(`error ${name}`))
    .add('level', [], {
      slice: (config) => config.level,
      build: (level) => new Part(`level ${level}`, journal),
      prepare: (_part, level) => ({
        commit: () => void journal.push(`level becomes ${level}`),
        abort: () => void journal.push(`level stays`),
      }),
    })
    .add('store', ['level'], {
      slice: (config) => config.store,
      build: (name) => new Part(`store ${name}`, journal),
    })
    .add('server', ['store'], {
      slice: (config) => config.server,
      build: ({ port, fails }, { store }) => new Part(`server ${port} on ${store.name}`, journal, fails),
    });
  return { graph, journal };
}

const config: Config = { store: 'a', server: { port: 1 }, level: 'info' };

describe('a component graph', () => {
  test('starts in order and closes in reverse', async () => {
    const { graph, journal } = exampleGraph();
    await graph.start(config);
    await graph.close();
    expect(journal).toEqual([
      'start level info',
      'start store a',
      'start server 1 on store a',
      'close server 1 on store a',
      'close store a',
      'close level info',
    ]);
  });

  test('closes what has started when a later component cannot start', async () => {
    const { graph, journal } = exampleGraph();
    await expect(graph.start({ ...config, server: { port: 1, fails: true } })).rejects.toThrow(
      'server 1 on store a cannot start',
    );
    expect(journal).toEqual(['start level info', 'start store a', 'close store a', 'close level info']);
  });

  test('touches nothing when the configuration is the same', async () => {
    const { graph, journal } = exampleGraph();
    await graph.start(config);
    journal.length = 0;
    const before = graph.get('store');
    expect(await graph.reload(structuredClone(config))).toEqual([]);
    expect(graph.get('store')).toBe(before);
    expect(journal).toEqual([]);
  });

  test('replaces a component that is outdated, though its configuration is the same', async () => {
    const { graph, journal } = exampleGraph();
    let isCurrent = true;
    const file = graph.add('file', [], {
      slice: () => undefined,
      isCurrent: () => Promise.resolve(isCurrent),
      build: () => new Part('file', journal),
    });
    await file.start(config);
    expect(await file.reload(config)).toEqual([]);
    isCurrent = false;
    expect(await file.reload(config)).toEqual(['file']);
  });

  test('replaces a changed component and those that depend on it, new before old', async () => {
    const { graph, journal } = exampleGraph();
    await graph.start(config);
    journal.length = 0;
    expect(await graph.reload({ ...config, store: 'b' })).toEqual(['store', 'server']);
    expect(journal).toEqual([
      'start store b',
      'start server 1 on store b',
      'close server 1 on store a',
      'close store a',
    ]);
  });

  test('adapts a component that can be adapted, and leaves its dependants alone', async () => {
    const { graph, journal } = exampleGraph();
    await graph.start(config);
    journal.length = 0;
    expect(await graph.reload({ ...config, level: 'debug' })).toEqual(['level']);
    expect(journal).toEqual(['level becomes debug']);
  });

  test('keeps everything as it was when a new component cannot start', async () => {
    const { graph, journal } = exampleGraph();
    await graph.start(config);
    journal.length = 0;
    const before = graph.get('store');
    const broken = { level: 'debug', store: 'b', server: { port: 2, fails: true } };
    await expect(graph.reload(broken)).rejects.toThrow('server 2 on store b cannot start');
    expect(journal).toEqual(['start store b', 'level stays', 'close store b']);
    expect(graph.get('store')).toBe(before);

    journal.length = 0;
    expect(await graph.reload(config)).toEqual([]);
    expect(journal).toEqual([]);
  });

  test('switches all components before anything that takes time, and closes the replaced ones last', async () => {
    const journal: string[] = [];
    const slowly = (name: string) => ({
      slice: (config: Config) => config.level,
      build: () => new Part(name, journal),
      prepare: () => ({
        commit: () => void journal.push(`${name} switched`),
        settle: async () => {
          await Promise.resolve();
          journal.push(`${name} settled`);
        },
        abort: () => undefined,
      }),
    });
    const graph = new ComponentGraph<Config>(() => undefined)
      .add('a', [], slowly('a'))
      .add('b', [], {
        slice: (config) => config.level,
        build: (level) => new Part(`b ${level}`, journal),
      })
      .add('c', [], slowly('c'));
    await graph.start(config);
    journal.length = 0;
    await graph.reload({ ...config, level: 'debug' });
    expect(journal).toEqual([
      'start b debug',
      'a switched',
      'c switched',
      'a settled',
      'c settled',
      'close b info',
    ]);
  });

  test('goes on with a reload when the switch or the settling of a component fails', async () => {
    const journal: string[] = [];
    const failing = (prepare: () => PreparedChange) => ({
      slice: (config: Config) => config.level,
      build: () => new Part('part', journal),
      prepare,
    });
    const graph = new ComponentGraph<Config>((name, error) => journal.push(`${name}: ${String(error)}`))
      .add(
        'a',
        [],
        failing(() =>
          simpleChange(() => {
            throw new Error('no switch');
          }),
        ),
      )
      .add(
        'b',
        [],
        failing(() => ({
          commit: () => undefined,
          settle: () => Promise.reject(new Error('no end')),
          abort: () => undefined,
        })),
      )
      .add(
        'c',
        [],
        failing(() => simpleChange(() => void journal.push('c switched'))),
      );
    await graph.start(config);
    journal.length = 0;
    expect(await graph.reload({ ...config, level: 'debug' })).toEqual(['a', 'b', 'c']);
    expect(journal).toEqual(['a: Error: no switch', 'c switched', 'b: Error: no end']);
  });

  test('that is closed while it starts finishes what has begun and starts no other', async () => {
    const journal: string[] = [];
    const gate = Promise.withResolvers<undefined>();
    const entered = Promise.withResolvers<undefined>();
    const slow = new Part('a', journal);
    const graph = new ComponentGraph<Config>(() => undefined)
      .add('a', [], {
        slice: () => undefined,
        build: () => ({
          start: async () => {
            entered.resolve(undefined);
            await gate.promise;
            await slow.start();
          },
          close: () => slow.close(),
        }),
      })
      .add('b', ['a'], { slice: () => undefined, build: () => new Part('b', journal) });
    const started = graph.start(config);
    await entered.promise;
    const closed = graph.close();
    gate.resolve(undefined);
    await expect(started).rejects.toThrow('shutting down');
    await closed;
    expect(journal).toEqual(['start a', 'close a']);
  });

  test('starts a component while another one that it does not need still starts', async () => {
    const journal: string[] = [];
    const gate = Promise.withResolvers<undefined>();
    const slow = new Part('slow', journal);
    const graph = new ComponentGraph<Config>(() => undefined)
      .add('slow', [], {
        slice: () => undefined,
        build: () => ({ start: () => gate.promise.then(() => slow.start()), close: () => slow.close() }),
      })
      .add('other', [], { slice: () => undefined, build: () => new Part('other', journal) });
    const started = graph.start(config);
    await expect.poll(() => journal).toEqual(['start other']);
    gate.resolve(undefined);
    await started;
    expect(journal).toEqual(['start other', 'start slow']);
    await graph.close();
  });

  test('that is closed during a reload closes the new components and the old ones', async () => {
    const journal: string[] = [];
    const gate = Promise.withResolvers<undefined>();
    const entered = Promise.withResolvers<undefined>();
    const graph = new ComponentGraph<Config>(() => undefined)
      .add('a', [], { slice: ({ store }) => store, build: (name) => new Part(`a ${name}`, journal) })
      .add('b', ['a'], {
        slice: () => undefined,
        build: async (_slice, { a }) => {
          if (a.name === 'a new') {
            entered.resolve(undefined);
            await gate.promise;
          }
          return new Part(`b on ${a.name}`, journal);
        },
      })
      .add('c', ['b'], {
        slice: () => undefined,
        build: (_slice, { b }) => new Part(`c on ${b.name}`, journal),
      });
    await graph.start({ ...config, store: 'old' });
    journal.length = 0;
    const reloaded = graph.reload({ ...config, store: 'new' });
    await entered.promise;
    const closed = graph.close();
    gate.resolve(undefined);
    await expect(reloaded).rejects.toThrow('shutting down');
    await closed;
    expect(journal.sort()).toEqual([
      'close a new',
      'close a old',
      'close b on a new',
      'close b on a old',
      'close c on b on a old',
      'start a new',
      'start b on a new',
    ]);
  });

  test('that was closed does not start again', async () => {
    const { graph, journal } = exampleGraph();
    await graph.close();
    await expect(graph.start(config)).rejects.toThrow('shutting down');
    expect(journal).toEqual([]);
  });
});
