import { describe, expect, test } from 'vitest';
import { formatConsole } from './format.ts';
import { Log, type LogOptions } from './logger.ts';
import { Ring } from '../util/ring.ts';

function exampleLog(options: Partial<LogOptions> = {}) {
  const lines: string[] = [];
  const log = new Log(
    { write: (text) => lines.push(text) },
    { level: 'info', topics: [], maxLines: 10, format: 'console', ...options },
  );
  return { log, lines };
}

describe('the log', () => {
  test('writes one console line an event, fields sorted by name and quoted', () => {
    const time = new Date('2026-11-23T17:38:04.594Z');
    const fields = { path: '/a "b"\n', count: 2, list: ['x'] };
    expect(
      formatConsole({ time, level: 'info', component: 'Core', message: 'Read config file', fields }),
    ).toBe(
      'ts=2026-11-23T17:38:04Z level=INFO component="Core" msg="Read config file" count=2 list=["x"] path="/a \\"b\\"\\n"',
    );
  });

  test('leaves an empty message out', () => {
    const time = new Date(0);
    expect(formatConsole({ time, level: 'warn', component: 'HTTP', message: '', fields: {} })).toBe(
      'ts=1970-01-01T00:00:00Z level=WARN component="HTTP"',
    );
  });

  test.each([
    ['silent', []],
    ['error', ['error']],
    ['warn', ['warn', 'error']],
    ['info', ['info', 'warn', 'error']],
    ['debug', ['debug', 'info', 'warn', 'error']],
    ['anything else', ['info', 'warn', 'error']],
  ])('at level %s records %j', (level, expected) => {
    const { log } = exampleLog({ level });
    const logger = log.component('Core');
    for (const name of ['debug', 'info', 'warn', 'error'] as const) logger[name]('x');
    expect(log.events().map((event) => event.level)).toEqual(expected);
  });

  test('shows only the topics on the console but keeps every component in memory', () => {
    const { log, lines } = exampleLog({ topics: ['http'] });
    log.component('HTTP').info('shown');
    log.component('Core').info('hidden');
    expect(lines).toHaveLength(1);
    expect(log.events().map((event) => event.message)).toEqual(['shown', 'hidden']);
  });

  test('writes JSON lines if asked to', () => {
    const { log, lines } = exampleLog({ format: 'json' });
    log.component('Core').warn('failed', { error: new Error('reason'), count: 1 });
    expect(JSON.parse(lines.join(''))).toMatchObject({
      level: 'WARN',
      component: 'Core',
      message: 'failed',
      error: 'reason',
      count: 1,
    });
  });

  test('masks secrets in messages and in fields however deep, and keeps the text of errors', () => {
    const { log, lines } = exampleLog();
    log.component('Core').warn('rtmp://a:secret@b/c', {
      list: [{ path: '/x?token=secret' }],
      error: new Error('srt://b?passphrase=secret'),
    });
    expect(log.events()[0]).toMatchObject({
      message: 'rtmp://a:***@b/c',
      fields: { list: [{ path: '/x?token=***' }], error: 'srt://b?passphrase=***' },
    });
    expect(lines.join('')).not.toContain('secret');
  });

  test('tells who listens of each event that it records', () => {
    const { log } = exampleLog();
    const heard: string[] = [];
    log.on('recorded', (event) => heard.push(event.message));
    log.component('Core').debug('not recorded');
    log.component('Core').info('recorded');
    expect(heard).toEqual(['recorded']);
  });

  test('a change of the level reaches loggers made before', () => {
    const { log } = exampleLog();
    const logger = log.component('Core').with({ id: 'x' });
    logger.debug('before');
    log.configure({ level: 'debug', topics: [], maxLines: 10, format: 'console' });
    logger.debug('after');
    expect(log.events().map(({ message, fields }) => [message, fields])).toEqual([['after', { id: 'x' }]]);
  });
});

describe('a ring', () => {
  test.each([0, 1, 3, 7])('of capacity %i keeps the newest', (capacity) => {
    const ring = new Ring<number>(capacity);
    const all = Array.from({ length: 20 }, (_, index) => index);
    for (const item of all) ring.push(item);
    expect(ring.toArray()).toEqual(all.slice(20 - capacity));
  });

  test('drops the oldest when it shrinks', () => {
    const ring = new Ring<number>(4);
    for (const item of [1, 2, 3, 4]) ring.push(item);
    ring.resize(2);
    expect(ring.toArray()).toEqual([3, 4]);
  });
});
