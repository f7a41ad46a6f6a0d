// Registries that take their time, and the operator's own registry with a real MCP server.
import { createInterface } from 'node:readline';
import type { Workload } from '@insightloop/core';
import { describe, expect, it } from 'vitest';
import { openNpxSite, planFor, runtimesOf } from './testing/npx-site.ts';

const { signal } = new AbortController();

describe.concurrent('the npm registry', () => {
  it('may hold a tarball for 90 seconds', { timeout: 180_000 }, async () => {
    const site = await openNpxSite();
    try {
      site.registry.breakWith('@test/program.tgz', { kind: 'delay', delayMs: 90_000 });
      const messages: string[] = [];
      const onProgress = ({ message }: { message: string }): void => void messages.push(message);
      const prepared = await site.runtimes.npx.prepare(planFor(), { signal, onProgress });
      expect(prepared.resolvedVersion).toBe('1.0.0');
      expect(site.registry.downloads('@test/program')).toBe(1);
      // Somebody who waits sees that it goes on.
      expect(messages.length).toBeGreaterThan(5);
    } finally {
      await site.close();
    }
  });

  it('of the operator has servers that speak MCP', { timeout: 120_000 }, async () => {
    const site = await openNpxSite();
    const { PATH, HOME, NODE_EXTRA_CA_CERTS } = site.environment;
    const runtimes = runtimesOf({ ...site, environment: { PATH, HOME, NODE_EXTRA_CA_CERTS } }, {});
    const plan = planFor({ identifier: '@modelcontextprotocol/server-everything', version: '2026.8.31' });
    try {
      const prepared = await runtimes.npx.prepare(plan, { signal, onProgress: () => {} });
      expect(prepared.digest).toMatch(/^sha512-/);
      const workload = await runtimes.npx.start(prepared, signal);
      try {
        const [initialized, listed] = await conversation(workload);
        expect(initialized).toMatchObject({
          result: { serverInfo: { name: expect.stringContaining('everything') } },
        });
        expect(listed).toMatchObject({
          result: { tools: expect.arrayContaining([expect.objectContaining({ name: 'echo' })]) },
        });
        expect((await workload.stats())?.memoryBytes).toBeGreaterThan(10_000_000);
      } finally {
        await workload.stop(2_000);
      }
      expect(await site.sandbox.owned()).toEqual([]);
    } finally {
      await site.close();
    }
  });
});

/** The handshake and a list of tools, as a client would ask for them. */
const conversation = async ({ endpoint }: Workload): Promise<unknown[]> => {
  if (endpoint.transport !== 'stdio') throw new Error('It does not speak over stdio.');
  const params = {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'test', version: '1' },
  };
  const messages = [
    { id: 1, method: 'initialize', params },
    { method: 'notifications/initialized' },
    { id: 2, method: 'tools/list' },
  ];
  for (const message of messages) endpoint.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  const answers: unknown[] = [];
  for await (const line of createInterface({ input: endpoint.stdout })) {
    const message: unknown = JSON.parse(line);
    if (typeof message === 'object' && message !== null && 'id' in message) answers.push(message);
    if (answers.length === 2) break;
  }
  return answers;
};
