// The endpoint as its clients see it, request by request, in front of a fake channel.
import {
  McpRequestError,
  serverNotFound,
  type AppError,
  type JsonObject,
  type JsonValue,
  type McpChannel,
} from '@insightloop/core';
import { everydayAnswers, FakeChannel, ScriptedError } from '@insightloop/core/testing';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { silent } from '../testing/silent-logger.ts';
import { createMcpBridge } from './bridge.ts';
import type { BridgeRequest, BridgeResponse } from './exchange.ts';

const everything = {
  tools: { listChanged: true },
  prompts: {},
  resources: { subscribe: true, listChanged: true },
  completions: {},
  logging: {},
  tasks: { list: {} },
  experimental: { x: {} },
};

interface House {
  channel: FakeChannel;
  send(request: Partial<BridgeRequest>): Promise<BridgeResponse>;
  close(): void;
  /** What `open` gives from now on. */
  offer(channel: McpChannel | AppError): void;
}

function open(capabilities: JsonObject = everything): House {
  const channel = new FakeChannel({ info: { capabilities, instructions: 'Be kind.' } });
  let offered: McpChannel | AppError = channel;
  let sessions = 0;
  const bridge = createMcpBridge({
    open: async () => {
      if (offered instanceof Error) throw offered;
      return offered;
    },
    logger: silent,
    newSessionId: () => `session-${++sessions}`,
  });
  onTestFinished(() => bridge.close());
  return {
    channel,
    send: (request) =>
      bridge.handle('everything', {
        method: 'POST',
        body: undefined,
        signal: new AbortController().signal,
        ...request,
        headers: {
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          ...request.headers,
        },
      }),
    close: () => bridge.close(),
    offer: (next) => {
      offered = next;
    },
  };
}

const rpc = (method: string, params: JsonObject = {}, id: JsonValue = 1): JsonObject => ({
  jsonrpc: '2.0',
  id,
  method,
  params,
});

const initialize = (protocolVersion = '2025-11-25'): JsonObject =>
  rpc('initialize', { protocolVersion, capabilities: {}, clientInfo: { name: 'c', version: '1' } });

const envelope = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'c', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': {},
};

/** A modern request with the headers that it must have. */
function modern(method: string, params: JsonObject = {}, id: JsonValue = 1): Partial<BridgeRequest> {
  const { _meta = {}, ...rest } = params;
  const name = rest['name'] ?? rest['uri'];
  return {
    body: rpc(method, { ...rest, _meta: { ...envelope, ...Object(_meta) } }, id),
    headers: {
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': method,
      ...(typeof name === 'string' ? { 'mcp-name': name } : {}),
    },
  };
}

function bodyOf(response: BridgeResponse): unknown {
  if (typeof response.body !== 'string') throw new Error(`no text: ${response.status}`);
  return JSON.parse(response.body);
}

const messageIn = (frame: string): unknown => JSON.parse(frame.replace(/^event: message\ndata: /, ''));

function framesOf(response: BridgeResponse): AsyncIterator<string> {
  if (response.body === null || typeof response.body === 'string') throw new Error('no stream');
  return response.body[Symbol.asyncIterator]();
}

async function next(frames: AsyncIterator<string>): Promise<unknown> {
  const { value, done } = await frames.next();
  return done === true ? 'the end' : messageIn(value);
}

const listChanged = 'notifications/tools/list_changed';

describe('a legacy client', () => {
  it('is welcomed here, with what a shared server can do', async () => {
    const { send } = open();
    const response = await send({ body: initialize() });
    expect(response).toMatchObject({ status: 200, headers: { 'mcp-session-id': 'session-1' } });
    expect(bodyOf(response)).toEqual({
      jsonrpc: '2.0',
      id: 1,
      result: {
        protocolVersion: '2025-11-25',
        serverInfo: { name: 'fake', version: '1.0.0' },
        capabilities: {
          tools: { listChanged: true },
          prompts: {},
          resources: { listChanged: true },
          completions: {},
        },
        instructions: 'Be kind.',
      },
    });
    expect((await send({ body: { jsonrpc: '2.0', method: 'notifications/initialized' } })).status).toBe(202);
  });

  it('gets the version that it asks for, or the newest', async () => {
    const { send } = open();
    for (const version of ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25']) {
      expect(bodyOf(await send({ body: initialize(version) }))).toMatchObject({
        result: { protocolVersion: version },
      });
    }
    const unknown = await send({ body: initialize('2099-01-01') });
    expect(bodyOf(unknown)).toMatchObject({ result: { protocolVersion: '2025-11-25' } });
    const wrong = await send({ body: rpc('initialize', { protocolVersion: 1 }) });
    expect(bodyOf(wrong)).toMatchObject({ error: { code: -32602 } });
  });

  it('needs no session, and an unknown one does no harm', async () => {
    const { send } = open();
    const call = rpc('tools/call', { name: 'echo', arguments: { message: 'hi' } }, 'own id');
    for (const headers of [{}, { 'mcp-session-id': 'of another life' }]) {
      expect(bodyOf(await send({ body: call, headers }))).toEqual({
        jsonrpc: '2.0',
        id: 'own id',
        result: { content: [{ type: 'text', text: 'Echo: hi' }] },
      });
    }
    expect((await send({ method: 'DELETE', headers: { 'mcp-session-id': 'any' } })).status).toBe(200);
  });

  it.each([0, 7, 'seven', '', 'a.1'])('sees its own id again: %j', async (id) => {
    const { send } = open();
    expect(bodyOf(await send({ body: rpc('tools/list', {}, id) }))).toMatchObject({ id });
    expect(bodyOf(await send({ body: rpc('ping', {}, id) }))).toEqual({ jsonrpc: '2.0', id, result: {} });
  });

  it('gets errors of the server as they are, and ours in words', async () => {
    const { send, channel } = open();
    channel.answers.set('tools/call', () => {
      throw new ScriptedError(-32002, 'no such thing', { uri: 'x' });
    });
    expect(bodyOf(await send({ body: rpc('tools/call') }))).toMatchObject({
      id: 1,
      error: { code: -32002, message: 'no such thing', data: { uri: 'x' } },
    });
    channel.answers.set('tools/call', () => {
      throw new McpRequestError('timeout', 'took too long');
    });
    expect(bodyOf(await send({ body: rpc('tools/call') }))).toMatchObject({
      error: { code: -32603, message: 'took too long', data: { failure: 'timeout' } },
    });
  });

  it('reaches nothing that belongs to the connection', async () => {
    const { send, channel } = open();
    for (const method of [
      'logging/setLevel',
      'resources/subscribe',
      'tasks/list',
      'server/discover',
      'x/y',
    ]) {
      expect(bodyOf(await send({ body: rpc(method) }))).toMatchObject({ error: { code: -32601 } });
    }
    expect(channel.requests).toEqual([]);
    const params = {
      name: 'echo',
      arguments: { message: 'x' },
      task: { ttl: 1 },
      _meta: {
        progressToken: 1,
        'io.modelcontextprotocol/clientCapabilities': { sampling: {} },
        traceparent: 't',
      },
    };
    await send({ body: rpc('tools/call', params) });
    expect(channel.requests).toEqual([
      {
        method: 'tools/call',
        params: { name: 'echo', arguments: { message: 'x' }, _meta: { traceparent: 't' } },
      },
    ]);
  });

  it('sends answers to nobody, and batches only where they are known', async () => {
    const { send } = open();
    expect((await send({ body: { jsonrpc: '2.0', id: 1, result: {} } })).status).toBe(202);
    const batch = [
      rpc('ping', {}, 1),
      rpc('tools/list', {}, 2),
      { jsonrpc: '2.0', method: 'notifications/x' },
    ];
    expect(bodyOf(await send({ body: batch }))).toMatchObject([
      { id: 1 },
      { id: 2, result: { tools: [{}, {}] } },
    ]);
    expect((await send({ body: [{ jsonrpc: '2.0', method: 'notifications/x' }] })).status).toBe(202);
    const headers = { 'mcp-protocol-version': '2025-06-18' };
    expect((await send({ body: batch, headers })).status).toBe(400);
    expect((await send({ body: [initialize()] })).status).toBe(400);
    expect((await send({ body: [] })).status).toBe(400);
    expect((await send({ body: Array.from({ length: 51 }, () => rpc('ping')) })).status).toBe(400);
  });
});

describe('progress', () => {
  it('turns the answer into a stream, with the token of the client', async () => {
    const { send, channel } = open();
    const steps = new EventTarget();
    channel.answers.set('tools/call', async (_params, { progress }) => {
      progress({ progress: 1, total: 2 });
      await new Promise((resolve) => steps.addEventListener('go', resolve));
      progress({ progress: 2, message: 'nearly' });
      return { content: [] };
    });
    const response = await send({ body: rpc('tools/call', { _meta: { progressToken: 'mine' } }) });
    expect(response).toMatchObject({ status: 200, headers: { 'content-type': 'text/event-stream' } });
    const frames = framesOf(response);
    expect(await next(frames)).toEqual({
      jsonrpc: '2.0',
      method: 'notifications/progress',
      params: { progressToken: 'mine', progress: 1, total: 2 },
    });
    steps.dispatchEvent(new Event('go'));
    expect(await next(frames)).toMatchObject({
      params: { progressToken: 'mine', progress: 2, message: 'nearly' },
    });
    expect(await next(frames)).toEqual({ jsonrpc: '2.0', id: 1, result: { content: [] } });
    expect(await next(frames)).toBe('the end');
  });

  it('is not told to a client that takes no streams, or named no token', async () => {
    const { send, channel } = open();
    let listened = false;
    channel.answers.set('tools/call', (_params, { progress }) => {
      progress({ progress: 1 });
      return {};
    });
    const request = vi.spyOn(channel, 'request');
    const withToken = rpc('tools/call', { _meta: { progressToken: 0 } });
    expect(bodyOf(await send({ body: withToken, headers: { accept: 'application/json' } }))).toMatchObject({
      id: 1,
    });
    expect(bodyOf(await send({ body: rpc('tools/call') }))).toMatchObject({ id: 1 });
    for (const [, , options] of request.mock.calls) listened ||= options?.onProgress !== undefined;
    expect(listened).toBe(false);
  });

  it('beyond what a slow reader reads is dropped, oldest first', async () => {
    const { send, channel } = open();
    channel.answers.set('tools/call', (_params, { progress }) => {
      for (let step = 1; step <= 1_000; step++) progress({ progress: step });
      return {};
    });
    const response = await send({
      body: rpc('tools/call', { _meta: { progressToken: 1 } }),
      headers: { accept: 'text/event-stream' },
    });
    const frames = framesOf(response);
    const seen: unknown[] = [];
    for (let message = await next(frames); message !== 'the end'; message = await next(frames))
      seen.push(message);
    expect(seen).toHaveLength(65);
    expect(seen[0]).toMatchObject({ params: { progress: 937 } });
    expect(seen[64]).toMatchObject({ id: 1, result: {} });
  });
});

describe('an answer that takes its time', () => {
  it('becomes a stream that shows it is alive', async () => {
    const { send, channel } = open();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    let finish: (result: JsonObject) => void = () => {};
    channel.answers.set('tools/call', () => new Promise((resolve) => (finish = resolve)));
    const pending = send({ body: rpc('tools/call') });
    await vi.advanceTimersByTimeAsync(10_000);
    const frames = framesOf(await pending);
    const first = frames.next();
    await vi.advanceTimersByTimeAsync(15_000);
    expect((await first).value).toBe(': keep-alive\n\n');
    finish({ content: [] });
    expect(await next(frames)).toMatchObject({ id: 1, result: { content: [] } });
    expect(vi.getTimerCount()).toBeLessThanOrEqual(1);
  });
});

describe('a client that leaves', () => {
  const held = { method: 'tools/call', answer: () => new Promise<JsonObject>(() => {}) };

  it('cancels what it asked for', async () => {
    const { send, channel } = open();
    channel.answers.set(held.method, held.answer);
    const client = new AbortController();
    const response = send({ body: rpc('tools/call'), signal: client.signal });
    await vi.waitFor(() => expect(channel.pending).toBe(1));
    client.abort();
    await response;
    expect(channel.pending).toBe(0);
  });

  it('waits no longer for a server that is being restarted', async () => {
    let waiting: AbortSignal | null = null;
    const bridge = createMcpBridge({
      open: (_serverId, signal) =>
        new Promise((_, reject) => {
          waiting = signal;
          signal.addEventListener('abort', () => reject(signal.reason));
        }),
      logger: silent,
      newSessionId: () => '',
    });
    const client = new AbortController();
    const headers = { 'content-type': 'application/json' };
    const response = bridge.handle('x', {
      method: 'POST',
      headers,
      body: rpc('tools/list'),
      signal: client.signal,
    });
    await vi.waitFor(() => expect(waiting).not.toBeNull());
    client.abort();
    expect(await response).toMatchObject({ status: 499, body: null });
  });

  it('cancels also by reading no further', async () => {
    const { send, channel } = open();
    channel.answers.set(held.method, (_params, { progress }) => {
      progress({ progress: 1 });
      return held.answer();
    });
    const response = await send({ body: rpc('tools/call', { _meta: { progressToken: 1 } }) });
    const frames = framesOf(response);
    await next(frames);
    await frames.return?.();
    expect(channel.pending).toBe(0);
  });

  it('cancels by a notification of its own session, and of no other', async () => {
    const { send, channel } = open();
    channel.answers.set(held.method, held.answer);
    const cancel = (headers: BridgeRequest['headers'], requestId: JsonValue): Promise<BridgeResponse> =>
      send({ body: { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId } }, headers });
    const mine = send({ body: rpc('tools/call', {}, 1), headers: { 'mcp-session-id': 'mine' } });
    const yours = send({ body: rpc('tools/call', {}, 1), headers: { 'mcp-session-id': 'yours' } });
    const nobodys = send({ body: rpc('tools/call', {}, 1) });
    await vi.waitFor(() => expect(channel.pending).toBe(3));
    for (const [session, id] of [
      ['other', 1],
      ['mine', '1'],
      ['mine', 2],
    ] as const) {
      expect((await cancel({ 'mcp-session-id': session }, id)).status).toBe(202);
    }
    await cancel({}, 1);
    expect(channel.pending).toBe(3);
    await cancel({ 'mcp-session-id': 'mine' }, 1);
    await mine;
    expect(channel.pending).toBe(2);
    await channel.close();
    await Promise.all([yours, nobodys]);
  });
});

describe('changes', () => {
  it('reach every legacy client that listens, and nothing else does', async () => {
    const { send, channel } = open();
    const streams = await Promise.all(
      [1, 2].map(() => send({ method: 'GET', headers: { accept: 'text/event-stream' } })),
    );
    const readers = streams.map(framesOf);
    for (const reader of readers) await reader.next();
    const waiting = readers.map(next);
    channel.announce('notifications/message', { data: 'of one client' });
    channel.announce('notifications/progress', { progressToken: 1, progress: 1 });
    channel.announce('notifications/resources/updated', { uri: 'file:///private' });
    channel.announce('notifications/prompts/list_changed');
    channel.announce(listChanged);
    expect(await Promise.all(waiting)).toEqual([
      { jsonrpc: '2.0', method: listChanged },
      { jsonrpc: '2.0', method: listChanged },
    ]);
  });

  it('that come faster than they are read come once', async () => {
    const { send, channel } = open();
    const frames = framesOf(await send({ method: 'GET' }));
    await frames.next();
    for (let count = 0; count < 1_000; count++) channel.announce(listChanged);
    channel.announce('notifications/resources/list_changed');
    expect(await next(frames)).toMatchObject({ method: listChanged });
    expect(await next(frames)).toMatchObject({ method: 'notifications/resources/list_changed' });
    const quiet = next(frames);
    channel.announce(listChanged);
    expect(await quiet).toMatchObject({ method: listChanged });
  });

  it('are followed across a restart of the server, which is a change itself', async () => {
    const { send, channel, offer } = open();
    const frames = framesOf(await send({ method: 'GET' }));
    await frames.next();
    const replacement = new FakeChannel({ info: { capabilities: { tools: { listChanged: true } } } });
    offer(replacement);
    const first = next(frames);
    await channel.close('crashed');
    expect(await first).toMatchObject({ method: listChanged });
    const second = next(frames);
    replacement.announce(listChanged);
    expect(await second).toMatchObject({ method: listChanged });
    offer(serverNotFound('everything'));
    const last = next(frames);
    await replacement.close('stopped');
    expect(await last).toBe('the end');
  });

  it('are heard by nobody who has left, and streams end with the bridge', async () => {
    const { send, channel, close } = open();
    const client = new AbortController();
    const gone = framesOf(await send({ method: 'GET', signal: client.signal }));
    const stays = framesOf(await send({ method: 'GET' }));
    await gone.next();
    await stays.next();
    const [one, two] = [next(gone), next(stays)];
    client.abort();
    expect(await one).toBe('the end');
    close();
    expect(await two).toBe('the end');
    expect(() => channel.announce(listChanged)).not.toThrow();
  });
});

describe('a modern client', () => {
  it('discovers what it may ask', async () => {
    const { send } = open();
    expect(bodyOf(await send(modern('server/discover')))).toEqual({
      jsonrpc: '2.0',
      id: 1,
      result: {
        resultType: 'complete',
        supportedVersions: ['2026-07-28'],
        capabilities: {
          tools: { listChanged: true },
          prompts: {},
          resources: { listChanged: true },
          completions: {},
        },
        instructions: 'Be kind.',
        ttlMs: 0,
        cacheScope: 'private',
        _meta: { 'io.modelcontextprotocol/serverInfo': { name: 'fake', version: '1.0.0' } },
      },
    });
  });

  it('gets results as its era has them, from a server of the other', async () => {
    const { send, channel } = open();
    const serverInfo = { 'io.modelcontextprotocol/serverInfo': { name: 'fake', version: '1.0.0' } };
    expect(
      bodyOf(await send(modern('tools/call', { name: 'echo', arguments: { message: 'hi' } }))),
    ).toMatchObject({
      result: { resultType: 'complete', content: [{ text: 'Echo: hi' }], _meta: serverInfo },
    });
    expect(bodyOf(await send(modern('tools/list')))).toMatchObject({
      result: { resultType: 'complete', ttlMs: 0, cacheScope: 'private', _meta: serverInfo },
    });
    expect(channel.requests.map(({ params }) => params)).toEqual([
      { name: 'echo', arguments: { message: 'hi' } },
      {},
    ]);
    channel.answers.set('resources/read', () => {
      throw new ScriptedError(-32002, 'no such resource');
    });
    expect(bodyOf(await send(modern('resources/read', { uri: 'x:y' })))).toMatchObject({
      error: { code: -32602 },
    });
    channel.answers.set('tools/call', () => {
      throw new ScriptedError(-32021, 'elicitation needed', { requiredCapabilities: {} });
    });
    expect(bodyOf(await send(modern('tools/call', { name: 'x' })))).toMatchObject({
      error: { code: -32603 },
    });
  });

  it('is told with 404 of what is not there, by us or by the server', async () => {
    const { send } = open();
    for (const method of ['ping', 'logging/setLevel', 'initialize', 'prompts/list']) {
      const response = await send(modern(method));
      expect(response.status).toBe(404);
      expect(bodyOf(response)).toMatchObject({ id: 1, error: { code: -32601 } });
    }
  });

  it('need not repeat arguments as headers', async () => {
    const { send, channel } = open();
    const properties = {
      region: { type: 'string', 'x-mcp-header': 'Region' },
      deep: { properties: { a: { 'x-mcp-header': 'A', default: 1 } } },
    };
    channel.answers.set('tools/list', () => ({
      tools: [{ name: 'x', inputSchema: { type: 'object', properties } }],
    }));
    expect(bodyOf(await send(modern('tools/list')))).toMatchObject({
      result: {
        tools: [
          {
            name: 'x',
            inputSchema: {
              type: 'object',
              properties: { region: { type: 'string' }, deep: { properties: { a: { default: 1 } } } },
            },
          },
        ],
      },
    });
    expect(JSON.stringify(bodyOf(await send(modern('tools/list'))))).not.toContain('x-mcp-header');
  });

  it.each<[string, number, number, Partial<BridgeRequest>]>([
    [
      'another version',
      400,
      -32022,
      {
        body: rpc('tools/list', {
          _meta: { ...envelope, 'io.modelcontextprotocol/protocolVersion': '2099-01-01' },
        }),
        headers: { 'mcp-protocol-version': '2099-01-01', 'mcp-method': 'tools/list' },
      },
    ],
    ['no version header', 400, -32020, { ...modern('tools/list'), headers: { 'mcp-method': 'tools/list' } }],
    [
      'another version header',
      400,
      -32020,
      {
        ...modern('tools/list'),
        headers: { 'mcp-protocol-version': '2025-11-25', 'mcp-method': 'tools/list' },
      },
    ],
    [
      'no method header',
      400,
      -32020,
      { ...modern('tools/list'), headers: { 'mcp-protocol-version': '2026-07-28' } },
    ],
    [
      'another method header',
      400,
      -32020,
      {
        ...modern('tools/list'),
        headers: { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call' },
      },
    ],
    [
      'no name header',
      400,
      -32020,
      {
        ...modern('tools/call', { name: 'echo' }),
        headers: { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call' },
      },
    ],
    [
      'another name header',
      400,
      -32020,
      {
        ...modern('tools/call', { name: 'echo' }),
        headers: { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'other' },
      },
    ],
    [
      'a broken name header',
      400,
      -32020,
      {
        ...modern('tools/call', { name: 'echo' }),
        headers: {
          'mcp-protocol-version': '2026-07-28',
          'mcp-method': 'tools/call',
          'mcp-name': '=?base64?@@?=',
        },
      },
    ],
    [
      'no envelope',
      400,
      -32602,
      { body: rpc('tools/list'), headers: { 'mcp-protocol-version': '2026-07-28' } },
    ],
    [
      'half an envelope',
      400,
      -32602,
      {
        ...modern('tools/list'),
        body: rpc('tools/list', { _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' } }),
      },
    ],
  ])('is refused with %s', async (_, status, code, request) => {
    const { send } = open();
    const response = await send(request);
    expect(bodyOf(response)).toMatchObject({ id: 1, error: { code } });
    expect(response.status).toBe(status);
  });

  it('may encode a name that is no plain text', async () => {
    const { send, channel } = open();
    channel.answers.set('tools/call', () => ({ content: [] }));
    const request = modern('tools/call', { name: 'über' });
    const headers = { ...request.headers, 'mcp-name': '=?base64?w7xiZXI=?=' };
    expect((await send({ ...request, headers })).status).toBe(200);
  });

  it('listens for what it chooses, under the id that it chose', async () => {
    const { send, channel, close } = open();
    const notifications = {
      toolsListChanged: true,
      promptsListChanged: true,
      resourceSubscriptions: ['file:///x'],
    };
    const response = await send(modern('subscriptions/listen', { notifications }, 'sub'));
    expect(response.headers['content-type']).toBe('text/event-stream');
    const _meta = { 'io.modelcontextprotocol/subscriptionId': 'sub' };
    const frames = framesOf(response);
    expect(await next(frames)).toEqual({
      jsonrpc: '2.0',
      method: 'notifications/subscriptions/acknowledged',
      params: { notifications: { toolsListChanged: true }, _meta },
    });
    channel.announce('notifications/resources/list_changed');
    channel.announce(listChanged);
    expect(await next(frames)).toEqual({ jsonrpc: '2.0', method: listChanged, params: { _meta } });
    const last = next(frames);
    close();
    expect(await last).toEqual({ jsonrpc: '2.0', id: 'sub', result: { resultType: 'complete', _meta } });
    expect(await next(frames)).toBe('the end');
  });

  it('cannot listen without taking a stream', async () => {
    const { send } = open();
    const request = modern('subscriptions/listen', { notifications: {} });
    expect(
      (await send({ ...request, headers: { ...request.headers, accept: 'application/json' } })).status,
    ).toBe(406);
  });
});

describe('a request that is none', () => {
  it.each<[string, number, Partial<BridgeRequest>]>([
    ['another content type', 415, { body: rpc('ping'), headers: { 'content-type': 'text/plain' } }],
    ['no content type', 415, { body: rpc('ping'), headers: { 'content-type': undefined } }],
    ['an accept that fits nothing', 406, { body: rpc('ping'), headers: { accept: 'text/html' } }],
    ['no JSON', 400, {}],
    ['JSON of another kind', 400, { body: { hello: 'world' } }],
    ['a text', 400, { body: 'ping' }],
    ['an id that is null', 400, { body: rpc('ping', {}, null) }],
    [
      'a version that nobody knows',
      400,
      { body: rpc('ping'), headers: { 'mcp-protocol-version': '1999-01-01' } },
    ],
    ['a verb that nobody knows', 405, { method: 'PUT', body: rpc('ping') }],
    ['a stream that it does not accept', 406, { method: 'GET', headers: { accept: 'application/json' } }],
    [
      'a stream of a version that has none',
      400,
      { method: 'GET', headers: { 'mcp-protocol-version': '2026-07-28' } },
    ],
  ])('is refused for %s', async (_, status, request) => {
    const { send } = open();
    expect((await send(request)).status).toBe(status);
  });

  it.each(['application/json; charset=utf-8', 'APPLICATION/JSON'])(
    'is none for its content type %s',
    async (type) => {
      const { send } = open();
      expect((await send({ body: rpc('ping'), headers: { 'content-type': type } })).status).toBe(200);
    },
  );

  it.each(['*/*', undefined, 'application/*, text/*', 'application/json;q=0.9,text/event-stream'])(
    'is none for its accept %s',
    async (accept) => {
      const { send } = open();
      expect((await send({ body: rpc('ping'), headers: { accept } })).status).toBe(200);
    },
  );
});

describe('a server that is not there', () => {
  it('is reported by whoever opens the channel, in every form of asking', async () => {
    const { send, offer } = open();
    const error = serverNotFound('everything');
    offer(error);
    for (const request of [
      { body: initialize() },
      { body: rpc('tools/list') },
      { body: [rpc('tools/list')] },
      { method: 'GET' },
      modern('server/discover'),
      modern('tools/list'),
      modern('subscriptions/listen', { notifications: {} }),
    ]) {
      await expect(send(request)).rejects.toBe(error);
    }
    expect((await send({ body: rpc('ping') })).status).toBe(200);
  });

  it('that is behind is reported as such, to be tried again', async () => {
    const { send, channel } = open();
    channel.answers.set('tools/call', () => {
      throw new McpRequestError('overloaded', 'too much waits');
    });
    await expect(send({ body: rpc('tools/call') })).rejects.toMatchObject({
      code: 'SERVICE_UNAVAILABLE',
      retryAfterSeconds: 1,
    });
  });

  it('fails what it was asked when it goes', async () => {
    const { send, channel } = open();
    channel.answers.set('tools/call', () => new Promise(() => {}));
    const response = send({ body: rpc('tools/call') });
    await vi.waitFor(() => expect(channel.pending).toBe(1));
    await channel.close('crashed');
    expect(bodyOf(await response)).toMatchObject({
      id: 1,
      error: { code: -32603, message: 'crashed', data: { failure: 'closed' } },
    });
  });
});

describe('many clients', () => {
  it('with the same ids get each its own answer', async () => {
    const { send, channel } = open();
    channel.answers.set('tools/call', async (params, context) => {
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 5));
      const answer = everydayAnswers['tools/call'];
      return answer === undefined ? {} : answer(params, context);
    });
    const answers = await Promise.all(
      Array.from({ length: 200 }, async (_, client) =>
        bodyOf(
          await send({ body: rpc('tools/call', { name: 'echo', arguments: { message: `${client}` } }, 1) }),
        ),
      ),
    );
    for (const [client, answer] of answers.entries()) {
      expect(answer).toMatchObject({ id: 1, result: { content: [{ text: `Echo: ${client}` }] } });
    }
  });
});
