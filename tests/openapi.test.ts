// The OpenAPI document of the running server: clean to a linter, and true.
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readOpenApi, type OpenApi, type Operation } from './support/conformance.ts';
import { startServer, type RunningServer } from './support/running-server.ts';

let server: RunningServer;
let api: OpenApi;

beforeAll(async () => {
  server = await startServer();
  const answer = await fetch(`${server.baseUrl}/openapi.json`);
  api = readOpenApi((await answer.json()) as Record<string, unknown>);
});
afterAll(async () => void (await server.stop()));

it('is clean to the linter under its recommended rules', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'insightloop-lint-'));
  try {
    const file = join(folder, 'openapi.json');
    await writeFile(file, JSON.stringify(api.document));
    const manifest = fileURLToPath(import.meta.resolve('@redocly/cli/package.json'));
    const program = join(dirname(manifest), 'bin/cli.js');
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [program, 'lint', file, '--extends=recommended', '--format=json'],
      {
        cwd: folder,
        env: { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' },
      },
    ).catch((error: unknown) => error as { stdout: string });
    const { totals, problems } = JSON.parse(stdout) as {
      totals: object;
      problems: { ruleId: string; message: string }[];
    };
    expect(problems.map(({ ruleId, message }) => `${ruleId}: ${message}`)).toEqual([]);
    expect(totals).toMatchObject({ errors: 0, warnings: 0 });
  } finally {
    await rm(folder, { recursive: true });
  }
});

it('names the server at which it was found, and the version of the API', () => {
  expect(api.document).toMatchObject({
    openapi: '3.1.0',
    info: { version: '1.0.0' },
    servers: [{ url: server.baseUrl }],
  });
});

interface Answer {
  status: number;
  contentType: string;
  headers: Headers;
  body: unknown;
}

/** Of a stream no more than its head. */
async function ask(method: string, path: string, body?: unknown): Promise<Answer> {
  const leaving = new AbortController();
  const answer = await fetch(server.baseUrl + path, {
    method,
    signal: leaving.signal,
    ...(body !== undefined && {
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    }),
  });
  const contentType = answer.headers.get('content-type') ?? '';
  const isJson = contentType.startsWith('application/json');
  const parsed: unknown = isJson ? await answer.json() : null;
  leaving.abort();
  return { status: answer.status, contentType, headers: answer.headers, body: parsed };
}

const filled = ({ path }: Operation, value: string): string =>
  path.replace(/\{\w+\}/g, encodeURIComponent(value));
const find = (method: string, path: string): Operation => {
  const found = api.operations.find((one) => one.method === method && one.path === path);
  if (!found) throw new Error(`${method} ${path} is not documented`);
  return found;
};
const takesBody = ({ method }: Operation): boolean => method === 'POST' || method === 'PUT';

describe('every operation', () => {
  const each = async (check: (operation: Operation) => Promise<void>): Promise<void> => {
    expect(api.operations.length).toBeGreaterThan(8);
    for (const operation of api.operations)
      await check(operation).catch((cause: unknown) => {
        throw new Error(`${operation.method} ${operation.path}`, { cause });
      });
  };

  it('answers what is documented for what is not there', () =>
    each(async (operation) => {
      const answer = await ask(
        operation.method,
        filled(operation, 'no-such-thing'),
        takesBody(operation) ? {} : undefined,
      );
      expect(api.problem(operation, answer)).toBeNull();
      if (!operation.path.includes('{')) expect(answer.status).not.toBe(404);
    }));

  it('answers what is documented for a query that it does not know', () =>
    each(async (operation) => {
      if (operation.parameters.length === 0 && !operation.hasBody) return;
      const path = `${filled(operation, 'no-such-thing')}?no_such_parameter=1`;
      const answer = await ask(operation.method, path, takesBody(operation) ? {} : undefined);
      expect(answer.status).toBe(400);
      expect(api.problem(operation, answer)).toBeNull();
    }));

  it('has the headers that are documented: a request id, and limits where it is limited', () =>
    each(async (operation) => {
      const answer = await ask(
        operation.method,
        filled(operation, 'no-such-thing'),
        takesBody(operation) ? {} : undefined,
      );
      expect(answer.headers.get('x-request-id')).toMatch(/^req-/);
      const isLimited = '429' in operation.responses;
      for (const header of ['x-ratelimit-limit', 'x-ratelimit-remaining', 'x-ratelimit-reset'])
        expect([header, answer.headers.has(header)]).toEqual([header, isLimited]);
    }));
});

describe('what succeeds', () => {
  it.each([
    ['GET', '/health'],
    ['GET', '/livez'],
    ['GET', '/readyz'],
    ['GET', '/api/info'],
    ['GET', '/api/servers'],
  ])('is as documented: %s %s', async (method, path) => {
    const answer = await ask(method, path);
    expect(answer.status).toBe(200);
    expect(api.problem(find(method, path), answer)).toBeNull();
  });

  it('is as documented for a server that comes and goes', async () => {
    const registration = { id: 'documented', name: 'D', launch: [{ method: 'npx', identifier: 'cowsay' }] };
    const one = '/api/servers/documented';
    for (const [method, path, template, status, body] of [
      ['POST', '/api/servers', '/api/servers', 201, registration],
      ['POST', '/api/servers', '/api/servers', 409, registration],
      ['GET', one, '/api/servers/{server_id}', 200, undefined],
      ['DELETE', one, '/api/servers/{server_id}', 200, undefined],
      ['DELETE', one, '/api/servers/{server_id}', 404, undefined],
      ['DELETE', '/api/servers/memory', '/api/servers/{server_id}', 409, undefined],
    ] as const) {
      const answer = await ask(method, path, body);
      expect(answer.status).toBe(status);
      expect(api.problem(find(method, template), answer)).toBeNull();
    }
  });

  it('is a stream where a stream is documented', async () => {
    const answer = await ask('GET', '/api/events/servers,deployments');
    expect(answer.status).toBe(200);
    expect(answer.contentType).toMatch(/^text\/event-stream/);
    expect(api.problem(find('GET', '/api/events/{channels}'), answer)).toBeNull();
  });
});
