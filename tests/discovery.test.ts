// Discovery through the real service: sources joined, servers verified, deployed and proved, against stand-ins.
import { createInsightLoopClient } from '@insightloop/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  npmRepository,
  startDiscoveryOutside,
  type Discovered,
  type DiscoveryOutside,
} from './support/discovery-outside.ts';
import { readFile } from 'node:fs/promises';
import { restOf, type ErrorBody, type Rest } from './support/rest.ts';
import { startServer, type RunningServer } from './support/running-server.ts';
import { noTraces, tracesOf } from './support/traces.ts';

const protocol = await readFile(new URL('support/plain-mcp-server.mjs', import.meta.url), 'utf8');
const program =
  "#!/usr/bin/env node\nimport { serve } from './protocol.mjs';\nserve({ echo: ({ message }) => message });\n";

let outside: DiscoveryOutside;
let server: RunningServer;
let rest: Rest;

/** A package that is a server, as its publisher describes it. */
const publish = (name: string, manifest: object = {}, more: { attestedBy?: string } = {}): void => {
  outside.npm.publish({
    manifest: { name, version: '1.0.0', type: 'module', bin: 'server.mjs', ...manifest },
    files: { 'server.mjs': program, 'protocol.mjs': protocol },
    ...more,
  });
};

const discover = async (request: object = {}): Promise<Discovered> => {
  const answer = await rest.post('/api/discover', request);
  if (answer.status !== 200) throw new Error(`${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body as Discovered;
};

const details = async (id: string): Promise<Record<string, unknown>> => {
  const answer = await rest.get(`/api/discover/${id}`);
  if (answer.status !== 200) throw new Error(`${answer.status} ${JSON.stringify(answer.body)}`);
  return (answer.body as { server: Record<string, unknown> }).server;
};

const errorOf = (body: unknown): ErrorBody['error'] => (body as ErrorBody).error;

beforeAll(async () => {
  outside = await startDiscoveryOutside();
  const { github, mcpRegistry } = outside;
  github.add(npmRepository('acme/acme-weather', '@acme/weather', { stars: 500 }));
  publish('@acme/weather', { repository: 'github:acme/acme-weather' });
  github.add(
    npmRepository('bob/attested-tool', 'attested-tool', {
      stars: 400,
      files: { 'README.md': '# attested-tool\n\nMCP server.\n\n```sh\nnpx -y attested-tool\n```\n' },
    }),
  );
  publish('attested-tool', {}, { attestedBy: 'https://github.com/bob/attested-tool' });
  // A README names a package that somebody else has taken since, and describes as if it came from here.
  github.add({
    full_name: 'carol/notes-mcp',
    description: 'Notes over MCP',
    topics: ['mcp-server'],
    stars: 300,
    language: 'Python',
    files: {
      'README.md':
        '# notes-mcp\n\nAn MCP server for notes.\n\n```json\n{"mcpServers": {"notes": {"command": "npx", "args": ["-y", "notes-mcp"]}}}\n```\n',
      'package.json': JSON.stringify({ name: 'carols-notes', private: true }),
    },
  });
  publish('notes-mcp', {
    repository: { type: 'git', url: 'git+https://github.com/carol/notes-mcp.git' },
    mcpName: 'io.github.carol/notes',
  });
  github.add({
    full_name: 'dave/awesome-mcp-list',
    description: 'A curated list of awesome MCP servers',
    topics: ['mcp', 'awesome', 'awesome-list', 'mcp-server'],
    stars: 9000,
    files: {
      'README.md': `# Awesome MCP Servers\n\nA curated list of MCP servers.\n\n${Array.from({ length: 60 }, (_, n) => `- [owner${n}/server${n}](https://github.com/owner${n}/server${n}) - a server`).join('\n')}\n`,
    },
  });
  github.add({
    full_name: 'erin/mono',
    description: 'MCP servers of Erin',
    topics: ['mcp-server'],
    stars: 200,
    files: {
      'README.md': '# mono\n\nMCP servers: [alpha](src/alpha), [beta](src/beta).\n',
      'package.json': JSON.stringify({ name: 'mono', private: true, workspaces: ['src/*'] }),
      ...Object.fromEntries(
        ['alpha', 'beta'].flatMap((part) => [
          [
            `src/${part}/README.md`,
            `# ${part}\n\nAn MCP server.\n\n\`\`\`json\n{"mcpServers": {"${part}": {"command": "npx", "args": ["-y", "@erin/${part}"]}}}\n\`\`\`\n`,
          ],
          [
            `src/${part}/package.json`,
            JSON.stringify({
              name: `@erin/${part}`,
              version: '1.0.0',
              bin: 'server.mjs',
              dependencies: { '@modelcontextprotocol/sdk': '1' },
            }),
          ],
        ]),
      ),
    },
  });
  publish('@erin/alpha', { repository: { url: 'https://github.com/erin/mono', directory: 'src/alpha' } });
  publish('@erin/beta', { repository: { url: 'https://github.com/erin/mono', directory: 'src/beta' } });
  github.add(
    npmRepository('frank/keyed', 'frank-keyed', {
      stars: 100,
      files: {
        'README.md':
          '# keyed\n\nMCP server.\n\n```json\n{"mcpServers": {"keyed": {"command": "npx", "args": ["-y", "frank-keyed"], "env": {"KEYED_API_KEY": "<your key>"}}}}\n```\n\n| Variable | Required | Description |\n|---|---|---|\n| `KEYED_API_KEY` | yes | The key of the service |\n',
        'package.json': JSON.stringify({
          name: 'frank-keyed',
          version: '1.0.0',
          bin: 'server.mjs',
          dependencies: { '@modelcontextprotocol/sdk': '1' },
        }),
      },
    }),
  );
  publish('frank-keyed', { repository: 'https://github.com/frank/keyed' });
  github.add(npmRepository('gina/broken-server', 'broken-server', { stars: 90 }));
  outside.npm.publish({
    manifest: {
      name: 'broken-server',
      version: '1.0.0',
      type: 'module',
      bin: 'server.mjs',
      repository: 'github:gina/broken-server',
    },
    files: { 'server.mjs': '#!/usr/bin/env node\nconsole.error("no such luck");\nprocess.exit(3);\n' },
  });
  github.add(npmRepository('old/archived-one', 'archived-one', { archived: true, stars: 5000 }));
  github.add(npmRepository('fay/forked-one', 'forked-one', { fork: true, stars: 4000 }));
  mcpRegistry.publish({
    name: 'io.github.acme/weather',
    version: '1.0.0',
    description: 'Weather',
    repository: { url: 'https://github.com/acme/acme-weather', source: 'github' },
    packages: [
      { registryType: 'npm', identifier: '@acme/weather', version: '1.0.0', transport: { type: 'stdio' } },
    ],
  });
  mcpRegistry.publish({
    name: 'io.github.zoe/only-registry',
    version: '2.0.0',
    title: 'Only in the registry',
    description: 'Found nowhere else',
    repository: { url: 'https://github.com/zoe/only-registry', source: 'github' },
    packages: [
      { registryType: 'pypi', identifier: 'only-registry', version: '2.0.0', transport: { type: 'stdio' } },
    ],
  });
  // Somebody writes another's repository into an entry of their own.
  mcpRegistry.publish({
    name: 'com.evil/weather',
    version: '6.6.6',
    description: 'Weather, honestly',
    repository: { url: 'https://github.com/acme/acme-weather', source: 'github' },
    packages: [
      { registryType: 'npm', identifier: 'evil-weather', version: '6.6.6', transport: { type: 'stdio' } },
    ],
  });
  publish('evil-weather', {
    version: '6.6.6',
    repository: 'github:acme/acme-weather',
    mcpName: 'com.evil/weather',
  });
  outside.github.token = 'token-of-the-operator';
  server = await startServer({ env: { ...outside.env, GITHUB_TOKEN: 'token-of-the-operator' } });
  rest = restOf(server.baseUrl);
});
afterAll(async () => {
  // Installations stay for the next deployment; processes, sandboxes and sockets do not.
  expect(await tracesOf(server.dataDir)).toEqual(noTraces);
  await server.stop();
  await outside[Symbol.asyncDispose]();
});

const ids = ({ servers }: Discovered): string[] => servers.map(({ id }) => id);

describe('a search', () => {
  it('joins the sources, lists nothing twice, and ranks what only looks like a server below', async () => {
    const found = await discover({ query: 'mcp', sources: ['github', 'registry'] });
    expect(ids(found)).toEqual(
      [
        'acme-weather',
        'bob-attested-tool',
        'carol-notes-mcp',
        'erin-mono',
        'erin-mono-src-alpha',
        'erin-mono-src-beta',
        'frank-keyed',
        'gina-broken-server',
        'dave-awesome-mcp-list',
      ].filter((id) => ids(found).includes(id)),
    );
    expect(new Set(ids(found)).size).toBe(found.servers.length);
    expect(found.servers.at(-1)).toMatchObject({ id: 'dave-awesome-mcp-list', kind: 'list', methods: [] });
    expect(found).toMatchObject({ page: 1, has_more: false, incomplete: false, warnings: [] });
  });

  it('without a query shows the topic by stars, and the catalog before it', async () => {
    const found = await discover();
    expect(ids(found).slice(0, 4)).toEqual(['everything', 'filesystem', 'memory', 'sequential-thinking']);
    expect(found.extra).toBe(4);
    const stars = found.servers
      .filter(({ source, kind, stars }) => source === 'github' && kind === 'server' && stars !== null)
      .map(({ stars }) => Number(stars));
    expect(stars).toEqual(stars.toSorted((one, other) => other - one));
    expect(ids(found)).not.toContain('old-archived-one');
    expect(ids(found)).not.toContain('fay-forked-one');
  });

  it('shows archived repositories and forks only when asked', async () => {
    const asked = await discover({ include_archived: true, include_forks: true, sources: ['github'] });
    expect(ids(asked)).toEqual(expect.arrayContaining(['old-archived-one', 'fay-forked-one']));
    expect(asked.servers.find(({ id }) => id === 'old-archived-one')).toMatchObject({ archived: true });
  });

  it('filters', async () => {
    expect(ids(await discover({ filters: { language: 'python' } }))).toEqual(['carol-notes-mcp']);
    expect(ids(await discover({ filters: { min_stars: 450 }, sources: ['github'] }))).toEqual([
      'acme-weather',
      'dave-awesome-mcp-list',
    ]);
    expect(ids(await discover({ filters: { updated_after: '2030-01-01' } }))).toEqual([]);
  });

  it('finds in the registry what GitHub does not, and counts it as extra', async () => {
    const found = await discover({ query: 'only registry' });
    expect(found).toMatchObject({ total: 0, extra: 1, has_more: false });
    expect(found.servers).toMatchObject([
      { id: 'zoe-only-registry', source: 'registry', registry_name: 'io.github.zoe/only-registry' },
    ]);
    expect(await details('zoe-only-registry')).toMatchObject({
      configuration: { launch: [{ method: 'uvx', identifier: 'only-registry' }] },
    });
  });

  it('joins what the registry knew with the repository that GitHub shows later', async () => {
    await discover({ query: 'only registry' });
    outside.github.add({
      full_name: 'zoe/only-registry',
      topics: ['mcp-server'],
      stars: 12,
      files: {
        'README.md': '# only-registry\n\nAn MCP server.\n',
        'pyproject.toml': '[project]\nname = "only-registry"\n',
      },
    });
    expect(ids(await discover({ query: 'zoe/only-registry' }))).toEqual(['zoe-only-registry']);
    expect(await details('zoe-only-registry')).toMatchObject({
      stars: 12,
      source: 'github',
      readme: expect.stringContaining('# only-registry'),
    });
  });

  it('pages through everything once, never beyond the limit', async () => {
    const seen: string[] = [];
    for (let page = 1, more = true; more; page += 1) {
      const found = await discover({ limit: 3, page });
      expect(found.servers.length).toBeLessThanOrEqual(3);
      expect(found.page).toBe(page);
      seen.push(...ids(found));
      more = found.has_more;
      expect(page).toBeLessThan(20);
    }
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen).toEqual(expect.arrayContaining(['acme-weather', 'gina-broken-server', 'everything']));
  });

  it('says when GitHub gave up before it had looked everywhere', async () => {
    outside.github.incomplete = true;
    const found = await discover({ query: 'attested' });
    outside.github.incomplete = false;
    expect(found.incomplete).toBe(true);
  });

  it('is honest about what cannot be reached', async () => {
    expect(await discover({ page: 1000, limit: 100 })).toMatchObject({ servers: [], has_more: false });
  });

  it.each([
    [{ limit: 0 }, 'limit'],
    [{ limit: 101 }, 'limit'],
    [{ limit: 'x' }, 'limit'],
    [{ limit: 1.5 }, 'limit'],
    [{ page: 0 }, 'page'],
    [{ query: 'x'.repeat(257) }, 'query'],
    [{ query: 'a OR b OR c OR d OR e OR f OR g' }, 'query'],
    [{ query: 'nul \0' }, 'query'],
    [{ query: 'half \ud800' }, 'query'],
    [{ query: 7 }, 'query'],
    [{ filters: { updated_after: 'yesterday' } }, 'filters.updated_after'],
    [{ filters: { updated_after: '2024-02-30' } }, 'filters.updated_after'],
    [{ filters: { min_stars: -1 } }, 'filters.min_stars'],
    [{ filters: { language: 'x" stars:>1' } }, 'filters.language'],
    [{ filters: { colour: 'red' } }, 'filters'],
    [{ sources: [] }, 'sources'],
    [{ sources: ['gitlab'] }, 'sources.0'],
    [{ unknown: true }, ''],
  ])('answers %j with 400', async (request, path) => {
    const answer = await rest.post('/api/discover', request);
    expect(answer.status).toBe(400);
    const { code, details: told } = errorOf(answer.body);
    expect(code).toBe('INVALID_REQUEST');
    expect((told['issues'] as { path: string[] }[]).map((issue) => issue.path.join('.'))).toContain(path);
  });

  it('answers what GitHub refuses with 400', async () => {
    const answer = await rest.post('/api/discover', { filters: { language: 'no-such-language' } });
    expect(answer).toMatchObject({ status: 400, body: { error: { code: 'INVALID_REQUEST' } } });
  });
});

describe('a source that is down', () => {
  it('is told in warnings as long as another has something', async () => {
    outside.mcpRegistry.breakWith({ kind: 'status', status: 500 });
    const found = await discover({ query: 'weather' });
    outside.mcpRegistry.breakWith(null);
    expect(ids(found)).toContain('acme-weather');
    expect(found.warnings.join()).toContain('registry');
  });

  it.each([{ kind: 'cut' }, { kind: 'garbage' }] as const)('may break in other ways: %j', async (fault) => {
    outside.github.breakWith('search', fault);
    const answer = await rest.post('/api/discover', { query: `whatever ${fault.kind}` });
    outside.github.breakWith('search', null);
    expect(answer).toMatchObject({ status: 503, body: { error: { code: 'DISCOVERY_FAILED' } } });
  });

  it('is DISCOVERY_FAILED where nothing was found, with the time to wait', async () => {
    outside.github.breakWith('search', { kind: 'primary-limit', resetInSeconds: 1 });
    const answer = await rest.post('/api/discover', { query: 'nobody has this' });
    const catalog = await discover({ query: 'filesystem' });
    outside.github.breakWith('search', null);
    expect(answer).toMatchObject({ status: 503, body: { error: { code: 'DISCOVERY_FAILED' } } });
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(errorOf(answer.body).details['retry_after']).toBe(Number(answer.headers.get('retry-after')));
    expect(ids(catalog)).toEqual(['filesystem']);
    expect(catalog).toMatchObject({ total: 1, extra: 1 });
    expect(catalog.warnings.join()).toContain('github');
  });
});

describe('details', () => {
  it('have every documented field, and how the server is launched', async () => {
    const shown = await details('frank-keyed');
    expect(shown).toMatchObject({
      id: 'frank-keyed',
      readme: expect.stringContaining('# keyed'),
      configuration: {
        required_env: ['KEYED_API_KEY'],
        secret_env: ['KEYED_API_KEY'],
        default_port: null,
        protocols: ['stdio'],
        launch: [
          {
            method: 'npx',
            identifier: 'frank-keyed',
            version: '1.0.0',
            verified: true,
            verified_by: 'repository',
            integrity: expect.stringMatching(/^sha512-/),
            command: 'npx',
          },
        ],
      },
      tools: [],
      last_verdict: null,
    });
  });

  it('take an attestation alone', async () => {
    expect(await details('bob-attested-tool')).toMatchObject({
      configuration: { launch: [{ identifier: 'attested-tool', verified: true, verified_by: 'provenance' }] },
    });
  });

  it('give each server of a monorepo its own', async () => {
    expect(await details('erin-mono')).toMatchObject({
      sub_servers: [
        { id: 'erin-mono-src-alpha', path: 'src/alpha' },
        { id: 'erin-mono-src-beta', path: 'src/beta' },
      ],
    });
    expect(await details('erin-mono-src-beta')).toMatchObject({
      github_url: 'https://github.com/erin/mono/tree/main/src/beta',
      readme: expect.stringContaining('# beta'),
      configuration: { launch: [{ identifier: '@erin/beta', verified: true }] },
    });
  });

  it('are there for the catalog as well', async () => {
    expect(await details('filesystem')).toMatchObject({
      source: 'catalog',
      readme: null,
      configuration: { launch: [{ method: 'npx', verified: true, verified_by: 'operator' }] },
    });
  });

  it('are 404 for what nobody found', async () => {
    expect(await rest.get('/api/discover/nobody-nothing')).toMatchObject({
      status: 404,
      body: { error: { code: 'SERVER_NOT_FOUND' } },
    });
    expect(await rest.get('/api/discover/%00')).toMatchObject({ status: 400 });
  });
});

describe('deploying what was discovered', () => {
  it('works from the search to the stop, pinned, and remembers the tools', async () => {
    await discover({ query: 'weather' });
    const deployed = await rest.deploy('acme-weather');
    expect(deployed).toMatchObject({
      status: 'running',
      method: 'npx',
      identifier: '@acme/weather',
      version: '1.0.0',
    });
    expect(await rest.textOf('acme-weather', 'echo', { message: 'found' })).toContain('found');
    expect(await rest.stop('acme-weather')).toMatchObject({ status: 200 });
    expect(await details('acme-weather')).toMatchObject({
      tools: [{ name: 'echo', source: 'observed', input_schema: { type: 'object' } }],
      observed_at: expect.any(String),
    });
  });

  it('works for a server of a monorepo that nobody looked at', async () => {
    expect(await rest.deploy('erin-mono-src-alpha')).toMatchObject({ identifier: '@erin/alpha' });
    await rest.stop('erin-mono-src-alpha');
  });

  it('refuses a squatted package, however well its metadata fits', async () => {
    const answer = await rest.post('/api/deploy/carol-notes-mcp');
    expect(answer).toMatchObject({ status: 422, body: { error: { code: 'SERVER_NOT_VERIFIED' } } });
    expect(await rest.post('/api/discover/carol-notes-mcp/verify')).toMatchObject({
      status: 422,
      body: { error: { code: 'SERVER_NOT_VERIFIED' } },
    });
    const trusted = await rest.post('/api/deploy/carol-notes-mcp', { allow_unverified: true });
    expect(trusted.status).toBe(201);
    await rest.stop('carol-notes-mcp');
  });

  it('refuses another version than the one that was verified', async () => {
    const answer = await rest.post('/api/deploy/acme-weather', { configuration: { version: '0.9.0' } });
    expect(answer).toMatchObject({ status: 422, body: { error: { code: 'SERVER_NOT_VERIFIED' } } });
  });

  it('lists what is missing, with descriptions, before anything starts', async () => {
    const answer = await rest.post('/api/deploy/frank-keyed');
    expect(answer).toMatchObject({ status: 422, body: { error: { code: 'INVALID_CONFIGURATION' } } });
    expect(errorOf(answer.body).message).toContain('The key of the service');
    expect(errorOf(answer.body).details['issues']).toMatchObject([
      { path: ['configuration', 'environment', 'KEYED_API_KEY'], code: 'missing' },
    ]);
  });

  it('refuses what only looks like a server, and says why the rest cannot be deployed', async () => {
    const list = await rest.post('/api/deploy/dave-awesome-mcp-list', { allow_unverified: true });
    expect(list).toMatchObject({ status: 422, body: { error: { code: 'INVALID_CONFIGURATION' } } });
    expect(errorOf(list.body).message).toContain('allow_kind');
    const mono = await rest.post('/api/deploy/erin-mono', { allow_unverified: true });
    expect(errorOf(mono.body).message).toContain('cannot be deployed unattended');
  });
});

describe('a proof', () => {
  it('measures, keeps its verdict, and leaves nothing', async () => {
    const answer = await rest.post('/api/discover/erin-mono-src-beta/verify');
    expect(answer).toMatchObject({
      status: 200,
      body: {
        server_id: 'erin-mono-src-beta',
        verdict: {
          status: 'passed',
          at: expect.any(String),
          identifier: '@erin/beta',
          version: '1.0.0',
          install_seconds: expect.any(Number),
          start_seconds: expect.any(Number),
          memory_bytes: expect.any(Number),
          tools: 1,
          failure: null,
        },
      },
    });
    expect((await rest.get('/api/servers/running')).body).toMatchObject({ total: 0 });
    expect(await details('erin-mono-src-beta')).toMatchObject({
      last_verdict: { status: 'passed', version: '1.0.0' },
      tools: [{ name: 'echo', source: 'observed' }],
    });
    const found = await discover({ query: 'erin', sources: ['github'] });
    expect(found.servers.find(({ id }) => id === 'erin-mono-src-beta')?.last_verdict).toMatchObject({
      status: 'passed',
    });
  });

  it('of a server that does not start says so, with its last words', async () => {
    const answer = await rest.post('/api/discover/gina-broken-server/verify');
    expect(answer).toMatchObject({
      status: 200,
      body: {
        verdict: {
          status: 'failed',
          tools: null,
          failure: { reason: 'exit', output: expect.arrayContaining(['no such luck']) },
        },
      },
    });
  });

  it('of a server of the catalog, or of none', async () => {
    expect(await rest.post('/api/discover/nobody-nothing/verify')).toMatchObject({ status: 404 });
    const answer = await rest.post('/api/discover/filesystem/verify');
    expect(answer).toMatchObject({ status: 422, body: { error: { code: 'INVALID_CONFIGURATION' } } });
  });
});

describe('the SDK', () => {
  it('discovers, looks closely and proves', async () => {
    const client = createInsightLoopClient({ baseUrl: server.baseUrl });
    const { servers } = await client.servers.discover({ query: 'weather' });
    expect(servers[0]?.discovered_at).toBeInstanceOf(Date);
    const { server: shown } = await client.servers.details({ server_id: 'acme-weather' });
    expect(shown.configuration.launch[0]?.verified).toBe(true);
    const { verdict } = await client.servers.verify({ server_id: 'acme-weather' });
    expect(verdict).toMatchObject({ status: 'passed', tools: 1 });
    await expect(client.servers.discover({ limit: 101 })).rejects.toMatchObject({ code: 'INVALID_REQUEST' });
  });
});
