// The OpenAPI document: statuses, envelope, headers, streams, and what it says of bodies.
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { operation } from './middleware.ts';
import { openApiDocument } from './openapi.ts';
import { appRouter } from './router.ts';
import { t } from './trpc.ts';

const header = z.object({ description: z.string(), schema: z.object({ type: z.string() }) });
const response = z.object({
  description: z.string(),
  headers: z.record(z.string(), header),
  content: z.record(z.string(), z.object({ schema: z.record(z.string(), z.unknown()) })).optional(),
});
const parameter = z.object({
  in: z.enum(['path', 'query']),
  name: z.string(),
  required: z.boolean().optional(),
  schema: z.record(z.string(), z.unknown()),
});
const operationObject = z.object({
  operationId: z.string(),
  summary: z.string().min(1),
  tags: z.array(z.string()).length(1),
  parameters: z.array(parameter).default([]),
  requestBody: z
    .object({
      required: z.literal(true),
      content: z.object({ 'application/json': z.object({ schema: z.record(z.string(), z.unknown()) }) }),
    })
    .optional(),
  responses: z.record(z.string(), response),
});
const documentShape = z.object({
  openapi: z.literal('3.1.0'),
  servers: z.array(z.object({ url: z.string() })),
  tags: z.array(z.object({ name: z.string(), description: z.string() })),
  paths: z.record(z.string(), z.record(z.string(), operationObject)),
  components: z.object({ schemas: z.record(z.string(), z.record(z.string(), z.unknown())) }),
});

/** As a reader gets it: through JSON, and of the shape that OpenAPI asks for. */
const read = (router: Parameters<typeof openApiDocument>[0]) =>
  documentShape.parse(JSON.parse(JSON.stringify(openApiDocument(router, 'https://api.example'))));

const document = read(appRouter);
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, found]) => ({ name: `${method.toUpperCase()} ${path}`, ...found })),
);
const named = (name: string) => {
  const found = operations.find((candidate) => candidate.name === name);
  if (!found) throw new Error(`the document has no ${name}`);
  return found;
};

const limitHeaders = ['X-RateLimit-Limit', 'X-RateLimit-Remaining', 'X-RateLimit-Reset'];

it('names the paths that are built, and the address it is told', () => {
  expect(operations.map(({ name }) => name)).toEqual(
    expect.arrayContaining([
      'GET /health',
      'GET /livez',
      'GET /readyz',
      'GET /api/info',
      'GET /api/servers',
      'POST /api/servers',
      'GET /api/servers/{server_id}',
      'DELETE /api/servers/{server_id}',
      'GET /api/events/{channels}',
    ]),
  );
  expect(document.servers).toEqual([{ url: 'https://api.example' }]);
});

it('gives each operation an id of its own and a tag that is described', () => {
  const ids = operations.map(({ operationId }) => operationId);
  expect(new Set(ids).size).toBe(ids.length);
  const described = document.tags.map(({ name }) => name);
  for (const { tags } of operations) expect(described).toEqual(expect.arrayContaining(tags));
});

it('points at nothing that is not there', () => {
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)];
  expect(references.length).toBeGreaterThan(0);
  for (const [, name] of references) expect(Object.keys(document.components.schemas)).toContain(name);
});

describe.each(operations.map((found) => [found.name, found] as const))('%s', (_name, found) => {
  const { responses } = found;
  const successes = Object.keys(responses).filter((status) => status.startsWith('2'));

  it('has one success and the errors that every operation can have', () => {
    expect(successes).toHaveLength(1);
    expect(Object.keys(responses)).toEqual(expect.arrayContaining(['403', '500']));
  });

  it('answers every error with the envelope, and everything with a request id', () => {
    for (const [status, { content, headers }] of Object.entries(responses)) {
      expect(Object.keys(headers)).toContain('X-Request-Id');
      if (!successes.includes(status))
        expect(content).toEqual({
          'application/json': { schema: { $ref: '#/components/schemas/ErrorEnvelope' } },
        });
    }
  });

  it('tells of limits on success and on 429, or of none at all', () => {
    const [success = ''] = successes;
    const isLimited = '429' in responses;
    const told = Object.keys(responses[success]?.headers ?? {});
    if (isLimited) {
      expect(told).toEqual(expect.arrayContaining(limitHeaders));
      expect(Object.keys(responses['429']?.headers ?? {})).toEqual(
        expect.arrayContaining([...limitHeaders, 'Retry-After']),
      );
    } else expect(told).toEqual(['X-Request-Id']);
  });

  it('asks for each parameter of its path, and has 400 where it takes anything', () => {
    const inPath = [...found.name.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    const required = found.parameters.filter((one) => one.in === 'path');
    expect(required.map(({ name }) => name)).toEqual(inPath);
    for (const one of required) expect(one.required).toBe(true);
    if (found.parameters.length > 0 || found.requestBody) expect(Object.keys(responses)).toContain('400');
  });

  it('says of a body how it may be refused', () => {
    if (found.requestBody)
      expect(Object.keys(responses)).toEqual(expect.arrayContaining(['400', '413', '415']));
    else if (/^(GET|DELETE)/.test(found.name)) expect(responses['415']).toBeUndefined();
  });
});

it('limits what the specification limits, and leaves health and info free', () => {
  const free = operations.filter(({ responses }) => !('429' in responses)).map(({ name }) => name);
  expect(free).toEqual(expect.arrayContaining(['GET /health', 'GET /livez', 'GET /readyz', 'GET /api/info']));
  for (const limited of ['GET /api/servers', 'POST /api/servers', 'GET /api/events/{channels}'])
    expect(free).not.toContain(limited);
});

it('says the real statuses', () => {
  expect(Object.keys(named('POST /api/servers').responses)).toEqual(
    expect.arrayContaining(['201', '400', '403', '409', '413', '415', '429', '500']),
  );
  expect(Object.keys(named('GET /api/servers/{server_id}').responses)).toContain('404');
  expect(named('DELETE /api/servers/{server_id}').responses['409']?.description).toBe('CONFLICT');
  expect(Object.keys(named('GET /readyz').responses['503']?.headers ?? {})).toContain('Retry-After');
});

it('has the streams as event streams, with the parameters of their readers', () => {
  const events = named('GET /api/events/{channels}');
  expect(Object.keys(events.responses['200']?.content ?? {})).toEqual(['text/event-stream']);
  expect(events.responses['200']?.content?.['text/event-stream']?.schema).toEqual({
    $ref: '#/components/schemas/StreamEvent',
  });
  const inQuery = events.parameters.filter((one) => one.in === 'query').map(({ name }) => name);
  expect(inQuery.toSorted()).toEqual(['lastEventId', 'level', 'server_id', 'task_id', 'unnamed']);
});

it('lets a request leave out what has a default, and refuse what it does not know; answers may grow', () => {
  const body = z
    .object({ required: z.array(z.string()), additionalProperties: z.literal(false) })
    .parse(named('POST /api/servers').requestBody?.content['application/json'].schema);
  expect(body.required.toSorted()).toEqual(['id', 'launch', 'name']);
  const server = document.components.schemas['Server'];
  expect(server).not.toHaveProperty('additionalProperties');
  const limit = named('GET /api/servers').parameters.find(({ name }) => name === 'limit');
  expect(limit?.required ?? false).toBe(false);
  expect(limit?.schema).toMatchObject({ type: 'integer', minimum: 1, maximum: 100, default: 50 });
});

it('writes times as strings', () => {
  expect(document.components.schemas['Server']).toMatchObject({
    properties: { created_at: { type: 'string', format: 'date-time' } },
  });
});

it('has both statuses of a deployment that fails, and the status that an operation names', () => {
  const { paths } = read(
    t.router({
      deploy: operation
        .meta({
          openapi: { method: 'POST', path: '/api/deploy/{server_id}', tags: ['Servers'], summary: 'Deploy' },
          successStatus: 202,
          limit: 'deployment',
          errors: ['DEPLOYMENT_FAILED', 'INVALID_CONFIGURATION', 'SERVICE_UNAVAILABLE'],
        })
        .input(z.strictObject({ server_id: z.string(), force: z.boolean().default(false) }))
        .output(z.object({ error: z.never().optional(), since: z.date().meta({ id: 'Since' }) }))
        .mutation(() => ({ since: new Date(0) })),
      health: operation
        .meta({
          openapi: { method: 'GET', path: '/health', tags: ['System'], summary: 'x' },
          limit: 'unlimited',
        })
        .output(z.object({ error: z.object({}).meta({ id: 'Any' }) }))
        .query(() => ({ error: {} })),
    }),
  );
  const responses = paths['/api/deploy/{server_id}']?.['post']?.responses ?? {};
  expect(responses['422']?.description).toBe('DEPLOYMENT_FAILED, INVALID_CONFIGURATION');
  expect(responses['503']?.description).toBe('DEPLOYMENT_FAILED, SERVICE_UNAVAILABLE');
  expect(Object.keys(responses)).toContain('202');
});
