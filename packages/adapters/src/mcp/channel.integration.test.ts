// The channel contract with real servers: processes over stdio, HTTP in both eras and both transports.
import { describeChannel } from '@insightloop/core/testing';
import type { McpChannel, McpEndpoint } from '@insightloop/core';
import { createMcpHandler } from '@modelcontextprotocol/server';
import { toNodeHandler } from '@modelcontextprotocol/node';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createMcpConnector } from './connector.ts';
import {
  everythingOverHttp,
  everythingOverStdio,
  sdkServerOverStdio,
  type HttpProgram,
} from './testing/programs.ts';
import { sdkServer } from './testing/sdk-server.ts';
import { silent } from './testing/silent-logger.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const connector = createMcpConnector({ client: { name: 'test', version: '1.0.0' }, logger: silent });

const connect = (endpoint: McpEndpoint): Promise<McpChannel> =>
  connector.connect(endpoint, { signal: new AbortController().signal, timeoutMs: 30_000 });

describeChannel('server-everything over stdio', async () => {
  const program = everythingOverStdio();
  return { channel: await connect(program.endpoint), era: 'legacy', end: () => program.end() };
});

it('ends at once when the server is killed, with all that waits', async () => {
  const program = everythingOverStdio();
  const channel = await connect(program.endpoint);
  const call = { name: 'trigger-long-running-operation', arguments: { duration: 60, steps: 1 } };
  const waiting = channel.request('tools/call', call, { timeoutMs: 60_000 });
  waiting.catch(() => {});
  program.kill();
  await expect(waiting).rejects.toMatchObject({ failure: 'closed' });
  expect(await channel.closed).not.toBe('');
  await expect(channel.request('tools/list')).rejects.toMatchObject({ failure: 'unsent' });
  await program.end();
});

describeChannel('an SDK server over stdio, modern only', async () => {
  const program = sdkServerOverStdio('modern');
  const channel = await connect(program.endpoint);
  const changeTools = async (): Promise<void> =>
    void (await channel.request('tools/call', { name: 'change-tools' }));
  return { channel, era: 'modern', changeTools, end: () => program.end() };
});

for (const transport of ['streamableHttp', 'sse'] as const) {
  describe(`server-everything over ${transport}`, () => {
    let program: HttpProgram;
    beforeAll(async () => {
      program = await everythingOverHttp(transport);
    });
    afterAll(() => program.end());

    describeChannel(transport, async () => {
      const channel = await connect({
        transport: transport === 'sse' ? 'sse' : 'streamable-http',
        url: program.url,
      });
      return { channel, era: 'legacy', end: () => {} };
    });
  });
}

describe('an SDK server over HTTP, modern', () => {
  const handler = createMcpHandler(sdkServer, { legacy: 'reject' });
  const http = createServer((request, response) => {
    const { method = '', url = '' } = request;
    void toNodeHandler(handler)(Object.assign(request, { method, url }), response);
  });
  let url = '';
  beforeAll(async () => {
    http.listen(0, '127.0.0.1');
    await once(http, 'listening');
    const address = http.address();
    if (address !== null && typeof address === 'object') url = `http://127.0.0.1:${address.port}/mcp`;
  });
  afterAll(async () => {
    await handler.close();
    http.closeAllConnections();
    http.close();
  });

  describeChannel('streamable-http', async () => {
    const channel = await connect({ transport: 'streamable-http', url });
    return { channel, era: 'modern', changeTools: () => handler.notify.toolsChanged(), end: () => {} };
  });

  it('repeats arguments as headers, also before the tools were listed', async () => {
    const channel = await connect({ transport: 'streamable-http', url });
    const call = { name: 'where', arguments: { region: 'Zürich' } };
    const answer = { content: [{ type: 'text', text: 'Zürich' }] };
    expect(await channel.request('tools/call', call)).toMatchObject(answer);
    expect(await channel.request('tools/call', call)).toMatchObject(answer);
    await channel.close();
  });
});
