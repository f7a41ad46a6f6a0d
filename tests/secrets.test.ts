// Keys of ours and of deployments, set to words that are easy to find: they are found nowhere.
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  noRedis,
  startRedis,
  type RedisServer,
} from '../packages/adapters/src/redis/testing/redis-server.ts';
import { NpmRegistry } from './support/npm-registry.ts';
import { openPlainStream, type Frame, type PlainStream } from './support/plain-stream.ts';
import { npmFrom, restOf, type Answer, type Deployed, type Rest } from './support/rest.ts';
import { startServer, type RunningServer } from './support/running-server.ts';
import { publishTestPackage } from './support/test-packages.ts';
import { tracesOf } from './support/traces.ts';

const run = promisify(execFile);

/** In our environment: none of a server's business, and of no caller's. */
const ours = {
  GEMINI_API_KEY: 'canary-gemini-2b1d9e',
  GITHUB_TOKEN: 'ghp_canaryOfGithub77c0aa',
  E2B_API_KEY: 'canary-e2b-5f00ab',
  REDIS_PASSWORD: 'canary-redis-991c',
  PGPASSWORD: 'canary-postgres-61d2',
  INSIGHTLOOP_SECRET_KEY: 'canary-secret-key-of-ours-d80f',
};
/** With what base64 and URLs write differently. */
const theirs = { API_KEY: 'canary/of+a deployment?=4c1e', DATABASE_URL: 'postgres://u:canary-db-pass@db/x' };

const formsOf = (secret: string): string[] => [
  secret,
  encodeURIComponent(secret),
  encodeURI(secret),
  // Whatever stands before it in a longer text shifts the form by up to two bytes.
  ...[0, 1, 2].map((shift) =>
    Buffer.from(' '.repeat(shift) + secret)
      .toString('base64')
      .slice(shift === 0 ? 0 : 4)
      .replace(/.{0,3}=*$/, ''),
  ),
  Buffer.from(secret).toString('base64url'),
  Buffer.from(secret).toString('hex'),
];
const forbidden = [...Object.values(ours), ...Object.values(theirs)].flatMap(formsOf);

const foundIn = (text: string): string[] => forbidden.filter((form) => text.includes(form));

let folder: string;
let registry: NpmRegistry;
let redis: RedisServer | null;
let server: RunningServer;
let rest: Rest;
let events: PlainStream;
/** Everything that was ever answered. */
const answers: Answer[] = [];
const note = async (asked: Promise<Answer>): Promise<Answer> => {
  const answer = await asked;
  answers.push(answer);
  return answer;
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'secrets-'));
  registry = await NpmRegistry.start();
  await publishTestPackage(registry, 'ill-behaved-package');
  // Where there is none the events are in memory, and there is no password to be seen.
  redis = noRedis === null ? await startRedis({ password: ours.REDIS_PASSWORD }) : null;
  server = await startServer({
    dataDir: join(folder, 'data'),
    env: {
      ...npmFrom(registry),
      ...ours,
      ...(redis && { REDIS_URL: redis.url }),
      LOG_LEVEL: 'debug',
      HANDSHAKE_TIMEOUT_SECONDS: '5',
    },
  });
  rest = restOf(server.baseUrl);
  await rest.register('keeper', 'ill-behaved-package', {
    env: [{ name: 'API_KEY', required: true, secret: true }],
  });
  events = await openPlainStream(`${server.baseUrl}/api/events/deployments,servers,logs,metrics`);
  const deployed = await note(
    rest.post('/api/deploy/keeper', { configuration: { environment: theirs, auto_restart: false } }),
  );
  expect(deployed.status).toBe(201);
});
afterAll(async () => {
  events.close();
  await server.stop();
  await redis?.[Symbol.asyncDispose]();
  await registry.close();
  await rm(folder, { recursive: true });
});

describe('the environment of a server', () => {
  it('has its own variables and none of ours, as the kernel tells it', async () => {
    const processes = (await tracesOf(server.dataDir)).processes;
    const environments = await Promise.all(
      processes.map(({ pid }) => run('cat', [`/proc/${pid}/environ`]).then(({ stdout }) => stdout)),
    );
    const text = environments.join('\n');
    for (const secret of Object.values(ours)) expect(text).not.toContain(secret);
    for (const secret of Object.values(theirs)) expect(text).toContain(secret);
  });

  it('is shown by its own tools only with the secrets taken out', async () => {
    const answer = await note(rest.call('keeper', 'environment'));
    expect(answer).toMatchObject({ status: 200, body: { success: true } });
    const text = (answer.body as { result: { content: { text: string }[] } }).result.content[0]?.text;
    const environment = JSON.parse(text ?? '') as Record<string, string>;
    for (const [name, secret] of Object.entries(theirs)) {
      expect(environment[name]).toEqual(expect.any(String));
      expect(environment[name]).not.toContain(secret);
    }
    for (const name of [...Object.keys(ours), 'REDIS_URL']) expect(environment).not.toHaveProperty([name]);
    expect(Object.keys(environment).filter((name) => /npm_|INSIGHTLOOP|API_PORT|RATE_/i.test(name))).toEqual(
      [],
    );
  });
});

describe('what a server says of its secrets', () => {
  const every = Object.values(theirs).flatMap((secret) => [
    secret,
    `key=${secret};`,
    encodeURIComponent(secret),
    Buffer.from(secret).toString('base64'),
    Buffer.from(`user:${secret}`).toString('base64'),
    Buffer.from(secret).toString('base64url'),
    JSON.stringify({ secret }),
  ]);

  it('does not come back in answers and errors', async () => {
    for (const text of every) {
      const { body } = await note(rest.call('keeper', 'echo', { message: `<${text}>` }));
      expect(foundIn(JSON.stringify(body)), text).toEqual([]);
    }
    await note(rest.call('keeper', 'read', { path: `/${theirs.API_KEY}` }));
  });

  it('does not stand in its log, neither live nor followed nor on disk', async () => {
    const stream = await openPlainStream(`${server.baseUrl}/api/servers/keeper/logs?follow=true&lines=0`);
    for (const text of every) await note(rest.call('keeper', 'say', { text: `it is ${text} indeed` }));
    const followed = await stream.take(every.length);
    stream.close();
    expect(foundIn(JSON.stringify(followed))).toEqual([]);
    const { body } = await note(rest.get('/api/servers/keeper/logs?lines=1000'));
    expect((body as { logs: unknown[] }).logs.length).toBeGreaterThanOrEqual(every.length);
    expect(foundIn(JSON.stringify(body))).toEqual([]);
  });
});

describe('what we say ourselves', () => {
  it('shows no value in listings, details and figures', async () => {
    const { deployments } = (await note(rest.get('/api/deployments'))).body as { deployments: Deployed[] };
    expect(deployments).toMatchObject([
      { configuration: { environment_names: ['API_KEY', 'DATABASE_URL'] } },
    ]);
    for (const path of [
      `/api/deployments/${deployments[0]?.id ?? ''}`,
      ...['', '/running', '/keeper', '/keeper/tools', '/keeper/metrics'].map((rest) => `/api/servers${rest}`),
      ...['/health', '/api/info', '/openapi.json', '/readyz', '/nowhere'],
    ])
      await note(rest.get(path));
  });

  it('shows no value where a deploy fails', async () => {
    await rest.register('failing', 'ill-behaved-package');
    const tries: object[] = [
      { environment: theirs, args: ['dies', theirs.API_KEY] },
      { environment: theirs, args: ['silent'] },
      { environment: { ...theirs, PATH: theirs.API_KEY }, memory_limit: 'banana' },
      { environment: { ...theirs, 'A=B': theirs.API_KEY } },
      { environment: { ...theirs, A: `${theirs.API_KEY}\0` } },
      { environment: { ...theirs, A: 5 } },
      { environment: [theirs.API_KEY] },
    ];
    for (const configuration of tries) {
      const { status } = await note(rest.post('/api/deploy/failing', { configuration }));
      expect([400, 422]).toContain(status);
    }
    await note(rest.get('/api/deployments?server_id=failing'));
  });

  it('shows no value where its server falls', async () => {
    await note(rest.call('keeper', 'say', { text: `about to fall with ${theirs.API_KEY}` }));
    await note(rest.call('keeper', 'crash'));
    await expect
      .poll(async () => (await note(rest.get('/api/deployments?server_id=keeper'))).body, { timeout: 30_000 })
      .toMatchObject({ deployments: [{ status: 'failed', last_failure: { reason: 'exit' } }] });
  });

  it('has never said any in an answer, an event or our own log', async () => {
    await rest.register('last-of-all', 'ill-behaved-package');
    const seen: Frame[] = [];
    while (!JSON.stringify(seen.at(-1) ?? '').includes('last-of-all')) seen.push(...(await events.take(1)));
    expect(seen.map(({ data }) => data)).toContainEqual(expect.objectContaining({ server_id: 'keeper' }));
    expect(foundIn(JSON.stringify(seen))).toEqual([]);
    expect(answers.length).toBeGreaterThan(40);
    for (const { body, headers } of answers)
      expect(foundIn(JSON.stringify([body, Object.fromEntries(headers)]))).toEqual([]);
    // At level debug there is something to look through.
    expect(server.output().length).toBeGreaterThan(500);
    expect(foundIn(server.output())).toEqual([]);
  });

  it('has written none to disk', async () => {
    await server.stop();
    const found = await Promise.all(
      forbidden.map(async (form) =>
        // 1: no file has it.
        run('grep', ['-r', '-l', '-a', '-F', '-e', form, server.dataDir]).then(
          ({ stdout }) => [form, stdout],
          (error: unknown) => (error instanceof Error && 'code' in error && error.code === 1 ? null : error),
        ),
      ),
    );
    expect(found.filter((hit) => hit !== null)).toEqual([]);
    const { stdout } = await run('grep', [
      '-r',
      '-l',
      '-a',
      '-F',
      '-e',
      'ill-behaved-package',
      server.dataDir,
    ]);
    expect(stdout).toContain('postgres');
  });
});
