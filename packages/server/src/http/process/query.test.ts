import type { FastifyRequest } from 'fastify';
import { parse } from 'node:querystring';
import { describe, expect, test } from 'vitest';
import { PARTS, partsOf, selectionOf } from './query.ts';

const request = (query: string) => ({ query: parse(query) }) as unknown as FastifyRequest;

const PROCESSES = [
  'cam1=indoor',
  'cam2=outdoor',
  'cam-x=',
  'door=outdoor',
  'a+b=r+s',
  'a b=r s',
  'x,y=',
  '100%=',
  'u:i/1=',
].map((text) => ({ id: text.slice(0, text.indexOf('=')), reference: text.slice(text.indexOf('=') + 1) }));

describe('a query selects', () => {
  test.each<[string, string[]]>([
    ['', PROCESSES.map(({ id }) => id)],
    ['id=', PROCESSES.map(({ id }) => id)],
    ['id=cam1', ['cam1']],
    ['id=cam1,door', ['cam1', 'door']],
    ['id=cam1%2Cdoor,,', ['cam1', 'door']],
    ['id=cam1,cam1', ['cam1']],
    ['id=nope', []],
    ['id=CAM1', []],
    ['id=x,y', []],
    ['id=x%252Cy', ['x,y']],
    ['id=cam1%252Cdoor', ['cam1', 'door']],
    ['id=100%25', ['100%']],
    ['id=100%2525', ['100%']],
    ['id=a%252Bb', ['a+b']],
    ['id=a%20b', ['a b']],
    ['id=a%2Bb', ['a b']],
    ['reference=outdoor', ['cam2', 'door']],
    ['reference=r%252Bs', ['a+b']],
    ['reference=r%2Bs', ['a b']],
    ['reference=outdoor&id=cam1', ['cam2', 'door']],
    ['idpattern=cam*', ['cam1', 'cam2', 'cam-x']],
    ['idpattern=cam%3F', ['cam1', 'cam2']],
    ['idpattern=u*1', ['u:i/1']],
    ['idpattern=%5B', []],
    ['refpattern=*door', ['cam1', 'cam2', 'door']],
    ['idpattern=cam*&refpattern=out*', ['cam2']],
    ['idpattern=cam*&id=door,cam1', ['cam1']],
    ['idpattern=d*&reference=outdoor', ['door']],
  ])('?%s: %j', (query, expected) => {
    expect(PROCESSES.filter(selectionOf(request(query))).map(({ id }) => id)).toEqual(expected);
  });
});

describe('a filter names parts', () => {
  test.each<[string, readonly string[]]>([
    ['', PARTS],
    ['filter=', PARTS],
    ['filter=,', PARTS],
    ['filter=state', ['state']],
    ['filter=report,config', ['config', 'report']],
    ['filter=state%2Cmetadata', ['state', 'metadata']],
    ['filter=state%252Cmetadata', ['state', 'metadata']],
    ['filter=state,,nope', ['state']],
    ['filter=State', []],
    ['filter=nope', []],
  ])('?%s: %j', (query, expected) => {
    expect([...partsOf(request(query))]).toEqual(expected);
  });
});
