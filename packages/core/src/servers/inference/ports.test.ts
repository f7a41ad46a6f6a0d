// Which port of a README is the endpoint's, and which transports it speaks of.
import { describe, expect, it } from 'vitest';
import { inferLaunch } from './infer-launch.ts';

const infer = (files: Record<string, string>) =>
  inferLaunch({
    repository: { full_name: 'some-owner/weather-mcp-server' },
    files: new Map(Object.entries(files)),
  });
const portOf = (...lines: string[]): number | null =>
  infer({ 'README.md': ['# Weather MCP Server', ...lines].join('\n') }).default_port;

describe('the port', () => {
  it('is no part of an address', () => {
    expect(portOf('`--bind A`, `--port P`: where it listens; defaults are 0.0.0.0 and 8000')).toBe(8000);
  });

  it('is what is told to be the default before what overrides it', () => {
    expect(
      portOf(
        'By default it listens on 0.0.0.0:8000; `--port` changes that:',
        '```sh\nuvx weather-mcp-server --transport http --port 8555\n```',
      ),
    ).toBe(8000);
  });

  it('is what a comment beside a command calls the default', () => {
    expect(
      portOf(
        '```sh\n# On the default port 3000\nnpx -y weather-mcp-server --http\nnpx -y weather-mcp-server --http --port 3001\n```',
      ),
    ).toBe(3000);
    expect(portOf('```sh\n# The callback uses the default port 3000\nweather login\n```')).toBeNull();
  });

  it('is what a block sets, and before it what an item within an item calls the default', () => {
    expect(portOf('```bash\nWEATHER_KEY=x\nPORT=8000 # HTTP port\n```')).toBe(8000);
    expect(
      portOf(
        '## Environment variables',
        '* `WEATHER_MCP_BIND_PORT`: Where it listens',
        '  * Default: `"8000"`',
        '',
        '```env\nWEATHER_MCP_BIND_PORT=4200 # Custom\n```',
        'Then it is at `http://localhost:4200/mcp`.',
      ),
    ).toBe(8000);
  });

  it('is not that of somebody else’s container', () => {
    expect(portOf('```sh\ndocker run -d -p 4444:4444 browsers/grid\n```')).toBeNull();
    expect(portOf('```sh\ndocker run -d -p 8000:8000 some/weather-mcp-server\n```')).toBe(8000);
  });

  it('may be what the Dockerfile opens, where HTTP is spoken at all', () => {
    const Dockerfile = 'FROM node\nEXPOSE 8000\n';
    const readme = '# Weather MCP Server\n';
    expect(infer({ 'README.md': `${readme}Speaks streamable HTTP.`, Dockerfile }).default_port).toBe(8000);
    expect(infer({ 'README.md': `${readme}Speaks stdio.`, Dockerfile }).default_port).toBeNull();
    expect(
      infer({ 'README.md': `${readme}Streamable HTTP at http://localhost:9001/mcp`, Dockerfile })
        .default_port,
    ).toBe(9001);
  });
});

describe('transports', () => {
  it('are standard input and output where a client starts a command, published or not', () => {
    const config = JSON.stringify({
      mcpServers: { weather: { command: 'node', args: ['/path/to/build/index.js'] } },
    });
    expect(infer({ 'README.md': `# Weather MCP Server\n\`\`\`json\n${config}\n\`\`\`` }).transports).toEqual([
      'stdio',
    ]);
  });

  it('are told by the variables of server.json', () => {
    const document = {
      name: 'io.github.some-owner/weather',
      packages: [
        {
          registryType: 'npm',
          identifier: 'weather-mcp',
          environmentVariables: [{ name: 'HTTP', description: 'Serve streamable HTTP instead' }],
        },
      ],
    };
    expect(infer({ 'server.json': JSON.stringify(document) }).transports).toContain('streamable-http');
  });

  it('are HTTP where an address in the text can only be a hosted server', () => {
    const { transports, recipes } = infer({
      'README.md': '# Weather MCP Server\nWe host it for you: `https://mcp.weather.io`.',
    });
    expect(transports).toContain('streamable-http');
    expect(recipes).toMatchObject([{ method: 'remote', identifier: 'https://mcp.weather.io' }]);
  });

  it('an address that is gone is offered to nobody', () => {
    const { recipes } = infer({
      'README.md':
        '# Weather MCP Server\nOur old address, `https://mcp.weather.io/sse`, was retired in spring.',
    });
    expect(recipes).toEqual([]);
  });
});
