// What the service says of itself.
import { describe, expect, it } from 'vitest';
import { AppError } from './errors.ts';
import { deployMethods } from './servers/launch-recipe.ts';
import { createSystem, health, info, type SystemPorts } from './system.ts';

const systemWith = (overrides: Partial<SystemPorts> = {}) =>
  createSystem({
    clock: { now: () => Date.UTC(2026, 0, 2), sleep: () => Promise.resolve() },
    eventLog: { problem: () => null },
    abilities: {
      discovery: true,
      orchestration: false,
      deployment: (method) =>
        Promise.resolve(
          method === 'npx'
            ? { available: true, reason: null }
            : { available: false, reason: `no ${method} here` },
        ),
    },
    readiness: [],
    draining: () => false,
    ...overrides,
  });

it('is healthy, by the clock that it is given', () => {
  const said = systemWith().health();
  expect(said).toEqual({
    status: 'healthy',
    version: '1.0.0',
    timestamp: new Date('2026-01-02T00:00:00Z'),
    problems: [],
  });
  expect(health.safeParse(said).success).toBe(true);
});

it('says what does not work while it does not', async () => {
  const system = systemWith({ eventLog: { problem: () => 'Events wait.' } });
  expect(system.health()).toMatchObject({ status: 'degraded', problems: ['Events wait.'] });
  expect((await system.info()).capabilities.streaming).toBe(false);
});

it('lists the methods that work now, and why each other does not', async () => {
  const said = await systemWith().info();
  expect(info.safeParse(said).success).toBe(true);
  expect(said).toMatchObject({ name: 'InsightLoop MCP Orchestrator', version: '1.0.0' });
  expect(said.capabilities).toMatchObject({
    discovery: true,
    orchestration: false,
    streaming: true,
    deployment: ['npx'],
  });
  expect(said.capabilities.deployment_details.map(({ method }) => method)).toEqual([...deployMethods]);
  expect(said.capabilities.deployment_details).toContainEqual({
    method: 'npx',
    available: true,
    reason: null,
  });
  expect(said.capabilities.deployment_details).toContainEqual({
    method: 'docker',
    available: false,
    reason: 'no docker here',
  });
});

describe('readiness', () => {
  const failing = (message: string) => () => Promise.reject(new Error(message));

  it('needs every check', async () => {
    const asked: string[] = [];
    const check = (name: string) => ({
      name,
      check: () => {
        asked.push(name);
        return Promise.resolve();
      },
    });
    expect(await systemWith({ readiness: [check('database'), check('cache')] }).ready()).toEqual({
      status: 'ready',
    });
    expect(asked).toEqual(['database', 'cache']);
  });

  it('names what does not answer, and keeps why for the log', async () => {
    const system = systemWith({ readiness: [{ name: 'database', check: failing('password=hunter2') }] });
    const error: unknown = await system.ready().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(AppError);
    expect(error).toMatchObject({
      code: 'SERVICE_UNAVAILABLE',
      message: 'The database does not answer.',
      retryAfterSeconds: 5,
      cause: new Error('password=hunter2'),
    });
  });

  it('is over from the moment we are told to end, without asking anybody', async () => {
    const system = systemWith({
      draining: () => true,
      readiness: [{ name: 'database', check: failing('asked') }],
    });
    await expect(system.ready()).rejects.toMatchObject({
      code: 'SERVICE_UNAVAILABLE',
      message: expect.stringContaining('ending'),
    });
  });
});
