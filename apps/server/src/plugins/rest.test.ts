// The REST door: what a request's path, query and body become, and what an operation's result becomes.
import { conflict } from '@insightloop/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { openRestDoor, routed, t, type RestDoor } from '../testing/rest-door.ts';

const search = z.strictObject({
  limit: z.int().min(1).max(100).default(20),
  follow: z.boolean().default(false),
  since: z.date().optional(),
  tags: z.array(z.string()).max(3).optional(),
  words: z.string().optional(),
});

/** Resolves with why the operation was told to stop. */
let stopped = Promise.withResolvers<unknown>();
let begun = Promise.withResolvers<void>();
const signals: AbortSignal[] = [];

const router = t.router({
  echo: t.procedure
    .meta(routed('GET', '/echo'))
    .input(search)
    .query(({ input }) => input),
  thing: t.procedure
    .meta(routed('GET', '/things/{thing_id}'))
    .input(z.strictObject({ thing_id: z.string() }))
    .query(({ input }) => ({ thing: input.thing_id })),
  running: t.procedure.meta(routed('GET', '/things/running')).query(() => ({ running: true })),
  numbered: t.procedure
    .meta(routed('GET', '/numbers/{n}'))
    .input(z.strictObject({ n: z.int() }))
    .query(({ input }) => input),
  change: t.procedure
    .meta(routed('PUT', '/things/{thing_id}'))
    .input(z.strictObject({ thing_id: z.string(), size: z.number(), on: z.boolean().optional() }))
    .mutation(({ input }) => input),
  make: t.procedure
    .meta(routed('POST', '/things', { successStatus: 201 }))
    .input(z.strictObject({ name: z.string() }))
    .mutation(({ input }) => ({ made: input.name, at: new Date(0) })),
  search: t.procedure
    .meta(routed('POST', '/search'))
    .input(search)
    .mutation(({ input }) => input),
  start: t.procedure
    .meta(routed('POST', '/start', { successStatus: 202 }))
    .mutation(() => ({ started: true })),
  refuse: t.procedure.meta(routed('DELETE', '/things/{thing_id}')).mutation(() => {
    throw conflict('it is in use', { by: 'you' });
  }),
  wait: t.procedure.meta(routed('GET', '/wait')).query(async ({ signal }) => {
    begun.resolve();
    await new Promise<void>((resolve) => signal?.addEventListener('abort', () => resolve()));
    stopped.resolve(signal?.aborted);
    return null;
  }),
  quick: t.procedure.meta(routed('GET', '/quick')).query(({ signal }) => {
    if (signal) signals.push(signal);
    return {};
  }),
});

let door: RestDoor;
beforeAll(async () => (door = await openRestDoor(router)));
afterAll(() => door[Symbol.asyncDispose]());

const get = async (path: string, init?: RequestInit) => {
  const answer = await fetch(door.url + path, init);
  const text = await answer.text();
  return {
    status: answer.status,
    headers: answer.headers,
    body: text === '' ? null : (JSON.parse(text) as unknown),
  };
};
const send = (method: string, path: string, body: unknown) =>
  get(path, { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });

describe('a query', () => {
  it.each([
    ['', { limit: 20, follow: false }],
    ['?limit=5', { limit: 5, follow: false }],
    ['?follow=false', { limit: 20, follow: false }],
    ['?follow=true', { limit: 20, follow: true }],
    ['?follow=0', { limit: 20, follow: false }],
    ['?words=5', { limit: 20, follow: false, words: '5' }],
    ['?words=a%20b+c%26', { limit: 20, follow: false, words: 'a b c&' }],
    ['?words=', { limit: 20, follow: false, words: '' }],
    ['?tags=a,b', { limit: 20, follow: false, tags: ['a', 'b'] }],
    ['?tags=a&tags=b', { limit: 20, follow: false, tags: ['a', 'b'] }],
    ['?tags=a', { limit: 20, follow: false, tags: ['a'] }],
    ['?since=2026-01-02', { limit: 20, follow: false, since: '2026-01-02T00:00:00.000Z' }],
  ])('%s is read by the schema', async (query, expected) => {
    expect(await get(`/echo${query}`)).toMatchObject({ status: 200, body: expected });
  });

  it.each([
    ['?follow=maybe', ['follow']],
    ['?follow=', ['follow']],
    ['?follow', ['follow']],
    ['?limit=ten', ['limit']],
    ['?limit=', ['limit']],
    ['?limit=1.5', ['limit']],
    ['?limit=101', ['limit']],
    ['?limit=1&limit=2', ['limit']],
    ['?follow=true&follow=false', ['follow']],
    ['?words=a&words=b', ['words']],
    ['?since=soon', ['since']],
    ['?tags=a,b,c,d', ['tags']],
    ['?limits=1', []],
    ['?limit[]=1', []],
    ['?__proto__=1', []],
    ['?constructor=1', []],
    ['?toString=1', []],
    ['?lastEventId=1', []],
    ['?unnamed=true', []],
  ])('%s is refused, and said where', async (query, path) => {
    expect(await get(`/echo${query}`)).toMatchObject({
      status: 400,
      body: { error: { code: 'INVALID_REQUEST', details: { issues: [{ path }] } } },
    });
  });

  it('changes nothing for the next one, or for another door to the same schema', async () => {
    for (let round = 0; round < 3; round += 1)
      expect((await get('/echo?limit=5&follow=true')).status).toBe(200);
    expect(search.safeParse({ limit: '5' }).success).toBe(false);
    expect(search.safeParse({ follow: 'true' }).success).toBe(false);
  });
});

describe('a path', () => {
  it.each([
    ['a', 'a'],
    ['a%20b', 'a b'],
    ['a+b', 'a+b'],
    ['%C3%A9%E4%B8%AD%F0%9F%98%80', 'é中😀'],
    ['é', 'é'],
    ['a%2Fb', 'a/b'],
    ['..%2F..%2Fetc%2Fpasswd', '../../etc/passwd'],
    ['%2e%2e%2f', '../'],
    ['a%25b', 'a%b'],
    ['%2520', '%20'],
    ['running%20', 'running '],
    ['constructor', 'constructor'],
    ['__proto__', '__proto__'],
    ['5', '5'],
  ])('/things/%s names %o', async (segment, expected) => {
    expect(await get(`/things/${segment}`)).toMatchObject({ status: 200, body: { thing: expected } });
  });

  it('that is written out goes before one with a parameter', async () => {
    expect((await get('/things/running')).body).toEqual({ running: true });
  });

  it('becomes what the schema asks for', async () => {
    expect((await get('/numbers/7')).body).toEqual({ n: 7 });
    expect(await get('/numbers/seven')).toMatchObject({
      status: 400,
      body: { error: { details: { issues: [{ path: ['n'] }] } } },
    });
  });

  it('wins over a body and a query that say something else', async () => {
    expect((await send('PUT', '/things/a?thing_id=b', { thing_id: 'c', size: 1 })).body).toEqual({
      thing_id: 'a',
      size: 1,
    });
  });
});

describe('a body', () => {
  it('is taken as it is: its strings become nothing else', async () => {
    expect((await send('PUT', '/things/a', { size: 1.5, on: true })).body).toEqual({
      thing_id: 'a',
      size: 1.5,
      on: true,
    });
    expect(await send('PUT', '/things/a', { size: '1.5', on: 'true' })).toMatchObject({
      status: 400,
      body: { error: { details: { issues: [{ path: ['size'] }, { path: ['on'] }] } } },
    });
  });

  it.each([
    [{ name: 'a', more: 1 }],
    [{ name: 'a', constructor: 1 }],
    [{}],
    [{ name: null }],
    [[]],
    ['a'],
    [5],
    [null],
  ])('is refused: %j', async (body) => {
    expect(await send('POST', '/things', body)).toMatchObject({
      status: 400,
      body: { error: { code: 'INVALID_REQUEST' } },
    });
  });

  it.each([[[]], ['a'], [5], [null]])('is refused where all of it may be left out: %j', async (body) => {
    expect(await send('POST', '/search', body)).toMatchObject({
      status: 400,
      body: { error: { code: 'INVALID_REQUEST' } },
    });
  });

  it('wins over a query that says something else', async () => {
    expect((await send('POST', '/search?limit=5&words=b', { limit: 7 })).body).toEqual({
      limit: 7,
      follow: false,
      words: 'b',
    });
  });

  it('need not be there where nothing is taken', async () => {
    expect(await get('/start', { method: 'POST' })).toMatchObject({ status: 202, body: { started: true } });
  });
});

describe('an answer', () => {
  it('has the status that the operation names, and times as text', async () => {
    expect(await send('POST', '/things', { name: 'a' })).toMatchObject({
      status: 201,
      body: { made: 'a', at: '1970-01-01T00:00:00.000Z' },
    });
  });

  it('that is an error has its own, with its details', async () => {
    const answer = await get('/things/a', { method: 'DELETE', headers: { 'x-request-id': 'mine' } });
    expect(answer).toMatchObject({
      status: 409,
      body: {
        error: { code: 'CONFLICT', message: 'it is in use', details: { by: 'you' }, request_id: 'mine' },
      },
    });
    expect(answer.headers.get('x-request-id')).toBe('mine');
  });

  it('to a method that the path does not have, lists all that it has', async () => {
    const answer = await send('PATCH', '/things/a', {});
    expect(answer.status).toBe(405);
    expect(answer.headers.get('allow')).toBe('GET, HEAD, PUT, DELETE');
    expect((await send('DELETE', '/things', {})).headers.get('allow')).toBe('POST');
  });
});

describe('a caller who leaves', () => {
  it('aborts the operation', async () => {
    stopped = Promise.withResolvers();
    begun = Promise.withResolvers();
    const leaving = new AbortController();
    const asked = fetch(`${door.url}/wait`, { signal: leaving.signal });
    await begun.promise;
    leaving.abort();
    await expect(asked).rejects.toThrow();
    expect(await stopped.promise).toBe(true);
  });

  it('after the answer aborts nothing', async () => {
    signals.length = 0;
    await get('/quick');
    door.app.server.closeAllConnections();
    expect(signals.map(({ aborted }) => aborted)).toEqual([false]);
  });
});
