// A package that is out for its host, deployed as any other: what it and its install script try fails, and we stay up.
import { chmod, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from './support/free-port.ts';
import { NpmRegistry } from './support/npm-registry.ts';
import { npmFrom, restOf, type Deployed, type ErrorBody, type Rest } from './support/rest.ts';
import { startServer, type RunningServer } from './support/running-server.ts';
import { publishTestPackage } from './support/test-packages.ts';
import { tracesOf } from './support/traces.ts';

const canary = 'canary-of-ours-71c4e0';
const siblingCanary = 'canary-of-a-sibling-08aa3f';

interface Findings {
  uid: number;
  /** Where its code is installed. */
  home: string;
  environments: string;
  read: Record<string, string>;
  list: Record<string, string | string[]>;
  write: Record<string, string>;
  connect: Record<string, string>;
  http: Record<string, string>;
  signal: Record<string, string>;
}

/**
 * A place that a box has not got a private one of, as it has of /tmp: what it writes at a path of ours there is no matter,
 * and this project may itself lie in /tmp.
 */
const visibleFolder = (): string =>
  process.getuid?.() === 0
    ? '/opt/hostile-package-'
    : fileURLToPath(new URL('../node_modules/hostile-package-', import.meta.url));

let registry: NpmRegistry;
let server: RunningServer;
let rest: Rest;
let hostile: Deployed;
let siblingPids: number[];
let docker: Awaited<ReturnType<typeof listenAsDocker>>;
let folder: string;

/** As Docker does: a socket in /run that everybody may write to. */
async function listenAsDocker(): Promise<{ path: string; visits(): number; close(): Promise<void> }> {
  const run = await mkdtemp(join(process.getuid?.() === 0 ? '/run' : tmpdir(), 'hostile-package-'));
  await chmod(run, 0o755);
  const path = join(run, 'docker.sock');
  let visits = 0;
  const listener: Server = createServer((socket) => {
    visits += 1;
    socket.destroy();
  });
  await new Promise<void>((resolve) => listener.listen(path, resolve));
  await chmod(path, 0o777);
  return {
    path,
    visits: () => visits,
    async close() {
      await new Promise((resolve) => listener.close(resolve));
      await rm(run, { recursive: true });
    },
  };
}

const initialize = {
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'thief', version: '1' } },
};
const planted = {
  id: 'planted',
  name: 'planted',
  launch: [{ method: 'npx', identifier: 'hostile-package' }],
};

async function targetsOf(bridgePort: number): Promise<object> {
  const { dataDir, pid } = server;
  const apiPort = Number(new URL(server.baseUrl).port);
  const postgres = await readdir(join(dataDir, 'postgres/socket'));
  const ask = (host: string, port: number, method: string, path: string, body?: object): object => ({
    host,
    port,
    method,
    path,
    ...(body && { body }),
  });
  const hosts = ['127.0.0.1', '127.0.0.2', '::1', '::ffff:127.0.0.1', 'localhost'];
  return {
    pids: [pid, process.pid, ...siblingPids].map(String),
    files: [
      ...['secret-key', 'instance-id'].map((name) => join(dataDir, name)),
      ...(await filesUnder(join(dataDir, 'installs'), /package\.json$/)).slice(0, 3),
      ...(await filesUnder(join(dataDir, 'installs/npm-cache'), /./)).slice(0, 3),
      '/etc/shadow',
    ],
    folders: [
      ...[
        '',
        'installs',
        'installs/npx',
        'installs/npx/packages',
        'installs/npx/runs',
        'installs/npm-cache',
        'sandboxes',
        'logs',
        'postgres',
        'postgres/cluster',
      ],
      ...['postgres/socket'],
    ]
      .map((name) => join(dataDir, name))
      .concat(join(homedir(), '.npm'), homedir(), '/var/lib'),
    sockets: [
      ...postgres
        .filter((name) => !name.endsWith('.lock'))
        .map((name) => join(dataDir, 'postgres/socket', name)),
      docker.path,
      '/var/run/docker.sock',
    ],
    requests: [
      ...hosts.flatMap((host) => [
        ask(host, apiPort, 'GET', '/api/servers'),
        ask(host, apiPort, 'GET', '/health'),
        ask(host, apiPort, 'POST', '/api/servers', planted),
        ask(host, apiPort, 'POST', '/api/servers/sibling/stop', {}),
      ]),
      ask('127.0.0.1', apiPort, 'POST', '/servers/sibling/mcp', initialize),
      ask('127.0.0.1', apiPort, 'GET', '/trpc/servers.list'),
      ask('127.0.0.1', bridgePort, 'POST', '/mcp', initialize),
      ask('127.0.0.1', bridgePort, 'POST', '/servers/sibling/mcp', initialize),
    ],
    leaving: [
      ask('127.0.0.1', apiPort, 'POST', '/api/servers', planted),
      ask('::1', apiPort, 'POST', '/api/servers', planted),
    ],
  };
}

async function filesUnder(root: string, wanted: RegExp): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && wanted.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name));
}

beforeAll(async () => {
  // Not below /tmp, of which each sandbox has its own: there an attack on our files would seem to succeed.
  folder = await mkdtemp(visibleFolder());
  const dataDir = join(folder, 'data');
  await mkdir(dataDir);
  registry = await NpmRegistry.start();
  docker = await listenAsDocker();
  server = await startServer({
    dataDir,
    env: {
      ...npmFrom(registry),
      // On all addresses, so that the attacks by IPv6 have something to reach.
      API_HOST: '::',
      INSIGHTLOOP_ALLOW_ANONYMOUS: 'true',
      INSIGHTLOOP_SECRET_KEY: `${canary}-key`,
      GEMINI_API_KEY: canary,
    },
  });
  rest = restOf(server.baseUrl);
  await publishTestPackage(registry, 'ill-behaved-package');
  await rest.register('sibling', 'ill-behaved-package');
  const bridgePort = await freePort();
  await rest.deploy('sibling', { port: bridgePort, environment: { SIBLING_SECRET: siblingCanary } });
  siblingPids = (await tracesOf(server.dataDir)).processes.map(({ pid }) => pid);
  await publishTestPackage(registry, 'hostile-package', {
    files: { 'targets.json': JSON.stringify(await targetsOf(bridgePort)) },
  });
  await rest.register('hostile', 'hostile-package');
  hostile = await rest.deploy('hostile', { security: { allow_scripts: true } });
});
afterAll(async () => {
  await server.stop();
  expect(await tracesOf(server.dataDir)).toEqual({ processes: [], folders: [], cgroups: [] });
  await registry.close();
  await docker.close();
  await rm(folder, { recursive: true });
});

/** The API answers, knows nothing new, and the sibling serves as before. */
async function expectUnharmed(): Promise<void> {
  expect(await rest.get('/health')).toMatchObject({ status: 200 });
  const servers = (await rest.get('/api/servers?limit=100')).body as { servers: { id: string }[] };
  expect(servers.servers.map(({ id }) => id).filter((id) => id.startsWith('planted'))).toEqual([]);
  expect(await rest.textOf('sibling', 'echo', { message: 'still here' })).toBe('still here');
  for (const pid of siblingPids) expect(() => process.kill(pid, 0)).not.toThrow();
  const { deployments } = (await rest.get('/api/deployments?server_id=sibling')).body as {
    deployments: Deployed[];
  };
  expect(deployments).toMatchObject([{ status: 'running', restarts: 0, last_failure: null }]);
  expect(docker.visits()).toBe(0);
  const entries = [
    ...(await readdir(server.dataDir)),
    ...(await readdir(join(server.dataDir, 'installs'), { recursive: true })),
  ];
  expect(entries.filter((path) => path.includes('planted'))).toEqual([]);
  expect(await readFile(join(server.dataDir, 'instance-id'), 'utf8')).toMatch(/^[0-9a-f]{12}\n$/);
}

const succeeded = (results: Record<string, string>): string[] =>
  Object.entries(results).flatMap(([what, result]) => (result === 'ok' ? [what] : []));

const nextOnTheWay = (folder: string, home: string): string | undefined =>
  relative(folder, home).split('/')[0];

function expectFailed(found: Findings): void {
  expect(found.uid).not.toBe(process.getuid?.());
  expect(found.environments).not.toContain(canary);
  expect(found.environments).not.toContain(siblingCanary);
  for (const attack of ['read', 'write', 'connect', 'signal'] as const) {
    expect(Object.keys(found[attack]), attack).not.toEqual([]);
    expect(succeeded(found[attack]), attack).toEqual([]);
  }
  // Of our folders it sees at most the way to its own one, and an install script the run that it is part of.
  for (const [folder, names] of Object.entries(found.list)) {
    const isOnItsWay = found.home.startsWith(`${folder.replace(/\/$/, '')}/`);
    if (isOnItsWay && Array.isArray(names))
      expect([folder, names.filter((name) => name !== 'runs')]).toEqual([
        folder,
        [nextOnTheWay(folder, found.home)],
      ]);
    else if (folder.endsWith('/runs') && Array.isArray(names)) expect(names).toHaveLength(1);
    else expect([folder, names]).toEqual([folder, expect.stringMatching(/^E[A-Z]+$/)]);
  }
  expect(Object.keys(found.http)).toHaveLength(24);
  // Refused by the gate or by the machine. "no answer" would be a request that was heard and cut off.
  for (const [request, result] of Object.entries(found.http))
    expect([request, result]).toEqual([request, expect.stringMatching(/^(403|ECONNREFUSED|EADDRNOTAVAIL)$/)]);
  expect(Object.values(found.http).filter((result) => result === '403').length).toBeGreaterThan(10);
}

describe('a hostile package', () => {
  it('is behind walls of its own', () => {
    expect(hostile).toMatchObject({ status: 'running', isolation: 'user' });
  });

  it('gets nowhere from its server', async () => {
    expectFailed(JSON.parse(await rest.textOf('hostile', 'attack-all')) as Findings);
    await expectUnharmed();
  });

  it('gets nowhere from its install script', async () => {
    expectFailed(JSON.parse(await rest.textOf('hostile', 'postinstall-findings')) as Findings);
    await expectUnharmed();
  });

  it('has no install script where nobody allowed it', async () => {
    await rest.register('unscripted', 'hostile-package');
    await rest.deploy('unscripted');
    expect(await rest.textOf('unscripted', 'postinstall-findings')).toBe('none');
    expect(await rest.stop('unscripted')).toMatchObject({ status: 200 });
  });

  it('cannot write its installed code', async () => {
    const results = JSON.parse(await rest.textOf('hostile', 'write-installed-code')) as Record<
      string,
      string
    >;
    expect(Object.keys(results)).toHaveLength(3);
    for (const result of Object.values(results)) expect(result).toMatch(/^(EROFS|EACCES|EPERM|ETXTBSY)$/);
  });

  it('signals nobody but its own', async () => {
    await rest.call('hostile', 'signal-everybody');
    await expectUnharmed();
  });
});

describe('what has no end', () => {
  // Each takes its server down or is ended with it; the next begins with a new one.
  const restarted = async (): Promise<void> => {
    await rest.stop('hostile');
    await rest.deploy('hostile');
  };

  it('forks to its limit and no further', async () => {
    await restarted();
    const { count } = JSON.parse(await rest.textOf('hostile', 'fork-bomb')) as { count: number };
    expect(count).toBeGreaterThan(50);
    expect(count).toBeLessThan(256);
    await expectUnharmed();
    await rest.call('hostile', 'shell-bomb');
    await expectUnharmed();
    expect(await rest.stop('hostile')).toMatchObject({ status: 200, body: { status: 'stopped' } });
    const left = (await tracesOf(server.dataDir)).processes.map(({ pid }) => pid);
    expect(left.toSorted()).toEqual(siblingPids.toSorted());
  });

  it('writes to its limit and no further', async () => {
    await rest.deploy('hostile', { auto_restart: false });
    const answer = await rest.call('hostile', 'fill-disk');
    const limit = 2 * 1024 ** 3;
    // Told by its kernel, or ended by ours, as the answer of the deploy says.
    if (answer.status === 200) {
      const text = (answer.body as { result: { content: { text: string }[] } }).result.content[0]?.text;
      const { failure, written } = JSON.parse(text ?? '') as { failure: string; written: number };
      expect(failure).toMatch(/^(ENOSPC|EFBIG|EDQUOT)$/);
      expect(written).toBeLessThanOrEqual(limit);
    } else {
      expect(answer).toMatchObject({ status: 502, body: { error: { code: 'TOOL_CALL_FAILED' } } });
      const { deployments } = (await rest.get('/api/deployments?server_id=hostile&limit=1')).body as {
        deployments: Deployed[];
      };
      expect(deployments).toMatchObject([{ last_failure: { reason: 'disk_full' } }]);
    }
    await expectUnharmed();
    await rest.stop('hostile');
  });
});

describe('on a machine without walls', () => {
  it('is refused, and told what to do', async () => {
    const weak = await startServer({ env: npmFrom(registry), command: withoutWalls });
    try {
      const there = restOf(weak.baseUrl);
      await there.register('hostile', 'hostile-package');
      const before = registry.requests.length;
      const answer = await there.post('/api/deploy/hostile', { method: 'npx' });
      expect(answer).toMatchObject({ status: 503, body: { error: { code: 'DEPLOYMENT_FAILED' } } });
      const { message } = (answer.body as ErrorBody).error;
      expect(message).toMatch(/allow_unisolated/);
      expect(message).toMatch(/docker/);
      expect(registry.requests.slice(before)).toEqual([]);
      expect((await there.get('/api/servers/running')).body).toMatchObject({ total: 0 });
      expect(await tracesOf(weak.dataDir)).toEqual({ processes: [], folders: [], cgroups: [] });
      const willing = await there.deploy('hostile', { security: { allow_unisolated: true } });
      expect(willing).toMatchObject({ status: 'running', isolation: 'none' });
      await there.stop('hostile');
    } finally {
      await weak.stop();
    }
  });
});

/** A user of this machine who is not root, and whom it gives no namespaces: that is where level `none` begins. */
const withoutWalls = [
  'unshare',
  '--user',
  '--map-root-user',
  '/bin/sh',
  '-c',
  'echo 1 > /proc/sys/user/max_user_namespaces && exec unshare --user --map-user=1000 "$0" "$@"',
];
