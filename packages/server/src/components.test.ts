import { describe, expect, test } from 'vitest';
import { ComponentGraph, type Component } from './components.ts';

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
});
