// The whole way, with real servers from npm and with one of our own: deploy, tools, calls, logs, figures, stop.
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { chown, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from './support/free-port.ts';
import { NpmRegistry } from './support/npm-registry.ts';
import { openPlainStream } from './support/plain-stream.ts';
import { npmFrom, restOf, type Deployed, type ErrorBody, type Rest } from './support/rest.ts';
import { startServer, type RunningServer } from './support/running-server.ts';
import { publishTestPackage } from './support/test-packages.ts';
import { noTraces, tracesOf } from './support/traces.ts';

let folder: string;
let shared: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'run-'));
  shared = join(folder, 'shared');
  await mkdir(shared);
  await writeFile(join(folder, 'private.txt'), 'nobody else reads this');
  await writeFile(join(shared, 'hello.txt'), 'hello from the folder');
  // Where we are root: what belongs to root is not given to a server to write in.
  if (process.getuid?.() === 0) await chown(shared, 1000, 1000);
  await symlink('../private.txt', join(shared, 'way-out.txt'));
});
afterAll(() => rm(folder, { recursive: true }));

const connect = async (endpoint: string): Promise<Client> => {
  const client = new Client({ name: 'standard-client', version: '1.0.0' });
  await client.connect(new StreamableHTTPClientTransport(new URL(endpoint)));
  return client;
};

const runningOf = async (rest: Rest): Promise<Deployed[]> =>
  ((await rest.get('/api/servers/running')).body as { servers: Deployed[] }).servers;

const messagesOf = async (rest: Rest, id: string): Promise<string[]> =>
  ((await rest.get(`/api/servers/${id}/logs`)).body as { logs: { message: string }[] }).logs.map(
    ({ message }) => message,
  );

describe('reference servers from npm', () => {
  let server: RunningServer;
  let rest: Rest;
  let everything: Deployed;

  beforeAll(async () => {
    server = await startServer({
      dataDir: join(folder, 'data-of-one'),
      env: { INSIGHTLOOP_MOUNT_ROOTS: shared },
    });
    rest = restOf(server.baseUrl);
    everything = await rest.deploy('everything');
  });
  afterAll(async () => {
    await server.stop();
    expect(await tracesOf(server.dataDir)).toEqual(noTraces);
  });

  it('deploy, pinned, in a sandbox that says how it holds its limits', () => {
    expect(everything).toMatchObject({
      status: 'running',
      server_id: 'everything',
      method: 'npx',
      protocol: 'stdio',
      endpoint: `${server.baseUrl}/servers/everything/mcp`,
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
      digest: expect.stringMatching(/^sha512-/),
      isolation: 'user',
      network: 'host',
      enforced: { memory: expect.stringMatching(/^(cgroup|watchdog)$/), cpu: expect.any(Boolean) },
      configuration: { memory_limit: '512m', cpu_limit: '1', auto_restart: true },
      capabilities: {
        tools: expect.arrayContaining(['echo', 'get-sum']),
        resources: expect.arrayContaining(['architecture.md']),
        prompts: expect.arrayContaining(['simple-prompt']),
      },
    });
  });

  it('show their tools, which can be called', async () => {
    const { tools, total } = (await rest.get('/api/servers/everything/tools')).body as {
      tools: { name: string }[];
      total: number;
    };
    expect(total).toBe(tools.length);
    expect(tools.find(({ name }) => name === 'get-sum')).toEqual({
      name: 'get-sum',
      title: expect.any(String),
      description: 'Returns the sum of two numbers',
      input_schema: expect.objectContaining({ type: 'object', required: ['a', 'b'] }),
      output_schema: null,
      annotations: expect.any(Object),
    });
    expect(await rest.call('everything', 'get-sum', { a: 19, b: 23 })).toMatchObject({
      status: 200,
      body: {
        server_id: 'everything',
        tool: 'get-sum',
        success: true,
        result: { content: [{ type: 'text', text: expect.stringContaining('42') }], is_error: false },
        execution_time: expect.any(Number),
      },
    });
    expect(await rest.call('everything', 'get-structured-content', { location: 'Chicago' })).toMatchObject({
      body: { result: { structured_content: { temperature: expect.any(Number) } } },
    });
  });

  it('are not asked where the arguments do not fit', async () => {
    const answer = await rest.call('everything', 'get-sum', { a: 'nineteen' });
    expect(answer).toMatchObject({ status: 400, body: { error: { code: 'INVALID_REQUEST' } } });
    const issues = (answer.body as ErrorBody).error.details['issues'] as { path: string[] }[];
    expect(issues.map(({ path }) => path.join('.')).toSorted()).toEqual(['arguments.a', 'arguments.b']);
    expect(await rest.call('everything', 'no-such-tool')).toMatchObject({
      status: 404,
      body: { error: { code: 'TOOL_NOT_FOUND' } },
    });
  });

  it('may work longer than the limit of time as long as they report progress', async () => {
    const args = { duration: 4, steps: 8 };
    const answer = await rest.call('everything', 'trigger-long-running-operation', args, {
      timeout_ms: 2_000,
    });
    expect(answer).toMatchObject({ status: 200, body: { success: true } });
    expect((answer.body as { execution_time: number }).execution_time).toBeGreaterThan(2);
  });

  it('answer a standard MCP client at the endpoint', async () => {
    const client = await connect(everything.endpoint);
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(everything.capabilities.tools);
    expect(await client.callTool({ name: 'echo', arguments: { message: 'by MCP' } })).toMatchObject({
      content: [{ type: 'text', text: 'Echo: by MCP' }],
    });
    const { resources } = await client.listResources();
    const [first] = resources;
    expect(await client.readResource({ uri: first?.uri ?? '' })).toMatchObject({
      contents: [{ uri: first?.uri, text: expect.any(String) }],
    });
    const { prompts } = await client.listPrompts();
    expect(prompts.map(({ name }) => name)).toEqual(everything.capabilities.prompts);
    expect(await client.getPrompt({ name: 'simple-prompt' })).toMatchObject({
      messages: [{ role: 'user', content: { type: 'text' } }],
    });
    await client.close();
  });

  it('show figures', async () => {
    const { metrics } = (await rest.get('/api/servers/everything/metrics')).body as {
      metrics: Record<string, unknown>;
    };
    expect(metrics).toMatchObject({
      requests_total: expect.any(Number),
      error_rate: expect.any(Number),
      average_response_time: expect.any(Number),
      uptime_seconds: expect.any(Number),
      memory: { used: expect.any(Number), limit: 512 * 1024 * 1024 },
      cpu: { limit: 1 },
    });
    expect(metrics['requests_total']).toBeGreaterThanOrEqual(3);
    expect((metrics['memory'] as { used: number }).used).toBeGreaterThan(10 * 1024 * 1024);
    expect(await runningOf(rest)).toMatchObject([
      { id: 'everything', status: 'running', memory_usage: expect.stringMatching(/^\d+MB$/) },
    ]);
  });

  it('show the capabilities that somebody put, and can be called as before', async () => {
    const capabilities = { tools: ['only-this'], resources: [], prompts: [] };
    expect(await rest.send('PUT', '/api/servers/everything/capabilities', capabilities)).toMatchObject({
      status: 200,
      body: { server_id: 'everything', capabilities, updated_at: expect.any(String) },
    });
    expect(await runningOf(rest)).toMatchObject([{ capabilities }]);
    expect(await rest.textOf('everything', 'echo', { message: 'still' })).toBe('Echo: still');
    expect(await rest.call('everything', 'only-this')).toMatchObject({ status: 404 });
  });

  it('get the folder that they were given, and not what lies around it', async () => {
    await rest.deploy('filesystem', { inputs: { directory: shared } });
    expect(await rest.textOf('filesystem', 'list_directory', { path: shared })).toContain('hello.txt');
    expect(await rest.textOf('filesystem', 'read_text_file', { path: join(shared, 'hello.txt') })).toContain(
      'hello from the folder',
    );
    for (const path of [join(folder, 'private.txt'), join(shared, 'way-out.txt'), '/etc/shadow']) {
      const answer = await rest.call('filesystem', 'read_text_file', { path });
      expect(answer).toMatchObject({ status: 200, body: { success: false, result: { is_error: true } } });
      expect(JSON.stringify(answer.body)).not.toContain('nobody else reads this');
    }
    expect(await rest.call('filesystem', 'list_directory', { path: folder })).toMatchObject({
      body: { success: false },
    });
    expect(await messagesOf(rest, 'filesystem')).toContainEqual(expect.stringMatching(/stdio/));
  });

  it.each([
    ['streamable-http', 'streamableHttp', 'http'],
    ['sse', 'sse', 'sse'],
  ] as const)('serve over %s at an address of their own', async (transport, argument, protocol) => {
    const id = `over-${transport}`;
    const launch = [
      {
        method: 'npx',
        identifier: '@modelcontextprotocol/server-everything',
        package_args: [argument],
        transport,
      },
    ];
    expect((await rest.post('/api/servers', { id, name: id, launch })).status).toBe(201);
    const deployed = await rest.deploy(id);
    expect(deployed).toMatchObject({
      status: 'running',
      protocol,
      endpoint: expect.stringMatching(/^http:\/\/localhost:\d+\/(mcp|sse)$/),
    });
    expect(await rest.textOf(id, 'echo', { message: 'over the network' })).toContain('over the network');
    expect((await rest.stop(id)).status).toBe(200);
  });

  it('stop, with everything that they started, and stay known', async () => {
    for (const id of ['everything', 'filesystem'])
      expect(await rest.stop(id)).toMatchObject({
        status: 200,
        body: { status: 'stopped', server_id: id, stopped_at: expect.any(String) },
      });
    expect(await runningOf(rest)).toEqual([]);
    expect(await tracesOf(server.dataDir)).toEqual(noTraces);
    expect(await rest.get(`/api/deployments/${everything.id}`)).toMatchObject({
      status: 200,
      body: { deployment: { id: everything.id, status: 'stopped', last_failure: null } },
    });
    expect((await rest.get('/api/deployments')).body).toMatchObject({
      total: 4,
      deployments: [
        { server_id: 'over-sse' },
        { server_id: 'over-streamable-http' },
        { server_id: 'filesystem' },
        { server_id: 'everything' },
      ],
    });
    expect(await messagesOf(rest, 'filesystem')).not.toEqual([]);
  });
});

describe('a server of one’s own', () => {
  let registry: NpmRegistry;
  let server: RunningServer;
  let rest: Rest;

  beforeAll(async () => {
    registry = await NpmRegistry.start();
    await publishTestPackage(registry, 'ill-behaved-package');
    server = await startServer({
      dataDir: join(folder, 'data-of-two'),
      env: { ...npmFrom(registry), INSIGHTLOOP_MOUNT_ROOTS: shared },
    });
    rest = restOf(server.baseUrl);
    await rest.register('own', 'ill-behaved-package');
  });
  afterAll(async () => {
    await server.stop();
    expect(await tracesOf(server.dataDir)).toEqual(noTraces);
    await registry.close();
  });

  const statusOf = async (id: string): Promise<string> =>
    ((await rest.get(`/api/deployments/${id}`)).body as { deployment: Deployed }).deployment.status;
  const stopped = async (): Promise<void> => {
    expect(await rest.stop('own')).toMatchObject({ status: 200 });
    expect(await tracesOf(server.dataDir)).toEqual(noTraces);
  };

  it('sees the mounts that it was given, also by a way out of them, and no more', async () => {
    await rest.deploy('own', { mounts: [{ source: shared, target: '/data/shared' }] });
    const read = (path: string): Promise<string> => rest.textOf('own', 'read', { path });
    expect(await read('/data/shared/hello.txt')).toBe('hello from the folder');
    for (const path of [
      '/data/shared/way-out.txt',
      '/data/shared/../private.txt',
      join(folder, 'private.txt'),
      join(shared, 'hello.txt'),
    ])
      expect(await read(path), path).toBe('ENOENT');
    expect(await rest.call('own', 'write', { path: '/data/shared/new', text: 'x' })).toMatchObject({
      status: 502,
    });
    await stopped();
  });

  it('is followed by its log, line by line, in any script', async () => {
    await rest.deploy('own');
    const stream = await openPlainStream(`${server.baseUrl}/api/servers/own/logs?follow=true&lines=0`);
    expect(stream.headers.get('content-type')).toContain('text/event-stream');
    await rest.call('own', 'say', { text: 'Grüße, 世界 🎉' });
    await rest.call('own', 'say', { text: 'ERROR: nothing works' });
    const frames = await stream.take(2);
    stream.close();
    expect(frames).toMatchObject([
      { name: 'log', data: { message: 'Grüße, 世界 🎉', level: 'info' } },
      { name: 'log', data: { message: 'ERROR: nothing works', level: 'error' } },
    ]);
    expect((await rest.get('/api/servers/own/logs?lines=1')).body).toMatchObject({
      logs: [{ message: 'ERROR: nothing works' }],
    });
    await stopped();
  });

  it('has so much time and no more where it is silent', async () => {
    await rest.deploy('own');
    expect(await rest.call('own', 'slow', { steps: 1, everyMs: 60_000 }, { timeout_ms: 300 })).toMatchObject({
      status: 504,
      body: { error: { code: 'TOOL_TIMEOUT', details: { tool: 'slow', timeout_ms: 300 } } },
    });
    await stopped();
  });

  it('is told when a caller leaves', async () => {
    await rest.deploy('own');
    const stream = await openPlainStream(`${server.baseUrl}/api/servers/own/logs?follow=true&lines=0`);
    const leaving = new AbortController();
    const call = fetch(`${server.baseUrl}/api/servers/own/tools/slow`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ arguments: { steps: 1_000, everyMs: 1_000 } }),
      signal: leaving.signal,
    });
    // Any later call is behind the first one in the same pipe.
    await expect.poll(() => rest.textOf('own', 'echo', { message: 'x' })).toBe('x');
    leaving.abort();
    await expect(call).rejects.toThrow();
    expect(await stream.take(1)).toMatchObject([{ data: { message: 'a call was cancelled' } }]);
    stream.close();
    await stopped();
  });

  it('has its bridge on a port where one was asked for, as long as it lives', async () => {
    const port = await freePort();
    expect(await rest.deploy('own', { port })).toMatchObject({ configuration: { port } });
    for (const path of ['/mcp', '/']) {
      const client = await connect(`http://127.0.0.1:${port}${path}`);
      expect(await client.callTool({ name: 'echo', arguments: { message: path } })).toMatchObject({
        content: [{ text: path }],
      });
      await client.close();
    }
    await stopped();
    await expect(fetch(`http://127.0.0.1:${port}/mcp`)).rejects.toThrow();
  });

  it('is deployed once, also by two at once, and then not removed', async () => {
    const both = await Promise.all([rest.post('/api/deploy/own'), rest.post('/api/deploy/own')]);
    expect(both.map(({ status }) => status).toSorted()).toEqual([201, 409]);
    const refused = both.find(({ status }) => status === 409);
    expect(refused?.body).toMatchObject({ error: { code: 'SERVER_ALREADY_DEPLOYED' } });
    expect(await rest.send('DELETE', '/api/servers/own')).toMatchObject({
      status: 409,
      body: { error: { code: 'CONFLICT' } },
    });
    expect(await rest.textOf('own', 'echo', { message: 'here' })).toBe('here');
    await stopped();
  });

  it('is deployed in the background where that was asked for', async () => {
    const answer = await rest.post('/api/deploy/own', { async: true });
    expect(answer).toMatchObject({ status: 202, body: { deployment: { status: 'starting' } } });
    const { deployment } = answer.body as { deployment: Deployed };
    await expect.poll(() => statusOf(deployment.id), { timeout: 30_000 }).toBe('running');
    await stopped();
  });

  it('is deployed once under an Idempotency-Key, which answers again as it did', async () => {
    const key = { 'idempotency-key': 'once-and-only-once' };
    const first = await rest.post('/api/deploy/own', {}, key);
    expect(first.status).toBe(201);
    await stopped();
    const second = await rest.post('/api/deploy/own', {}, key);
    expect({ status: second.status, body: second.body }).toEqual({ status: 201, body: first.body });
    expect(await runningOf(rest)).toEqual([]);
    expect(await rest.post('/api/deploy/own', { async: true }, key)).toMatchObject({
      status: 409,
      body: { error: { code: 'CONFLICT' } },
    });
  });

  it('is stopped while it starts, and the one who waits is told', async () => {
    await publishTestPackage(registry, 'ill-behaved-package', { manifest: { name: 'held-package' } });
    await rest.register('held', 'held-package');
    const hold = registry.hold('held-package');
    const deploying = rest.post('/api/deploy/held');
    await hold.reached;
    expect(await runningOf(rest)).toMatchObject([{ id: 'held', status: 'starting' }]);
    expect(await rest.stop('held')).toMatchObject({ status: 200, body: { status: 'stopped' } });
    hold.release();
    const answer = await deploying;
    expect(answer.status).toBe(409);
    expect((answer.body as ErrorBody).error.message).toMatch(/stopped/);
    expect(await runningOf(rest)).toEqual([]);
    // The installation is nobody's now, and ends a moment after the deployment.
    await expect.poll(() => tracesOf(server.dataDir), { timeout: 20_000 }).toEqual(noTraces);
    await rest.deploy('held');
    await rest.stop('held');
  });

  it('restarts in the version that it was deployed in, and is deployed in the newest', async () => {
    const { id, version } = await rest.deploy('own');
    expect(version).toBe('1.0.0');
    await publishTestPackage(registry, 'ill-behaved-package', { manifest: { version: '2.0.0' } });
    const before = (await tracesOf(server.dataDir)).processes.map(({ pid }) => pid);
    expect(await rest.post('/api/servers/own/restart')).toMatchObject({ status: 202 });
    await expect
      .poll(async () => (await rest.call('own', 'echo', { message: 'x' })).status, { timeout: 30_000 })
      .toBe(200);
    await expect.poll(() => statusOf(id), { timeout: 30_000 }).toBe('running');
    const after = (await tracesOf(server.dataDir)).processes.map(({ pid }) => pid);
    expect(after.filter((pid) => before.includes(pid))).toEqual([]);
    expect((await rest.get(`/api/deployments/${id}`)).body).toMatchObject({
      deployment: { version: '1.0.0' },
    });
    await stopped();
    expect(await rest.post('/api/servers/own/restart')).toMatchObject({ status: 202 });
    await expect.poll(() => statusOf(id), { timeout: 30_000 }).toBe('running');
    expect((await rest.get(`/api/deployments/${id}`)).body).toMatchObject({
      deployment: { version: '1.0.0' },
    });
    await stopped();
    expect(await rest.deploy('own')).toMatchObject({ version: '2.0.0' });
    await stopped();
    expect(await rest.deploy('own', { version: '1.0.0' })).toMatchObject({ version: '1.0.0' });
    await stopped();
  });

  describe('that runs elsewhere', () => {
    let other: RunningServer;
    let url: string;
    beforeAll(async () => {
      ({ endpoint: url } = await rest.deploy('own'));
      other = await startServer({ env: { INSIGHTLOOP_PRIVATE_HOSTS: new URL(url).host } });
    });
    afterAll(async () => {
      await other.stop();
      await stopped();
    });

    it('is deployed by its address where the operator allows it', async () => {
      const there = restOf(other.baseUrl);
      await there.register('far', url, { method: 'remote' });
      expect(await there.deploy('far')).toMatchObject({
        status: 'running',
        method: 'remote',
        protocol: 'http',
        isolation: 'remote',
        endpoint: url,
      });
      expect(await there.textOf('far', 'echo', { message: 'far away' })).toBe('far away');
      expect(await tracesOf(other.dataDir)).toEqual(noTraces);
      await there.stop('far');
      expect(await rest.textOf('own', 'echo', { message: 'unharmed' })).toBe('unharmed');
    });

    it('is refused where nobody did', async () => {
      const launch = [{ method: 'remote', identifier: url }];
      expect(await rest.post('/api/servers', { id: 'far', name: 'far', launch })).toMatchObject({
        status: 400,
        body: { error: { code: 'INVALID_REQUEST', details: { issues: [{ code: 'forbidden_host' }] } } },
      });
    });
  });
});
