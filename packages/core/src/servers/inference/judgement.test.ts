// What a repository is, by its own words and files.
import { describe, expect, it } from 'vitest';
import { filesToRead } from './files-to-read.ts';
import { isPlaceholder } from './placeholders.ts';
import { identityOf, isRelated, isRelatedHost } from './relatedness.ts';
import { isForeignVariable, isSecretName, looksLikeVariable } from './variable-names.ts';

describe('names of variables', () => {
  it.each([
    'A_API_KEY',
    'A_TOKEN',
    'DB_PASSWORD',
    'MYSQL_PASS',
    'SENTRY_DSN',
    'DATABASE_URI',
    'MONGODB_URL',
    'a_token',
    'X_APIKEY',
    'GITHUB_PAT',
    'A_CREDENTIALS',
    'DB_CONNECTION_STRING',
    'A_CLIENT_SECRET',
    'TWO__TOKEN',
  ])('%s is a secret', (name) => {
    expect(isSecretName(name)).toBe(true);
  });

  it.each([
    'MAX_TOKENS',
    'A_TOKEN_FILE',
    'A_CREDENTIALS_PATH',
    'A_URL',
    'ES_URL',
    'PUBLIC_KEY',
    'A_TOKEN_LIMIT',
    'A_CLIENT_ID',
    'KEYBOARD',
    'ISSUE_KEY',
    'PASSTHROUGH_HEADERS',
  ])('%s is none', (name) => {
    expect(isSecretName(name)).toBe(false);
  });

  it('tells the server’s from the machine’s and from placeholders', () => {
    expect(
      ['PATH', 'HOME', 'NODE_ENV', 'YOUR_TOKEN', 'TOKEN_HERE', 'TEST_DB_URL'].every(isForeignVariable),
    ).toBe(true);
    expect(['PORT', 'A_KEY', 'FASTMCP_PORT'].some(isForeignVariable)).toBe(false);
    expect(['A_B', 'A__B', 'A1_B2'].every(looksLikeVariable)).toBe(true);
    expect(['A', 'PORT', 'a_b', 'A_'].some(looksLikeVariable)).toBe(false);
  });
});

describe('placeholders', () => {
  it.each([
    '<token>',
    'YOUR_KEY',
    'your-api-key',
    'TOKEN_HERE',
    'xoxp-...',
    '/path/to/dir',
    '${A}',
    '$A',
    '{{X}}',
    'sk-xxxxxxxx',
    'https://your-company.host.io',
    'your.email@company.com',
    '',
  ])('%s is one', (value) => {
    expect(isPlaceholder(value)).toBe(true);
  });

  it.each(['stdio', '--flag', '8000', 'https://api.host.io', ':memory:', 'restricted'])(
    '%s is none',
    (value) => {
      expect(isPlaceholder(value)).toBe(false);
    },
  );
});

describe('what belongs to a repository', () => {
  const identity = identityOf('some-owner/mcp-server-weather', [], ['own-name']);

  it.each(['weather-mcp', '@anybody/weather', 'host.io/mcp/weather', 'own_name'])('%s does', (name) => {
    expect(isRelated(identity, name)).toBe(true);
  });

  it.each(['mcp-server-fetch', '@modelcontextprotocol/server-filesystem', 'mcp-proxy', 'postgres'])(
    '%s does not',
    (name) => {
      expect(isRelated(identity, name)).toBe(false);
    },
  );

  it('goes by the owner where the name says nothing', () => {
    const servers = identityOf('some-owner/mcp-servers', [], []);
    expect(isRelated(servers, '@some-owner/thing')).toBe(true);
    expect(isRelated(servers, '@another/thing')).toBe(false);
  });

  it('knows the hosts of its owner', () => {
    expect(isRelatedHost(identity, 'https://mcp.weather.io/mcp')).toBe(true);
    expect(isRelatedHost(identity, 'https://api.some-owner.com/mcp')).toBe(true);
    expect(isRelatedHost(identity, 'https://elsewhere.io/mcp')).toBe(false);
    expect(isRelatedHost(identity, 'no address')).toBe(false);
  });
});

describe('which files are read', () => {
  it('takes what tells at the root, and manifests of packages below, most telling first', () => {
    const tree = [
      'README.md',
      'src/index.ts',
      'package.json',
      'packages/a/package.json',
      'packages/a/README.md',
      'packages/a/src/deep/package.json',
      'examples/x/package.json',
      'tests/package.json',
      'node_modules/b/package.json',
      '.env.example',
      'Dockerfile',
      'docker-compose.yml',
      'sub/Dockerfile',
      'docs/README.md',
      'server/server.json',
    ];
    expect(filesToRead(tree)).toEqual([
      'README.md',
      'package.json',
      '.env.example',
      'Dockerfile',
      'docker-compose.yml',
      'server/server.json',
      'packages/a/README.md',
      'packages/a/package.json',
    ]);
  });

  it('never asks for more than 60', () => {
    expect(
      filesToRead(Array.from({ length: 1000 }, (_, index) => `packages/${index}/package.json`)),
    ).toHaveLength(60);
  });
});
