// Deploys that cannot work: each is refused with its documented error and what the server said, and nothing is left of it.
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NpmRegistry } from './support/npm-registry.ts';
import { npmFrom, restOf, type Answer, type Deployed, type ErrorBody, type Rest } from './support/rest.ts';
import { startServer, type RunningServer } from './support/running-server.ts';
import { publishTestPackage } from './support/test-packages.ts';
import { noTraces, tracesOf } from './support/traces.ts';

let folder: string;
let registry: NpmRegistry;
let server: RunningServer;
let rest: Rest;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'run-bad-input-'));
  await mkdir(join(folder, 'shared'));
  await symlink('/etc', join(folder, 'shared/out'));
  registry = await NpmRegistry.start();
  await publishTestPackage(registry, 'ill-behaved-package');
  registry.publish({ manifest: { name: 'without-bin', version: '1.0.0' }, files: { 'index.js': '' } });
  registry.publish({
    manifest: { name: 'lying-bin', version: '1.0.0', bin: 'missing.js' },
    files: { 'index.js': '' },
  });
  server = await startServer({
    env: {
      ...npmFrom(registry),
      INSIGHTLOOP_MOUNT_ROOTS: join(folder, 'shared'),
      HANDSHAKE_TIMEOUT_SECONDS: '5',
      STOP_GRACE_SECONDS: '1',
    },
  });
  rest = restOf(server.baseUrl);
  await rest.register('polite', 'ill-behaved-package');
});
afterAll(async () => {
  await server.stop();
  await registry.close();
  await rm(folder, { recursive: true });
});

const live = ['starting', 'running', 'degraded', 'restarting', 'stopping'];

/** Neither on the machine nor in what is stored. */
async function expectNothingLeft(): Promise<void> {
  expect((await rest.get('/api/servers/running')).body).toEqual({ servers: [], total: 0 });
  expect(await tracesOf(server.dataDir)).toEqual(noTraces);
  const { deployments } = (await rest.get('/api/deployments?limit=100')).body as { deployments: Deployed[] };
  expect(deployments.filter(({ status }) => live.includes(status))).toEqual([]);
}

const stored = async (): Promise<number> =>
  ((await rest.get('/api/deployments')).body as { total: number }).total;

const deploy = (id: string, configuration: object): Promise<Answer> =>
  rest.post(`/api/deploy/${id}`, { configuration });

describe('a configuration that makes no sense', () => {
  const nul = '\0';
  it.each<[string, object, (string | number)[]]>([
    ['memory that is no size', { memory_limit: 'banana' }, ['memory_limit']],
    ['memory in which nothing runs', { memory_limit: '1k' }, ['memory_limit']],
    ['negative memory', { memory_limit: '-512m' }, ['memory_limit']],
    ['processors that are no number', { cpu_limit: 'all' }, ['cpu_limit']],
    ['no processor', { cpu_limit: '0' }, ['cpu_limit']],
    ['port 0', { port: 0 }, ['port']],
    ['port 65536', { port: 65_536 }, ['port']],
    ['half a port', { port: 80.5 }, ['port']],
    ['a variable with "="', { environment: { 'A=B': 'x' } }, ['environment', 'A=B']],
    ['a variable with NUL', { environment: { [`A${nul}B`]: 'x' } }, ['environment', `A${nul}B`]],
    ['a variable without a name', { environment: { '': 'x' } }, ['environment', '']],
    ['a value with NUL', { environment: { A: `x${nul}y` } }, ['environment', 'A']],
    ...['NODE_OPTIONS', 'LD_PRELOAD', 'LD_LIBRARY_PATH', 'npm_config_registry', 'PATH', 'HOME'].map(
      (name): [string, object, string[]] => [
        `the variable ${name}`,
        { environment: { [name]: 'x' } },
        ['environment', name],
      ],
    ),
    ['an unknown input', { inputs: { nothing: 'x' } }, ['inputs', 'nothing']],
    ['a mount of the system', { mounts: [{ source: '/etc', target: '/data' }] }, ['mounts', 0]],
    ['a mount of the root', { mounts: [{ source: '/', target: '/data' }] }, ['mounts', 0]],
    ['a version that is a path', { version: '../../x' }, ['version']],
  ])('is told: %s', async (_, configuration, path) => {
    const before = await stored();
    const answer = await deploy('polite', configuration);
    expect(answer).toMatchObject({
      status: 422,
      body: {
        error: {
          code: 'INVALID_CONFIGURATION',
          details: {
            issues: expect.arrayContaining([expect.objectContaining({ path: ['configuration', ...path] })]),
          },
        },
      },
    });
    expect(await stored()).toBe(before);
    await expectNothingLeft();
  });

  it('is told whole, not one by one', async () => {
    const answer = await deploy('polite', { memory_limit: 'banana', port: 0, environment: { PATH: 'x' } });
    expect((answer.body as ErrorBody).error.details['issues']).toHaveLength(3);
  });

  it('may give no folder outside of the roots, by whatever way', async () => {
    const shared = join(folder, 'shared');
    const sources = [
      folder,
      join(shared, '..'),
      join(shared, 'out'),
      server.dataDir,
      `${shared}-other`,
      'relative',
    ];
    for (const source of sources)
      expect(await deploy('polite', { mounts: [{ source, target: '/data' }] }), source).toMatchObject({
        status: 422,
        body: { error: { code: 'INVALID_CONFIGURATION' } },
      });
    expect(
      (await rest.post('/api/deploy/filesystem', { configuration: { inputs: { directory: '/etc' } } })).body,
    ).toMatchObject({
      error: {
        code: 'INVALID_CONFIGURATION',
        details: { issues: [{ path: ['configuration', 'inputs', 'directory'], code: 'forbidden_path' }] },
      },
    });
    await expectNothingLeft();
  });

  it('may not leave out what is required', async () => {
    await rest.register('needy', 'ill-behaved-package', {
      env: [{ name: 'API_KEY', required: true, secret: true, description: 'from the settings page' }],
      required_env_any_of: [['USER_NAME', 'USER_WORD'], ['TOKEN']],
      inputs: [{ name: 'place', kind: 'string', required: true, description: 'where it works' }],
      package_args: ['{place}'],
    });
    const answer = await deploy('needy', {});
    expect(answer).toMatchObject({ status: 422, body: { error: { code: 'INVALID_CONFIGURATION' } } });
    const { message, details } = (answer.body as ErrorBody).error;
    for (const words of [
      'API_KEY',
      'from the settings page',
      'USER_NAME',
      'TOKEN',
      'place',
      'where it works',
    ])
      expect(message).toContain(words);
    expect(details['issues']).toHaveLength(3);
    await expectNothingLeft();
  });

  it('cannot have a port that somebody has', async () => {
    const holder = createServer().listen(0, '127.0.0.1');
    await once(holder, 'listening');
    const { port } = holder.address() as { port: number };
    const answer = await deploy('polite', { port });
    expect(answer).toMatchObject({ status: 422, body: { error: { code: 'INVALID_CONFIGURATION' } } });
    expect((answer.body as ErrorBody).error.message).toContain(String(port));
    await expectNothingLeft();
    holder.close();
  });

  it.each<[string, object]>([
    ['a number for the memory', { memory_limit: 512 }],
    ['a text for the port', { port: '8080' }],
    ['an unknown field', { memory: '512m' }],
    ['a list for the environment', { environment: ['A=B'] }],
  ])('of the wrong type is a bad request: %s', async (_, configuration) => {
    expect(await deploy('polite', configuration)).toMatchObject({
      status: 400,
      body: { error: { code: 'INVALID_REQUEST' } },
    });
  });
});

/** The last thing that became of a server. */
const lastFailure = async (id: string): Promise<Deployed> => {
  const { deployments } = (await rest.get(`/api/deployments?server_id=${id}&limit=1`)).body as {
    deployments: Deployed[];
  };
  const [last] = deployments;
  if (!last) throw new Error(`${id} was never deployed`);
  return last;
};

describe('a package that cannot be run', () => {
  it.each<[string, string, RegExp]>([
    ['that does not exist', 'does-not-exist-anywhere', /does-not-exist-anywhere/],
    ['without a program', 'without-bin', /bin|program/],
    ['whose program is missing', 'lying-bin', /missing\.js|program/],
  ])('fails as the package’s fault: one %s', async (_, identifier, says) => {
    await rest.register(identifier, identifier);
    const answer = await deploy(identifier, {});
    expect(answer).toMatchObject({ status: 422, body: { error: { code: 'DEPLOYMENT_FAILED' } } });
    const { message, details } = (answer.body as ErrorBody).error;
    expect(message).toMatch(says);
    expect(details).toMatchObject({ server_id: identifier, output: expect.any(Array) });
    await expectNothingLeft();
    expect(await lastFailure(identifier)).toMatchObject({
      status: 'failed',
      last_failure: { message: expect.any(String) },
    });
  });

  it('fails when there is no such version', async () => {
    const answer = await deploy('polite', { version: '9.9.9' });
    expect(answer).toMatchObject({ status: 422, body: { error: { code: 'DEPLOYMENT_FAILED' } } });
    await expectNothingLeft();
  });

  it('fails when its content is not what was promised', async () => {
    registry.publish({
      manifest: { name: 'tampered', version: '1.0.0', bin: 'x.js' },
      files: { 'x.js': '' },
    });
    registry.breakWith('tampered.tgz', { kind: 'wrong-content' });
    await rest.register('tampered', 'tampered');
    const answer = await deploy('tampered', {});
    expect((answer.body as ErrorBody).error).toMatchObject({ code: 'DEPLOYMENT_FAILED' });
    expect(JSON.stringify(answer.body)).toContain('EINTEGRITY');
    await expectNothingLeft();
  });

  it('deploys also where its tarball takes its time', async () => {
    await publishTestPackage(registry, 'ill-behaved-package', { manifest: { name: 'slow-tarball' } });
    registry.breakWith('slow-tarball.tgz', { kind: 'delay', delayMs: 5_000 });
    await rest.register('slow-tarball', 'slow-tarball');
    expect(await rest.deploy('slow-tarball')).toMatchObject({ status: 'running' });
    expect(await rest.textOf('slow-tarball', 'echo', { message: 'there' })).toBe('there');
    await rest.stop('slow-tarball');
    await expectNothingLeft();
  });
});

describe('a server that does not come up', () => {
  it.each<[string, string, string, object]>([
    ['ends at once', 'dies', 'no database at 10.0.0.1', { reason: 'exit', code: 7 }],
    ['never answers', 'silent', 'waiting for a licence key that never comes', { reason: 'handshake' }],
    ['prints garbage', 'garbage', 'I print what I like', { reason: 'handshake' }],
    ['takes too much memory', 'hogAtStart', 'allocating', { reason: 'out_of_memory' }],
  ])('fails with what it said: one that %s', async (_, mode, line, details) => {
    const answer = await deploy('polite', { args: [mode], memory_limit: '128m' });
    expect(answer).toMatchObject({
      status: 422,
      body: { error: { code: 'DEPLOYMENT_FAILED', details: { server_id: 'polite', ...details } } },
    });
    expect((answer.body as ErrorBody).error.details.output).toContainEqual(expect.stringContaining(line));
    await expectNothingLeft();
    const last = await lastFailure('polite');
    expect(last).toMatchObject({ status: 'failed', last_failure: details });
    expect(last.last_failure?.output).toContainEqual(expect.stringContaining(line));
    const { logs } = (await rest.get('/api/servers/polite/logs')).body as { logs: { message: string }[] };
    expect(logs).toContainEqual(expect.objectContaining({ message: expect.stringContaining(line) }));
  });

  it('fails when it ends within its first word', async () => {
    expect(await deploy('polite', { args: ['cut'] })).toMatchObject({
      status: 422,
      body: { error: { code: 'DEPLOYMENT_FAILED' } },
    });
    await expectNothingLeft();
  });

  it('is forgiven for what it prints beside the protocol', async () => {
    await rest.deploy('polite', { args: ['chatty'] });
    expect(await rest.textOf('polite', 'echo', { message: 'hello' })).toBe('hello');
    const { logs } = (await rest.get('/api/servers/polite/logs')).body as { logs: { message: string }[] };
    expect(logs.map(({ message }) => message)).toEqual(
      expect.arrayContaining(['Starting up…', '{"not": "a message"}']),
    );
    await rest.stop('polite');
    await expectNothingLeft();
  });
});

describe('a server that misbehaves while it serves', () => {
  it('loses the call whose answer is too long, and nothing else', async () => {
    const { id } = await rest.deploy('polite');
    const [huge, small] = await Promise.all([
      rest.call('polite', 'big', { mebibytes: 20 }),
      rest.call('polite', 'echo', { message: 'beside it' }),
    ]);
    expect(huge).toMatchObject({ status: 502, body: { error: { code: 'TOOL_CALL_FAILED' } } });
    expect(small).toMatchObject({ status: 200, body: { success: true } });
    expect((await rest.textOf('polite', 'big', { mebibytes: 2 })).length).toBe(2 * 1024 * 1024);
    expect(await lastFailure('polite')).toMatchObject({
      id,
      status: 'running',
      restarts: 0,
      last_failure: null,
    });
    await rest.stop('polite');
    await expectNothingLeft();
  });

  it('is ended at its memory limit, and we say so', async () => {
    await rest.deploy('polite', { memory_limit: '128m', auto_restart: false });
    await rest.call('polite', 'hog');
    await expect
      .poll(async () => (await lastFailure('polite')).status, { timeout: 60_000, interval: 200 })
      .toBe('failed');
    expect(await lastFailure('polite')).toMatchObject({ last_failure: { reason: 'out_of_memory' } });
    expect(await rest.get('/health')).toMatchObject({ status: 200 });
    await expectNothingLeft();
  });

  it('comes back after a crash; the call that was under way fails once', async () => {
    await rest.deploy('polite');
    expect(await rest.call('polite', 'crash')).toMatchObject({
      status: 502,
      body: { error: { code: 'TOOL_CALL_FAILED' } },
    });
    await expect
      .poll(async () => (await rest.call('polite', 'echo', { message: 'again' })).status, { timeout: 60_000 })
      .toBe(200);
    expect(await lastFailure('polite')).toMatchObject({
      status: 'running',
      restarts: 1,
      last_failure: { reason: 'exit', code: 1, output: expect.arrayContaining(['as you wish']) },
    });
    await rest.stop('polite');
    await expectNothingLeft();
  });
});

it('names what is not there', async () => {
  expect(await deploy('nowhere', {})).toMatchObject({
    status: 404,
    body: { error: { code: 'SERVER_NOT_FOUND' } },
  });
  expect(await rest.get('/api/deployments/deploy-nothing')).toMatchObject({
    status: 404,
    body: { error: { code: 'DEPLOYMENT_NOT_FOUND' } },
  });
  for (const ask of [rest.get('/api/servers/everything/tools'), rest.stop('everything')])
    expect(await ask).toMatchObject({ status: 409, body: { error: { code: 'SERVER_NOT_RUNNING' } } });
});
