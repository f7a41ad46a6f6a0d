// The adapter against a stand-in for the registry: the contract, its pages, and answers that are none.
import { HttpUnreachable, McpRegistryError, type HttpReader } from '@insightloop/core';
import { describeMcpRegistry } from '@insightloop/core/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { McpRegistry } from '../../../../tests/support/mcp-registry.ts';
import { createHttpReader } from '../http/index.ts';
import { createMcpRegistry } from './mcp-registry.ts';

const { signal } = new AbortController();
const http = createHttpReader({ timeoutMs: 2_000 });

describeMcpRegistry('createMcpRegistry', async () => {
  const standIn = await McpRegistry.start();
  return {
    registry: createMcpRegistry({ http, url: `${standIn.url}/` }),
    publish: (server, updatedAt) => standIn.publish(server, updatedAt),
    withdraw: (name) => standIn.setStatus(name, 'deprecated'),
    failWith: (failure) => standIn.breakWith({ kind: 'status', status: failure === 'limited' ? 429 : 500 }),
    end: () => standIn.close(),
  };
});

describe('the MCP registry', () => {
  let standIn: McpRegistry;
  beforeEach(async () => {
    standIn = await McpRegistry.start();
  });
  afterEach(() => standIn.close());
  const search = (text: string | null, limit = 1000) =>
    createMcpRegistry({ http, url: standIn.url }).search(text, { limit, signal });

  it('is asked for newest versions only, in pages as large as it gives, and for no page too many', async () => {
    for (let index = 100; index < 350; index += 1)
      standIn.publish({ name: `com.example/server-${index}`, version: '1' });
    await search('server', 150);
    expect(standIn.requests.map((query) => Object.fromEntries(query))).toEqual([
      { version: 'latest', limit: '100', search: 'server' },
      { version: 'latest', limit: '100', search: 'server', cursor: 'com.example/server-199:1' },
    ]);
  });

  it.each([
    [{ kind: 'cut' } as const],
    [{ kind: 'garbage' } as const],
    [{ kind: 'status', status: 404 } as const],
  ])('that answers %o cannot be asked', async (fault) => {
    standIn.breakWith(fault);
    const thrown: unknown = await search('a').catch((error: unknown) => error);
    expect(thrown).toBeInstanceOf(McpRegistryError);
    expect(thrown).toMatchObject({ failure: 'unreachable' });
  });

  it('says when to come back', async () => {
    standIn.breakWith({ kind: 'status', status: 429, retryAfterSeconds: 17 });
    await expect(search('a')).rejects.toMatchObject({ failure: 'limited', retryAfterSeconds: 17 });
    standIn.breakWith({ kind: 'status', status: 503, retryAfterSeconds: 5 });
    await expect(search('a')).rejects.toMatchObject({ failure: 'unreachable', retryAfterSeconds: 5 });
  });
});

describe('answers of a registry', () => {
  const registryOf = (...bodies: unknown[]) => {
    const http: HttpReader = {
      read: async () => {
        const body = bodies.shift();
        if (body === undefined) throw new HttpUnreachable('it was asked too often');
        return { status: 200, headers: new Headers(), text: JSON.stringify(body), truncated: false };
      },
    };
    return createMcpRegistry({ http, url: 'http://registry.example' });
  };
  const server = { name: 'com.example/a', version: '1' };
  const all = { limit: 1000, signal };

  it('may leave out what is not needed', async () => {
    for (const body of [
      { servers: [{ server }] },
      { servers: [{ server, _meta: null }], metadata: { count: 1, nextCursor: '' } },
      { servers: [{ server, _meta: { 'some.other/registry': {} } }], metadata: { nextCursor: null } },
    ])
      expect((await registryOf(body).search(null, all)).entries).toMatchObject([
        { ...server, updated_at: null },
      ]);
    expect(await registryOf({ servers: null }).search(null, all)).toEqual({ entries: [], more: false });
  });

  it('lose an entry that is none, and no other', async () => {
    const others = [
      null,
      5,
      {},
      { server: { name: 'no namespace', version: '1' } },
      { server: { name: 'a/b' } },
    ];
    const { entries } = await registryOf({ servers: [...others, { server }] }).search(null, all);
    expect(entries.map(({ name }) => name)).toEqual(['com.example/a']);
  });

  it('hold nothing that a database would not take', async () => {
    const odd = { ...server, description: 'a\0b', packages: [{ identifier: '\ud800' }] };
    const { entries } = await registryOf({ servers: [{ server: odd }] }).search(null, all);
    expect(entries).toMatchObject([
      { description: 'a\u{fffd}b', server_json: { packages: [{ identifier: '\u{fffd}' }] } },
    ]);
  });

  it('that lead in a circle come to an end', async () => {
    const page = { servers: [{ server }], metadata: { nextCursor: 'x' } };
    expect((await registryOf(page, page, page).search(null, all)).entries).toHaveLength(2);
  });

  it('that are no list are not understood', async () => {
    for (const body of [[], { servers: {} }, 'x', { data: [] }])
      await expect(registryOf(body).search(null, all)).rejects.toThrow(McpRegistryError);
  });
});
