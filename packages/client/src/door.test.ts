// Failures of all kinds, and the one error that they become.
import superjson from 'superjson';
import { describe, expect, it } from 'vitest';
import { reach, readJson, type Door } from './door.ts';
import { InsightLoopError } from './insightloop-error.ts';

const doorTo = (answer: () => Response | Promise<Response>): Door => ({
  url: 'http://api.example/trpc',
  headers: {},
  fetch: async () => answer(),
});

const errorBody = {
  code: 'SERVER_NOT_FOUND',
  message: 'No server has the id "x".',
  details: { server_id: 'x' },
  timestamp: '2026-11-01T00:00:00.000Z',
  request_id: 'req-1',
};

async function failureOf(work: Promise<unknown>): Promise<InsightLoopError> {
  const failure: unknown = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (!(failure instanceof InsightLoopError)) throw new Error('not an InsightLoopError', { cause: failure });
  return failure;
}

const refusedWith = (body: string, init: ResponseInit): Promise<InsightLoopError> =>
  failureOf(
    reach(
      doorTo(() => new Response(body, init)),
      'http://api.example/trpc/a',
      {},
    ),
  );

describe('reach', () => {
  it('gives a success as it is', async () => {
    const response = await reach(
      doorTo(() => new Response('fine')),
      'http://api.example/trpc/a',
      {},
    );
    expect(await response.text()).toBe('fine');
  });

  it('reads the error of a tRPC answer, with its own status', async () => {
    const shape = {
      message: 'm',
      code: -32004,
      data: { code: 'NOT_FOUND', httpStatus: 404, error: errorBody },
    };
    const error = await refusedWith(JSON.stringify({ error: superjson.serialize(shape) }), { status: 404 });
    expect(error).toMatchObject({
      name: 'InsightLoopError',
      code: 'SERVER_NOT_FOUND',
      message: 'No server has the id "x".',
      status: 404,
      requestId: 'req-1',
      details: { server_id: 'x' },
      retryAfterSeconds: null,
    });
  });

  it('reads the error of the plain envelope, as what stands before the operations answers', async () => {
    const body = JSON.stringify({ error: { ...errorBody, code: 'FORBIDDEN', details: null } });
    const error = await refusedWith(body, { status: 403 });
    expect(error).toMatchObject({ code: 'FORBIDDEN', status: 403, requestId: 'req-1', details: null });
  });

  it('says when trying again makes sense: the header before the details', async () => {
    const body = JSON.stringify({ error: { ...errorBody, details: { retry_after: 7 } } });
    const said = await refusedWith(body, { status: 429, headers: { 'retry-after': '30' } });
    expect(said.retryAfterSeconds).toBe(30);
    const detailed = await refusedWith(body, { status: 429, headers: { 'retry-after': 'tomorrow' } });
    expect(detailed.retryAfterSeconds).toBe(7);
  });

  it.each([
    ['a page of a proxy', '<html>Bad Gateway</html>'],
    ['nothing', ''],
    ['null', 'null'],
    ['an error of another API', '{"error":"nope"}'],
    ['an error without its fields', '{"error":{"code":"X"}}'],
    ['an error shape without ours in it', '{"error":{"json":{"message":"m","code":1,"data":{}}}}'],
  ])('keeps the status of an answer that is not ours: %s', async (_what, body) => {
    const error = await refusedWith(body, { status: 502 });
    expect(error).toMatchObject({ code: 'UNEXPECTED_ANSWER', status: 502, requestId: null });
    expect(error.message).toContain('http://api.example/trpc');
  });

  it('names the address and the innermost reason when nothing answers', async () => {
    const refused = new AggregateError([new Error('connect ECONNREFUSED ::1:8000'), new Error('other')]);
    const thrown = new TypeError('fetch failed', { cause: refused });
    const error = await failureOf(
      reach(
        doorTo(() => Promise.reject(thrown)),
        'http://api.example/trpc/a',
        {},
      ),
    );
    expect(error).toMatchObject({ code: 'CONNECTION_FAILED', status: null, cause: thrown });
    expect(error.message).toContain('http://api.example/trpc');
    expect(error.message).toContain('connect ECONNREFUSED ::1:8000');
  });

  it('leaves an abort what it is', async () => {
    const reason = new Error('enough');
    const door = doorTo(() => Promise.reject(new TypeError('fetch failed')));
    await expect(
      reach(door, 'http://api.example/trpc/a', { signal: AbortSignal.abort(reason) }),
    ).rejects.toBe(reason);
  });
});

describe('readJson', () => {
  const door = doorTo(() => new Response(''));

  it('tells a body that is not JSON from one that breaks off', async () => {
    expect(await failureOf(readJson(door, new Response('<p>')))).toMatchObject({ code: 'UNEXPECTED_ANSWER' });
    const broken = new Response(
      new ReadableStream({ start: (controller) => controller.error(new Error('terminated')) }),
    );
    expect(await failureOf(readJson(door, broken))).toMatchObject({ code: 'CONNECTION_FAILED' });
  });
});
