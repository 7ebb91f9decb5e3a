import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Playlist, isPlaylist, isSegment, segmentPaths, wrapperPlaylist } from './hls-playlist.ts';

const PATH = '/memfs/live.m3u8';

interface Given {
  id?: string;
  path?: string;
  host?: string;
  directory?: string;
}

/** The text that a viewer gets; the ids made for it are 1, 2, 3. */
function rewrite(text: string, { id = 'ID', path = PATH, host = 'server', directory }: Given = {}): string {
  let made = 0;
  return new Playlist(text, { path, directory }).for({ id, host, newId: () => String(++made) });
}

const lines = (...all: string[]) => all.map((line) => `${line}\n`).join('');

describe('a media playlist', () => {
  test.each([
    ['live_1.ts', 'live_1.ts?session=ID'],
    ['part.m4s', 'part.m4s?session=ID'],
    ['sub/audio.aac?x=1', 'sub/audio.aac?session=ID&x=1'],
    ['text.vtt', 'text.vtt?session=ID'],
    ['/other/a.mp4', '/other/a.mp4?session=ID'],
    ['live_1.ts?session=OLD', 'live_1.ts?session=ID'],
    ['http://SERVER:80/a.ts', 'http://SERVER:80/a.ts?session=ID'],
    ['#EXT-X-MAP:URI="init.mp4"', '#EXT-X-MAP:URI="init.mp4?session=ID"'],
    [
      '#EXT-X-MAP:BYTERANGE="720@0",URI="a,b.mp4",X="y"',
      '#EXT-X-MAP:BYTERANGE="720@0",URI="a,b.mp4?session=ID",X="y"',
    ],
    [
      '#EXT-X-PART:DURATION=0.33,URI="p.1.mp4",INDEPENDENT=YES',
      '#EXT-X-PART:DURATION=0.33,URI="p.1.mp4?session=ID",INDEPENDENT=YES',
    ],
    ['#EXT-X-PRELOAD-HINT:TYPE=PART,URI="p.2.mp4"', '#EXT-X-PRELOAD-HINT:TYPE=PART,URI="p.2.mp4?session=ID"'],
    [
      '#EXT-X-RENDITION-REPORT:URI="../audio/live.m3u8",LAST-MSN=7',
      '#EXT-X-RENDITION-REPORT:URI="../audio/live.m3u8?session=ID",LAST-MSN=7',
    ],
    [
      '#EXT-X-KEY:METHOD=AES-128,URI="key.bin?n=1",IV=0x1',
      '#EXT-X-KEY:METHOD=AES-128,URI="key.bin?n=1&session=ID",IV=0x1',
    ],
  ])('%s becomes %s', (line, expected) => {
    expect(rewrite(lines('#EXTM3U', line))).toBe(lines('#EXTM3U', expected));
  });

  test.each([
    '',
    '#EXTINF:2.000000,a.ts',
    '#a.ts',
    'a.TS',
    'a.ts.bak',
    'a.jpg',
    ' a.ts ',
    'http://elsewhere/a.ts',
    'http://server:8080/a.ts',
    '//elsewhere/a.ts',
    'data:video/mp2t;base64,a.ts',
    '#EXT-X-KEY:METHOD=NONE',
    '#EXT-X-KEY:METHOD=SAMPLE-AES,URI="skd://key"',
    '#EXT-X-KEY:METHOD=AES-128,URI="https://keys.example/key.bin"',
    '#EXT-X-KEY:URI="unfinished',
    '#EXT-X-MAP:NAME="x,URI=",Y="init.mp4"',
    '#EXT-X-SESSION-DATA:DATA-ID="x",URI="data.json"',
    '#EXT-X-DATERANGE:ID="ad",X-ASSET-URI="ad.m3u8"',
  ])('%j stays', (line) => {
    expect(rewrite(lines('#EXTM3U', line))).toBe(lines('#EXTM3U', line));
  });

  test('lines end with LF, the last one too', () => {
    expect(rewrite('#EXTM3U\r\na.ts\r\n\r\nb\rc')).toBe('#EXTM3U\na.ts?session=ID\n\nb\rc\n');
  });

  test('a line may be of any length', () => {
    const comment = `#${'x'.repeat(100_000)}`;
    expect(rewrite(lines(comment, 'a.ts'))).toBe(lines(comment, 'a.ts?session=ID'));
  });

  test('bytes that are not UTF-8 stay as they are', () => {
    expect(rewrite('#\xff\xfe\n\xff.ts\n')).toBe('#\xff\xfe\n%FF.ts?session=ID\n');
  });
});

describe('a multivariant playlist', () => {
  test('gives each variant a session of its own', () => {
    const text = lines(
      '#EXT-X-STREAM-INF:BANDWIDTH=1',
      'a.m3u8',
      'b.m3u8?session=OLD&x=1',
      'http://server/c.m3u8',
    );
    expect(rewrite(text)).toBe(
      lines(
        ...['#EXT-X-STREAM-INF:BANDWIDTH=1', 'a.m3u8?session=1', 'b.m3u8?session=2&x=1'],
        'http://server/c.m3u8?session=3',
      ),
    );
  });

  test('with renditions is one session: its viewer plays them together', () => {
    const text = lines(
      '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="x",URI="audio.m3u8"',
      '#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO="a"',
      'video.m3u8',
      '#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,URI="iframes.m3u8"',
    );
    expect(rewrite(text)).toBe(
      lines(
        '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="x",URI="audio.m3u8?session=1"',
        '#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO="a"',
        'video.m3u8?session=1',
        '#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,URI="iframes.m3u8?session=1"',
      ),
    );
  });

  test('with a rendition that has no playlist of its own gives each variant a session', () => {
    const text = lines('#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,INSTREAM-ID="CC1"', 'a.m3u8', 'b.m3u8');
    expect(rewrite(text)).toContain(lines('a.m3u8?session=1', 'b.m3u8?session=2'));
  });

  test('keeps ids from other hosts', () => {
    const text = lines('http://elsewhere/a.m3u8', '#EXT-X-MEDIA:TYPE=AUDIO,URI="//elsewhere/b.m3u8"');
    expect(rewrite(text)).toBe(text);
  });

  test.each(['live.m3u8', './x/../live.m3u8?y=1', '/memfs/live.m3u8'])(
    'comments %s out as itself',
    (line) => {
      const text = rewrite(lines('other.m3u8', line));
      expect(text).toMatch(/^other\.m3u8\?session=1\n# m3u8 is referencing itself: .*live\.m3u8\?session=2/);
    },
  );

  test.each([
    ['a.m3u8', true],
    ['#EXT-X-STREAM-INF:BANDWIDTH=1\nplay?id=1', true],
    ['#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="b"', true],
    ['http://elsewhere/a.m3u8', true],
    ['a.ts', false],
    ['#EXTM3U', false],
    ['', false],
  ])('is told by its lines: %j', (text, expected) => {
    expect(new Playlist(text, { path: PATH }).isMultivariant).toBe(expected);
  });
});

test('without an id, segments in a multivariant playlist stay', () => {
  expect(rewrite(lines('a.ts', 'b.m3u8'), { id: '' })).toBe(lines('a.ts', 'b.m3u8?session=1'));
});

describe('absolute paths of the machine', () => {
  const text = lines(
    '#EXT-X-MAP:URI="/core/data/hls/init.mp4"',
    '/core/data/hls/p_1.ts',
    '/hls/p_2.ts',
    '/core/database/x.ts',
  );

  test('become paths of the server, so that they work from any directory', () => {
    const playlist = new Playlist(text, { path: '/hls/p.m3u8', directory: '/core/data/' });
    expect(playlist.hasMachinePaths).toBe(true);
    expect(playlist.plain()).toBe(
      lines('#EXT-X-MAP:URI="/hls/init.mp4"', '/hls/p_1.ts', '/hls/p_2.ts', '/core/database/x.ts'),
    );
  });

  test('get the id of the session, too', () => {
    expect(rewrite(text, { directory: '/core/data' })).toContain('\n/hls/p_1.ts?session=ID\n');
  });

  test('stay where nothing of the machine is served', () => {
    expect(new Playlist(text, { path: '/memfs/p.m3u8' }).plain()).toBe(text);
  });
});

describe('the wrapper of a media playlist', () => {
  test('is a multivariant playlist that leads back to it with an id', () => {
    expect(wrapperPlaylist(PATH, 'b=2&a=%20x', 'ID')).toBe(
      '#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-STREAM-INF:BANDWIDTH=1024\nlive.m3u8?a=+x&b=2&session=ID',
    );
  });

  test.each([
    ['/memfs/a b.m3u8', 'a%20b.m3u8?session=ID'],
    ['/memfs/100%.m3u8', '100%25.m3u8?session=ID'],
    ['/memfs/#?.m3u8', '%23%3F.m3u8?session=ID'],
    ['/memfs/a:b.m3u8', './a:b.m3u8?session=ID'],
    ['/memfs/ä.m3u8', '%C3%A4.m3u8?session=ID'],
  ])('leads to %s as %s', (path, uri) => {
    expect(wrapperPlaylist(path, '', 'ID').split('\n').at(-1)).toBe(uri);
  });
});

describe('the segments that a playlist names', () => {
  test('are found in lines and tags, by their paths', () => {
    const text = lines(
      ...['#EXT-X-MAP:URI="init.mp4"', 'a.ts?x=1', '/other/%C3%A4.m4s', '../b.ts', '#EXT-X-PART:URI="p.mp4"'],
      ...['b.m3u8', 'http://server/c.ts', '#c.ts', 'd.jpg'],
    );
    expect(segmentPaths(text, '/memfs/s/live.m3u8')).toEqual([
      ...['/memfs/s/init.mp4', '/memfs/s/a.ts', '/other/ä.m4s', '/memfs/b.ts', '/memfs/s/p.mp4'],
    ]);
  });
});

test.each([
  ['/a.m3u8', true, false],
  ['/a.ts', false, true],
  ['/a.b.m4s', false, true],
  ['/a.ts/b', false, false],
  ['/a.M3U8', false, false],
])('%s: playlist %s, segment %s', (path, playlist, segment) => {
  expect([isPlaylist(path), isSegment(path)]).toEqual([playlist, segment]);
});

/** Text that looks enough like a playlist to get everywhere. */
const playlistText = fc
  .array(
    fc.oneof(
      fc.constantFrom('#EXTM3U', '#EXT-X-MAP:URI="i.mp4"', '#EXT-X-KEY:A="b,URI="c"', '', '\r', 'live.m3u8'),
      fc.string({ unit: 'binary' }),
      fc
        .tuple(fc.string(), fc.constantFrom('.ts', '.m3u8', '.m4s?x', '#.ts', '"'))
        .map((parts) => parts.join('')),
      fc
        .tuple(fc.constantFrom('#EXT-X-MEDIA:', '#EXT-X-PART:X=1,'), fc.string())
        .map(([a, b]) => `${a}URI="${b}"`),
    ),
  )
  .map((all) => Buffer.from(all.join('\n')).toString('latin1'));

describe('whatever the text is', () => {
  test('lines are neither lost nor moved', () => {
    const property = fc.property(playlistText, (text) => {
      const given = text.split('\n');
      if (given.at(-1) === '') given.pop();
      const expected = given.map((line) => line.replace(/\r$/, ''));
      expect(new Playlist(text, { path: PATH }).plain()).toBe(lines(...expected));
      const rewritten = rewrite(text).split('\n');
      expect(rewritten).toHaveLength(expected.length + 1);
      for (const [index, line] of expected.entries()) {
        if (!/ts|m3u8|m4s|mp4|URI/.test(line)) expect(rewritten[index]).toBe(line);
      }
    });
    fc.assert(property, { numRuns: 500 });
  });

  test('rewriting it again for another viewer is the same as rewriting it for that one', () => {
    const property = fc.property(playlistText, (text) => {
      const again = rewrite(rewrite(text, { id: 'FIRST' }), { id: 'SECOND' });
      // A comment about itself is no reference any more.
      if (!again.includes('itself')) expect(again).toBe(rewrite(text, { id: 'SECOND' }));
    });
    fc.assert(property, { numRuns: 500 });
  });

  test('it takes time in proportion to its length', () => {
    for (const unit of ['A', ',', ',A="', '="', 'a.ts?', '#EXT-X-KEY:', '&session=', '%', '/..', '?a&']) {
      for (const start of ['#EXT-X-KEY:', '', 'a.ts?']) {
        const text = `${start}${unit.repeat(50_000)}.ts`;
        expect(rewrite(text).length).toBeGreaterThan(0);
      }
    }
  });
});
