// Each source of recipes by itself.
import { describe, expect, it } from 'vitest';
import { readConfigurationFile } from './configuration-files.ts';
import { linkedServers } from './deep-links.ts';
import { readEnvironmentFile } from './environment-files.ts';
import { configuredServers } from './launcher-configs.ts';
import { readManifest } from './manifests.ts';
import { readMarkdown } from './markdown.ts';
import { readRegistryDocument } from './registry-documents.ts';
import { shellSightings } from './shell-lines.ts';

const place = { source: 'configuration', file: 'README.md' } as const;
const shell = (line: string) => shellSightings(line, { source: 'shell', file: 'README.md' });

describe('clients’ configurations', () => {
  it.each([
    ['mcpServers', { mcpServers: { a: { command: 'npx', args: ['x'] } } }],
    ['servers', { servers: { a: { type: 'stdio', command: 'npx', args: ['x'] } } }],
    ['a command that is an array', { mcp: { a: { type: 'local', command: ['npx', 'x'] } } }],
    ['a command with a path', { context_servers: { a: { command: { path: 'npx', args: ['x'] } } } }],
    ['no container', { a: { command: 'npx', args: ['x'] } }],
    ['settings of an editor', { 'amp.mcpServers': { a: { command: 'npx', args: ['x'] } } }],
  ])('reads %s', (_, value) => {
    expect(configuredServers(value, place)).toMatchObject([{ name: 'a', words: ['npx', 'x'] }]);
  });

  it('reads variables, and what VS Code asks for', () => {
    const value = {
      inputs: [{ type: 'promptString', id: 'key', description: 'The key', password: true }],
      servers: { a: { command: 'npx', args: ['x'], env: { A_KEY: '${input:key}', A_URL: 'http://h' } } },
    };
    expect(configuredServers(value, place)[0]?.variables).toMatchObject([
      { name: 'A_KEY', secret: true, description: 'The key' },
      { name: 'A_URL', secret: null, value: 'http://h' },
    ]);
  });

  it('takes the example of a call for no server', () => {
    expect(
      configuredServers({ image: 'image-name', command: 'ls -la', environment: { ENV_VAR: 'x' } }, place),
    ).toEqual([]);
  });
});

describe('lines of a shell', () => {
  it.each([
    'claude mcp add -e A_KEY=x --scope user name -- npx -y pkg --flag',
    'claude mcp add name --env A_KEY=x -- npx -y pkg --flag',
    'gemini mcp add -s user -e A_KEY=x name npx -y pkg --flag',
    'some-client mcp add name env A_KEY=x npx -y pkg --flag',
    'A_KEY=x npx -y pkg --flag',
  ])('%s', (line) => {
    const [found] = shell(line);
    expect(found?.words.slice(-4)).toEqual(['npx', '-y', 'pkg', '--flag']);
    expect(
      [...(found?.variables.map(({ name }) => name) ?? []), ...(found?.words ?? [])].join(' '),
    ).toContain('A_KEY');
  });

  it('reads JSON and addresses that are added', () => {
    expect(shell(`code --add-mcp '{"name":"a","command":"npx","args":["pkg"]}'`)).toMatchObject([
      { name: 'a', words: ['npx', 'pkg'] },
    ]);
    expect(shell(`claude mcp add-json a '{"command":"npx","args":["pkg"]}'`)).toMatchObject([
      { words: ['npx', 'pkg'] },
    ]);
    expect(shell('claude mcp add --transport http a https://h.io/mcp')).toMatchObject([
      { url: 'https://h.io/mcp', transport: 'streamable-http' },
    ]);
    expect(shell('codex mcp add a --url https://h.io/mcp')).toMatchObject([{ url: 'https://h.io/mcp' }]);
  });

  it('turns installations into what can be started', () => {
    expect(shell('npm install -g pkg@latest')).toMatchObject([
      { source: 'install', words: ['npx', '-y', 'pkg@latest'] },
    ]);
    expect(shell('uv tool install pkg')).toMatchObject([{ source: 'install', words: ['uvx', 'pkg'] }]);
    expect(shell('docker pull o/image')).toMatchObject([{ source: 'install' }]);
    expect(shell('npm install pkg')).toEqual([]);
    expect(shell('pip install -e .')).toEqual([]);
  });

  it('gives a command the variables that were exported before it', () => {
    expect(shell('export A_KEY=x\nnpx pkg')).toMatchObject([{ variables: [{ name: 'A_KEY' }] }]);
  });
});

describe('install links', () => {
  const config = { command: 'npx', args: ['-y', 'pkg'], env: { A_KEY: '${input:key}' } };
  const inputs = [{ id: 'key', description: 'The key', password: true }];
  const links = (link: string) => linkedServers(readMarkdown(`[![Install](x)](${link})`).lines, 'README.md');

  it.each([
    [
      'VS Code redirect',
      `https://insiders.vscode.dev/redirect/mcp/install?name=a&inputs=${encodeURIComponent(JSON.stringify(inputs))}&config=${encodeURIComponent(JSON.stringify(config))}`,
    ],
    ['vscode:', `vscode:mcp/install?${encodeURIComponent(JSON.stringify({ name: 'a', ...config }))}`],
    [
      'an address within an address',
      `https://h.io/redirect?url=${encodeURIComponent(`vscode:mcp/install?${encodeURIComponent(JSON.stringify({ name: 'a', ...config }))}`)}`,
    ],
    [
      'Cursor',
      `cursor://anysphere.cursor-deeplink/mcp/install?name=a&config=${btoa(JSON.stringify(config))}`,
    ],
    [
      'Cursor, encoded',
      `https://cursor.com/install-mcp?name=a&config=${encodeURIComponent(btoa(JSON.stringify(config)))}`,
    ],
    ['Goose', 'goose://extension?cmd=npx&arg=-y&arg=pkg&id=a&name=a'],
  ])('%s', (_, link) => {
    expect(links(link)).toMatchObject([{ source: 'deep-link', name: 'a', words: ['npx', '-y', 'pkg'] }]);
  });

  it.each([
    'https://cursor.com/install-mcp?name=a&config=%%%',
    'https://h.io/mcp/install?config=bm90IGpzb24=',
    'https://h.io/mcp/install?%7Bbroken',
  ])('skips %s', (link) => {
    expect(links(link)).toEqual([]);
  });
});

describe('server.json', () => {
  const read = (packages: unknown, rest = {}) =>
    readRegistryDocument({ name: 'io.github.o/r', packages, ...rest }, 'server.json')?.sightings;

  it('reads both spellings, also mixed', () => {
    expect(
      read([
        {
          registry_type: 'npm',
          identifier: '@o/r',
          version: '1.0.0',
          transport: { type: 'stdio' },
          package_arguments: [{ type: 'named', name: '--mode', value: 'x' }],
          environmentVariables: [{ name: 'A_KEY', is_required: true, isSecret: true, description: 'Key' }],
        },
      ]),
    ).toMatchObject([
      {
        words: ['npx', '-y', '@o/r'],
        version: '1.0.0',
        transport: 'stdio',
        more_args: ['--mode', 'x'],
        variables: [{ name: 'A_KEY', required: true, secret: true, description: 'Key' }],
      },
    ]);
  });

  it('reads what authors write who do not know the schema', () => {
    const environmentVariables = [{ name: 'A_KEY', required: true, secret: true }];
    expect(read([{ registryType: 'npm', identifier: 'r', environmentVariables }])).toMatchObject([
      { variables: [{ name: 'A_KEY', required: true, secret: true }] },
    ]);
  });

  it('drops placeholders of releases, and reads variables that are only passed with -e', () => {
    const [found] =
      read([
        {
          registryType: 'oci',
          identifier: 'ghcr.io/o/r:${VERSION}',
          runtimeArguments: [
            {
              type: 'named',
              name: '-e',
              value: 'A_KEY={key}',
              description: 'Key',
              variables: { key: { isRequired: true, isSecret: true } },
            },
          ],
        },
      ]) ?? [];
    expect(found?.words.at(-1)).toBe('ghcr.io/o/r');
    expect(found?.variables).toMatchObject([{ name: 'A_KEY', required: true, secret: true }]);
  });

  it('leaves out optional arguments, and asks for required ones', () => {
    const [found] =
      read([
        {
          registryType: 'pypi',
          identifier: 'r',
          packageArguments: [
            { type: 'named', name: '--port', default: '8000' },
            { type: 'named', name: '--dir', isRequired: true },
            { type: 'positional', valueHint: 'target', isRequired: true },
          ],
        },
      ]) ?? [];
    expect(found?.more_args).toEqual(['--dir', '{dir}', '{target}']);
  });

  it('reads remotes, and takes other JSON for none', () => {
    expect(read([], { remotes: [{ type: 'sse', url: 'https://h.io/sse' }] })).toMatchObject([
      { url: 'https://h.io/sse', transport: 'sse' },
    ]);
    expect(readRegistryDocument({ name: 'x', version: '1' }, 'server.json')).toBeNull();
    expect(readRegistryDocument('text', 'server.json')).toBeNull();
  });
});

describe('manifests', () => {
  it('sees who speaks MCP, what is private, and what is no package of npm', () => {
    const npm = (value: object) => readManifest('package.json', JSON.stringify(value));
    expect(npm({ name: 'a', bin: 'x.js', dependencies: { '@modelcontextprotocol/sdk': '1' } })).toMatchObject(
      { speaks_mcp: true, programs: ['a'], private: false },
    );
    expect(npm({ name: 'a', private: true, workspaces: ['*'] })).toMatchObject({
      private: true,
      workspaces: true,
    });
    expect(npm({ name: 'com.some.thing', unity: '2022.3' })).toMatchObject({ private: true });
    expect(
      readManifest(
        'pyproject.toml',
        '[project]\nname = "a"\ndependencies = ["mcp[cli]>=1"]\n[project.scripts]\nrun = "a:b"',
      ),
    ).toMatchObject({ speaks_mcp: true, programs: ['run'] });
    expect(
      readManifest('go.mod', 'module github.com/o/r\n\nrequire (\n\tgithub.com/mark3labs/mcp-go v1\n)\n'),
    ).toMatchObject({ speaks_mcp: true, repository: 'https://github.com/o/r' });
    expect(readManifest('go.mod', 'module github.com/mark3labs/mcp-go\n')).toMatchObject({
      speaks_mcp: false,
    });
  });
});

describe('other files', () => {
  it('reads examples of an environment without believing their values', () => {
    const { variables } = readEnvironmentFile('# The key\nA_KEY=your-key\n#A_PORT=8080\nlower text\n');
    expect(variables).toMatchObject([
      { name: 'A_KEY', description: 'The key', default: null, required: null },
      { name: 'A_PORT', value: '8080', default: null },
    ]);
  });

  it('finds names in Smithery’s program without running it', () => {
    const source = `startCommand:
  configSchema:
    required:
      - aKey
    properties:
      aKey:
        type: string
        description: The key
  commandFunction: |-
    (config) => ({ command: 'node', env: { A_KEY: config.aKey, OTHER: process.exit() } })
`;
    expect(readConfigurationFile('smithery.yaml', source).variables).toMatchObject([
      { name: 'A_KEY', description: 'The key', required: true },
    ]);
  });

  it('reads what a bundle and an extension ask for', () => {
    const bundle = {
      server: {
        mcp_config: { command: 'node', args: ['${__dirname}/x.js'], env: { A_KEY: '${user_config.key}' } },
      },
      user_config: { key: { sensitive: true, required: true, description: 'Key' } },
    };
    const { variables, sightings } = readConfigurationFile('manifest.json', JSON.stringify(bundle));
    expect(variables).toMatchObject([{ name: 'A_KEY', secret: true, required: true }]);
    expect(sightings).toEqual([]);
    const extension = {
      settings: [{ envVar: 'B_KEY', description: 'Key', required: true, sensitive: true }],
      mcpServers: { a: { command: 'npx', args: ['x'] } },
    };
    expect(readConfigurationFile('gemini-extension.json', JSON.stringify(extension))).toMatchObject({
      variables: [{ name: 'B_KEY', required: true, secret: true }],
      sightings: [{ words: ['npx', 'x'] }],
    });
  });
});
