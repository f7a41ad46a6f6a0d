// Discovery inside GitHub's limits: how many requests it costs, cold, warm and again; renames; hostile repositories.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  npmRepository,
  startDiscoveryOutside,
  type Discovered,
  type DiscoveryOutside,
} from './support/discovery-outside.ts';
import { restOf, type Rest } from './support/rest.ts';
import { startServer, type RunningServer } from './support/running-server.ts';

const discoverAt = async (rest: Rest, request: object): Promise<Discovered> => {
  const answer = await rest.post('/api/discover', request);
  if (answer.status !== 200) throw new Error(`${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body as Discovered;
};

const idsOf = ({ servers }: Discovered): string[] => servers.map(({ id }) => id);

/** Everything is fresh for one second only, so that a test need not wait for long. */
const shortCache = { DISCOVERY_CACHE_SECONDS: '1' };
const cacheOver = (): Promise<void> => sleep(1_100);

describe('twenty results', () => {
  let outside: DiscoveryOutside;
  let folder: string;
  beforeAll(async () => {
    outside = await startDiscoveryOutside();
    folder = await mkdtemp(join(tmpdir(), 'discovery-limits-'));
    for (let n = 1; n <= 45; n += 1)
      outside.github.add(npmRepository(`owner${n}/tool-${n}`, `tool-${n}`, { stars: 1000 - n }));
  });
  afterAll(async () => {
    await outside[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  const costOf = async (rest: Rest, request: object): Promise<{ api: number; raw: number }> => {
    const before = { api: outside.github.count(), raw: outside.github.count('raw') };
    const found = await discoverAt(rest, request);
    expect(found.servers).toHaveLength(20);
    expect(found.warnings).toEqual([]);
    return { api: outside.github.count() - before.api, raw: outside.github.count('raw') - before.raw };
  };

  it('cost one request when cold without a token, none within the cache time, also after a restart', async () => {
    const request = { limit: 20, sources: ['github'] };
    const first = await startServer({ dataDir: folder, env: outside.env });
    const cold = await costOf(restOf(first.baseUrl), request);
    expect(cold.api).toBe(1);
    expect(cold.raw).toBeGreaterThan(20);
    expect(await costOf(restOf(first.baseUrl), request)).toEqual({ api: 0, raw: 0 });
    await first.stop();
    const second = await startServer({ dataDir: folder, env: outside.env });
    expect(await costOf(restOf(second.baseUrl), request)).toEqual({ api: 0, raw: 0 });
    await second.stop();
  });

  it('cost one request when warm, and read no file again until somebody has pushed', async () => {
    await using server = await startServer({ env: { ...outside.env, ...shortCache } });
    const rest = restOf(server.baseUrl);
    const request = { limit: 20, sources: ['github'] };
    await costOf(rest, request);
    await cacheOver();
    expect(await costOf(rest, request)).toEqual({ api: 1, raw: 0 });
    outside.github.repositories.push('owner1/tool-1', { 'README.md': '# changed' }, new Date());
    await cacheOver();
    const pushed = await costOf(rest, request);
    expect(pushed.api).toBe(1);
    expect(pushed.raw).toBeGreaterThan(0);
    expect(pushed.raw).toBeLessThan(30);
  });

  it('have pages that hold everything once', async () => {
    await using server = await startServer({ env: outside.env });
    const rest = restOf(server.baseUrl);
    const seen: string[] = [];
    for (const page of [1, 2, 3]) {
      const found = await discoverAt(rest, { limit: 20, page, sources: ['github'] });
      expect(found).toMatchObject({ total: 45, page, has_more: page < 3 });
      seen.push(...idsOf(found));
    }
    expect(new Set(seen).size).toBe(45);
  });
});

describe('a repository', () => {
  let outside: DiscoveryOutside;
  let server: RunningServer;
  let rest: Rest;
  beforeAll(async () => {
    outside = await startDiscoveryOutside();
    outside.github.token = 'a-token';
    server = await startServer({ env: { ...outside.env, ...shortCache, GITHUB_TOKEN: 'a-token' } });
    rest = restOf(server.baseUrl);
  });
  afterAll(async () => {
    await server.stop();
    await outside[Symbol.asyncDispose]();
  });

  const found = async (request: object = {}): Promise<Discovered> =>
    discoverAt(rest, { sources: ['github'], ...request });

  it('keeps its id when it is renamed, and its name does not give it to another', async () => {
    outside.github.add(npmRepository('first/renamed-tool', 'renamed-tool', { host_id: 101 }));
    expect(idsOf(await found({ query: 'renamed' }))).toEqual(['first-renamed-tool']);
    outside.github.repositories.rename('first/renamed-tool', 'first/renamed-and-moved');
    await cacheOver();
    const [moved] = (await found({ query: 'renamed' })).servers;
    expect(moved).toMatchObject({
      id: 'first-renamed-tool',
      github_url: 'https://github.com/first/renamed-and-moved',
    });
    outside.github.add(npmRepository('first/renamed-tool', 'renamed-tool', { host_id: 102, stars: 1 }));
    await cacheOver();
    const ids = idsOf(await found({ query: 'renamed' }));
    expect(ids).toHaveLength(2);
    expect(ids).toContain('first-renamed-tool');
    expect(ids.find((id) => id !== 'first-renamed-tool')).toMatch(/^first-renamed-tool-[0-9a-f]{6}$/);
  });

  it('does not get an id of the catalog', async () => {
    outside.github.add(npmRepository('memory/memory', 'some-memory'));
    expect(idsOf(await found({ query: 'memory/memory' }))).toEqual([
      expect.stringMatching(/^memory-[0-9a-f]{6}$/),
    ]);
  });

  it.each([
    ['script tags', '# it\n\n<script>fetch("https://evil.example")</script>\n'],
    ['a line of five megabytes', `# it\n\n${'npx -y x '.repeat(600_000)}\n`],
    ['deep nesting', `# it\n\n\`\`\`json\n${'{"mcpServers":'.repeat(200_000)}\n\`\`\`\n`],
    [
      'keys of prototypes',
      '# it\n\n```json\n{"mcpServers": {"__proto__": {"command": "npx", "args": ["-y", "constructor"], "env": {"__proto__": "x", "toString": "y"}}}}\n```\n',
    ],
    ['control characters', '# it \u0000\u0001\u001b[31m \ud800 \u202e\n'],
  ])('with %s in its README is text like any other', async (name, readme) => {
    const fullName = `hostile/it-${name.replaceAll(' ', '-')}`;
    outside.github.add({
      full_name: fullName,
      description: 'NUL \u0000 and half \ud800',
      topics: ['mcp-server'],
      files: {
        'README.md': readme,
        'package.json': '{"name": "__proto__", "mcpName": {"toString": 1}}',
        'server.json': '[[[[',
      },
    });
    const { servers, warnings } = await found({ query: fullName });
    expect(warnings).toEqual([]);
    expect(servers).toHaveLength(1);
    const answer = await rest.get(`/api/discover/${servers[0]?.id}`);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
    const { server: shown } = answer.body as { server: { readme: string } };
    expect(shown.readme).toMatch(/^# it/);
    expect(shown.readme).not.toContain('\0');
    expect(({} as Record<string, unknown>)['command']).toBeUndefined();
  });

  it('that nobody can read now is listed all the same, and read later', async () => {
    outside.github.add(npmRepository('late/late-reader', 'late-reader'));
    outside.github.breakWith('raw', { kind: 'status', status: 500 });
    const first = await found({ query: 'late-reader' });
    expect(idsOf(first)).toEqual(['late-reader']);
    expect(first.warnings.join()).toContain('could not be read');
    outside.github.breakWith('raw', null);
    await cacheOver();
    expect((await found({ query: 'late-reader' })).servers).toMatchObject([{ methods: ['npx'] }]);
  });

  it('that is gone is still known by what was read of it', async () => {
    outside.github.add(npmRepository('gone/gone-tool', 'gone-tool'));
    await found({ query: 'gone-tool' });
    outside.github.repositories.remove('gone/gone-tool');
    await cacheOver();
    expect(await rest.get('/api/discover/gone-tool')).toMatchObject({
      status: 200,
      body: {
        server: {
          id: 'gone-tool',
          readme: expect.stringContaining('gone-tool'),
          archived_note: expect.stringContaining('gone'),
          configuration: { launch: [{ verified: false }] },
        },
      },
    });
  });
});
