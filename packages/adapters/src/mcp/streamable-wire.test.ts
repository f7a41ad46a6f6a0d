// Channels over HTTP to servers that do what they like; fetch is a function of the test.
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  isJsonObject,
  McpConnectError,
  McpRequestError,
  type JsonObject,
  type McpChannel,
} from '@insightloop/core';
import { createMcpConnector } from './connector.ts';
import { silent } from './testing/silent-logger.ts';

interface Exchange {
  verb: string;
  headers: Headers;
  message: JsonObject;
  signal: AbortSignal;
}

type Server = (exchange: Exchange) => Response | Promise<Response>;

const json = (body: unknown, init: ResponseInit = {}): Response =>
  Response.json(body, { status: 200, ...init });

const result = ({ message }: Exchange, value: JsonObject, init?: ResponseInit): Response =>
  json({ jsonrpc: '2.0', id: message['id'], result: value }, init);

const rpcError = (exchange: Exchange, code: number, status: number): Response =>
  json({ jsonrpc: '2.0', id: exchange.message['id'], error: { code, message: `error ${code}` } }, { status });

const stream = (...events: string[]): Response =>
  new Response(events.map((data) => `event: message\ndata: ${data}\n\n`).join(''), {
    headers: { 'content-type': 'text/event-stream' },
  });

const methodOf = ({ message: { method } }: Exchange): string => (typeof method === 'string' ? method : '');

/** A server of the legacy era with sessions, until `methods` says otherwise. */
function legacyServer(methods: Record<string, Server> = {}): {
  seen: Exchange[];
  server: Server;
  forget(): void;
} {
  const seen: Exchange[] = [];
  let session = 0;
  const server: Server = (exchange) => {
    seen.push(exchange);
    const { verb, headers, message } = exchange;
    if (verb === 'GET') return new Response(null, { status: 405 });
    if (verb === 'DELETE') return new Response(null, { status: 200 });
    const own = methods[methodOf(exchange)];
    if (own !== undefined) return own(exchange);
    if (message['method'] === 'initialize') {
      const answer = {
        protocolVersion: '2025-06-18',
        capabilities: {},
        serverInfo: { name: 'http', version: '1' },
      };
      return result(exchange, answer, { headers: { 'mcp-session-id': `session-${++session}` } });
    }
    if (message['method'] === 'server/discover') return new Response('who are you?', { status: 400 });
    if (headers.get('mcp-session-id') !== `session-${session}`) {
      return json(
        { jsonrpc: '2.0', id: null, error: { code: -32001, message: 'Session not found' } },
        { status: 404 },
      );
    }
    if (message['id'] === undefined) return new Response(null, { status: 202 });
    return result(exchange, { method: message['method'] ?? null });
  };
  return { seen, server, forget: () => void session++ };
}

function modernServer(methods: Record<string, Server> = {}): { seen: Exchange[]; server: Server } {
  const seen: Exchange[] = [];
  const server: Server = (exchange) => {
    seen.push(exchange);
    const own = methods[methodOf(exchange)];
    if (own !== undefined) return own(exchange);
    if (exchange.message['method'] === 'server/discover') {
      const answer = { resultType: 'complete', supportedVersions: ['2026-07-28'], capabilities: {} };
      return result(exchange, answer);
    }
    return rpcError(exchange, -32601, 404);
  };
  return { seen, server };
}

async function connect(server: Server, timeoutMs = 10_000): Promise<McpChannel> {
  const fetch = async (_url: string | URL, init: RequestInit = {}): Promise<Response> => {
    const parsed: unknown = typeof init.body === 'string' ? JSON.parse(init.body) : {};
    const signal = init.signal ?? new AbortController().signal;
    signal.throwIfAborted();
    return server({
      verb: init.method ?? 'GET',
      headers: new Headers(init.headers),
      message: isJsonObject(parsed) ? parsed : {},
      signal,
    });
  };
  const client = { name: 'test', version: '1.0.0' };
  const connector = createMcpConnector({ client, logger: silent, fetch, newEpoch: () => 'e' });
  const endpoint = {
    transport: 'streamable-http',
    url: 'https://mcp.example/mcp',
    headers: { authorization: 'x' },
  } as const;
  const channel = await connector.connect(endpoint, { signal: new AbortController().signal, timeoutMs });
  onTestFinished(() => channel.close());
  return channel;
}

async function failureOf(promise: Promise<unknown>): Promise<McpRequestError | McpConnectError> {
  const error: unknown = await promise.catch((reason: unknown) => reason);
  if (error instanceof McpRequestError || error instanceof McpConnectError) return error;
  throw new Error('expected an error of ours', { cause: error });
}

const held: Server = ({ signal }) =>
  new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(new DOMException('aborted', 'AbortError')));
  });

describe('a legacy server over HTTP', () => {
  it('is asked for the modern era first, then gets its handshake, its session and its version', async () => {
    const { seen, server } = legacyServer();
    const channel = await connect(server);
    expect(channel.info).toMatchObject({
      era: 'legacy',
      protocolVersion: '2025-06-18',
      server: { name: 'http' },
    });
    expect(await channel.request('tools/list')).toEqual({ method: 'tools/list' });
    await channel.close();
    const [probe, initialize, ...rest] = seen;
    expect(probe?.message['method']).toBe('server/discover');
    expect(initialize?.headers.get('mcp-session-id')).toBeNull();
    for (const { headers } of rest) {
      expect(headers.get('mcp-session-id')).toBe('session-1');
      expect(headers.get('mcp-protocol-version')).toBe('2025-06-18');
      expect(headers.get('authorization')).toBe('x');
    }
    expect(rest.map(({ verb }) => verb).toSorted()).toEqual(['DELETE', 'GET', 'POST', 'POST']);
  });

  it('that forgot the session gets a new handshake, one for all who found it gone', async () => {
    const { seen, server, forget } = legacyServer();
    const channel = await connect(server);
    forget();
    const answers = await Promise.all(['a', 'b', 'c'].map((method) => channel.request(method)));
    expect(answers).toEqual([{ method: 'a' }, { method: 'b' }, { method: 'c' }]);
    expect(seen.filter(({ message }) => message['method'] === 'initialize')).toHaveLength(2);
    expect(await channel.request('d')).toEqual({ method: 'd' });
  });

  it('that forgets every session fails the request instead of asking for ever', async () => {
    const { seen, server } = legacyServer({
      'tools/list': () => new Response('gone', { status: 404 }),
    });
    const channel = await connect(server);
    expect((await failureOf(channel.request('tools/list'))).failure).toBe('protocol');
    expect(seen.filter(({ message }) => message['method'] === 'initialize')).toHaveLength(2);
  });

  it('is told of a cancelled request', async () => {
    const { seen, server } = legacyServer({ 'tools/call': held });
    const channel = await connect(server);
    const caller = new AbortController();
    const call = channel.request('tools/call', {}, { signal: caller.signal });
    await new Promise((resolve) => setTimeout(resolve, 10));
    caller.abort(new Error('gone'));
    await expect(call).rejects.toThrow('gone');
    await channel.request('tools/list');
    const [told] = seen.filter(({ message }) => message['method'] === 'notifications/cancelled');
    expect(told?.message['params']).toMatchObject({ requestId: 'e.3' });
    expect(seen.find(({ message }) => message['method'] === 'tools/call')?.signal.aborted).toBe(true);
  });

  it('that answers on a stream may send progress before, and something else after', async () => {
    const { server } = legacyServer({
      'tools/call': ({ message }) =>
        stream(
          JSON.stringify({
            jsonrpc: '2.0',
            method: 'notifications/progress',
            params: { progressToken: message['id'], progress: 1 },
          }),
          'garbage',
          JSON.stringify({ jsonrpc: '2.0', method: 'notifications/message', params: { data: 1 } }),
          JSON.stringify({ jsonrpc: '2.0', id: message['id'], result: { done: true } }),
        ),
    });
    const channel = await connect(server);
    const heard: unknown[] = [];
    channel.onNotification(({ method }) => heard.push(method));
    const options = { onProgress: (progress: unknown) => heard.push(progress) };
    expect(await channel.request('tools/call', {}, options)).toEqual({ done: true });
    expect(heard).toEqual([{ progress: 1 }, 'notifications/message']);
  });
});

describe('a modern server over HTTP', () => {
  it('is not initialized, and reads in the headers what it is asked', async () => {
    const { seen, server } = modernServer({
      'tools/call': (exchange) => result(exchange, { resultType: 'complete', content: [] }),
    });
    const channel = await connect(server);
    expect(channel.info).toMatchObject({ era: 'modern', server: { name: 'unknown' } });
    expect(await channel.request('tools/call', { name: 'über' })).toEqual({ content: [] });
    await channel.close();
    expect(seen.map(({ message }) => message['method'])).toEqual(['server/discover', 'tools/call']);
    const headers = seen[1]?.headers;
    expect(headers?.get('mcp-protocol-version')).toBe('2026-07-28');
    expect(headers?.get('mcp-method')).toBe('tools/call');
    expect(headers?.get('mcp-name')).toBe('=?base64?w7xiZXI=?=');
  });

  it('sees a cancelled request by its closed connection alone', async () => {
    const { seen, server } = modernServer({ 'tools/call': held });
    const channel = await connect(server);
    const call = failureOf(channel.request('tools/call', {}, { timeoutMs: 20 }));
    expect((await call).failure).toBe('timeout');
    expect(seen.map(({ message }) => message['method'])).toEqual(['server/discover', 'tools/call']);
    expect(seen[1]?.signal.aborted).toBe(true);
  });

  it('says with 404 that it does not know a method', async () => {
    const channel = await connect(modernServer().server);
    const error = await failureOf(channel.request('no/such/method'));
    expect(error).toMatchObject({ failure: 'rpc', rpc: { code: -32601 } });
  });

  it('loses the tools whose headers would not be valid', async () => {
    const tool = (name: string, property: JsonObject): JsonObject => ({
      name,
      inputSchema: { type: 'object', properties: { a: property } },
    });
    const { seen, server } = modernServer({
      'tools/list': (exchange) =>
        result(exchange, {
          tools: [
            tool('good', { type: 'integer', 'x-mcp-header': 'A' }),
            tool('number', { type: 'number', 'x-mcp-header': 'A' }),
            tool('token', { type: 'string', 'x-mcp-header': 'A B' }),
            tool('deep', { type: 'array', items: { type: 'string', 'x-mcp-header': 'A' } }),
            tool('plain', { type: 'string', default: { 'x-mcp-header': 'is data here' } }),
          ],
        }),
      'tools/call': (exchange) => result(exchange, {}),
    });
    const channel = await connect(server);
    const { tools } = await channel.request('tools/list');
    expect(tools).toEqual([
      expect.objectContaining({ name: 'good' }),
      expect.objectContaining({ name: 'plain' }),
    ]);
    await channel.request('tools/call', { name: 'good', arguments: { a: 42 } });
    await channel.request('tools/call', { name: 'good', arguments: {} });
    expect(seen.map(({ headers }) => headers.get('mcp-param-a'))).toEqual([null, null, '42', null]);
  });
});

describe('a server over HTTP that fails', () => {
  const large = (id: unknown): string =>
    JSON.stringify({ jsonrpc: '2.0', id, result: { text: 'x'.repeat(17 * 1024 * 1024) } });
  const deep = (id: unknown): string =>
    `{"jsonrpc":"2.0","id":"${String(id)}","result":{"a":${'['.repeat(5_000)}${']'.repeat(5_000)}}}`;
  const jsonText = (text: string): Response =>
    new Response(text, { headers: { 'content-type': 'application/json' } });

  it.each<[string, string, Server]>([
    ['too-large', 'a body beyond all measure', ({ message }) => jsonText(large(message['id']))],
    ['too-large', 'an event beyond all measure', ({ message }) => stream(large(message['id']))],
    ['protocol', 'a body nested without end', ({ message }) => jsonText(deep(message['id']))],
    ['protocol', 'an event nested without end', ({ message }) => stream(deep(message['id']))],
    ['protocol', 'a page', () => new Response('<html>', { headers: { 'content-type': 'text/html' } })],
    ['protocol', 'half of its JSON', () => jsonText('{"jsonrpc":')],
    ['protocol', 'JSON of another kind', () => json({ hello: 'world' })],
    ['protocol', 'HTTP 500', () => new Response('<html>oops', { status: 500 })],
    ['overloaded', 'HTTP 503', () => new Response('later', { status: 503 })],
    ['overloaded', 'HTTP 429', () => new Response('slowly', { status: 429 })],
    ['rpc', 'a JSON-RPC error under HTTP 500', (exchange) => rpcError(exchange, -32603, 500)],
    [
      'closed',
      'a stream that ends before the answer',
      () => stream('{"jsonrpc":"2.0","method":"notifications/x"}'),
    ],
    [
      'closed',
      'no connection',
      () => Promise.reject(new TypeError('fetch failed', { cause: new Error('ECONNREFUSED') })),
    ],
  ])('fails the request as %s with %s, and not the channel', async (failure, _, answer) => {
    const channel = await connect(legacyServer({ 'tools/call': answer }).server);
    const error = await failureOf(channel.request('tools/call', {}, { timeoutMs: 10_000 }));
    expect(error.failure).toBe(failure);
    expect(await channel.request('tools/list')).toEqual({ method: 'tools/list' });
  });

  it.each([401, 403])('refuses a stranger with %i, and is not asked again in another way', async (status) => {
    const seen: unknown[] = [];
    const error = await failureOf(
      connect(({ message }) => {
        seen.push(message['method']);
        return new Response('who are you?', { status });
      }),
    );
    expect(error.failure).toBe('refused');
    expect(error.message).toContain(String(status));
    expect(seen).toEqual(['server/discover']);
  });

  it('fails the handshake: cannot be reached, refuses, answers nothing in time', async () => {
    const gone = connect(() =>
      Promise.reject(new TypeError('fetch failed', { cause: new Error('ENOTFOUND') })),
    );
    expect(await failureOf(gone)).toMatchObject({
      failure: 'closed',
      message: expect.stringContaining('ENOTFOUND') as string,
    });
    const wrong = connect(() => new Response('<html>', { headers: { 'content-type': 'text/html' } }));
    expect((await failureOf(wrong)).failure).toBe('protocol');
    const refused = connect((exchange) => rpcError(exchange, -32000, 400));
    expect((await failureOf(refused)).failure).toBe('refused');
    expect((await failureOf(connect(held, 60))).failure).toBe('timeout');
  });
});
