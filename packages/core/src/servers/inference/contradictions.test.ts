// A name that only one of a repository's sources gives is not offered, nor vouched for.
import { describe, expect, it } from 'vitest';
import { inferLaunch } from './infer-launch.ts';

const json = (value: unknown): string => JSON.stringify(value);
const name = 'io.github.some-owner/weather';
const intro = '# Weather MCP Server\n\nAn MCP server for the weather.\n\n';
const documents = (...identifiers: string[]): string =>
  intro +
  identifiers
    .map(
      (identifier) =>
        `\`\`\`json\n${json({ mcpServers: { it: { command: 'npx', args: ['-y', identifier] } } })}\n\`\`\`\n`,
    )
    .join('\n');
const serverJson = (identifier: string, registryType = 'npm'): string =>
  json({ name, packages: [{ registryType, identifier }] });

const offered = (files: Record<string, string>, registry: unknown[] = []) =>
  inferLaunch({
    repository: { full_name: 'some-owner/weather' },
    files: new Map(Object.entries(files)),
    registry,
  }).recipes.map(({ identifier, named_by_repository: named }) => ({ identifier, named }));

describe('the short name of a manifest', () => {
  const manifest = json({ name: 'weather', mcpName: name, bin: { weather: 'x.js' } });

  it('gives way to the name in server.json that the README agrees with', () => {
    const files = { 'README.md': documents('@some/weather'), 'package.json': manifest };
    expect(offered({ ...files, 'server.json': serverJson('@some/weather') })).toEqual([
      { identifier: '@some/weather', named: true },
    ]);
  });

  it('does so without the registry’s name, where both files stand beside each other', () => {
    const plain = json({
      name: 'weather',
      bin: { weather: 'x.js' },
      dependencies: { '@modelcontextprotocol/sdk': '1' },
    });
    const files = {
      'README.md': documents('@some/weather', '@some/weather'),
      'server.json': serverJson('@some/weather'),
    };
    expect(offered({ ...files, 'package.json': plain })).toEqual([
      { identifier: '@some/weather', named: true },
    ]);
    expect(offered({ ...files, 'sub/package.json': plain })[0]).toEqual({
      identifier: '@some/weather',
      named: true,
    });
  });

  it('wins where the README says it, or where nobody else decides', () => {
    for (const readme of [documents('weather'), intro])
      expect(
        offered({
          'README.md': readme,
          'package.json': manifest,
          'server.json': serverJson('@wrong/weather'),
        }),
      ).toEqual([{ identifier: 'weather', named: true }]);
  });

  it('gives way to an entry of the registry, which was checked, but not to a stranger’s', () => {
    const files = { 'README.md': intro, 'package.json': manifest };
    const entry = { name, packages: [{ registryType: 'npm', identifier: '@some/weather' }] };
    expect(offered(files, [entry])).toEqual([{ identifier: '@some/weather', named: true }]);
    const stranger = { ...entry, name: 'io.github.stranger/weather' };
    expect(offered(files, [stranger])).toContainEqual({ identifier: 'weather', named: true });
  });

  it('is compared at PyPI as PyPI does', () => {
    const pyproject = '[project]\nname = "Weather_MCP"\n[project.scripts]\nweather-mcp = "a:b"\n';
    const found = offered({
      'README.md': `${intro}\`\`\`sh\nuvx weather-mcp\n\`\`\``,
      'pyproject.toml': pyproject,
      'server.json': serverJson('weather-mcp', 'pypi'),
    });
    expect(found).toEqual([{ identifier: 'weather-mcp', named: true }]);
  });
});
