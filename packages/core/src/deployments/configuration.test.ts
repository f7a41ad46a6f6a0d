// What a deployment's configuration may say.
import { describe, expect, it } from 'vitest';
import { AppError } from '../errors.ts';
import {
  checkEnvironment,
  checkPort,
  ConfigurationIssues,
  defaultLimits,
  deploymentConfiguration,
  parseCpus,
  parseMemory,
  readLimits,
} from './configuration.ts';

const mebibyte = 1024 * 1024;

const issuesOf = (check: (issues: ConfigurationIssues) => unknown): unknown[] => {
  const issues = new ConfigurationIssues();
  check(issues);
  try {
    issues.throwIfAny('server');
    return [];
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    expect(error.code).toBe('INVALID_CONFIGURATION');
    return error.details?.['issues'] as unknown[];
  }
};

describe('memory', () => {
  it.each([
    ['512m', 512 * mebibyte],
    ['512M', 512 * mebibyte],
    ['512mb', 512 * mebibyte],
    ['1g', 1024 * mebibyte],
    ['2 GiB', 2048 * mebibyte],
    ['65536k', 64 * mebibyte],
    [String(64 * mebibyte), 64 * mebibyte],
    [`${64 * mebibyte}b`, 64 * mebibyte],
  ])('%s is %i bytes', (text, bytes) => {
    expect(parseMemory(text)).toBe(bytes);
  });

  it.each([
    'banana',
    '',
    '-1m',
    '1.5g',
    '0',
    '1m',
    '512',
    '9999999g',
    '512x',
    'm',
    '1e9',
    '0x10000000',
    '512m\n1g',
  ])('%j is none', (text) => {
    expect(parseMemory(text)).toBeNull();
  });
});

describe('cores', () => {
  it.each([
    ['0.5', 0.5],
    ['1', 1],
    ['16', 16],
    [' 2 ', 2],
  ])('%j is %d', (text, cpus) => {
    expect(parseCpus(text)).toBe(cpus);
  });

  it.each(['0', '-1', 'half', '', '1e3', 'Infinity', 'NaN', '.5', '99999', '0.001'])('%j is none', (text) => {
    expect(parseCpus(text)).toBeNull();
  });
});

describe('the rules', () => {
  it('take the defaults where nothing is said', () => {
    expect(readLimits({}, new ConfigurationIssues())).toEqual(defaultLimits);
  });

  it('tell everything that is wrong at once, with paths', () => {
    const found = issuesOf((issues) => {
      const configuration = { memory_limit: 'banana', cpu_limit: 'x', port: 0 };
      readLimits(configuration, issues);
      checkPort(configuration, issues);
      checkEnvironment({ 'A=B': '1', PATH: '/evil', GOOD: 'ok', NUL: 'a\0b' }, issues);
    });
    expect(found.map((issue) => (issue as { path: string[] }).path.join('.'))).toEqual([
      'configuration.memory_limit',
      'configuration.cpu_limit',
      'configuration.port',
      'configuration.environment.A=B',
      'configuration.environment.PATH',
      'configuration.environment.NUL',
    ]);
  });

  it.each([-1, 0, 65_536, 3.5, NaN, Infinity])('port %d is none', (port) => {
    expect(
      issuesOf((issues) => {
        checkPort({ port }, issues);
      }),
    ).toHaveLength(1);
  });

  it.each([
    'NODE_OPTIONS',
    'LD_PRELOAD',
    'LD_LIBRARY_PATH',
    'npm_config_registry',
    'NPM_CONFIG_PREFIX',
    'PATH',
    'HOME',
    '',
    '1A',
    'A B',
    'A\0',
    'A=',
    'Ä',
  ])('the variable %j may not be set', (name) => {
    expect(
      issuesOf((issues) => {
        checkEnvironment({ [name]: 'x' }, issues);
      }),
    ).toHaveLength(1);
  });

  it('never repeat a value', () => {
    const found = issuesOf((issues) => {
      checkEnvironment(
        { PATH: 'a-secret-value', 'BAD NAME': 'another-secret', NUL: 'third-secret\0' },
        issues,
      );
    });
    expect(JSON.stringify(found)).not.toMatch(/secret/);
  });
});

describe('the shape', () => {
  it.each([
    { unknown: 1 },
    { port: '3000' },
    { memory_limit: 512 },
    { environment: { A: 1 } },
    { environment: [] },
    { auto_restart: 'yes' },
    { security: { allow_everything: true } },
    { mounts: [{ source: '/a' }] },
    { command: 'sh' },
  ])('refuses %j', (value) => {
    expect(deploymentConfiguration.safeParse(value).success).toBe(false);
  });
});
