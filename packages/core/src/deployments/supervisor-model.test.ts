// Whatever is asked for and whatever breaks, in any order: never two processes, never an illegal status, and in the end
// what was wished for.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AppError, deploymentFailed, serviceUnavailable } from '../errors.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { deployRequest, openDeploymentSite, type DeploymentSite } from '../testing/deployment-site.ts';
import {
  failingProgram,
  garbageProgram,
  mcpProgram,
  silentProgram,
  stubbornProgram,
} from '../testing/fake-programs.ts';
import type { Hold } from '../testing/fake-runtime.ts';
import type { FakeProgram } from '../testing/fake-workload.ts';
import { MemoryDeploymentStore } from '../testing/memory-deployment-store.ts';
import { MemoryLogArchive } from '../testing/memory-log-archive.ts';
import { ScriptedMcpServer } from '../testing/scripted-mcp-server.ts';
import type { StoredDeployment } from './deployment.ts';
import { deploymentStatuses, mayFollow, type DeploymentStatus } from './status.ts';

const servers = ['a', 'b'] as const;
type ServerId = (typeof servers)[number];

const starts = ['good', 'exits', 'silent', 'garbage', 'stubborn'] as const;

type Action =
  | { do: 'deploy' | 'stop' | 'restart' | 'crash' | 'kill' | 'hang' | 'call'; server: ServerId }
  | { do: 'next starts'; are: (typeof starts)[number][] }
  | { do: 'fail' | 'hold'; stage: 'prepare' | 'start' }
  | { do: 'hold stop' | 'release' | 'store away' | 'store back' | 'killed' | 'terminated' }
  | { do: 'wait'; ms: number };

const server = fc.constantFrom(...servers);
const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constantFrom('deploy', 'stop', 'restart'), server }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constantFrom('crash', 'kill', 'hang', 'call'), server }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('next starts'),
      are: fc.array(fc.constantFrom(...starts), { minLength: 1, maxLength: 4 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constantFrom('fail', 'hold'), stage: fc.constantFrom('prepare', 'start') }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constantFrom('hold stop', 'release', 'store away', 'store back') }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('killed', 'terminated') }) },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('wait'),
      ms: fc.constantFrom(0, 0, 1, 300, 5_000, 30_000, 70_000),
    }),
  },
);

const programs: Record<(typeof starts)[number], FakeProgram | null> = {
  good: null,
  exits: failingProgram(1, 'it does not work'),
  silent: silentProgram,
  garbage: garbageProgram,
  stubborn: stubbornProgram,
};

/** A store that goes with the process that uses it, over records that stay. */
class MortalStore extends MemoryDeploymentStore {
  readonly #records: MemoryDeploymentStore;
  isAway = false;
  isDead = false;

  constructor(records: MemoryDeploymentStore) {
    super();
    this.#records = records;
  }

  override insert = (record: StoredDeployment) => this.#use(() => this.#records.insert(record));
  override update = (...given: Parameters<MemoryDeploymentStore['update']>) =>
    this.#use(() => this.#records.update(...given));
  override find = (id: string) => this.#use(() => this.#records.find(id));
  override findByServer = (id: string) => this.#use(() => this.#records.findByServer(id));
  override list = (...given: Parameters<MemoryDeploymentStore['list']>) =>
    this.#use(() => this.#records.list(...given));
  override listDesired = () => this.#use(() => this.#records.listDesired());

  #use<T>(work: () => Promise<T>): Promise<T> {
    if (this.isDead) return new Promise(() => {});
    if (this.isAway) return Promise.reject(serviceUnavailable('The database is away.', 1));
    return work();
  }
}

class World {
  readonly records = new MemoryDeploymentStore();
  readonly archive = new MemoryLogArchive();
  /** What was asked for and is not answered yet. */
  readonly asked = new Set<Promise<void>>();
  readonly problems: string[] = [];
  /** What the last answered wish for a server was; undefined while one is under way. */
  readonly wishes = new Map<ServerId, 'stopped' | undefined>();
  readonly #hung = new Set<string>();
  readonly #nextStarts: (typeof starts)[number][] = [];
  readonly #holds: Hold[] = [];
  #asks = 0;
  #clock = new FakeClock();
  #store = new MortalStore(this.records);
  #nextId = (): number => 1;
  site: DeploymentSite = this.#begin();

  static async open(): Promise<World> {
    const world = new World();
    await world.#settleIn();
    return world;
  }

  async perform(next: Action): Promise<void> {
    const { site } = this;
    switch (next.do) {
      case 'deploy':
        return this.#ask(next.server, () =>
          site.deployments.create(deployRequest(next.server, { isAsync: this.asked.size % 2 === 0 })),
        );
      case 'stop':
        return this.#ask(next.server, () => site.deployments.stop(next.server), 'stopped');
      case 'restart':
        return this.#ask(next.server, () => site.deployments.restart(next.server));
      case 'call':
        return this.#ask(null, async () => {
          const channel = await site.supervisor.open(next.server, new AbortController().signal);
          const options = { timeoutMs: 60_000 };
          await channel
            .request('tools/call', { name: 'echo', arguments: {} }, options)
            .catch(() => undefined);
        });
      case 'crash':
      case 'kill': {
        const reason =
          next.do === 'crash'
            ? ({ kind: 'exit', code: 1 } as const)
            : ({ kind: 'signal', signal: 'SIGKILL' } as const);
        for (const { plan, record } of site.runtime.live())
          if (plan.serverId === next.server) site.runtime.crash(record.deploymentId, reason);
        return;
      }
      case 'hang':
        for (const { plan, record } of site.runtime.live())
          if (plan.serverId === next.server) this.#hung.add(String(record.handle['pid']));
        return;
      case 'next starts':
        this.#nextStarts.push(...next.are);
        return;
      case 'fail':
        site.runtime.fail(next.stage, deploymentFailed(`It cannot ${next.stage}.`));
        return;
      case 'hold':
        this.#holds.push(site.runtime.hold(next.stage));
        return;
      case 'hold stop':
        this.#holds.push(site.runtime.hold('stop'));
        return;
      case 'release':
        return this.release();
      case 'store away':
      case 'store back':
        this.#store.isAway = next.do === 'store away';
        return;
      case 'killed':
        return this.killed();
      case 'terminated':
        return this.terminated();
      case 'wait':
        return this.#clock.advance(next.ms);
    }
  }

  async release(): Promise<void> {
    for (const hold of this.#holds.splice(0)) hold.release();
    await this.#clock.settle();
  }

  storeBack(): void {
    this.#store.isAway = false;
  }

  /** From one moment to the next nothing of ours does anything any more; what it had started still runs. */
  async killed(): Promise<void> {
    this.#store.isDead = true;
    this.asked.clear();
    this.wishes.clear();
    this.checkEvents();
    const left = this.site.runtime.live().map(({ record }) => record.deploymentId);
    this.#clock = new FakeClock(this.#clock.now());
    this.#store = new MortalStore(this.records);
    this.site = this.#begin();
    for (const id of left) this.site.runtime.leave(id);
    await this.#settleIn();
  }

  async terminated(): Promise<void> {
    await this.release();
    const leaving = this.site.supervisor.leave();
    await this.#clock.advance(30_000);
    await leaving;
    await this.until(() => this.asked.size === 0);
    if (this.site.runtime.live().length > 0) this.problems.push('something runs after we have left');
    if (this.#clock.sleeping > 0)
      this.problems.push(`${this.#clock.sleeping} timers are left after we have left`);
    await this.killed();
  }

  /** Time passes until it is so, or the test fails. */
  async until(isSo: () => boolean): Promise<void> {
    for (let count = 0; count < 200; count += 1) {
      await this.#clock.settle();
      if (isSo()) return;
      await this.#clock.advance(5_000);
    }
    expect.fail('it never comes to rest');
  }

  checkEvents(): void {
    const last = new Map<string, string>();
    for (const event of this.site.events) {
      if (event.type !== 'deployment_status') continue;
      const { deployment_id: id, status, previous_status: previous } = event;
      const isFirst = !last.has(id) || ['stopped', 'failed'].includes(last.get(id) ?? '');
      const isLegal = isFirst
        ? status === 'starting' && previous === null
        : previous === last.get(id) &&
          (status === previous || mayFollow(asStatus(previous), asStatus(status)));
      if (!isLegal)
        this.problems.push(`${id}: ${String(previous)} → ${status} after ${String(last.get(id))}`);
      last.set(id, status);
    }
  }

  #ask(serverId: ServerId | null, work: () => Promise<unknown>, wish?: 'stopped'): void {
    if (serverId) this.wishes.set(serverId, undefined);
    this.#asks += 1;
    const order = this.#asks;
    const isAlone = this.asked.size === 0;
    const asking = work().then(
      () => {
        // Only where nothing else was under way can we tell what was wished for last.
        if (serverId && isAlone && order === this.#asks) this.wishes.set(serverId, wish);
      },
      (error: unknown) => {
        if (!(error instanceof AppError)) this.problems.push(String(error));
      },
    );
    const tracked: Promise<void> = asking.finally(() => this.asked.delete(tracked));
    this.asked.add(tracked);
  }

  async #settleIn(): Promise<void> {
    for (const id of servers) await this.site.addServer(id);
    await this.site.launcher.restore();
  }

  #begin(): DeploymentSite {
    const site = openDeploymentSite({
      store: this.#store,
      archive: this.archive,
      clock: this.#clock,
      firstId: this.#nextId(),
      program: (process) => {
        const pid = String(site.runtime.live(process.plan.deploymentId)[0]?.record.handle['pid']);
        const program = programs[this.#nextStarts.shift() ?? 'good'] ?? this.#good(pid);
        return program(process);
      },
    });
    const { start } = site.runtime;
    site.runtime.start = async (prepared, signal) => {
      const { deploymentId } = prepared.plan;
      const workload = await start.call(site.runtime, prepared, signal);
      const all = (await site.runtime.owned()).filter((record) => record.deploymentId === deploymentId);
      if (all.length > 1) this.problems.push(`${deploymentId} has ${all.length} processes`);
      return workload;
    };
    this.#nextId = () => site.nextId();
    return site;
  }

  #good(pid: string): FakeProgram {
    const answer = () => (this.#hung.has(pid) ? new Promise<never>(() => {}) : { content: [] });
    return mcpProgram(
      () =>
        new ScriptedMcpServer('legacy', {
          ping: answer,
          'tools/call': answer,
          'tools/list': () => ({ tools: [] }),
        }),
    );
  }
}

function asStatus(text: string | null): DeploymentStatus {
  return deploymentStatuses.find((status) => status === text) ?? expect.fail(`${String(text)} is no status`);
}

async function live(actions: Action[]): Promise<void> {
  const world = await World.open();
  for (const next of actions) await world.perform(next);

  // From here on nothing breaks any more, and everything has its time.
  world.storeBack();
  await world.release();
  await world.until(() => world.asked.size === 0);
  await world.until(() => world.site.supervisor.live().every(({ life }) => life.status === 'running'));
  // The records follow within the second in which a store that was away is tried again.
  await world.perform({ do: 'wait', ms: 2_000 });
  world.checkEvents();
  expect(world.problems).toEqual([]);

  const { site } = world;
  expect(site.runtime.mostAtOnce()).toBeLessThanOrEqual(1);
  const { deployments } = await world.records.list({ limit: 1_000, offset: 0 });
  for (const { id, status, desired, server_id } of deployments) {
    const shouldRun = desired === 'running';
    expect([id, shouldRun ? ['running'] : ['stopped', 'failed']]).toEqual([
      id,
      expect.arrayContaining([status]),
    ]);
    expect([id, site.runtime.live(id).length]).toEqual([id, shouldRun ? 1 : 0]);
    expect(site.supervisor.find(server_id)?.record.id === id).toBe(shouldRun);
  }
  for (const [id, wish] of world.wishes) if (wish === 'stopped') expect(site.supervisor.find(id)).toBeNull();

  // And our own restart changes nothing of it.
  const running = site.supervisor
    .live()
    .map(({ record }) => record.id)
    .sort();
  await world.terminated();
  await world.until(() => world.site.supervisor.live().every(({ life }) => life.status === 'running'));
  expect(
    world.site.supervisor
      .live()
      .map(({ record }) => record.id)
      .sort(),
  ).toEqual(running);
  await world.site.supervisor.leave();
  expect([world.problems, world.site.runtime.live()]).toEqual([[], []]);
}

describe('the supervisor', () => {
  it(
    'keeps its promises in whatever order things are asked for and break',
    { timeout: 120_000 },
    async () => {
      await fc.assert(fc.asyncProperty(fc.array(action, { minLength: 1, maxLength: 40 }), live), {
        numRuns: 500,
      });
    },
  );
});
