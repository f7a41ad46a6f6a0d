// The gate, asked at every door with raw requests: what a browser, a rebound name or a deployment would send.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { rawRequest, type RawAnswer } from '../testing/raw-request.ts';
import { startTestApp, type TestApp } from '../testing/test-app.ts';

const listed = 'https://app.example';

let running: TestApp;
let isFromDeployment = false;

beforeAll(async () => {
  running = await startTestApp({
    settings: {
      allowedHosts: ['Api.Example'],
      corsOrigins: [listed],
      publicUrl: 'https://public.example/base',
    },
    parts: { isFromDeployment: () => Promise.resolve(isFromDeployment) },
  });
});
afterAll(() => running[Symbol.asyncDispose]());
afterEach(async () => {
  isFromDeployment = false;
  await running.serverStore.delete(registration.id);
});

interface Door {
  name: string;
  line: string;
  headers?: string[];
  body?: string;
  /** The status when the gate lets through. */
  opens: number;
  isPublic?: true;
}

const upgrade = [
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
];
const registration = { id: 'a', name: 'A', launch: [{ method: 'npx', identifier: 'a' }] };
const json = 'Content-Type: application/json';
const subscription = encodeURIComponent(JSON.stringify({ json: { channels: ['servers'] } }));

const doors: Door[] = [
  { name: 'a REST read', line: 'GET /api/servers', opens: 200 },
  {
    name: 'a REST write',
    line: 'POST /api/servers',
    headers: [json],
    body: JSON.stringify(registration),
    opens: 201,
  },
  { name: 'a REST removal', line: 'DELETE /api/servers/x', opens: 404 },
  { name: 'an event stream', line: 'GET /api/events/servers', opens: 200 },
  { name: 'a tRPC query', line: 'GET /trpc/servers.list?input=%7B%22json%22%3A%7B%7D%7D', opens: 200 },
  {
    name: 'a tRPC mutation',
    line: 'POST /trpc/servers.register',
    headers: [json],
    body: JSON.stringify({ json: registration }),
    opens: 200,
  },
  {
    name: 'a tRPC subscription over SSE',
    line: `GET /trpc/events.subscribe?input=${subscription}`,
    headers: ['Accept: text/event-stream'],
    opens: 200,
  },
  { name: 'a tRPC WebSocket', line: 'GET /trpc', headers: upgrade, opens: 101 },
  // Opened, and closed at once: there is nobody to talk to.
  { name: 'a WebSocket to a path of REST', line: 'GET /api/servers', headers: upgrade, opens: 101 },
  { name: 'a WebSocket to nowhere', line: 'GET /nowhere', headers: upgrade, opens: 404 },
  { name: 'a path that is none', line: 'GET /nowhere', opens: 404 },
  { name: 'a method that is none', line: 'PATCH /api/servers', opens: 405 },
  { name: 'the health', line: 'GET /health', opens: 200, isPublic: true },
  { name: 'the liveness', line: 'GET /livez', opens: 200, isPublic: true },
  { name: 'the readiness', line: 'GET /readyz?verbose', opens: 200, isPublic: true },
  { name: 'the document', line: 'GET /openapi.json', opens: 200, isPublic: true },
  { name: 'the docs page', line: 'GET /docs', opens: 200, isPublic: true },
  { name: 'a file of the docs page', line: 'GET /docs/start.js', opens: 200, isPublic: true },
  { name: 'a path that begins like a public one', line: 'GET /healthy', opens: 404 },
  { name: 'the service’s abilities', line: 'GET /api/info', opens: 200 },
];

/** Named by us: PORT stands for the port of this test's application. */
async function knock(door: Door, headers: string[], version = '1.1'): Promise<RawAnswer> {
  const body = door.body ?? '';
  const head = [
    `${door.line} HTTP/${version}`,
    ...headers,
    ...(door.headers ?? []),
    ...(body ? [`Content-Length: ${Buffer.byteLength(body)}`] : []),
  ].map((line) => line.replaceAll('PORT', String(running.port)));
  return rawRequest(running, head, body);
}

async function expectRefusal(answer: RawAnswer, status: number, code: string): Promise<void> {
  expect(answer.status).toBe(status);
  expect(answer.headers['content-type']).toMatch(/^application\/json/);
  const { error } = JSON.parse(answer.body) as { error: Record<string, unknown> };
  expect(error).toMatchObject({ code, request_id: answer.headers['x-request-id'] });
  expect(error['request_id']).toMatch(/^req-/);
  expect(await running.serverStore.list({ limit: 1, offset: 0 })).toMatchObject({ total: 0 });
  expect(running.app.websocketServer.clients.size).toBe(0);
  expect(running.eventLog.readers).toBe(0);
}

const ours = 'Host: 127.0.0.1:PORT';

describe.each(doors.map((door) => [door.name, door] as const))('%s', (_name, door) => {
  it.each([
    [[ours]],
    [['Host: 127.0.0.1']],
    [['Host: 127.0.0.1:1']],
    [['Host: localhost:PORT']],
    [['Host: LocalHost:PORT']],
    [['Host: [::1]:PORT']],
    [['Host: api.example']],
    [['Host: API.example:443']],
    [['Host: public.example']],
    [[ours, 'Origin: http://127.0.0.1:PORT']],
    [['Host: localhost:PORT', 'Origin: http://localhost:PORT']],
    [['Host: api.example', 'Origin: https://api.example']],
    [['Host: api.example', 'Origin: https://api.example', 'Sec-Fetch-Site: same-origin']],
    [[ours, `Origin: ${listed}`]],
    [[ours, `Origin: ${listed}`, 'Sec-Fetch-Site: cross-site']],
    [[ours, 'Sec-Fetch-Site: none']],
    [[ours, 'Sec-Fetch-Site: same-origin']],
    [[ours, 'Sec-Fetch-Site: same-site']],
  ])('is open to %j', async (headers) => {
    expect((await knock(door, headers)).status).toBe(door.opens);
  });

  it.each([
    [['Host: evil.example']],
    [['Host: evil.example:PORT']],
    [['Host: 127.0.0.1.evil.example:PORT']],
    [['Host: localhost.evil.example']],
    [['Host: evil.example#localhost']],
    [['Host: localhost@evil.example']],
    [['Host: 192.0.2.1:PORT']],
    [['Host: [::2]:PORT']],
    [['Host: 127.0.0.1:PORT:PORT']],
    [['Host: localhost, evil.example']],
    [['Host:']],
    [['Host: evil.example', 'X-Forwarded-Host: localhost']],
    [['Host: evil.example', 'Forwarded: host=localhost']],
    [['Host: evil.example', 'Origin: http://evil.example']],
    [[ours, 'Origin: http://evil.example']],
    [[ours, 'Origin: null']],
    [[ours, 'Origin:']],
    [[ours, 'Origin: file://']],
    [[ours, 'Origin: http://127.0.0.1:1']],
    [[ours, 'Origin: http://localhost:PORT']],
    [[ours, 'Origin: ftp://127.0.0.1:PORT']],
    [[ours, 'Origin: chrome-extension://127.0.0.1:PORT']],
    [[ours, `Origin: ${listed}.evil.example`]],
    [[ours, `Origin: ${listed}:8443`]],
    [[ours, `Origin: ${listed.replace('https', 'http')}`]],
  ])('is closed to %j', async (headers) => {
    await expectRefusal(await knock(door, headers), 403, 'FORBIDDEN');
  });

  it('is closed to a request that names no host', async () => {
    await expectRefusal(await knock(door, [], '1.0'), 403, 'FORBIDDEN');
    await expectRefusal(await knock(door, []), 403, 'FORBIDDEN');
  });

  it('is closed to a deployment', async () => {
    isFromDeployment = true;
    await expectRefusal(await knock(door, [ours]), 403, 'FORBIDDEN');
  });

  it(`is ${door.isPublic ? 'open' : 'closed'} to a link on another site`, async () => {
    const answer = await knock(door, [ours, 'Sec-Fetch-Site: cross-site']);
    if (door.isPublic) expect(answer.status).toBe(door.opens);
    else await expectRefusal(answer, 403, 'FORBIDDEN');
  });
});

describe.each(doors.filter(({ body }) => body).map((door) => [door.name, door] as const))(
  'the body of %s',
  (_name, door) => {
    it.each([
      'text/plain',
      'text/plain; application/json',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
      'application/octet-stream',
      'application/jsonp',
      'application/json-patch+json',
      'json',
    ])('is not taken as %s', async (contentType) => {
      const answer = await knock({ ...door, headers: [`Content-Type: ${contentType}`] }, [ours]);
      await expectRefusal(answer, 415, 'UNSUPPORTED_MEDIA_TYPE');
    });

    it('is not taken without a content type, in one piece or in many', async () => {
      await expectRefusal(await knock({ ...door, headers: [] }, [ours]), 415, 'UNSUPPORTED_MEDIA_TYPE');
      const { line, body = '' } = door;
      const chunked = { line, name: '', opens: 0, headers: ['Transfer-Encoding: chunked'] };
      const pieces = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
      const answer = await rawRequest(
        running,
        [`${chunked.line} HTTP/1.1`, ours.replace('PORT', String(running.port)), ...chunked.headers],
        pieces,
      );
      await expectRefusal(answer, 415, 'UNSUPPORTED_MEDIA_TYPE');
    });

    it.each([
      'application/json',
      'APPLICATION/JSON',
      'application/json; charset=utf-8',
      'application/json ;x=y',
    ])('is taken as %s', async (contentType) => {
      const answer = await knock({ ...door, headers: [`Content-Type: ${contentType}`] }, [ours]);
      expect(answer.status).toBe(door.opens);
    });
  },
);

describe('a body where none belongs', () => {
  it.each(['GET /api/servers', 'DELETE /api/servers/x', 'GET /health', 'GET /trpc/servers.list'])(
    'must be JSON nevertheless: %s',
    async (line) => {
      const door = { name: '', line, headers: ['Content-Type: text/plain'], body: 'x', opens: 0 };
      await expectRefusal(await knock(door, [ours]), 415, 'UNSUPPORTED_MEDIA_TYPE');
    },
  );
});

it('leaves no connection behind, not even of an upgrade that it refused', async () => {
  for (const door of doors.filter(({ headers }) => headers === upgrade))
    expect((await knock(door, ['Host: evil.example'])).status).toBe(403);
  await expect.poll(connections).toBe(0);
});

const connections = (): Promise<number> =>
  new Promise((resolve, reject) => {
    running.app.server.getConnections((error, count) => {
      if (error) reject(error);
      else resolve(count);
    });
  });

describe('an address of this machine', () => {
  const health = (host: string) => ['GET /health HTTP/1.1', `Host: ${host}`];

  it('is a name of ours when the connection was made to it, and only then', async () => {
    await using app = await startTestApp({ listenOn: '0.0.0.0', settings: { host: '0.0.0.0' } });
    const { port } = app;
    const other = { port, address: '127.0.0.2' };
    expect((await rawRequest(other, health(`127.0.0.2:${port}`))).status).toBe(200);
    expect((await rawRequest(other, health('127.0.0.3'))).status).toBe(403);
    expect((await rawRequest({ port }, health('127.0.0.2'))).status).toBe(403);
  });

  it('is so on a socket for IPv4 and IPv6 alike', async () => {
    await using app = await startTestApp({ listenOn: '::', settings: { host: '::' } });
    const { port } = app;
    const other = { port, address: '127.0.0.2' };
    expect((await rawRequest(other, health('127.0.0.2'))).status).toBe(200);
    expect((await rawRequest({ port, address: '::1' }, health(`[::1]:${port}`))).status).toBe(200);
    expect((await rawRequest({ port, address: '::1' }, health('127.0.0.2'))).status).toBe(403);
  });
});
