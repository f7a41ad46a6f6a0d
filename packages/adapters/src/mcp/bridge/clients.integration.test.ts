// Standard clients at the bridge: the official SDK in both its versions and both eras, in front of real servers.
import type { McpChannel } from '@insightloop/core';
import { describeChannel, ScriptedMcpServer } from '@insightloop/core/testing';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as OldTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { CallToolResultSchema, ToolListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createMcpConnector } from '../connector.ts';
import { mount, type Mounted } from '../testing/mount.ts';
import { everythingOverStdio, sdkServerOverStdio, type StdioProgram } from '../testing/programs.ts';
import { silent } from '../testing/silent-logger.ts';
import { createMcpBridge } from './bridge.ts';

interface Deployed {
  mounted: Mounted;
  channel: McpChannel;
  program: StdioProgram;
}

async function deploy(program: StdioProgram): Promise<Deployed> {
  const connector = createMcpConnector({ client: { name: 'bridge', version: '1.0.0' }, logger: silent });
  const options = { signal: new AbortController().signal, timeoutMs: 30_000 };
  const channel = await connector.connect(program.endpoint, options);
  const bridge = createMcpBridge({ open: async () => channel, logger: silent, newSessionId: randomUUID });
  return { mounted: await mount(bridge), channel, program };
}

async function end({ mounted, channel, program }: Deployed): Promise<void> {
  await mounted.end();
  await channel.close();
  await program.end();
}

const operation = (
  duration: number,
  steps: number,
): { name: string; arguments: Record<string, unknown> } => ({
  name: 'trigger-long-running-operation',
  arguments: { duration, steps },
});

const identity = { name: 'test', version: '1.0.0' };

for (const era of ['legacy', 'modern'] as const) {
  describe(`the SDK's client in the ${era} era, before server-everything`, () => {
    let deployed: Deployed;
    let client: Client;
    beforeAll(async () => {
      deployed = await deploy(everythingOverStdio());
      const mode = era === 'modern' ? ({ mode: 'auto' } as const) : {};
      client = new Client(identity, { versionNegotiation: mode });
      await client.connect(new StreamableHTTPClientTransport(new URL(deployed.mounted.url)));
    });
    afterAll(async () => {
      await client.close();
      await end(deployed);
    });

    it('finds its era, and the server', () => {
      expect(client.getProtocolEra()).toBe(era);
      expect(client.getServerVersion()).toMatchObject({ name: 'mcp-servers/everything' });
      expect(client.getInstructions()).toContain('Everything');
      expect(Object.keys(client.getServerCapabilities() ?? {}).toSorted()).toEqual([
        'completions',
        'prompts',
        'resources',
        'tools',
      ]);
    });

    it('uses tools, resources, prompts and completions', async () => {
      const { tools } = await client.listTools();
      expect(tools.map(({ name }) => name)).toContain('echo');
      const call = { name: 'echo', arguments: { message: 'Grüße 🎉' } };
      expect(await client.callTool(call)).toMatchObject({
        content: [{ type: 'text', text: 'Echo: Grüße 🎉' }],
      });
      const { resources } = await client.listResources();
      expect(resources.length).toBeGreaterThan(0);
      const uri = resources[0]?.uri ?? '';
      expect((await client.readResource({ uri })).contents[0]).toMatchObject({ uri });
      expect((await client.listResourceTemplates()).resourceTemplates.length).toBeGreaterThan(0);
      expect((await client.listPrompts()).prompts.map(({ name }) => name)).toContain('simple-prompt');
      expect((await client.getPrompt({ name: 'simple-prompt' })).messages).toHaveLength(1);
      const ref = { type: 'ref/prompt', name: 'completable-prompt' } as const;
      const { completion } = await client.complete({ ref, argument: { name: 'department', value: 'E' } });
      expect(completion.values).toContain('Engineering');
    });

    it('hears of progress', async () => {
      const heard: number[] = [];
      await client.callTool(operation(0.3, 3), { onprogress: ({ progress }) => heard.push(progress) });
      expect(heard.slice(0, 2)).toEqual([1, 2]);
    });

    it('cancels', async () => {
      const caller = new AbortController();
      const call = client.callTool(operation(60, 60), { signal: caller.signal, onprogress: () => {} });
      call.catch(() => {});
      await vi.waitFor(() => expect(deployed.channel.pending).toBe(1), { timeout: 10_000 });
      caller.abort(new Error('enough'));
      await expect(call).rejects.toThrow();
      await vi.waitFor(() => expect(deployed.channel.pending).toBe(0), { timeout: 10_000 });
    });

    it('gets errors with their codes', async () => {
      await expect(client.readResource({ uri: 'no://such/thing' })).rejects.toMatchObject({ code: -32602 });
    });
  });

  describe(`the SDK's client in the ${era} era, before a modern server`, () => {
    let deployed: Deployed;
    beforeAll(async () => {
      deployed = await deploy(sdkServerOverStdio('modern'));
    });
    afterAll(() => end(deployed));

    it('calls its tools, and hears that they have changed', async () => {
      let changes = 0;
      const client = new Client(identity, {
        versionNegotiation: era === 'modern' ? { mode: 'auto' } : {},
        listChanged: { tools: { autoRefresh: false, debounceMs: 0, onChanged: () => changes++ } },
      });
      await client.connect(new StreamableHTTPClientTransport(new URL(deployed.mounted.url)));
      expect(client.getProtocolEra()).toBe(era);
      const call = { name: 'where', arguments: { region: 'Zürich' } };
      expect(await client.callTool(call)).toMatchObject({ content: [{ text: 'Zürich' }] });
      // A client listens from some moment after its handshake on.
      await vi.waitFor(
        async () => {
          await client.callTool({ name: 'change-tools' });
          expect(changes).toBeGreaterThan(0);
        },
        { timeout: 10_000 },
      );
      await client.close();
    });
  });
}

for (const era of ['legacy', 'modern'] as const) {
  describeChannel(`through the bridge, to a ${era} server`, async () => {
    const server = new ScriptedMcpServer(era);
    const connector = createMcpConnector({ client: identity, logger: silent });
    const options = { signal: new AbortController().signal, timeoutMs: 30_000 };
    const channel = await connector.connect(server.endpoint, options);
    const bridge = createMcpBridge({ open: async () => channel, logger: silent, newSessionId: randomUUID });
    const mounted = await mount(bridge);
    return {
      channel: await connector.connect({ transport: 'streamable-http', url: mounted.url }, options),
      era: 'modern',
      changeTools: () => server.changeTools(),
      end: async () => {
        await mounted.end();
        await channel.close();
        server.end();
      },
    };
  });
}

describe("the old SDK's client", () => {
  let deployed: Deployed;
  let client: OldClient;
  beforeAll(async () => {
    deployed = await deploy(everythingOverStdio());
    client = new OldClient(identity);
    await client.connect(new OldTransport(new URL(deployed.mounted.url)));
  });
  afterAll(async () => {
    await client.close();
    await end(deployed);
  });

  it('uses tools, with progress', async () => {
    const heard: number[] = [];
    expect((await client.listTools()).tools.map(({ name }) => name)).toContain('echo');
    const options = { onprogress: ({ progress }: { progress: number }) => heard.push(progress) };
    await client.callTool(operation(0.3, 3), CallToolResultSchema, options);
    expect(heard.slice(0, 2)).toEqual([1, 2]);
  });

  it('cancels by a notification', async () => {
    const caller = new AbortController();
    const call = client.callTool(operation(60, 60), CallToolResultSchema, { signal: caller.signal });
    call.catch(() => {});
    await vi.waitFor(() => expect(deployed.channel.pending).toBe(1), { timeout: 10_000 });
    caller.abort('enough');
    await expect(call).rejects.toThrow();
    await vi.waitFor(() => expect(deployed.channel.pending).toBe(0), { timeout: 10_000 });
  });

  it('ends its session, which nobody kept', async () => {
    const other = new OldClient(identity);
    const transport = new OldTransport(new URL(deployed.mounted.url));
    await other.connect(transport);
    other.setNotificationHandler(ToolListChangedNotificationSchema, () => {});
    await transport.terminateSession();
    expect(await other.ping()).toEqual({});
    await other.close();
  });
});
