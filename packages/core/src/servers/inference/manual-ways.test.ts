// What of a README's lines starts the server, what prepares something, and what only works on its source.
import { describe, expect, it } from 'vitest';
import { inferLaunch } from './infer-launch.ts';

const infer = (...lines: string[]) =>
  inferLaunch({
    repository: { full_name: 'some-owner/weather-mcp-server' },
    files: new Map([
      ['README.md', `# Weather MCP Server\n\nAn MCP server.\n\n\`\`\`sh\n${lines.join('\n')}\n\`\`\`\n`],
    ]),
  });
const manualIn = (...lines: string[]): string[] =>
  infer(...lines).manual.map(({ via, command, args }) => [via, command, ...args].join(' '));

describe('ways that a person takes', () => {
  it('install the server, whatever with', () => {
    expect(
      manualIn(
        'brew install some/tap/weather-mcp',
        'cargo install weather-mcp',
        'cargo install --path .',
        'go install github.com/some-owner/weather-mcp-server@latest',
      ),
    ).toEqual([
      'brew brew install some/tap/weather-mcp',
      'cargo cargo install weather-mcp',
      'cargo cargo install --path .',
      'go go install github.com/some-owner/weather-mcp-server@latest',
    ]);
  });

  it('are none that install other programs, or take the server away', () => {
    expect(
      manualIn(
        'brew install node',
        'brew upgrade weather-mcp',
        'brew uninstall weather-mcp',
        'cargo install just',
        'go install github.com/others/debugger/cmd/dbg@latest',
      ),
    ).toEqual([]);
  });

  it('are none that run a tool over its source', () => {
    expect(
      manualIn(
        'uv run pytest -v',
        'uv run python -m pytest tests/test.py',
        'uv run ruff check',
        'uv run weather',
      ),
    ).toEqual(['source uv run weather']);
  });
});

describe('lines that start a package', () => {
  it('are no errands of a second program', () => {
    expect(infer('npx weather-docs generate-pages --out x').recipes).toEqual([]);
  });

  it('say more than one that pulls the image', () => {
    expect(
      infer('docker pull some/weather-mcp', 'docker run -p 8000:8000 some/weather-mcp --transport http')
        .recipes,
    ).toMatchObject([
      { method: 'docker', package_args: ['--transport', 'http'], transport: 'streamable-http' },
    ]);
    expect(infer('docker pull some/weather-mcp').recipes).toMatchObject([{ package_args: [] }]);
  });

  it('may be one argument that nobody took apart', () => {
    const config = (server: object) =>
      `\`\`\`\n\`\`\`json\n${JSON.stringify({ mcpServers: { it: server } })}`;
    expect(infer(config({ command: 'uvx', args: ['weather-mcp --units metric'] })).recipes).toMatchObject([
      { identifier: 'weather-mcp', package_args: ['--units', 'metric'] },
    ]);
    expect(
      infer(config({ command: 'npx', args: ['-y', 'weather-mcp', '--say', 'two words'] })).recipes,
    ).toMatchObject([{ identifier: 'weather-mcp', package_args: ['--say', 'two words'] }]);
  });
});
