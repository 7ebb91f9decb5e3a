import { expect, test } from 'vitest';
import { parseStreamId, serializeStreamId } from './stream-id.ts';

test.each([
  ['#!::r=foo,m=publish,u=me,s=secret', { resource: 'foo', mode: 'publish', user: 'me', session: 'secret' }],
  ['#!::m=request', { resource: '', mode: 'request' }],
  ['#!::r=a=b,h=host,t=stream', { resource: 'a=b', host: 'host', type: 'stream' }],
  ['#!::r=a,r=b,nothing,=c', { resource: 'b', mode: undefined }],
  ['foo,mode:publish', { resource: 'foo,mode:publish', mode: undefined }],
  ['#!:r=foo', { resource: '#!:r=foo' }],
  ['', { resource: '' }],
])('the stream id %j is read', (text, expected) => {
  expect(parseStreamId(text)).toMatchObject(expected);
});

test('a stream id is written as it is read', () => {
  const text = '#!::r=live/one,m=publish,x=1';
  expect(serializeStreamId(parseStreamId(text).fields)).toBe(text);
});
