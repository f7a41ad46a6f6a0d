// From the files of a repository to its recipes.
import { describe, expect, it } from 'vitest';
import { inferLaunch } from './infer-launch.ts';
import { type Inference, type RepositoryFacts } from './inference.ts';

const json = (value: unknown): string => JSON.stringify(value);
const block = (value: unknown): string => `\`\`\`json\n${JSON.stringify(value, null, 2)}\n\`\`\`\n`;
const client = (server: object): string => block({ mcpServers: { it: server } });

function infer(
  files: Record<string, string>,
  facts: Partial<RepositoryFacts> & { registry?: unknown[] } = {},
): Inference {
  const { registry, ...repository } = facts;
  return inferLaunch({
    repository: { full_name: 'some-owner/weather-mcp-server', ...repository },
    files: new Map(Object.entries(files)),
    registry,
  });
}

const intro = '# Weather MCP Server\n\nAn MCP server for the weather.\n\n';
const npx = (...args: string[]) => ({ command: 'npx', args: ['-y', 'weather-mcp', ...args] });

describe('the best recipe', () => {
  it('is one, however many clients it is written for', () => {
    const { recipes, kind } = infer({
      'README.md': `${intro}${client(npx())}${client({ command: 'cmd', args: ['/c', 'npx', '-y', 'weather-mcp@latest'] })}
\`\`\`sh
claude mcp add it -- npx -y weather-mcp
\`\`\``,
    });
    expect(kind).toBe('server');
    expect(recipes).toHaveLength(1);
    expect(recipes[0]).toMatchObject({
      method: 'npx',
      identifier: 'weather-mcp',
      package_args: [],
      transport: 'stdio',
    });
    expect(recipes[0]?.evidence.length).toBeGreaterThan(1);
  });

  it('is what server.json names before what the README repeats', () => {
    const document = {
      name: 'io.github.some-owner/weather',
      packages: [{ registryType: 'pypi', identifier: 'weather-mcp-py', transport: { type: 'stdio' } }],
    };
    const { recipes } = infer({
      'README.md': intro + client(npx()).repeat(3),
      'server.json': json(document),
    });
    expect(recipes.map(({ identifier }) => identifier)).toEqual(['weather-mcp-py', 'weather-mcp']);
    expect(recipes.map(({ named_by_repository: named }) => named)).toEqual([true, false]);
  });

  it('has a version only where the registry or an image says one', () => {
    const document = {
      name: 'io.github.some-owner/weather',
      packages: [{ registryType: 'npm', identifier: 'weather-mcp', version: '1.2.3' }],
    };
    expect(infer({ 'README.md': intro, 'server.json': json(document) }).recipes[0]?.version).toBeNull();
    expect(infer({ 'README.md': intro }, { registry: [document] }).recipes[0]?.version).toBe('1.2.3');
  });

  it('ignores an identifier of server.json that the manifest contradicts', () => {
    const document = {
      name: 'io.github.some-owner/weather',
      packages: [{ registryType: 'npm', identifier: 'weather-wrong' }],
    };
    const manifest = { name: 'weather-right', mcpName: 'io.github.some-owner/weather', bin: 'x.js' };
    const { recipes } = infer({
      'README.md': intro,
      'server.json': json(document),
      'package.json': json(manifest),
    });
    expect(recipes.map(({ identifier }) => identifier)).toEqual(['weather-right']);
  });

  it('is never somebody else’s program', () => {
    const { recipes } = infer({
      'README.md': `${intro}${client({ command: 'npx', args: ['@modelcontextprotocol/server-filesystem', '/x'] })}`,
    });
    expect(recipes).toEqual([]);
  });

  it('is not what the README warns of', () => {
    const { recipes } = infer({
      'README.md': `${intro}${client({ command: 'uvx', args: ['weather-mcp'] })}An unrelated package has the name, so do not run \`npx weather-mcp\`.`,
    });
    expect(recipes.map(({ method }) => method)).toEqual(['uvx']);
  });

  it('is not an errand, such as a login', () => {
    const { recipes, blockers } = infer({
      'README.md': `${intro}\`\`\`sh\nnpx weather-mcp auth\n\`\`\`\n${client(npx())}`,
    });
    expect(recipes).toMatchObject([{ package_args: [] }]);
    expect(blockers.join()).toContain('login');
  });

  it('does not take a section for developers for one for users', () => {
    const { recipes } = infer({
      'README.md': `${intro}## Usage\n\n${client(npx())}\n## Development\n\n${client(npx('--debug')).repeat(5)}`,
    });
    expect(recipes[0]?.package_args).toEqual([]);
  });

  it('is not the unrestricted variant where there is another', () => {
    const { recipes } = infer({
      'README.md': `${intro}${client(npx('--mode=unrestricted'))}${client(npx('--mode=restricted'))}`,
    });
    expect(recipes[0]?.package_args).toEqual(['--mode=restricted']);
  });

  it('runs here before it runs elsewhere', () => {
    const { recipes, transports } = infer({
      'README.md': `${intro}${client({ url: 'https://mcp.weather.io/mcp' }).repeat(4)}${client(npx())}`,
    });
    expect(recipes.map(({ method }) => method)).toEqual(['npx', 'remote']);
    expect(transports).toContain('streamable-http');
  });

  it('has a second form for each other transport', () => {
    const { recipes, default_port: port } = infer({
      'README.md': `${intro}${client(npx())}\`\`\`sh\nnpx weather-mcp --transport http --port 3001\n\`\`\``,
    });
    expect(recipes.map(({ transport, port: own }) => [transport, own])).toEqual([
      ['stdio', null],
      ['streamable-http', 3001],
    ]);
    expect(port).toBe(3001);
  });

  it('is done by hand where nothing is published', () => {
    const { recipes, best, manual, blockers } = infer({
      'README.md': `${intro}\`\`\`sh\ngo install github.com/some-owner/weather-mcp-server@latest\n\`\`\``,
      'go.mod': 'module github.com/some-owner/weather-mcp-server\n',
    });
    expect([recipes, best, manual[0]?.via]).toEqual([[], 'manual', 'go']);
    expect(blockers[0]).toContain('nothing is published');
  });

  it('believes a manifest alone only where nobody is told to build', () => {
    const manifest = {
      'package.json': json({
        name: 'weather-mcp',
        bin: 'x.js',
        dependencies: { '@modelcontextprotocol/sdk': '1' },
      }),
    };
    expect(infer({ 'README.md': intro, ...manifest }).recipes).toHaveLength(1);
    const building = {
      'README.md': intro + client({ command: 'node', args: ['/path/to/dist/index.js'] }),
      ...manifest,
    };
    expect(infer(building)).toMatchObject({ recipes: [], best: 'manual' });
  });

  it('names the program where the package has several', () => {
    const manifest = {
      name: '@some/weather',
      bin: { 'weather-cli': 'a.js', 'weather-mcp-server': 'b.js' },
      dependencies: { '@modelcontextprotocol/sdk': '1' },
    };
    expect(infer({ 'README.md': intro, 'package.json': json(manifest) }).recipes[0]?.bin).toBe(
      'weather-mcp-server',
    );
  });

  it('is nobody’s in a fork that changed nothing', () => {
    const { recipes, blockers } = infer(
      { 'README.md': intro + client(npx()) },
      { fork: true, readme_unchanged: true },
    );
    expect(recipes).toEqual([]);
    expect(blockers.join()).toContain('fork');
  });
});

describe('arguments and inputs', () => {
  it('makes inputs of what the reader has to put in', () => {
    const { recipes } = infer({
      'README.md': intro + client(npx('/Users/me/one', '/path/to/two', '--city', '<your city>')),
    });
    expect(recipes[0]?.package_args).toEqual(['{path}', '--city', '{city}']);
    expect(recipes[0]?.inputs).toMatchObject([
      { name: 'path', kind: 'path', required: true, repeatable: true },
      { name: 'city', kind: 'string', required: true },
    ]);
  });

  it('keeps secrets out of arguments where the environment takes them', () => {
    const { recipes } = infer({
      'README.md': `${intro}${client(npx('--api-key=YOUR-KEY'))}Or set the environment variable \`WEATHER_API_KEY\`.`,
    });
    expect(recipes[0]?.package_args).toEqual([]);
    expect(recipes[0]?.env).toMatchObject([{ name: 'WEATHER_API_KEY', required: true, secret: true }]);
  });

  it('marks an address with a password as a secret input', () => {
    const { recipes } = infer({ 'README.md': intro + client(npx('postgresql://user:pass@localhost/db')) });
    expect(recipes[0]?.inputs).toMatchObject([{ name: 'postgresql_uri', kind: 'secret', required: true }]);
  });

  it('says what a container has to see', () => {
    const docker = {
      command: 'docker',
      args: ['run', '-i', '--rm', '-v', '/path/to/config.yaml:/config.yaml:ro', 'some-owner/weather-mcp'],
    };
    const [recipe] = infer({ 'README.md': intro + client(docker) }).recipes;
    expect(recipe?.mounts).toEqual([{ input: 'config', target: '/config.yaml', read_only: true }]);
    expect(recipe?.inputs).toMatchObject([{ name: 'config', kind: 'file', required: true }]);
    expect(recipe?.blockers.join()).toContain('/config.yaml');
  });
});

describe('variables', () => {
  const variables = (readme: string, files: Record<string, string> = {}) =>
    Object.fromEntries(
      infer({ 'README.md': intro + readme, ...files }).env.map((variable) => [variable.name, variable]),
    );

  it('is required when a table says so, and not when it has a default', () => {
    const table =
      '| Variable | Description | Required | Default |\n|---|---|---|---|\n| `WEATHER_KEY` | Key | Yes | - |\n| `PORT` | Port | No | `8000` |\n| `WEATHER_UNIT` | Unit | Yes | `C` |\n| `OTHER_ID` | For HTTP | Required for HTTP | |\n';
    expect(variables(client(npx()) + table)).toMatchObject({
      WEATHER_KEY: { required: true, secret: true },
      PORT: { required: false, default: '8000' },
      WEATHER_UNIT: { required: false, default: 'C' },
      OTHER_ID: { required: false },
    });
  });

  it('is required when every example leaves it to the reader', () => {
    const first = client({
      ...npx(),
      env: { WEATHER_KEY: '<key>', WEATHER_UNIT: 'C', WEATHER_EXTRA: '<extra>' },
    });
    const second = client({ ...npx(), env: { WEATHER_KEY: 'your-key', WEATHER_UNIT: 'C' } });
    expect(variables(first + second)).toMatchObject({
      WEATHER_KEY: { required: true },
      WEATHER_UNIT: { required: false },
      WEATHER_EXTRA: { required: false },
    });
  });

  it('believes server.json before examples', () => {
    const document = {
      name: 'a/b',
      packages: [
        {
          registryType: 'npm',
          identifier: 'weather-mcp',
          environmentVariables: [{ name: 'WEATHER_KEY', isRequired: false }],
        },
      ],
    };
    const found = variables(client({ ...npx(), env: { WEATHER_KEY: '<key>' } }), {
      'server.json': json(document),
    });
    expect(found['WEATHER_KEY']).toMatchObject({ required: false, secret: true });
  });

  it('never takes a secret’s example for its default, nor error codes for variables', () => {
    const found = variables(
      `${client({ ...npx(), env: { WEATHER_KEY: 'abc123' } })}\n| Error | Meaning |\n|---|---|\n| \`NOT_FOUND_ERROR\` | no |\n`,
    );
    expect(found['WEATHER_KEY']?.default).toBeNull();
    expect(found['NOT_FOUND_ERROR']).toBeUndefined();
  });

  it.each([
    [
      'words',
      'Use `WEATHER_TOKEN` instead of `WEATHER_USERNAME` + `WEATHER_PASSWORD`.',
      [['WEATHER_TOKEN'], ['WEATHER_USERNAME', 'WEATHER_PASSWORD']],
    ],
    [
      'a list',
      'For authentication, use one of these options:\n- Key: set `WEATHER_TOKEN`\n- Basic: set `WEATHER_USERNAME` and `WEATHER_PASSWORD`\n',
      [['WEATHER_TOKEN'], ['WEATHER_USERNAME', 'WEATHER_PASSWORD']],
    ],
  ])('models a choice that is told in %s', (_, text, sets) => {
    const shown = client({ ...npx(), env: { WEATHER_USERNAME: '<user>', WEATHER_PASSWORD: '<password>' } });
    const listed =
      '- `WEATHER_TOKEN`: a token\n- `WEATHER_USERNAME`: a name\n- `WEATHER_PASSWORD`: a password\n\n';
    const { required_env_any_of: found, env } = infer({
      'README.md': `${intro}${shown}## Environment variables\n\n${listed}${text}`,
    });
    expect(found).toEqual(sets);
    expect(env.filter(({ required }) => required)).toEqual([]);
  });

  it('models a choice that examples show', () => {
    const one = client({ ...npx(), env: { WEATHER_TOKEN: '<token>' } });
    const other = client({ ...npx(), env: { WEATHER_USERNAME: '<user>', WEATHER_PASSWORD: '<password>' } });
    expect(infer({ 'README.md': intro + one + other }).required_env_any_of).toEqual([
      ['WEATHER_TOKEN'],
      ['WEATHER_USERNAME', 'WEATHER_PASSWORD'],
    ]);
  });

  it('takes families of the same shape for a choice', () => {
    const env = {
      WIND_URL: 'https://your.host.io',
      WIND_TOKEN: '<token>',
      RAIN_URL: 'https://your.host.io',
      RAIN_TOKEN: '<token>',
    };
    expect(infer({ 'README.md': intro + client({ ...npx(), env }) }).required_env_any_of).toEqual([
      ['WIND_URL', 'WIND_TOKEN'],
      ['RAIN_URL', 'RAIN_TOKEN'],
    ]);
  });
});

describe('the port', () => {
  it.each([
    ['an endpoint', 'Serves at `http://localhost:8080/mcp`.', 8080],
    ['a flag’s default', '| `--port` | HTTP port (default `3001`) |', 3001],
    ['a database', 'Connects to postgres at port 5432, http://localhost:9200/mcp', null],
    ['the way back of a login', 'The OAuth callback listens on http://localhost:3000/mcp', null],
  ])('of %s', (_, text, port) => {
    expect(infer({ 'README.md': intro + text }).default_port).toBe(port);
  });
});

describe('documented tools', () => {
  it('are names in a section of tools, without their parameters', () => {
    const readme = `${intro}## Tools

- \`get_weather\` - now
  - \`city\` (string): where
- **list_cities**: all

### \`set_unit\`

| Tool | Description |
|---|---|
| \`drop_cache\` | x |

## Prompts

- \`a_prompt\`
`;
    expect(infer({ 'README.md': readme }).documented_tools.toSorted()).toEqual([
      'drop_cache',
      'get_weather',
      'list_cities',
      'set_unit',
    ]);
  });
});

describe('a monorepo', () => {
  const part = (name: string) => ({
    [`src/${name}/package.json`]: json({
      name: `@some/server-${name}`,
      bin: 'x.js',
      dependencies: { '@modelcontextprotocol/sdk': '1' },
    }),
    [`src/${name}/README.md`]: `# ${name}\n\n${client({ command: 'npx', args: ['-y', `@some/server-${name}`] })}`,
  });

  it('gives one server for each folder, and none for its root', () => {
    const {
      recipes,
      sub_servers: parts,
      kind,
    } = infer({
      'README.md': `# Servers\n\nMCP servers.\n\n${client({ command: 'npx', args: ['-y', '@some/server-wind'] })}`,
      'package.json': json({ name: '@some/servers', private: true, workspaces: ['src/*'] }),
      ...part('wind'),
      ...part('rain'),
    });
    expect(kind).toBe('server');
    expect(recipes).toEqual([]);
    expect(
      parts.map(({ path, recipes: [best] }) => [path, best?.identifier, best?.named_by_repository]),
    ).toEqual([
      ['src/rain', '@some/server-rain', true],
      ['src/wind', '@some/server-wind', true],
    ]);
  });

  it('is none where one folder holds the only server', () => {
    const { recipes, sub_servers: parts } = infer({
      'README.md': intro,
      'package.json': json({ private: true, workspaces: ['src/*'] }),
      ...part('weather'),
    });
    expect(parts).toEqual([]);
    expect(recipes[0]?.identifier).toBe('@some/server-weather');
  });
});

describe('the kind', () => {
  const kindOf = (name: string, readme: string, files: Record<string, string> = {}) =>
    infer({ 'README.md': readme, ...files }, { full_name: `some-owner/${name}` }).kind;

  it.each([
    ['gateway', 'mcp-gateway', '# MCP Gateway\n\nAggregates multiple MCP servers behind one endpoint.'],
    ['gateway', 'toolbox', '# Toolbox\n\nRun any MCP server securely in a container.'],
    [
      'framework',
      'quickmcp',
      '# QuickMCP\n\nThe quick way to build MCP servers.\n\n```python\nmcp = FastMCP("x")\n```',
    ],
    ['sdk', 'mcp-lib', '# MCP for Go\n\nA Go implementation of the Model Context Protocol.'],
    ['client', 'chatter', '# Chatter\n\nChatter is a desktop AI assistant and MCP client.'],
    ['list', 'awesome-mcp', '# Awesome MCP\n\nA curated list of MCP servers.'],
    ['other', 'create-mcp-app', '# Create\n\nCreate MCP server projects with no configuration.'],
    ['other', 'thing', '# Thing\n\n```sh\nnpx thing\n```'],
    [
      'server',
      'gateway-mcp-server',
      `# Gateway\n\nAn MCP server for the API gateway.\n${client({ command: 'npx', args: ['gateway-mcp-server'] })}`,
    ],
    [
      'server',
      'sql-mcp',
      '# SQL\n\nThe SQL gateway for agents: a Model Context Protocol (MCP) server.\n\n```sh\nuvx sql-mcp\n```',
    ],
  ])('is %s for %s', (kind, name, readme) => {
    expect(kindOf(name, readme)).toBe(kind);
  });

  it('withholds what would start a framework’s command line', () => {
    const result = infer(
      {
        'README.md': '# QuickMCP\n\nA framework to build MCP servers.\n\n```sh\nuvx quickmcp\n```',
        'pyproject.toml':
          '[project]\nname = "quickmcp"\ndescription = "Framework for building MCP servers"\ndependencies = ["mcp"]\n[project.scripts]\nquickmcp = "a:b"\n',
      },
      { full_name: 'some-owner/quickmcp' },
    );
    expect(result).toMatchObject({ kind: 'framework', recipes: [] });
    expect(result.withheld_recipes).toMatchObject([{ identifier: 'quickmcp' }]);
  });

  it('notes what is past its time', () => {
    expect(
      infer({ 'README.md': '# W\n\n> This project is deprecated, use another.' }).archived_note,
    ).toContain('deprecated');
    expect(infer({ 'README.md': intro }, { archived: true }).archived_note).not.toBeNull();
    expect(infer({ 'README.md': `${intro}SSE is deprecated.` }).archived_note).toBeNull();
  });
});

describe('what cannot be deployed unattended', () => {
  const blockers = (text: string, name = 'weather-mcp-server') =>
    infer(
      { 'README.md': `${intro}${client(npx())}\n${text}` },
      { full_name: `some-owner/${name}` },
    ).blockers.join();

  it.each([
    ['a desktop application', '1. Open the Blender Editor', 'desktop application'],
    ['an add-on', 'Make sure the addon server is running.', 'desktop application'],
    ['a login by phone', 'Scan the QR code with your phone to log in.', 'login by hand'],
  ])('needs %s', (_, text, reason) => {
    expect(blockers(text)).toContain(reason);
  });

  it.each([
    'Generates a QR code.',
    'Open the Claude app.',
    'The extension is open source.',
    '- Docker Desktop, for the tests',
    'Works with a kubeconfig, too',
  ])('does not need it: %s', (text) => {
    expect(blockers(text)).toBe('');
  });

  it('believes words about daemons and clusters where the repository is about them', () => {
    expect(blockers('- Docker Engine', 'docker-weather-mcp')).toContain('Docker daemon');
    expect(blockers('It reads ~/.kube/config.', 'weather-k8s-mcp')).toContain('kubeconfig');
  });
});

describe('hostile repositories', () => {
  const mebibyte = 1024 * 1024;

  it.each([
    ['braces', '{"a":'.repeat(mebibyte)],
    ['braces in a block', `\`\`\`json\n${'{"mcpServers":{'.repeat(350_000)}`],
    ['brackets in a table of TOML', `\`\`\`toml\n${'[[mcp_servers.'.repeat(350_000)}\n\`\`\``],
    ['sequences of YAML', `\`\`\`yaml\n${'- '.repeat(2_500_000)}\n\`\`\``],
    ['one line', 'npx -y weather-mcp '.repeat(270_000)],
    ['backticks', '`npx a` '.repeat(655_360)],
    ['tags', '<a [b](<c '.repeat(520_000)],
    ['quotes', `\`\`\`sh\n${'docker run -e "A='.repeat(300_000)}\n\`\`\``],
    ['headings', '# Tools\n'.repeat(650_000)],
    ['spaces', ' \t'.repeat(2_500_000)],
    ['links', '(https://h.io/mcp/install?config=e30) '.repeat(140_000)],
    ['placeholders', client(npx('${'.repeat(50_000), '<'.repeat(50_000), 'x'.repeat(100_000)))],
  ])('ends with a MiB of %s', (_, readme) => {
    const result = infer({ 'README.md': readme.slice(0, mebibyte) });
    expect(result.recipes.length).toBeLessThanOrEqual(40);
    expect(result.documented_tools.length).toBeLessThanOrEqual(500);
    expect(result.env.length).toBeLessThanOrEqual(400);
  });

  it('keeps what it says bounded, whatever is repeated', () => {
    const readme = Array.from({ length: 20_000 }, (_, index) =>
      client({ command: 'npx', args: [`weather-${index}`], env: { [`KEY_${index}`]: '<x>' } }),
    ).join('');
    const result = infer({ 'README.md': intro + readme });
    expect(result.recipes.length).toBeLessThanOrEqual(40);
    expect(result.env.length).toBeLessThanOrEqual(400);
  });

  it('takes names of prototypes for names', () => {
    const hostile =
      '{"mcpServers": {"__proto__": {"command": "npx", "args": ["weather-mcp"], "env": {"__proto__": "x", "constructor": "y", "WEATHER_KEY": "z"}}, "toString": {"command": "npx"}}}';
    const { recipes } = infer({
      'README.md': `${intro}\`\`\`json\n${hostile}\n\`\`\``,
      'package.json': '{"__proto__": {"name": "x"}, "bin": {"__proto__": "x"}}',
    });
    expect(recipes[0]?.identifier).toBe('weather-mcp');
    expect(Object.getOwnPropertyNames(Object.prototype)).not.toContain('command');
  });

  it('leaves neither control characters nor halves of pairs in what it says', () => {
    const table =
      '| Variable | Description | Default |\n|---|---|---|\n| `WEATHER_UNIT` | a\u0000b\u001b[31m<script>x</script>\ud800 | `C\u0000\ud800` |\n';
    const { recipes } = infer({ 'README.md': intro + client(npx('a\u0000b')) + table });
    const said = JSON.stringify(recipes);
    expect(said).not.toMatch(/\\u0000|\\u001b|\\ud800/);
    expect(recipes[0]?.env[0]?.description).not.toContain('<script>');
  });

  it('names only what a recipe may name', () => {
    const readme = [
      ['../x'],
      ['https://h.io/x.tgz'],
      ['weather-mcp.tgz'],
      ['git+https://h.io/weather'],
      ['--weather'],
    ]
      .map((args) => client({ command: 'npx', args }))
      .join('');
    expect(infer({ 'README.md': intro + readme }).recipes).toEqual([]);
  });

  it('reads nothing from files that are none', () => {
    const files = {
      'README.md': '\ufffd\ufffd\u0000',
      'package.json': '[]',
      'server.json': '"x"',
      'pyproject.toml': '\u0000',
      'smithery.yaml': ':',
      'mcp.json': '{',
      'go.mod': '',
      'manifest.json': 'null',
    };
    expect(infer(files)).toMatchObject({ recipes: [], best: 'none', env: [] });
    expect(inferLaunch({ repository: { full_name: '' }, files: new Map() }).best).toBe('none');
  });
});
