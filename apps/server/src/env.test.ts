// The settings: defaults, what is refused, and that a refusal says which variable it is about.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readSettings, SettingsError } from './env.ts';

it('has a default for everything', () => {
  expect(readSettings({})).toMatchObject({
    host: '127.0.0.1',
    port: 8000,
    publicUrl: null,
    dataDir: resolve('.insightloop'),
    allowedHosts: [],
    privateHosts: [],
    corsOrigins: [],
    trustProxy: [],
    databaseUrl: null,
    redisUrl: null,
    keepEventsMs: 24 * 60 * 60 * 1000,
    githubToken: null,
    githubApiUrl: null,
    discoveryCacheMs: 300_000,
    discoveryRefreshMs: 86_400_000,
    proofTimeoutMs: 600_000,
    logLevel: 'info',
    rateLimits: { discovery: 100, deployment: 20, orchestration: 500, logs: 1000 },
  });
});

it('reads every variable', () => {
  expect(
    readSettings({
      API_HOST: 'localhost',
      API_PORT: '0',
      INSIGHTLOOP_PUBLIC_URL: 'https://public.example/base//',
      INSIGHTLOOP_DATA_DIR: '/var/lib/insightloop',
      INSIGHTLOOP_ALLOWED_HOSTS: 'a.example, b.example ,,',
      INSIGHTLOOP_PRIVATE_HOSTS: 'intranet.example:3000',
      CORS_ORIGINS: 'http://localhost:3000,https://app.example',
      TRUST_PROXY: '10.0.0.0/8,127.0.0.1',
      DATABASE_URL: 'postgresql://user:pass@localhost/insightloop',
      REDIS_URL: 'rediss://user:pass@redis.example:6380/1',
      RETENTION_EVENTS_HOURS: '2',
      GITHUB_TOKEN: 'ghp_x',
      GITHUB_API_URL: 'https://github.example/api/v3',
      GITHUB_RAW_URL: 'https://raw.example',
      MCP_REGISTRY_URL: 'http://127.0.0.1:1',
      DISCOVERY_CACHE_SECONDS: '1',
      LOG_LEVEL: 'debug',
      RATE_LIMIT_DISCOVERY: '1',
      RATE_LIMIT_DEPLOYMENT: '2',
      RATE_LIMIT_ORCHESTRATION: '3',
      RATE_LIMIT_LOGS: '0',
    }),
  ).toMatchObject({
    host: 'localhost',
    port: 0,
    publicUrl: 'https://public.example/base',
    dataDir: '/var/lib/insightloop',
    allowedHosts: ['a.example', 'b.example'],
    privateHosts: ['intranet.example:3000'],
    corsOrigins: ['http://localhost:3000', 'https://app.example'],
    trustProxy: ['10.0.0.0/8', '127.0.0.1'],
    databaseUrl: 'postgresql://user:pass@localhost/insightloop',
    redisUrl: 'rediss://user:pass@redis.example:6380/1',
    keepEventsMs: 2 * 60 * 60 * 1000,
    githubToken: 'ghp_x',
    githubApiUrl: 'https://github.example/api/v3',
    githubRawUrl: 'https://raw.example',
    mcpRegistryUrl: 'http://127.0.0.1:1',
    discoveryCacheMs: 1_000,
    logLevel: 'debug',
    rateLimits: { discovery: 1, deployment: 2, orchestration: 3, logs: 0 },
  });
});

it('takes an empty variable for none, as compose files leave things out', () => {
  expect(readSettings({ API_PORT: '', DATABASE_URL: '', INSIGHTLOOP_PUBLIC_URL: '', LOG_LEVEL: '' })).toEqual(
    readSettings({}),
  );
});

it('does not mind what is none of its business', () => {
  expect(readSettings({ API_PORTS: 'x', SOMETHING: '' })).toEqual(readSettings({}));
});

describe('a setting that cannot be', () => {
  it.each([
    ['API_PORT', 'eight'],
    ['API_PORT', '-1'],
    ['API_PORT', '65536'],
    ['API_PORT', '80.5'],
    ['INSIGHTLOOP_PUBLIC_URL', 'public.example'],
    ['INSIGHTLOOP_PUBLIC_URL', 'ftp://public.example'],
    ['INSIGHTLOOP_ALLOW_ANONYMOUS', 'yes'],
    ['DATABASE_URL', 'mysql://localhost/x'],
    ['DATABASE_URL', 'localhost'],
    ['LOG_LEVEL', 'loud'],
    ['RATE_LIMIT_DISCOVERY', 'many'],
    ['RATE_LIMIT_DEPLOYMENT', '-1'],
    ['RATE_LIMIT_ORCHESTRATION', '1.5'],
    ['RATE_LIMIT_LOGS', 'Infinity'],
    ['CORS_ORIGINS', '*'],
    ['CORS_ORIGINS', 'http://localhost:3000/'],
    ['CORS_ORIGINS', 'https://app.example,app.example'],
    ['CORS_ORIGINS', 'null'],
    ['TRUST_PROXY', 'everybody'],
    ['TRUST_PROXY', '10.0.0.0/99'],
    ['TRUST_PROXY', '10.0.0.1,proxy.example'],
  ])('is named: %s=%s', (name, value) => {
    expect(() => readSettings({ [name]: value })).toThrow(SettingsError);
    expect(() => readSettings({ [name]: value })).toThrow(name);
  });

  it('is named together with all others', () => {
    const read = () => readSettings({ API_PORT: 'x', LOG_LEVEL: 'x' });
    expect(read).toThrow(/API_PORT: .*\n.*LOG_LEVEL: /);
  });

  it('is not repeated where it is a secret', () => {
    const read = () => readSettings({ DATABASE_URL: 'postgres:hunter2' });
    expect(read).not.toThrow(/hunter2/);
    expect(() => readSettings({ DATABASE_URL: 'mysql://user:hunter2@localhost/x' })).not.toThrow(/hunter2/);
  });
});

describe('an address that others can reach', () => {
  it.each(['0.0.0.0', '::', '192.0.2.1', 'api.example'])('is refused without a word: %s', (host) => {
    expect(() => readSettings({ API_HOST: host })).toThrow(SettingsError);
    expect(() => readSettings({ API_HOST: host })).toThrow(/API_HOST.*INSIGHTLOOP_ALLOW_ANONYMOUS/);
    expect(() => readSettings({ API_HOST: host, INSIGHTLOOP_ALLOW_ANONYMOUS: 'false' })).toThrow(
      SettingsError,
    );
  });

  it('is taken from who knows what it means', () => {
    expect(readSettings({ API_HOST: '0.0.0.0', INSIGHTLOOP_ALLOW_ANONYMOUS: 'true' }).host).toBe('0.0.0.0');
  });

  it.each(['127.0.0.1', '127.0.0.2', '::1', 'localhost'])('is none: %s', (host) => {
    expect(readSettings({ API_HOST: host }).host).toBe(host);
  });
});

describe('a secret in a file', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'insightloop-env-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  const written = (text: string): string => {
    const file = join(folder, 'secret');
    writeFileSync(file, text);
    return file;
  };

  it('is read, without the line break that editors leave', () => {
    const file = written('postgres://file/x\n');
    expect(readSettings({ DATABASE_URL_FILE: file }).databaseUrl).toBe('postgres://file/x');
  });

  it('counts less than the variable itself, and more than an empty one', () => {
    const file = written('postgres://file/x');
    expect(readSettings({ DATABASE_URL: 'postgres://variable/x', DATABASE_URL_FILE: file }).databaseUrl).toBe(
      'postgres://variable/x',
    );
    expect(readSettings({ DATABASE_URL: '', DATABASE_URL_FILE: file }).databaseUrl).toBe('postgres://file/x');
  });

  it('that cannot be read is named', () => {
    const read = () => readSettings({ DATABASE_URL_FILE: join(folder, 'missing') });
    expect(read).toThrow(SettingsError);
    expect(read).toThrow(/DATABASE_URL_FILE.*missing/);
  });
});
