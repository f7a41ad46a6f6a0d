// How a channel comes about, or does not.
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { McpConnectError, type McpChannel } from '@insightloop/core';
import { ScriptedError, ScriptedMcpServer } from '@insightloop/core/testing';
import { createMcpConnector } from './connector.ts';
import { silent } from './testing/silent-logger.ts';

const connector = createMcpConnector({ client: { name: 'test', version: '1.0.0' }, logger: silent });

function connect(server: ScriptedMcpServer, timeoutMs = 10_000): Promise<McpChannel> {
  return connector.connect(server.endpoint, { signal: new AbortController().signal, timeoutMs });
}

async function failureOf(promise: Promise<unknown>): Promise<McpConnectError> {
  const error: unknown = await promise.catch((reason: unknown) => reason);
  if (error instanceof McpConnectError) return error;
  throw new Error('expected an McpConnectError', { cause: error });
}

describe('connecting over stdio', () => {
  it('shakes hands in the legacy way first', async () => {
    const server = new ScriptedMcpServer('legacy');
    const channel = await connect(server);
    expect(channel.info).toEqual({
      era: 'legacy',
      protocolVersion: '2025-11-25',
      server: { name: 'scripted', version: '1.0.0' },
      capabilities: { tools: { listChanged: true } },
      instructions: 'Echo wisely.',
    });
    await channel.ping();
    expect(server.received.map(({ method }) => method)).toEqual([
      'initialize',
      'notifications/initialized',
      'ping',
    ]);
    await channel.close();
  });

  it.each(['2024-10-07', '2024-11-05', '2025-03-26', '2025-06-18'])(
    'takes the older version %s',
    async (version) => {
      const server = new ScriptedMcpServer('legacy');
      const serverInfo = { name: 'old', version: '0', title: 'Old' };
      server.script('initialize', () => ({ protocolVersion: version, capabilities: {}, serverInfo }));
      const channel = await connect(server);
      expect(channel.info).toMatchObject({
        protocolVersion: version,
        server: serverInfo,
        instructions: null,
      });
      await channel.close();
    },
  );

  it('speaks the modern way with a server that refuses the legacy one, and says who it is on every request', async () => {
    const server = new ScriptedMcpServer('modern');
    const channel = await connect(server);
    expect(channel.info).toEqual({
      era: 'modern',
      protocolVersion: '2026-07-28',
      server: { name: 'scripted', version: '1.0.0' },
      capabilities: { tools: { listChanged: true } },
      instructions: 'Echo wisely.',
    });
    const forged = { 'io.modelcontextprotocol/clientCapabilities': { sampling: {} } };
    const result = await channel.request('tools/list', { _meta: forged });
    expect(result).not.toHaveProperty('resultType');
    expect(await server.message({ method: 'tools/list' })).toMatchObject({
      params: {
        _meta: {
          'io.modelcontextprotocol/protocolVersion': '2026-07-28',
          'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1.0.0' },
          'io.modelcontextprotocol/clientCapabilities': {},
        },
      },
    });
    expect(channel.pending).toBe(0);
    await channel.close();
  });

  it('refuses a modern result that asks the client for something, or is unknown', async () => {
    const server = new ScriptedMcpServer('modern');
    const channel = await connect(server);
    server.script('tools/call', () => ({
      resultType: 'input_required',
      inputRequests: { who: { method: 'elicitation/create', params: {} } },
    }));
    await expect(channel.request('tools/call', { name: 'x' })).rejects.toMatchObject({
      failure: 'protocol',
      message: expect.stringContaining('elicitation/create') as string,
    });
    server.script('tools/call', () => ({ resultType: 'later' }));
    await expect(channel.request('tools/call', { name: 'x' })).rejects.toMatchObject({ failure: 'protocol' });
    await channel.close();
  });

  it('fails with both reasons when a server refuses both eras', async () => {
    const server = new ScriptedMcpServer('modern');
    const refuse = (words: string) => () => {
      throw new ScriptedError(-32000, words);
    };
    server.script('initialize', refuse('not today'));
    server.script('server/discover', refuse('nor so'));
    const error = await failureOf(connect(server));
    expect(error.failure).toBe('refused');
    expect(error.message).toContain('not today');
    expect(error.message).toContain('nor so');
  });

  it.each([
    [
      'a version that nobody knows',
      { protocolVersion: '1999-01-01', capabilities: {}, serverInfo: { name: 'x', version: '1' } },
    ],
    ['no name', { protocolVersion: '2025-11-25', capabilities: {} }],
    ['nothing', {}],
  ])('fails when the handshake has %s', async (_, answer) => {
    const server = new ScriptedMcpServer('legacy');
    server.script('initialize', () => answer);
    expect((await failureOf(connect(server))).failure).toBe('protocol');
  });

  it('fails when the server closes instead of answering', async () => {
    const server = new ScriptedMcpServer('legacy');
    server.script('initialize', () => new Promise(() => {}));
    const failure = failureOf(connect(server));
    await server.message({ method: 'initialize' });
    server.end();
    expect((await failure).failure).toBe('closed');
  });

  it('fails when the server had closed before', async () => {
    const server = new ScriptedMcpServer('legacy');
    server.stdout.resume();
    server.stdout.end();
    await new Promise((resolve) => server.stdout.once('end', resolve));
    expect((await failureOf(connect(server))).failure).toBe('closed');
  });

  it('fails in time when the server prints garbage and never answers', async () => {
    const [stdin, stdout] = [new PassThrough(), new PassThrough()];
    const stray: string[] = [];
    const failure = failureOf(
      connector.connect(
        { transport: 'stdio', stdin, stdout },
        { signal: new AbortController().signal, timeoutMs: 100, onStrayOutput: (line) => stray.push(line) },
      ),
    );
    stdout.write('Welcome!\nError: cannot find module\n');
    expect((await failure).failure).toBe('timeout');
    expect(stray).toEqual(['Welcome!', 'Error: cannot find module']);
    expect(stdout.listenerCount('data')).toBe(0);
    expect(String(stdin.read())).not.toContain('notifications/cancelled');
  });

  it('is given up by its caller', async () => {
    const server = new ScriptedMcpServer('legacy');
    server.script('initialize', () => new Promise(() => {}));
    const caller = new AbortController();
    const failure = failureOf(
      connector.connect(server.endpoint, { signal: caller.signal, timeoutMs: 10_000 }),
    );
    await server.message({ method: 'initialize' });
    caller.abort();
    expect((await failure).failure).toBe('aborted');
    const early = connector.connect(server.endpoint, { signal: AbortSignal.abort(), timeoutMs: 10_000 });
    expect((await failureOf(early)).failure).toBe('aborted');
  });
});

describe('changes in the modern era', () => {
  it('are followed by a standing request, which is no pending one', async () => {
    const server = new ScriptedMcpServer('modern');
    const channel = await connect(server);
    const { id } = await server.message({ method: 'subscriptions/listen' });
    const heard: string[] = [];
    channel.onNotification(({ method }) => heard.push(method));
    expect(channel.pending).toBe(0);
    server.changeTools();
    await channel.ping();
    expect(heard).toEqual(['notifications/tools/list_changed']);
    // The server ends the subscription; what happens until the next one is told by nobody.
    server.notify('notifications/cancelled', { requestId: id ?? '' });
    const again = new Promise((resolve) => channel.onNotification(resolve));
    expect(await again).toEqual({ method: 'notifications/tools/list_changed', params: {} });
    expect(server.received.filter(({ method }) => method === 'subscriptions/listen')).toHaveLength(2);
    await channel.close();
  });
});
