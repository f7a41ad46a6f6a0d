// From a recipe and a configuration to a plan: everything that is wrong told at once, and nothing guessed.
import { describe, expect, it } from 'vitest';
import { AppError } from '../errors.ts';
import { launchRecipeInput, operatorRecipe, type LaunchRecipe } from '../servers/launch-recipe.ts';
import { aServer } from '../testing/deployment-site.ts';
import type { DeploymentConfiguration } from './configuration.ts';
import type { LaunchPlan } from './launch-plan.ts';
import { planLaunch, type PlanRequest } from './launch-planner.ts';
import type { MountRoots } from './mount-roots.ts';

const recipe = (fields: object = {}): LaunchRecipe =>
  operatorRecipe(launchRecipeInput.parse({ method: 'npx', identifier: '@scope/name', ...fields }));

/** `/open` is open, and `/open/link` leads to `/open/real`. */
const mountRoots: MountRoots = {
  check: (path) =>
    Promise.resolve(
      path.startsWith('/open')
        ? { ok: true, realPath: path.replace('link', 'real'), kind: 'directory' }
        : { ok: false, reason: `${path} lies under no open root` },
    ),
};

const plan = (
  recipes: LaunchRecipe[],
  configuration: DeploymentConfiguration = {},
  more: Partial<PlanRequest> & { kind?: 'server' | 'gateway' } = {},
): Promise<LaunchPlan> =>
  planLaunch(
    {
      deploymentId: 'deploy-1',
      server: aServer('one', { launch: recipes, kind: more.kind ?? 'server' }),
      method: null,
      configuration,
      allowUnverified: false,
      allowKind: false,
      ...more,
    },
    mountRoots,
  );

/** `path: code` of each issue. */
const issuesOf = async (planning: Promise<LaunchPlan>): Promise<string[]> => {
  const error = await planning.then(
    () => expect.fail('it was planned'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof AppError)) throw error;
  expect(error.code).toBe('INVALID_CONFIGURATION');
  const issues = error.details?.['issues'];
  return (Array.isArray(issues) ? issues : []).map(
    (issue: { path: string[]; code: string }) => `${issue.path.slice(1).join('.')}: ${issue.code}`,
  );
};

describe('a plan', () => {
  it('is all of the recipe, with the defaults', async () => {
    expect(await plan([recipe({ version: '1.2.3', bin: 'serve', package_args: ['--stdio'] })])).toEqual({
      deploymentId: 'deploy-1',
      serverId: 'one',
      method: 'npx',
      identifier: '@scope/name',
      version: '1.2.3',
      digest: null,
      bin: 'serve',
      args: ['--stdio'],
      environment: {},
      secretInputs: [],
      transport: 'stdio',
      port: null,
      path: null,
      limits: { memoryBytes: 512 * 1024 ** 2, cpus: 1, pids: 256, diskBytes: 2 * 1024 ** 3 },
      mounts: [],
      allowScripts: false,
      allowUnisolated: false,
    });
  });

  it('takes what the configuration says over it', async () => {
    const planned = await plan(
      [recipe({ version: '1.0.0', package_args: ['a'], transport: 'streamable-http', port: 3000 })],
      {
        version: '2.0.0',
        args: ['b', '--c'],
        port: 4000,
        memory_limit: '1g',
        cpu_limit: '0.5',
        security: { allow_scripts: true, allow_unisolated: true },
      },
    );
    expect(planned).toMatchObject({
      version: '2.0.0',
      args: ['a', 'b', '--c'],
      port: 4000,
      limits: { memoryBytes: 1024 ** 3, cpus: 0.5 },
      allowScripts: true,
      allowUnisolated: true,
    });
  });

  it('over stdio has no port: the one asked for is that of the bridge', async () => {
    expect((await plan([recipe({ port: 3000 })], { port: 4000 })).port).toBeNull();
  });
});

describe('inputs', () => {
  const input = (name: string, more: object = {}) => ({ name, ...more });

  it('fill placeholders in arguments and in default values, as often as they stand there', async () => {
    const planned = await plan(
      [
        recipe({
          package_args: ['--url={url}', '{url}/{url}', '{unknown}', '{}', '$&'],
          inputs: [input('url', { kind: 'url' })],
          env: [{ name: 'BASE', default: '{url}/api' }],
        }),
      ],
      { inputs: { url: 'https://a.example/$&' } },
    );
    expect(planned.args).toEqual([
      '--url=https://a.example/$&',
      'https://a.example/$&/https://a.example/$&',
      '{unknown}',
      '{}',
      '$&',
    ]);
    expect(planned.environment).toEqual({ BASE: 'https://a.example/$&/api' });
  });

  it('that repeat become as many arguments, and none where there is none', async () => {
    const recipes = [
      recipe({
        package_args: ['x', '{name}', '--all={name}'],
        inputs: [input('name', { repeatable: true })],
      }),
    ];
    expect((await plan(recipes, { inputs: { name: ['a', 'b c'] } })).args).toEqual([
      'x',
      'a',
      'b c',
      '--all=a,b c',
    ]);
    expect((await plan(recipes)).args).toEqual(['x', '--all=']);
  });

  it('have defaults, which a value replaces', async () => {
    const recipes = [recipe({ package_args: ['{name}'], inputs: [input('name', { default: 'd' })] })];
    expect((await plan(recipes)).args).toEqual(['d']);
    expect((await plan(recipes, { inputs: { name: 'v' } })).args).toEqual(['v']);
  });

  it('are told all at once where they are wrong or missing', async () => {
    const recipes = [
      recipe({
        inputs: [
          input('needed', { required: true }),
          input('single'),
          input('url', { kind: 'url' }),
          input('flag'),
          input('empty'),
          input('key', { kind: 'secret' }),
        ],
      }),
    ];
    const inputs = {
      single: ['a', 'b'],
      url: 'no url',
      flag: '--rm',
      empty: '',
      key: '-----BEGIN',
      other: 'x',
    };
    expect(await issuesOf(plan(recipes, { inputs, memory_limit: 'banana', port: 0 }))).toEqual([
      'memory_limit: invalid_value',
      'port: invalid_value',
      'inputs.needed: missing',
      'inputs.single: too_many',
      'inputs.url: invalid_value',
      'inputs.flag: invalid_value',
      'inputs.empty: invalid_value',
      'inputs.other: unknown_input',
    ]);
  });

  it('named like parts of every object are no inputs', async () => {
    expect(await issuesOf(plan([recipe()], { inputs: { constructor: 'x' } }))).toEqual([
      'inputs.constructor: unknown_input',
    ]);
  });
});

describe('variables', () => {
  it('have defaults, and those required must be there and not empty', async () => {
    const recipes = [
      recipe({
        env: [
          { name: 'MODE', default: 'fast' },
          { name: 'KEY', required: true, description: 'the key' },
        ],
      }),
    ];
    expect((await plan(recipes, { environment: { KEY: 'k', EXTRA: 'e' } })).environment).toEqual({
      MODE: 'fast',
      KEY: 'k',
      EXTRA: 'e',
    });
    expect(await issuesOf(plan(recipes, { environment: { KEY: '' } }))).toEqual(['environment.KEY: missing']);
    expect(await issuesOf(plan(recipes, { environment: { KEY: 'k', NODE_OPTIONS: '--inspect' } }))).toEqual([
      'environment.NODE_OPTIONS: forbidden_name',
    ]);
  });

  it('of which one set is required: whole, and any of them', async () => {
    const recipes = [recipe({ required_env_any_of: [['TOKEN'], ['USER_NAME', 'PASSWORD']] })];
    for (const environment of [{ TOKEN: 't' }, { USER_NAME: 'u', PASSWORD: 'p' }] as Record<string, string>[])
      expect((await plan(recipes, { environment })).environment).toEqual(environment);
    expect(await issuesOf(plan(recipes, { environment: { USER_NAME: 'u' } }))).toEqual([
      'environment: missing',
    ]);
  });
});

describe('paths', () => {
  it('asked for are mounted as what they really are, read-only unless said otherwise', async () => {
    const { mounts } = await plan([recipe()], {
      mounts: [
        { source: '/open/link', target: '/data' },
        { source: '/open/b', target: '/b', read_only: false },
      ],
    });
    expect(mounts).toEqual([
      { source: '/open/real', target: '/data', readOnly: true },
      { source: '/open/b', target: '/b', readOnly: false },
    ]);
  });

  it('that are inputs are mounted where the server looks for them', async () => {
    const { mounts, args } = await plan(
      [recipe({ package_args: ['{root}'], inputs: [{ name: 'root', kind: 'directory', repeatable: true }] })],
      { inputs: { root: ['/open/link', '/open/b'] } },
    );
    expect(args).toEqual(['/open/link', '/open/b']);
    expect(mounts).toEqual([
      { source: '/open/real', target: '/open/link', readOnly: false },
      { source: '/open/b', target: '/open/b', readOnly: false },
    ]);
  });

  it('under no open root, and targets that climb, are refused', async () => {
    const mounts = [
      { source: '/etc', target: '/data' },
      { source: '/open/a', target: '/data/../etc' },
      { source: '/open/a', target: 'data' },
    ];
    expect(await issuesOf(plan([recipe()], { mounts }))).toEqual([
      'mounts.0: forbidden_path',
      'mounts.1: forbidden_path',
      'mounts.2: forbidden_path',
    ]);
    const recipes = [recipe({ inputs: [{ name: 'root', kind: 'path' }] })];
    expect(await issuesOf(plan(recipes, { inputs: { root: '/etc' } }))).toEqual([
      'inputs.root: forbidden_path',
    ]);
  });
});

describe('the recipe', () => {
  const other = recipe({ method: 'uvx', identifier: 'mcp-server-git' });

  it('is the first that can be deployed, or the first of the method asked for', async () => {
    const first = { ...recipe(), deployable: false };
    expect((await plan([first, other])).method).toBe('uvx');
    expect((await plan([recipe(), other], {}, { method: 'uvx' })).identifier).toBe('mcp-server-git');
    await expect(plan([first])).rejects.toMatchObject({ code: 'INVALID_CONFIGURATION' });
    await expect(plan([other], {}, { method: 'npx' })).rejects.toMatchObject({
      details: { method: 'npx', methods: ['uvx'] },
    });
  });

  it.each([false, null])(
    'that nothing vouches for (%s) is refused unless the caller does',
    async (verified) => {
      const stranger = { ...recipe(), verified };
      await expect(plan([stranger])).rejects.toMatchObject({ code: 'SERVER_NOT_VERIFIED' });
      expect((await plan([stranger], {}, { allowUnverified: true })).identifier).toBe('@scope/name');
    },
  );

  it('of what is no server is refused unless that is wished', async () => {
    await expect(plan([recipe()], {}, { kind: 'gateway' })).rejects.toMatchObject({
      code: 'INVALID_CONFIGURATION',
      details: { kind: 'gateway' },
    });
    expect((await plan([recipe()], {}, { kind: 'gateway', allowKind: true })).serverId).toBe('one');
  });
});

describe('what was verified', () => {
  const verified: LaunchRecipe = {
    ...recipe({ version: '1.2.3' }),
    verified_by: 'repository',
    integrity: 'sha512-abc',
  };

  it('is a version and its hash: both are pinned', async () => {
    expect(await plan([verified])).toMatchObject({ version: '1.2.3', digest: 'sha512-abc' });
    expect(await plan([verified], { version: '1.2.3' })).toMatchObject({ digest: 'sha512-abc' });
  });

  it('is no other version', async () => {
    await expect(plan([verified], { version: '1.2.4' })).rejects.toMatchObject({
      code: 'SERVER_NOT_VERIFIED',
      details: { reason: 'only version 1.2.3 was verified, not 1.2.4' },
    });
    expect(await plan([verified], { version: '1.2.4' }, { allowUnverified: true })).toMatchObject({
      version: '1.2.4',
      digest: null,
    });
    expect((await plan([recipe({ version: '1.2.3' })], { version: '1.2.4' })).version).toBe('1.2.4');
  });

  it('comes before what is not', async () => {
    const stranger = { ...recipe({ identifier: 'stranger' }), verified: false };
    expect((await plan([stranger, verified])).identifier).toBe('@scope/name');
  });
});

it('what cannot be deployed unattended says why', async () => {
  const blocked = { ...recipe(), deployable: false, blockers: ['needs a desktop application'] };
  await expect(plan([blocked])).rejects.toMatchObject({
    code: 'INVALID_CONFIGURATION',
    message: expect.stringContaining('needs a desktop application'),
    details: { blockers: ['needs a desktop application'] },
  });
});

it('a path that a server expects at a place of its own is mounted there', async () => {
  const container: LaunchRecipe = {
    ...recipe({ inputs: [{ name: 'root', kind: 'directory' }] }),
    mounts: [{ input: 'root', target: '/data', read_only: true }],
  };
  expect((await plan([container], { inputs: { root: '/open/link' } })).mounts).toEqual([
    { source: '/open/real', target: '/data', readOnly: true },
  ]);
});

describe('a version', () => {
  it.each(['--registry=x', '../x', 'git+ssh://x', '1.0.0 || 2', ''])(
    'that is none is refused: %j',
    async (version) => {
      expect(await issuesOf(plan([recipe()], { version }))).toEqual(['version: invalid_value']);
    },
  );
});

describe('a command line', () => {
  it('that no system would start is refused before anything is installed', async () => {
    const tooLong = 'x'.repeat(128 * 1024);
    expect(await issuesOf(plan([recipe()], { args: ['fine', 'a\0b', tooLong] }))).toEqual([
      'args.1: invalid_value',
      'args.2: too_long',
    ]);
    expect(await issuesOf(plan([recipe()], { environment: { KEY: tooLong } }))).toEqual([
      'environment.KEY: too_long',
    ]);
    const many = Array.from({ length: 11 }, () => 'x'.repeat(100_000));
    expect(await issuesOf(plan([recipe()], { args: many }))).toEqual([': too_long']);
  });

  it('may be as long as a system takes', async () => {
    const longest = 'x'.repeat(128 * 1024 - 1);
    const planned = await plan([recipe()], { args: [longest], environment: { KEY: longest.slice(4) } });
    expect(planned.args).toEqual([longest]);
  });
});

it('a plan knows which inputs are secret', async () => {
  const inputs = [
    { name: 'token', kind: 'secret' },
    { name: 'place', kind: 'string' },
  ];
  const planned = await plan([recipe({ inputs, package_args: ['--token={token}', '{place}'] })], {
    inputs: { token: 'hunter22', place: 'here' },
  });
  expect([planned.args, planned.secretInputs]).toEqual([['--token=hunter22', 'here'], ['hunter22']]);
});
