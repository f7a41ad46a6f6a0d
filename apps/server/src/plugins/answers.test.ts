// Answers that no operation gives: refusals of the HTTP layer, request ids, unknown errors, the access log.
import { createFixedWindowLimiter } from '@insightloop/core';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../machine.ts';
import { rawRequest, type RawAnswer } from '../testing/raw-request.ts';
import { startTestApp, type TestApp, type TestAppOptions } from '../testing/test-app.ts';

let running: TestApp | null = null;
const start = async (options?: TestAppOptions): Promise<TestApp> => (running = await startTestApp(options));
afterEach(async () => {
  await running?.[Symbol.asyncDispose]();
  running = null;
});

const ask = (line: string, headers: string[] = [], body = ''): Promise<RawAnswer> => {
  if (!running) throw new Error('nothing runs');
  const length = body ? [`Content-Length: ${Buffer.byteLength(body)}`] : [];
  return rawRequest(running, [`${line} HTTP/1.1`, 'Host: localhost', ...length, ...headers], body);
};

const json = 'Content-Type: application/json';
const registration = (id: string) =>
  JSON.stringify({ id, name: 'A', launch: [{ method: 'npx', identifier: 'a' }] });

/** That it is the envelope, whole, with the id that the header has. */
function errorOf(answer: RawAnswer): { code: string; message: string; details: unknown } {
  expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
  const { error, ...rest } = JSON.parse(answer.body) as { error: Record<string, unknown> };
  expect(rest).toEqual({});
  expect(error).toEqual({
    code: expect.any(String),
    message: expect.any(String),
    details: error['details'] === null ? null : expect.any(Object),
    timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
    request_id: answer.headers['x-request-id'],
  });
  return error as { code: string; message: string; details: unknown };
}

describe('a refusal of the HTTP layer', () => {
  it.each([
    ['a path that is none', 'GET /nowhere', [], '', 404, 'NOT_FOUND'],
    ['a path above the root', 'GET /../../etc/passwd', [], '', 404, 'NOT_FOUND'],
    ['a path above the root, encoded', 'GET /%2e%2e/%2e%2e/etc/passwd', [], '', 404, 'NOT_FOUND'],
    ['the root', 'GET /', [], '', 404, 'NOT_FOUND'],
    ['half of an escape', 'GET /api/servers/%', [], '', 400, 'INVALID_REQUEST'],
    ['an escape that is none', 'GET /api/servers/%zz', [], '', 400, 'INVALID_REQUEST'],
    ['an escape that is no UTF-8', 'GET /api/servers/%ff', [], '', 400, 'INVALID_REQUEST'],
    ['an id without end', `GET /api/servers/${'a'.repeat(6000)}`, [], '', 400, 'INVALID_REQUEST'],
    ['bad JSON', 'POST /api/servers', [json], '{"id":', 400, 'INVALID_REQUEST'],
    ['JSON with a comment', 'POST /api/servers', [json], '{/**/}', 400, 'INVALID_REQUEST'],
    [
      'JSON with a prototype',
      'POST /api/servers',
      [json],
      '{"__proto__":{"id":"a"}}',
      400,
      'INVALID_REQUEST',
    ],
    [
      'JSON with a prototype of a prototype',
      'POST /api/servers',
      [json],
      '{"constructor":{"prototype":{"id":"a"}}}',
      400,
      'INVALID_REQUEST',
    ],
    ['a body that is no object', 'POST /api/servers', [json], '[]', 400, 'INVALID_REQUEST'],
    ['a body that is a text', 'POST /api/servers', [json], '"a"', 400, 'INVALID_REQUEST'],
    ['a body that is null', 'POST /api/servers', [json], 'null', 400, 'INVALID_REQUEST'],
    [
      'another content type',
      'POST /api/servers',
      ['Content-Type: text/plain'],
      'a',
      415,
      'UNSUPPORTED_MEDIA_TYPE',
    ],
    [
      'another content type and no body',
      'POST /api/servers',
      ['Content-Type: text/plain', 'Content-Length: 0'],
      '',
      415,
      'UNSUPPORTED_MEDIA_TYPE',
    ],
    ['a tRPC path that is none', 'GET /trpc', [], '', 404, 'NOT_FOUND'],
    ['a deeper tRPC path', 'GET /trpc/a/b', [], '', 404, 'NOT_FOUND'],
  ])('%s: %s', async (_what, line, headers, body, status, code) => {
    await start();
    const answer = await ask(line, headers, body);
    expect(answer.status).toBe(status);
    expect(errorOf(answer).code).toBe(code);
  });

  it.each([
    ['PATCH', '/api/servers', 'POST, GET, HEAD'],
    ['DELETE', '/api/servers', 'POST, GET, HEAD'],
    ['PUT', '/api/servers/a', 'GET, HEAD, DELETE'],
    ['POST', '/api/servers/a', 'GET, HEAD, DELETE'],
    ['POST', '/health', 'GET, HEAD'],
    ['OPTIONS', '/health', 'GET, HEAD'],
    ['TRACE', '/api/info', 'GET, HEAD'],
    ['POST', '/api/events/servers', 'GET, HEAD'],
    ['POST', '/docs', 'GET, HEAD'],
    ['DELETE', '/docs/start.js', 'GET, HEAD'],
    ['POST', '/openapi.json', 'GET, HEAD'],
  ])('a method that a path does not have says which it has: %s %s', async (method, path, allow) => {
    await start();
    const answer = await ask(`${method} ${path}`, [json], '{');
    expect(answer.status).toBe(405);
    expect(answer.headers['allow']).toBe(allow);
    const error = errorOf(answer);
    expect(error.code).toBe('METHOD_NOT_ALLOWED');
    expect(error.details).toEqual({ allowed: allow.split(', ') });
  });

  it.each(['POST /api/servers', 'POST /trpc/servers.register', 'POST /nowhere'])(
    'a body of 12 MB, announced or not: %s',
    async (line) => {
      await start();
      const body = JSON.stringify({ name: 'a'.repeat(12_000_000) });
      const announced = await ask(line, [json], body);
      expect(announced.status).toBe(413);
      expect(errorOf(announced).code).toBe('PAYLOAD_TOO_LARGE');

      const head = [`${line} HTTP/1.1`, 'Host: localhost', json, 'Transfer-Encoding: chunked'];
      const chunked = await rawRequest(running ?? { port: 0 }, head, inChunks(body));
      expect(chunked.status).toBe(413);
      expect(errorOf(chunked).code).toBe('PAYLOAD_TOO_LARGE');
    },
  );

  it('leaves the application whole', async () => {
    await start();
    await Promise.all([
      ask('POST /api/servers', [json], '{'),
      ask('GET /%'),
      ask('POST /trpc/x', [json], '{'),
    ]);
    expect((await ask('POST /api/servers', [json], registration('after'))).status).toBe(201);
  });
});

describe('a body of nothing', () => {
  it('is none, though a content type is named', async () => {
    await start();
    expect((await ask('DELETE /api/servers/x', [json, 'Content-Length: 0'])).status).toBe(404);
    const empty = await ask('POST /api/servers', [json, 'Content-Length: 0']);
    expect(empty.status).toBe(400);
    expect(errorOf(empty).details).toMatchObject({ issues: expect.arrayContaining([expect.any(Object)]) });
  });
});

describe('the request id', () => {
  it.each(['req-1', 'a', 'A.b_c-1', 'x'.repeat(128)])('of the caller is kept: %s', async (id) => {
    await start();
    for (const path of ['/health', '/nowhere', '/api/servers/%zz', '/trpc/nowhere', '/docs'])
      expect((await ask(`GET ${path}`, [`X-Request-Id: ${id}`])).headers['x-request-id']).toBe(id);
  });

  it.each(['', 'a b', 'a,b', 'ä', '<script>', 'a/b', '../a', 'x'.repeat(129)])(
    'that could not stand in a log is replaced: %o',
    async (id) => {
      await start();
      const answer = await ask('GET /nowhere', [`X-Request-Id: ${id}`]);
      expect(answer.headers['x-request-id']).toMatch(/^req-[0-9a-z]{26}$/);
      expect(errorOf(answer).code).toBe('NOT_FOUND');
    },
  );

  it('that is given twice is replaced', async () => {
    await start();
    const answer = await ask('GET /health', ['X-Request-Id: a', 'X-Request-Id: b']);
    expect(answer.headers['x-request-id']).toMatch(/^req-/);
  });

  it('is in the error of each door, also where an operation was never reached', async () => {
    await start();
    const given = ['X-Request-Id: mine'];
    for (const [line, body] of [
      ['GET /trpc/servers.get?input=%7B%22json%22%3A%7B%22server_id%22%3A%22x%22%7D%7D', ''],
      ['GET /trpc/nowhere', ''],
      ['POST /trpc/servers.list', ''],
      ['POST /trpc/servers.list', '{}'],
      ['POST /trpc/servers.register', '{'],
    ] as const) {
      const answer = await ask(line, [...given, ...(body ? [json] : [])], body);
      expect(answer.status).toBeGreaterThanOrEqual(400);
      const shape = JSON.parse(answer.body) as { error: { json: { data: { error: unknown } } } };
      expect(shape.error.json.data.error).toMatchObject({ request_id: 'mine' });
    }
  });
});

describe('an error that nobody expected', () => {
  const broken = () => Promise.reject(new Error('SELECT failed: password=hunter2'));

  it.each([
    'GET /api/servers/x',
    'GET /trpc/servers.get?input=%7B%22json%22%3A%7B%22server_id%22%3A%22x%22%7D%7D',
  ])('is 500, says nothing of itself, and is in the log once with its request: %s', async (line) => {
    const store = { insert: broken, put: broken, find: broken, list: broken, delete: broken };
    const { logged } = await start({ ports: { serverStore: store } });
    const answer = await ask(line, ['X-Request-Id: mine']);
    expect(answer.status).toBe(500);
    expect(answer.body).toContain('INTERNAL_ERROR');
    expect(answer.body).not.toMatch(/hunter2|SELECT|stack|node_modules/);
    const errors = logged.filter((entry) => Number(entry['level']) >= 50);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toMatchObject({ request_id: 'mine', code: 'INTERNAL_ERROR' });
    expect(JSON.stringify(errors[0])).toContain('hunter2');
  });
});

describe('an answer that is worth asking again for', () => {
  it('says when', async () => {
    await start({ ports: { draining: () => true } });
    const answer = await ask('GET /readyz');
    expect(answer.status).toBe(503);
    expect(errorOf(answer).code).toBe('SERVICE_UNAVAILABLE');
    expect(answer.headers['retry-after']).toBe('5');
  });

  it('says so for a limit at both doors, with the same headers', async () => {
    await start({ parts: { rateLimiter: createFixedWindowLimiter({ logs: 2 }, systemClock) } });
    const trpc = 'GET /trpc/servers.list?input=%7B%22json%22%3A%7B%7D%7D';
    const answers = [
      await ask('GET /api/servers'),
      await ask(trpc),
      await ask('GET /api/servers'),
      await ask(trpc),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 429, 429]);
    expect(answers.map(({ headers }) => headers['x-ratelimit-remaining'])).toEqual(['1', '0', '0', '0']);
    for (const { headers } of answers) {
      expect(headers['x-ratelimit-limit']).toBe('2');
      expect(Number(headers['x-ratelimit-reset'])).toBeGreaterThan(Date.now() / 1000);
    }
    for (const { headers } of answers.slice(2)) expect(Number(headers['retry-after'])).toBeGreaterThan(3500);
    expect(errorOf(answers[2] as RawAnswer).code).toBe('RATE_LIMIT_EXCEEDED');
  });

  it('says so for a stream before it begins', async () => {
    await start({ parts: { rateLimiter: createFixedWindowLimiter({ logs: 1 }, systemClock) } });
    expect((await ask('GET /api/events/servers')).headers['x-ratelimit-remaining']).toBe('0');
    const answer = await ask('GET /api/events/servers');
    expect(answer.status).toBe(429);
    expect(errorOf(answer).code).toBe('RATE_LIMIT_EXCEEDED');
  });
});

describe('HEAD', () => {
  it.each(['/health', '/api/servers', '/openapi.json', '/docs'])(
    'answers as GET does, without a body: %s',
    async (path) => {
      await start();
      const { url } = running ?? { url: '' };
      const [head, get] = await Promise.all([fetch(url + path, { method: 'HEAD' }), fetch(url + path)]);
      expect([head.status, head.headers.get('content-type')]).toEqual([
        get.status,
        get.headers.get('content-type'),
      ]);
      expect(await head.text()).toBe('');
      expect(await get.text()).not.toBe('');
    },
  );

  it('holds no stream open', async () => {
    const { eventLog, url } = await start();
    expect((await fetch(`${url}/api/events/servers`, { method: 'HEAD' })).status).toBe(200);
    await expect.poll(() => eventLog.readers).toBe(0);
  });
});

describe('pages of other origins', () => {
  const origin = 'https://app.example';
  const preflight = (method: string) => [
    `Origin: ${origin}`,
    `Access-Control-Request-Method: ${method}`,
    'Access-Control-Request-Headers: content-type,x-request-id',
  ];

  it.each(['GET', 'POST', 'PUT', 'DELETE'])(
    'that are listed may use %s and read our headers',
    async (method) => {
      await start({ settings: { corsOrigins: [origin] } });
      const asked = await ask('OPTIONS /api/servers/x', preflight(method));
      expect(asked.status).toBe(204);
      expect(asked.headers['access-control-allow-origin']).toBe(origin);
      expect(asked.headers['access-control-allow-methods']).toContain(method);
      expect(asked.headers['access-control-allow-headers']).toBe('content-type,x-request-id');
      const answer = await ask('GET /api/servers', [`Origin: ${origin}`]);
      expect(answer.headers['access-control-allow-origin']).toBe(origin);
      for (const header of ['X-Request-Id', 'X-RateLimit-Remaining', 'Retry-After'])
        expect(answer.headers['access-control-expose-headers']).toContain(header);
      expect(answer.headers['access-control-allow-credentials']).toBeUndefined();
    },
  );

  it('that are listed read our errors too', async () => {
    await start({ settings: { corsOrigins: [origin] } });
    const answer = await ask('GET /api/servers/x', [`Origin: ${origin}`]);
    expect(answer.status).toBe(404);
    expect(answer.headers['access-control-allow-origin']).toBe(origin);
  });

  it('that are not listed get no word of consent', async () => {
    await start({ settings: { corsOrigins: ['https://other.example'] } });
    const answer = await ask('OPTIONS /api/servers/x', preflight('DELETE'));
    expect(answer.status).toBe(403);
    expect(errorOf(answer).code).toBe('FORBIDDEN');
    expect(answer.headers['access-control-allow-origin']).toBeUndefined();
  });

  it('ask nothing when they ask for options without being pages', async () => {
    await start({ settings: { corsOrigins: [origin] } });
    const answer = await ask('OPTIONS /api/servers');
    expect(answer.headers['access-control-allow-origin']).toBeUndefined();
    expect(answer.headers['content-type'] ?? 'application/json').toMatch(/^application\/json/);
  });
});

describe('the access log', () => {
  it('has each request once: what, how it ended, how long, whose, but no query and no body', async () => {
    const { logged } = await start();
    await ask('GET /api/servers?limit=3&hunter2=1', ['X-Request-Id: one', 'Authorization: Bearer hunter2']);
    await ask('POST /api/servers', [json, 'X-Request-Id: two'], '{"hunter2":');
    await ask('GET /nowhere', ['X-Request-Id: three']);
    const lines = logged.filter(({ msg }) => msg === 'request');
    const common = { ms: expect.any(Number) as number, caller: '127.0.0.1' };
    expect(lines).toMatchObject([
      { request_id: 'one', method: 'GET', path: '/api/servers', status: 400, ...common },
      { request_id: 'two', method: 'POST', path: '/api/servers', status: 400, ...common },
      { request_id: 'three', method: 'GET', path: '/nowhere', status: 404, ...common },
    ]);
    expect(JSON.stringify(logged)).not.toContain('hunter2');
  });

  it('knows the caller behind a proxy that is trusted, and no other', async () => {
    const forwarded = ['X-Forwarded-For: 203.0.113.9'];
    const trusting = await start({ settings: { trustProxy: ['127.0.0.1'] } });
    await ask('GET /health', forwarded);
    expect(trusting.logged.find(({ msg }) => msg === 'request')).toMatchObject({ caller: '203.0.113.9' });
    await trusting[Symbol.asyncDispose]();
    const careful = await start();
    await ask('GET /health', forwarded);
    expect(careful.logged.find(({ msg }) => msg === 'request')).toMatchObject({ caller: '127.0.0.1' });
  });
});

const inChunks = (text: string): string => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n0\r\n\r\n`;
