import { describe, expect, test } from 'vitest';
import { placeText, planCopies, type Surveyor } from './plan.ts';

const LOCAL = ['ui/index.html', 'ui/css/main.css', 'logo.png', 'notes.txt'];
const REMOTE = [
  '/both',
  '/both/x.ts',
  '/live/a.m3u8',
  '/live/a/1.ts',
  '/live/a/2.ts',
  '/live/b.m3u8',
  '/[x].ts',
];

/** A server with these files, whatever is asked for: the server decides what fits. */
function surveyor(remote: readonly string[] = REMOTE): Surveyor {
  const isIn = (folder: string) => (name: string) => name.startsWith(`${folder}/`);
  return {
    list: (_storage, glob) =>
      Promise.resolve(remote.filter((name) => name.startsWith(/^[^*[]*/.exec(glob)?.[0] ?? ''))),
    kindOf: (file) => {
      if (LOCAL.includes(file)) return Promise.resolve('file');
      if (file === '.' || file === 'here' || LOCAL.some(isIn(file))) return Promise.resolve('folder');
      return Promise.resolve(file === 'pipe' ? 'other' : undefined);
    },
    walk: (folder) =>
      Promise.resolve(
        LOCAL.filter((name) => folder === '.' || isIn(folder)(name)).map((name) =>
          (folder === '.' ? name : name.slice(folder.length + 1)).split('/'),
        ),
      ),
  };
}

async function plan(line: string, remote?: readonly string[]): Promise<string[]> {
  const words = line.split(' ');
  const isRecursive = words[0] === '-r';
  const copies = await planCopies(isRecursive ? words.slice(1) : words, isRecursive, surveyor(remote));
  return copies.map(({ from, to }) => `${placeText(from)} ${placeText(to)}`);
}

describe('a copy', () => {
  test.each([
    ['logo.png disk:/x.png', ['logo.png disk:/x.png']],
    ['logo.png disk:/', ['logo.png disk:/logo.png']],
    ['logo.png notes.txt disk:/in/', ['logo.png disk:/in/logo.png', 'notes.txt disk:/in/notes.txt']],
    ['- disk:/x', ['- disk:/x']],
    ['mem:/x -', ['mem:/x -']],
    ['mem:/x.ts here', ['mem:/x.ts here/x.ts']],
    ['mem:/x.ts new/', ['mem:/x.ts new/x.ts']],
    ['mem:/x.ts y.ts', ['mem:/x.ts y.ts']],
    ['-r ui disk:/', ['ui/index.html disk:/ui/index.html', 'ui/css/main.css disk:/ui/css/main.css']],
    ['-r ui disk:/www', ['ui/index.html disk:/www/index.html', 'ui/css/main.css disk:/www/css/main.css']],
    ['-r logo.png disk:/', ['logo.png disk:/logo.png']],
    ['-r mem:/live/a here', ['mem:/live/a/1.ts here/a/1.ts', 'mem:/live/a/2.ts here/a/2.ts']],
    ['-r mem:/live/a new', ['mem:/live/a/1.ts new/1.ts', 'mem:/live/a/2.ts new/2.ts']],
    ['-r mem:/live/a/ disk:/', ['mem:/live/a/1.ts disk:/a/1.ts', 'mem:/live/a/2.ts disk:/a/2.ts']],
    ['mem:/both here', ['mem:/both here/both']],
    ['-r mem:/nothing here', ['mem:/nothing here/nothing']],
    ['mem:/live/a/* here', ['mem:/live/a/1.ts here/1.ts', 'mem:/live/a/2.ts here/2.ts']],
    ['-r mem:/live/a/* here', ['mem:/live/a/1.ts here/1.ts', 'mem:/live/a/2.ts here/2.ts']],
    ['mem:/no/[x].ts here/x.ts', ['mem:/no/[x].ts here/x.ts']],
  ])('%s', async (line, expected) => {
    expect(await plan(line)).toEqual(expected);
  });

  test('of all that is here or there has no folder of its own', async () => {
    expect(await plan('-r . mem:/')).toEqual(LOCAL.map((name) => `${name} mem:/${name}`));
    expect(await plan('-r mem:/ here')).toEqual(REMOTE.map((name) => `mem:${name} here${name}`));
  });

  test.each([
    ['logo.png', 2, 'it is not said where'],
    ['logo.png notes.txt', 2, 'neither of them is on the server'],
    ['- here', 2, 'neither of them is on the server'],
    ['- disk:/', 2, '- has no name'],
    ['nothing disk:/', 4, 'nothing does not exist'],
    ['pipe disk:/', 1, 'pipe is not a file'],
    ['ui disk:/', 2, 'ui is a folder'],
    ['mem:/live/ here', 2, 'mem:/live/ is a folder'],
    ['mem:/live here', 2, 'mem:/live is a folder'],
    ['mem:/ here', 2, 'mem:/ is a folder'],
    ['mem:/nothing/ here', 4, 'there are no files in mem:/nothing/'],
    ['-r ui mem:/a -', 2, 'neither of them'],
    ['-r mem:/live -', 2, 'only one file fits'],
    ['logo.png notes.txt disk:/in', 2, 'disk:/in is not a folder'],
    ['mem:/live/* new', 2, 'new is not a folder'],
  ])('%s is refused', async (line, exitCode, message) => {
    await expect(plan(line)).rejects.toMatchObject({
      exitCode,
      message: expect.stringContaining(message) as string,
    });
  });

  test.each(['/live/../../etc/passwd', '/live/a/..', '/live//etc/passwd', '/live/./x', '/live/', '/live/\0'])(
    'goes nowhere else, whatever the server calls its files: %j',
    async (name) => {
      for (const line of ['-r mem:/live here', 'mem:/live/** here', '-r mem:/live disk:/']) {
        await expect(plan(line, ['/live/good.ts', name])).rejects.toThrow('which has no place in a folder');
      }
    },
  );
});
