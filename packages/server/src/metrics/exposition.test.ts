import { expect, test } from 'vitest';
import { familiesOf, toText, type Family } from './exposition.ts';
import { Snapshot } from './snapshot.ts';

function text(...families: Family[]): string {
  return toText(families, 'prometheus');
}

function gauge(name: string, labels: Family['samples'][number]['labels'], value: number): Family {
  return { name, type: 'gauge', help: 'Something', samples: [{ labels, value }] };
}

test('writes families with help and type, sorted by name', () => {
  expect(text(gauge('b', [], 2), gauge('a', [['x', 'y']], 1.5))).toBe(
    '# HELP a Something\n# TYPE a gauge\na{x="y"} 1.5\n# HELP b Something\n# TYPE b gauge\nb 2\n',
  );
});

test('leaves out families without values', () => {
  expect(text({ name: 'a', type: 'gauge', help: '', samples: [] })).toBe('');
});

test('escapes label values', () => {
  expect(text(gauge('a', [['x', 'back\\slash "quote"\nline']], 1))).toContain(
    'a{x="back\\\\slash \\"quote\\"\\nline"} 1\n',
  );
});

test.each([
  [Infinity, '+Inf'],
  [-Infinity, '-Inf'],
  [NaN, 'NaN'],
  [1e21, '1e+21'],
])('writes the number %d as %s', (value, expected) => {
  expect(text(gauge('a', [], value))).toContain(`a ${expected}\n`);
});

test('shows processes under the names of the dashboards', () => {
  const snapshot = new Snapshot(0);
  snapshot.add('restream_process', 139, 'frame', 'start', 'p1', 'running');
  expect(toText(familiesOf(snapshot), 'prometheus')).toContain(
    'ffmpeg_process{name="frame",order="start",process="p1",state="running"} 139\n',
  );
});

test('shows streams without their addresses, and those that look the same then once', () => {
  const snapshot = new Snapshot(0);
  const labels = ['out', '0', 'video', 'q', 'p1', '0', 'output'];
  snapshot.add('restream_io', 7, 'rtmp://a/secret', ...labels);
  snapshot.add('restream_io', 8, 'rtmp://b/secret', ...labels);
  const lines = toText(familiesOf(snapshot), 'prometheus').split('\n');
  expect(lines.filter((line) => line.startsWith('ffmpeg_process_io'))).toEqual([
    'ffmpeg_process_io{id="out",index="0",media="video",name="q",process="p1",stream="0",type="output"} 7',
  ]);
});

test('OpenMetrics keeps the names of values, and names each family once', () => {
  const snapshot = new Snapshot(0);
  snapshot.add('uptime_uptime', 3);
  snapshot.add('session_total', 4, 'hls');
  snapshot.add('restream_state', 1, 'running');
  snapshot.add('ffmpeg_process', 5, 'running');
  const lines = toText(familiesOf(snapshot), 'openmetrics').split('\n');
  expect(lines.filter((line) => line.startsWith('# TYPE'))).toEqual([
    '# TYPE ffmpeg_states gauge',
    '# TYPE ffmpeg_states_total unknown',
    '# TYPE session counter',
    '# TYPE uptime_seconds unknown',
  ]);
  expect(lines).toContain('session_total{collector="hls"} 4');
  expect(lines).toContain('uptime_seconds 3');
  expect(lines.slice(-2)).toEqual(['# EOF', '']);
});
