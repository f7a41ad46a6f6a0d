// The client as its users hold it, over a fetch that plays the server.
import superjson from 'superjson';
import { describe, expect, it } from 'vitest';
import { createInsightLoopClient, InsightLoopError } from './index.ts';

/** Answers everything with one result, and remembers what it was asked. */
function createServer(result: unknown, init: ResponseInit = {}) {
  const requests: { method: string; url: URL; headers: Headers; body: string }[] = [];
  const fetch: typeof globalThis.fetch = async (url, options) => {
    const request = new Request(url, options);
    request.signal.throwIfAborted();
    const { method, headers } = request;
    requests.push({ method, url: new URL(request.url), headers, body: await request.text() });
    return new Response(JSON.stringify({ result: { data: superjson.serialize(result) } }), init);
  };
  return { fetch, requests };
}

describe('createInsightLoopClient', () => {
  it('sends queries as GET with their input in the address', async () => {
    const { fetch, requests } = createServer({ servers: [], total: 0 });
    const client = createInsightLoopClient({ baseUrl: 'http://api.example', fetch });
    expect(await client.servers.list({ limit: 5 })).toEqual({ servers: [], total: 0 });
    const [request] = requests;
    expect(request?.method).toBe('GET');
    expect(request?.url.pathname).toBe('/trpc/servers.list');
    expect(superjson.parse(request?.url.searchParams.get('input') ?? '')).toEqual({ limit: 5 });
  });

  it('sends mutations as POST with their input in the body', async () => {
    const removedAt = new Date('2026-11-01T00:00:00.000Z');
    const { fetch, requests } = createServer({ status: 'removed', server_id: 'x', removed_at: removedAt });
    const client = createInsightLoopClient({ baseUrl: 'http://api.example', fetch });
    expect((await client.servers.remove({ server_id: 'x' })).removed_at).toEqual(removedAt);
    const [request] = requests;
    expect(request?.method).toBe('POST');
    expect(request?.headers.get('content-type')).toBe('application/json');
    expect(superjson.parse(request?.body ?? '')).toEqual({ server_id: 'x' });
  });

  it('takes no input where none is needed', async () => {
    const { fetch, requests } = createServer({ status: 'live' });
    const client = createInsightLoopClient({ baseUrl: 'http://api.example', fetch });
    await client.system.live();
    await client.servers.list();
    expect(requests.map(({ url }) => superjson.parse(url.searchParams.get('input') ?? ''))).toEqual([{}, {}]);
  });

  it('sends each call by itself, so that aborting one leaves the others alone', async () => {
    const { fetch, requests } = createServer({ status: 'live' });
    const client = createInsightLoopClient({ baseUrl: 'http://api.example', fetch });
    await Promise.all([client.system.live(), client.system.live()]);
    expect(requests).toHaveLength(2);
  });

  it('sends the key to calls and streams alike', async () => {
    const { fetch, requests } = createServer({ status: 'live' });
    const client = createInsightLoopClient({ baseUrl: 'http://api.example', apiKey: 'secret', fetch });
    await client.system.live();
    await expect(client.events.subscribe({ channels: ['servers'] }).open()).rejects.toThrow(InsightLoopError);
    expect(requests.map(({ headers }) => headers.get('authorization'))).toEqual([
      'Bearer secret',
      'Bearer secret',
    ]);
  });

  it.each([
    ['http://api.example', 'http://api.example/trpc/system.live'],
    ['http://api.example/', 'http://api.example/trpc/system.live'],
    ['https://api.example:8443/loop//', 'https://api.example:8443/loop/trpc/system.live'],
    [undefined, 'http://127.0.0.1:8000/trpc/system.live'],
  ])('finds the API below %s', async (baseUrl, expected) => {
    const { fetch, requests } = createServer({ status: 'live' });
    await createInsightLoopClient({ baseUrl, fetch }).system.live();
    const url = requests[0]?.url;
    expect(`${url?.origin}${url?.pathname}`).toBe(expected);
  });

  it.each([
    '',
    'api.example',
    '/api',
    'ftp://api.example',
    'http://u:p@api.example',
    'http://api.example?a=1',
    'http://api.example#a',
  ])('refuses the address "%s"', (baseUrl) => {
    expect(() => createInsightLoopClient({ baseUrl })).toThrow(/baseUrl/);
  });

  it.each(['', 'two words', 'line\n', 'größer'])('refuses the key %j without repeating it', (apiKey) => {
    const created = () => createInsightLoopClient({ apiKey });
    expect(created).toThrow(/apiKey/);
    if (apiKey) expect(created).not.toThrow(apiKey);
  });

  it('rejects an aborted call with the reason of its signal', async () => {
    const reason = new Error('enough');
    const { fetch } = createServer({ status: 'live' });
    const client = createInsightLoopClient({ fetch });
    await expect(client.system.live(undefined, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });

  it.each([
    ['a page', '<html></html>'],
    ['JSON of something else', '{"hello":"world"}'],
    ['null', 'null'],
    ['nothing', ''],
  ])('says so when something else answers: %s', async (_what, body) => {
    const client = createInsightLoopClient({ fetch: async () => new Response(body) });
    await expect(client.system.live()).rejects.toMatchObject({
      name: 'InsightLoopError',
      code: 'UNEXPECTED_ANSWER',
    });
  });

  it('passes on the error of the answer', async () => {
    const error = {
      code: 'UNAUTHORIZED',
      message: 'Send a key.',
      details: null,
      timestamp: '2026-11-01T00:00:00.000Z',
      request_id: 'req-1',
    };
    const fetch = async () => new Response(JSON.stringify({ error }), { status: 401 });
    await expect(createInsightLoopClient({ fetch }).system.live()).rejects.toMatchObject({
      name: 'InsightLoopError',
      code: 'UNAUTHORIZED',
      status: 401,
      requestId: 'req-1',
    });
  });
});
