// The specification's paths that are built, each with every field that it documents: additions are free, losses are not.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { npmRepository, startDiscoveryOutside, type DiscoveryOutside } from './support/discovery-outside.ts';
import { startServer, type RunningServer } from './support/running-server.ts';

let server: RunningServer;
let outside: DiscoveryOutside;
beforeAll(async () => {
  outside = await startDiscoveryOutside();
  outside.github.add(npmRepository('context7/context7-mcp', 'context7-mcp'));
  server = await startServer({ env: { ...outside.env, RATE_LIMIT_LOGS: '1000' } });
});
afterAll(async () => {
  await server.stop();
  await outside[Symbol.asyncDispose]();
});

const isoTime = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);

const get = async (path: string): Promise<{ status: number; headers: Headers; body: unknown }> => {
  const answer = await fetch(server.baseUrl + path);
  return { status: answer.status, headers: answer.headers, body: await answer.json() };
};

describe('core endpoints', () => {
  it('GET /health', async () => {
    expect(await get('/health')).toMatchObject({
      status: 200,
      body: { status: 'healthy', version: '1.0.0', timestamp: isoTime },
    });
  });

  it('GET /api/info', async () => {
    const { status, body } = await get('/api/info');
    expect(status).toBe(200);
    expect(body).toMatchObject({
      name: 'InsightLoop MCP Orchestrator',
      version: '1.0.0',
      capabilities: {
        discovery: expect.any(Boolean),
        deployment: expect.any(Array),
        orchestration: expect.any(Boolean),
        streaming: true,
      },
    });
  });

  it('GET /api/info says of each documented method whether it works now, and why where it does not', async () => {
    const { body } = await get('/api/info');
    const { capabilities } = body as {
      capabilities: {
        deployment: string[];
        deployment_details: { method: string; available: boolean; reason: string | null }[];
      };
    };
    for (const method of ['docker', 'npx', 'e2b']) {
      const details = capabilities.deployment_details.find((one) => one.method === method);
      expect(details?.available).toBe(capabilities.deployment.includes(method));
      if (!details?.available) expect(details?.reason).toEqual(expect.stringMatching(/\w/));
    }
  });
});

describe('discovery endpoints', () => {
  const discover = (): Promise<Response> =>
    fetch(`${server.baseUrl}/api/discover`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        query: 'mcp server',
        filters: { language: 'typescript', min_stars: 10, updated_after: '2024-01-01' },
        limit: 20,
      }),
    });

  it('POST /api/discover', async () => {
    const answer = await discover();
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({
      servers: [
        {
          id: 'context7-mcp',
          name: expect.any(String),
          description: expect.any(String),
          author: 'context7',
          github_url: 'https://github.com/context7/context7-mcp',
          docker_image: null,
          stars: 50,
          language: expect.stringMatching(/^typescript$/i),
          topics: expect.any(Array),
          capabilities: { tools: expect.any(Array), resources: [], prompts: [] },
          discovered_at: isoTime,
        },
      ],
      total: 1,
      page: 1,
      has_more: false,
    });
  });

  it('GET /api/discover/{server_id}', async () => {
    await (await discover()).body?.cancel();
    expect(await get('/api/discover/context7-mcp')).toMatchObject({
      status: 200,
      body: {
        server: {
          id: 'context7-mcp',
          name: expect.any(String),
          description: expect.any(String),
          readme: expect.stringContaining('#'),
          configuration: {
            required_env: [],
            default_port: null,
            protocols: expect.arrayContaining(['stdio']),
          },
          tools: [{ name: 'echo', description: null, input_schema: null }],
        },
      },
    });
  });
});

describe('server management', () => {
  it('GET /api/servers/{server_id} has every field, null where it is unknown', async () => {
    const { body } = await get('/api/servers/everything');
    const { server: shown } = body as { server: { launch: object[] } };
    expect(Object.keys(shown)).toEqual(
      expect.arrayContaining([
        'id',
        'name',
        'description',
        'kind',
        'source',
        'launch',
        'created_at',
        'updated_at',
      ]),
    );
    expect(Object.keys(shown.launch[0] ?? {})).toEqual(
      expect.arrayContaining([
        ...['method', 'identifier', 'version', 'package_args', 'bin', 'command', 'args', 'transport', 'port'],
        ...['env', 'required_env_any_of', 'inputs', 'verified', 'verified_by', 'deployable', 'evidence'],
      ]),
    );
  });
});

describe('orchestration endpoints', () => {
  const taskFields = ['task_id', 'status', 'prompt', 'server_id', 'plan', 'results', 'gemini_response'];

  it('POST /api/orchestrate keeps what it was asked, and answers a failure with the task’s id', async () => {
    const answer = await fetch(`${server.baseUrl}/api/orchestrate`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        server_id: 'everything',
        prompt: 'Get React documentation about hooks',
        context: { previous_results: [], user_preferences: {} },
        stream: false,
      }),
    });
    expect(answer.status).toBe(409);
    const { error } = (await answer.json()) as { error: { code: string; details: { task_id: string } } };
    expect(error).toMatchObject({ code: 'SERVER_NOT_RUNNING', details: { server_id: 'everything' } });

    const { body } = await get(`/api/tasks/${error.details.task_id}`);
    const { task } = body as { task: object };
    expect(Object.keys(task)).toEqual(expect.arrayContaining(taskFields));
    expect(task).toMatchObject({
      status: 'failed',
      plan: [],
      results: { documentation: '', execution_time: 0 },
      gemini_response: null,
    });
  });

  it('GET /api/orchestrate/stream', async () => {
    const url = `${server.baseUrl}/api/orchestrate/stream?server_id=everything&prompt=Get React docs`;
    const answer = await fetch(url, { headers: { accept: 'text/event-stream' } });
    expect(answer.headers.get('content-type')).toMatch(/^text\/event-stream/);
    const text = await answer.text();
    expect(text).toMatch(/^event: connecting\ndata: .*"message":"Connecting to everything\.\.\."/m);
    expect(text).toMatch(/^event: error\ndata: .*"code":"SERVER_NOT_RUNNING"/m);
  });

  it('GET /api/tasks', async () => {
    const { status, body } = await get('/api/tasks?limit=20&offset=0');
    expect(status).toBe(200);
    expect(body).toMatchObject({ total: expect.any(Number), limit: 20, offset: 0 });
    const { tasks } = body as { tasks: object[] };
    expect(tasks[0]).toEqual({
      id: expect.stringMatching(/^task-/),
      prompt: 'Get React docs',
      server_id: 'everything',
      status: 'failed',
      created_at: isoTime,
      started_at: isoTime,
      completed_at: isoTime,
      execution_time: expect.any(Number),
    });
  });
});

describe('events', () => {
  it.each(['deployments', 'orchestration', 'logs', 'metrics'])('GET /api/events/%s', async (channel) => {
    const leaving = new AbortController();
    const answer = await fetch(`${server.baseUrl}/api/events/${channel}`, {
      headers: { accept: 'text/event-stream' },
      signal: leaving.signal,
    });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toMatch(/^text\/event-stream/);
    leaving.abort();
  });
});

describe('errors', () => {
  it('have the documented format', async () => {
    const { status, headers, body } = await get('/api/servers/nowhere');
    expect(status).toBe(404);
    expect(body).toEqual({
      error: {
        code: 'SERVER_NOT_FOUND',
        message: expect.stringContaining('nowhere'),
        details: { server_id: 'nowhere' },
        timestamp: isoTime,
        request_id: headers.get('x-request-id'),
      },
    });
  });
});

describe('rate limits', () => {
  it('count down in the documented headers', async () => {
    const [first, second] = [await get('/api/servers'), await get('/api/servers')];
    expect(first.headers.get('x-ratelimit-limit')).toBe('1000');
    const remaining = [first, second].map(({ headers }) => Number(headers.get('x-ratelimit-remaining')));
    expect(remaining[1]).toBe((remaining[0] ?? 0) - 1);
    const reset = Number(second.headers.get('x-ratelimit-reset'));
    expect(reset).toBeGreaterThan(Date.now() / 1000);
    expect(reset).toBeLessThanOrEqual(Date.now() / 1000 + 3601);
  });

  it('end in 429 with the time to wait', async () => {
    await using strict = await startServer({ env: { RATE_LIMIT_LOGS: '1' } });
    const path = `${strict.baseUrl}/api/servers`;
    expect((await fetch(path)).status).toBe(200);
    const refused = await fetch(path);
    expect(refused.status).toBe(429);
    expect(refused.headers.get('x-ratelimit-remaining')).toBe('0');
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(3500);
    expect(await refused.json()).toMatchObject({ error: { code: 'RATE_LIMIT_EXCEEDED' } });
    expect((await fetch(`${strict.baseUrl}/health`)).status).toBe(200);
  });
});
