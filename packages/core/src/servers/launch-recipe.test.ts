// Launch recipes: what may stand in one, and the command line that it amounts to.
import { describe, expect, it } from 'vitest';
import {
  identifierProblem,
  launchRecipeInput,
  launchRecipeView,
  operatorRecipe,
  viewOfRecipe,
  type LaunchMethod,
} from './launch-recipe.ts';

const digest = `sha256:${'0123456789abcdef'.repeat(4)}`;

const good: Record<LaunchMethod, string[]> = {
  npx: [
    'cowsay',
    '@modelcontextprotocol/server-everything',
    'a',
    '7zip-bin',
    'is.js',
    'under_score',
    '@a.b/c_d~e',
  ],
  uvx: ['mcp-server-git', 'Flask', 'zope.interface', 'ruamel_yaml', 'a', '2captcha'],
  docker: [
    'alpine',
    'mcp/everything',
    'mcp/everything:1.2',
    'ghcr.io/github/github-mcp-server:v0.5.0',
    'localhost:5000/a/b',
    'registry.example:5000/a__b/c-d.e:Tag_1.2-3',
    `alpine@${digest}`,
    `ghcr.io/a/b:1@${digest}`,
  ],
  remote: ['https://mcp.example/mcp', 'https://mcp.example:8443/a?b=c', 'http://intranet.example/mcp'],
};

const everywhere = [
  '',
  ' ',
  '\0',
  'a\0b',
  'a b',
  ' a',
  'a\n',
  'a\n--registry=https://evil.example',
  '.',
  '..',
  './a',
  '../a',
  '../../etc/passwd',
  '/etc/passwd',
  'a/../b',
  '~/a',
  'C:\\a',
  'a\\b',
  '-y',
  '--help',
  '--registry=https://evil.example',
  '-',
  '--',
  'git+https://github.com/a/b.git',
  'git+ssh://git@github.com/a/b',
  'git@github.com:a/b.git',
  'github:a/b',
  'gist:11081aaa281',
  'file:a',
  'file:///etc/passwd',
  'npm:other@1',
  'link:../a',
  'workspace:*',
  'javascript:alert(1)',
  'data:text/plain,a',
  '$(id)',
  '`id`',
  'a;id',
  'a|id',
  'a&id',
  'a>b',
  'a*',
  '%2e%2e%2fa',
  'ａ',
  'а',
  'a\u202eb',
];

const packagesOnly = [
  'https://evil.example/a.tgz',
  'http://evil.example/a',
  'evil.tgz',
  'evil.tar.gz',
  'evil.tar',
  'EVIL.TGZ',
  'a@1.0.0',
  'a@latest',
  'a@file:b',
];

const bad: Record<LaunchMethod, string[]> = {
  npx: [
    ...everywhere,
    ...packagesOnly,
    'a/b',
    '@a',
    '@/a',
    '@a/',
    '@a/b/c',
    '@-a/b',
    '@../a/b',
    '@a/../b',
    '@a/-b',
    '@a/.b',
    '@a/b@1',
    '_a',
    '.a',
    'Cowsay',
    'a'.repeat(215),
  ],
  uvx: [
    ...everywhere,
    ...packagesOnly,
    'a/b',
    'evil.whl',
    'evil.zip',
    'a==1.0',
    'a>=1',
    'a[extra]',
    'a ; python_version > "3"',
    'a @ https://evil.example/a.whl',
    '_a',
    'a_',
    'a'.repeat(215),
  ],
  docker: [
    // To docker these two are a name and a tag.
    ...everywhere.filter((text) => text !== 'gist:11081aaa281' && text !== 'file:a'),
    'https://evil.example/a',
    'http://evil.example/a',
    'Alpine',
    'a//b',
    '/a',
    'a/',
    'a:',
    'a:-tag',
    'a:b:c',
    'a@sha256:abc',
    'a@md5:0123',
    `a@${digest}0`,
    'a--_b/',
    'a'.repeat(513),
  ],
  remote: [
    ...everywhere,
    'mcp.example',
    'mcp.example/mcp',
    '//mcp.example/mcp',
    'ftp://mcp.example/mcp',
    'ws://mcp.example/mcp',
    'https://',
    'https://user@mcp.example/mcp',
    'https://user:pass@mcp.example/mcp',
    'https://mcp.example/mcp#fragment',
    'https://a b/',
    ' https://mcp.example/mcp',
    'https://mcp.example/mcp\n',
    'https://mcp.exa\tmple/mcp',
    'https://mcp.example/\0',
    'https://mcp.example/\ud800',
  ],
};

const cases = (table: Record<LaunchMethod, string[]>) =>
  (Object.keys(table) as LaunchMethod[]).flatMap((method) =>
    table[method].map((identifier) => [method, identifier] as const),
  );

describe('an identifier', () => {
  it.each(cases(good))('%s: %o is one', (method, identifier) => {
    expect(identifierProblem(method, identifier)).toBeNull();
    expect(launchRecipeInput.safeParse({ method, identifier }).success).toBe(true);
  });

  it.each(cases(bad))('%s: %o is none', (method, identifier) => {
    expect(identifierProblem(method, identifier)).toMatch(/^must /);
    const parsed = launchRecipeInput.safeParse({ method, identifier });
    expect(parsed.error?.issues.map(({ path }) => path)).toContainEqual(['identifier']);
  });

  it('is judged soon, however it was made to be slow', () => {
    const hostile = ['a-', '-', 'a.', '.', 'a_', '__', 'a/', '@a/', 'a:', 'A', '0'].flatMap((part) => [
      part.repeat(1023) + '!',
      part.repeat(1023) + '-',
    ]);
    const startedMs = performance.now();
    for (const method of ['npx', 'uvx', 'docker', 'remote'] as const)
      for (const identifier of hostile) identifierProblem(method, identifier);
    expect(performance.now() - startedMs).toBeLessThan(2000);
  });
});

const recipe = { method: 'npx', identifier: 'cowsay' } as const;
const pathsOf = (input: unknown) =>
  launchRecipeInput.safeParse(input).error?.issues.map(({ path, code }) => `${path.join('.')} ${code}`) ?? [];

describe('the rest of a recipe', () => {
  it('has a default for everything but method and identifier', () => {
    expect(launchRecipeInput.parse(recipe)).toEqual({
      ...recipe,
      version: null,
      package_args: [],
      bin: null,
      port: null,
      env: [],
      required_env_any_of: [],
      inputs: [],
    });
  });

  it.each([
    'command',
    'args',
    'verified',
    'verified_by',
    'deployable',
    'evidence',
    'constructor',
    'toString',
  ])('takes no "%s": that is for us to say, or nobody', (field) => {
    expect(pathsOf({ ...recipe, [field]: 'sh' })).toEqual([' unrecognized_keys']);
  });

  it('takes no prototype', () => {
    const input: unknown = JSON.parse('{"method":"npx","identifier":"cowsay","__proto__":{"bin":"sh"}}');
    expect(pathsOf(input)).toEqual([' unrecognized_keys']);
  });

  it.each([
    ['method', 'sh'],
    ['method', 'constructor'],
    ['identifier', 5],
    ['version', ''],
    ['version', '-1'],
    ['version', '../1'],
    ['version', '1 2'],
    ['version', 'https://evil.example/a.tgz'],
    ['version', 'file:a'],
    ['version', 'npm:other'],
    ['version', 'evil.tgz'],
    ['version', 'evil.tar.gz'],
    ['version', 'evil.tar'],
    ['version', '>=1'],
    ['version', '*'],
    ['version', '1'.repeat(129)],
    ['bin', ''],
    ['bin', '-c'],
    ['bin', '.'],
    ['bin', '..'],
    ['bin', '../sh'],
    ['bin', '/bin/sh'],
    ['bin', 'a b'],
    ['bin', 'a;b'],
    ['package_args', 'a'],
    ['package_args', ['a', 'b\0c']],
    ['package_args', ['a'.repeat(4097)]],
    ['package_args', ['\ud800']],
    ['package_args', Array.from({ length: 201 }, () => 'a')],
    ['transport', 'websocket'],
    ['port', 0],
    ['port', 65536],
    ['port', 1.5],
    ['port', '80'],
    ['env', [{ name: '1A' }]],
    ['env', [{ name: 'A=B' }]],
    ['env', [{ name: 'A B' }]],
    ['env', [{ name: 'A\0' }]],
    ['env', [{ name: '' }]],
    ['env', [{ name: 'A', value: 'x' }]],
    ['env', [{ name: 'A', default: 'x\0' }]],
    ['env', [{ name: 'A', description: 'x\0' }]],
    ['env', [{ name: 'A' }, { name: 'A' }]],
    ['required_env_any_of', [[]]],
    ['required_env_any_of', [['1']]],
    ['inputs', [{ name: 'a b' }]],
    ['inputs', [{ name: 'a', kind: 'shell' }]],
    ['inputs', [{ name: 'a', default: '\0' }]],
    ['inputs', [{ name: 'a', description: '\udc00' }]],
    ['inputs', [{ name: 'a' }, { name: 'a' }]],
  ])('%s cannot be %o', (field, value) => {
    const problems = pathsOf({ ...recipe, [field]: value });
    expect(problems.length).toBeGreaterThan(0);
    for (const problem of problems) expect(problem).toMatch(new RegExp(`^${field}\\b`));
  });

  it.each([
    ['version', '1.2.3-beta.1+build'],
    ['version', 'latest'],
    ['version', '2026.8.31'],
    ['bin', 'mcp-server_2.sh'],
    ['package_args', ['--flag', '{directory}', '', 'sp ace', '; rm -rf /']],
    ['port', 1],
    ['port', 65535],
    ['env', [{ name: '_A1', required: true, secret: true, default: 'ä\n', description: null }]],
    ['inputs', [{ name: 'directory', kind: 'directory', repeatable: true }]],
  ])('%s can be %o', (field, value) => {
    expect(pathsOf({ ...recipe, [field]: value })).toEqual([]);
  });

  it('has no stdio to a remote server', () => {
    expect(pathsOf({ method: 'remote', identifier: 'https://a.example/', transport: 'stdio' })).toEqual([
      'transport custom',
    ]);
  });
});

const shown = (input: unknown) => viewOfRecipe(operatorRecipe(launchRecipeInput.parse(input)));

describe('an operator’s recipe', () => {
  it('is vouched for, and speaks the transport that fits its method', () => {
    expect(shown(recipe)).toMatchObject({
      verified: true,
      verified_by: 'operator',
      deployable: true,
      transport: 'stdio',
    });
    expect(shown({ method: 'remote', identifier: 'https://a.example/' }).transport).toBe('streamable-http');
    expect(shown({ ...recipe, transport: 'sse' }).transport).toBe('sse');
  });

  it('is shown with every documented field', () => {
    expect(launchRecipeView.safeParse(shown(recipe)).success).toBe(true);
    expect(Object.keys(shown(recipe)).toSorted()).toEqual(
      [
        ...['args', 'bin', 'command', 'deployable', 'env', 'evidence', 'identifier', 'inputs', 'method'],
        ...['package_args', 'port', 'required_env_any_of', 'transport', 'verified', 'verified_by', 'version'],
        ...['blockers', 'integrity', 'mounts', 'named_by_repository'],
      ].toSorted(),
    );
  });
});

describe('the command line', () => {
  it.each([
    [recipe, 'npx -y -- cowsay'],
    [{ ...recipe, version: '1.2.3', package_args: ['{dir}'] }, 'npx -y -- cowsay@1.2.3 {dir}'],
    [{ ...recipe, bin: 'moo', version: '1.2.3' }, 'npx -y --package=cowsay@1.2.3 -- moo'],
    [{ method: 'uvx', identifier: 'mcp-server-git' }, 'uvx --from mcp-server-git -- mcp-server-git'],
    [
      { method: 'uvx', identifier: 'mcp-server-git', version: '1.0', bin: 'git-mcp', package_args: ['-v'] },
      'uvx --from mcp-server-git==1.0 -- git-mcp -v',
    ],
    [{ method: 'docker', identifier: 'mcp/time' }, 'docker run -i --rm -- mcp/time'],
    [{ method: 'docker', identifier: 'mcp/time', version: '1' }, 'docker run -i --rm -- mcp/time:1'],
    [{ method: 'docker', identifier: 'mcp/time:2', version: '1' }, 'docker run -i --rm -- mcp/time:2'],
    [
      { method: 'docker', identifier: 'host:5000/time', version: '1' },
      'docker run -i --rm -- host:5000/time:1',
    ],
    [
      { method: 'docker', identifier: `time@${digest}`, version: '1' },
      `docker run -i --rm -- time@${digest}`,
    ],
    [
      { method: 'docker', identifier: 'time', port: 3000, env: [{ name: 'KEY' }], package_args: ['serve'] },
      'docker run -i --rm -p 127.0.0.1:3000:3000 -e KEY -- time serve',
    ],
  ])('of %o is %s', (input, expected) => {
    const { command, args } = shown(input);
    expect([command, ...args].join(' ')).toBe(expected);
  });

  it('does not exist for a remote server, where nothing is run', () => {
    expect(shown({ method: 'remote', identifier: 'https://a.example/' })).toMatchObject({
      command: null,
      args: [],
    });
  });
});
