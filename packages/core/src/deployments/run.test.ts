// One run of a deployment: each way in which it can end, and that nothing of it is left then.
import { describe, expect, it } from 'vitest';
import { namesIn } from '../mcp/catalogue.ts';
import { deploymentFailed } from '../errors.ts';
import { McpConnectError } from '../mcp/connector.ts';
import { defaultHealthOptions } from '../mcp/health.ts';
import { createSlots } from '../platform/slots.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { FakeConnector } from '../testing/fake-connector.ts';
import {
  failingProgram,
  garbageProgram,
  mcpProgram,
  silentProgram,
  stubbornProgram,
} from '../testing/fake-programs.ts';
import { FakeRuntime } from '../testing/fake-runtime.ts';
import type { FakeProgram } from '../testing/fake-workload.ts';
import { ScriptedMcpServer, type ScriptedAnswer } from '../testing/scripted-mcp-server.ts';
import type { RunEnd } from './failure.ts';
import type { LaunchPlan } from './launch-plan.ts';
import { runOnce } from './run.ts';

const plan: LaunchPlan = {
  deploymentId: 'deploy-1',
  serverId: 'server',
  method: 'npx',
  identifier: 'program',
  version: null,
  digest: null,
  bin: null,
  args: [],
  environment: {},
  secretInputs: [],
  transport: 'stdio',
  port: null,
  path: null,
  limits: { memoryBytes: 512 * 1024 ** 2, cpus: 1, pids: 64, diskBytes: 1024 ** 3 },
  mounts: [],
  allowScripts: false,
  allowUnisolated: false,
};

const handshakeTimeoutMs = 60_000;

interface Scene {
  clock: FakeClock;
  runtime: FakeRuntime;
  connector: FakeConnector;
  /** What was told, in order. */
  told: string[];
  lines: string[];
  logged: string[];
  starts: ReturnType<typeof createSlots>;
  stop(): void;
  end: Promise<RunEnd>;
}

function begin(program: FakeProgram, prepareScene: (scene: Scene) => void = () => undefined): Scene {
  const clock = new FakeClock();
  const interrupt = new AbortController();
  const scene: Scene = {
    clock,
    runtime: new FakeRuntime({ clock, packages: { program: { versions: ['1.0.0'], program } } }),
    connector: new FakeConnector(clock),
    told: [],
    lines: [],
    logged: [],
    starts: createSlots(1),
    stop: () => interrupt.abort(new Error('told to end')),
    end: Promise.resolve({ kind: 'interrupted' }),
  };
  prepareScene(scene);
  const { told, lines, logged, runtime, connector, starts } = scene;
  const log = (_fields: object, message: string): void => void logged.push(message);
  scene.end = runOnce(plan, {
    hooks: {
      signal: interrupt.signal,
      onServing: () => void told.push('serving'),
      onHealth: (healthy) => void told.push(healthy ? 'well' : 'degraded'),
      onAnswer: () => void told.push('answer'),
      onOver: () => void told.push('over'),
    },
    reports: {
      redact: (value) => value,
      onProgress: ({ phase }) => void told.push(phase),
      onPrepared: ({ resolvedVersion }) => void told.push(`prepared ${resolvedVersion}`),
      onWorkload: (workload) => void told.push(workload ? 'workload' : 'gone'),
      onLine: ({ stream, text }) => void lines.push(`${stream}: ${text}`),
      onCatalogue: ({ tools }) => void told.push(`tools ${namesIn(tools).join(',')}`),
      onCall: ({ ok }) => void told.push(`call ${ok}`),
    },
    ports: {
      runtime,
      connector,
      clock,
      logger: { debug: log, info: log, warn: log, error: log },
      starts,
      times: { handshakeTimeoutMs, stopGraceMs: 5_000, health: defaultHealthOptions },
    },
  });
  return scene;
}

const serverWith = (answers: Record<string, ScriptedAnswer>): FakeProgram =>
  mcpProgram(() => new ScriptedMcpServer('legacy', answers));

const forever = (): Promise<never> => new Promise(() => {});

/** Nothing runs, nobody sleeps, and the slot for starts is free again. */
async function expectNothingLeft({ runtime, clock, starts }: Scene): Promise<void> {
  expect(runtime.live()).toEqual([]);
  expect(clock.sleeping).toBe(0);
  expect(await starts.use(() => Promise.resolve('free'), AbortSignal.timeout(5_000))).toBe('free');
}

/** Time passes until the run is over. */
async function endOf(scene: Scene): Promise<RunEnd> {
  const over: RunEnd[] = [];
  void scene.end.then((end) => over.push(end));
  for (let count = 0; count < 200; count += 1) {
    await scene.clock.settle();
    const [end] = over;
    if (end) return end;
    await scene.clock.advance(1_000);
  }
  throw new Error(`it does not end: ${scene.told.join(', ')}`);
}

describe('a run', () => {
  it('prepares, starts, shakes hands, lists and serves, until it is told to end', async () => {
    const scene = begin(mcpProgram());
    await scene.clock.settle();
    scene.stop();
    expect(await endOf(scene)).toEqual({ kind: 'interrupted' });
    expect(scene.told).toEqual([
      'resolve',
      'install',
      'prepared 1.0.0',
      'workload',
      'tools echo,trigger-long-running-operation',
      'serving',
      'over',
      'gone',
    ]);
    expect(scene.lines).toEqual(['stderr: ready']);
    await expectNothingLeft(scene);
  });

  it('kills a server that does not end by itself', async () => {
    const deaf: FakeProgram = (process) => {
      void mcpProgram()({ ...process, signal: new AbortController().signal });
      return forever();
    };
    const scene = begin(deaf);
    await scene.clock.settle();
    scene.stop();
    await scene.clock.settle();
    expect(scene.runtime.live()).toHaveLength(1);
    expect(await endOf(scene)).toEqual({ kind: 'interrupted' });
    await expectNothingLeft(scene);
  });
});

describe('a run that falls before it serves', () => {
  it('because the package cannot be installed: with what the installer said', async () => {
    const error = deploymentFailed('There is no such package.', { output: ['E404'] });
    const scene = begin(mcpProgram(), ({ runtime }) => runtime.fail('prepare', error));
    expect(await endOf(scene)).toMatchObject({ reason: 'install', message: error.message, error });
    await expectNothingLeft(scene);
  });

  it('because the process cannot be started', async () => {
    const error = deploymentFailed('It may not be run.');
    const scene = begin(mcpProgram(), ({ runtime }) => runtime.fail('start', error));
    expect(await endOf(scene)).toMatchObject({ reason: 'start', error });
    await expectNothingLeft(scene);
  });

  it('because something of ours broke: in words that tell nothing of it', async () => {
    const scene = begin(mcpProgram(), ({ runtime }) =>
      runtime.fail('start', new Error('EACCES /var/secret')),
    );
    const end = await endOf(scene);
    expect(end).toMatchObject({ reason: 'start', error: { code: 'INTERNAL_ERROR' } });
    expect(JSON.stringify(end)).not.toContain('/var/secret');
    await expectNothingLeft(scene);
  });

  it('because it ends at once: with its code and all that it said', async () => {
    const scene = begin(failingProgram(7, 'usage: serve --port', 'bad flag'));
    expect(await endOf(scene)).toMatchObject({
      reason: 'exit',
      message: 'It ended with code 7 before it spoke MCP.',
      exit: { kind: 'exit', code: 7 },
    });
    expect(scene.lines).toEqual(['stderr: usage: serve --port', 'stderr: bad flag']);
    await expectNothingLeft(scene);
  });

  it('because it answers nothing: when the time for the handshake is up, and with what it said', async () => {
    const scene = begin(async (process) => {
      process.stderr.write('waiting for the database\n');
      return silentProgram(process);
    });
    expect(await endOf(scene)).toMatchObject({ reason: 'handshake', exit: null });
    expect(scene.lines).toEqual(['stderr: waiting for the database']);
    await expectNothingLeft(scene);
  });

  it('because it answers nothing and does not end either', async () => {
    const scene = begin(stubbornProgram);
    expect(await endOf(scene)).toMatchObject({ reason: 'handshake' });
    await expectNothingLeft(scene);
  });

  it('because it writes what is no MCP, which goes into the log', async () => {
    const scene = begin(garbageProgram);
    expect(await endOf(scene)).toMatchObject({ reason: 'handshake' });
    expect(scene.lines).toEqual(['stdout: Welcome to my server!', 'stdout: {"not": "json-rpc"}']);
    await expectNothingLeft(scene);
  });

  it('because it refuses the handshake', async () => {
    const scene = begin(serverWith({ initialize: () => Promise.reject(new Error('no')) }));
    expect(await endOf(scene)).toMatchObject({
      reason: 'handshake',
      message: expect.stringContaining('No MCP handshake') as string,
    });
    await expectNothingLeft(scene);
  });

  it('because it does not begin to listen: where we started it, all the time for the handshake is its own', async () => {
    const tries: number[] = [];
    const scene = begin(stubbornProgram, ({ runtime, connector, clock }) => {
      const { start } = runtime;
      runtime.start = async (prepared, signal) =>
        Object.defineProperty(await start.call(runtime, prepared, signal), 'endpoint', {
          value: { transport: 'streamable-http', url: 'http://127.0.0.1:1/mcp', isOurs: true },
        });
      connector.connect = () => {
        tries.push(clock.now());
        return Promise.reject(new McpConnectError('closed', 'nobody listens'));
      };
    });
    expect(await endOf(scene)).toMatchObject({ reason: 'handshake' });
    expect(tries.length).toBeGreaterThan(2);
    expect((tries.at(-1) ?? 0) - (tries[0] ?? 0)).toBeLessThan(handshakeTimeoutMs);
    await expectNothingLeft(scene);
  });

  it('because it closes its output and lives on', async () => {
    const scene = begin((process) => {
      process.stdout.end();
      return silentProgram(process);
    });
    expect(await endOf(scene)).toMatchObject({ reason: 'handshake', exit: null });
    await expectNothingLeft(scene);
  });

  it('because it never lists its tools', async () => {
    const scene = begin(serverWith({ 'tools/list': forever }));
    expect(await endOf(scene)).toMatchObject({
      reason: 'handshake',
      message: expect.stringContaining('did not list') as string,
    });
    expect(scene.told).not.toContain('serving');
    await expectNothingLeft(scene);
  });

  it('because it dies while it lists its tools: that is what is told', async () => {
    const scene = begin(serverWith({ 'tools/list': forever }));
    await scene.clock.settle();
    scene.runtime.crash('deploy-1', { kind: 'out_of_memory' });
    expect(await endOf(scene)).toMatchObject({ reason: 'out_of_memory' });
    await expectNothingLeft(scene);
  });
});

describe('a run that falls while it serves', () => {
  it.each([
    [{ kind: 'signal', signal: 'SIGKILL' }, 'signal'],
    [{ kind: 'exit', code: 0 }, 'exit'],
    [{ kind: 'out_of_memory' }, 'out_of_memory'],
    [{ kind: 'disk_full' }, 'disk_full'],
    [{ kind: 'stopped' }, 'signal'],
  ] as const)('by its process: %j', async (exit, reason) => {
    const scene = begin(mcpProgram());
    await scene.clock.settle();
    scene.runtime.crash('deploy-1', exit);
    expect(await endOf(scene)).toMatchObject({ kind: 'fell', reason, exit });
    expect(scene.told.filter((what) => what === 'serving')).toHaveLength(1);
    await expectNothingLeft(scene);
  });

  it('by a channel that closes while the process lives on: over at once, and then ended', async () => {
    const scene = begin((process) => {
      process.stdin.on('data', (chunk: Buffer) => {
        if (String(chunk).includes('close your output')) process.stdout.end();
      });
      return mcpProgram()(process);
    });
    await scene.clock.settle();
    const [channel] = scene.connector.channels;
    await channel?.notify('close your output');
    await scene.clock.settle();
    expect(scene.told.at(-1)).toBe('over');
    expect(scene.runtime.live()).toHaveLength(1);
    expect(await endOf(scene)).toMatchObject({ reason: 'connection_lost', exit: null });
    await expectNothingLeft(scene);
  });

  it('by answering nothing any more', async () => {
    const scene = begin(serverWith({ ping: forever, 'tools/list': () => ({ tools: [] }) }));
    expect(await endOf(scene)).toMatchObject({ reason: 'unresponsive' });
    expect(scene.told).toContain('degraded');
    await expectNothingLeft(scene);
  });
});

describe('a run that is told to end', () => {
  it('while it prepares', async () => {
    const scene = begin(mcpProgram(), ({ runtime }) => void runtime.hold('prepare'));
    await scene.clock.settle();
    scene.stop();
    expect(await endOf(scene)).toEqual({ kind: 'interrupted' });
    expect(scene.runtime.starts).toBe(0);
    await expectNothingLeft(scene);
  });

  it('while it waits for its turn to start', async () => {
    const taken = Promise.withResolvers<void>();
    const scene = begin(mcpProgram(), ({ starts }) => {
      void starts.use(() => taken.promise, new AbortController().signal);
    });
    await scene.clock.settle();
    scene.stop();
    expect(await endOf(scene)).toEqual({ kind: 'interrupted' });
    expect(scene.runtime.starts).toBe(0);
    taken.resolve();
    await expectNothingLeft(scene);
  });

  it('while it starts', async () => {
    const scene = begin(mcpProgram(), ({ runtime }) => void runtime.hold('start'));
    await scene.clock.settle();
    scene.stop();
    expect(await endOf(scene)).toEqual({ kind: 'interrupted' });
    await expectNothingLeft(scene);
  });

  it.each([
    ['shakes hands', silentProgram],
    ['lists', serverWith({ 'tools/list': forever })],
  ])('while it %s', async (_when, program) => {
    const scene = begin(program);
    await scene.clock.settle();
    expect(scene.runtime.live()).toHaveLength(1);
    scene.stop();
    expect(await endOf(scene)).toEqual({ kind: 'interrupted' });
    expect(scene.told).not.toContain('serving');
    await expectNothingLeft(scene);
  });

  it('in the moment in which it fell', async () => {
    const scene = begin(mcpProgram());
    await scene.clock.settle();
    scene.runtime.crash('deploy-1');
    scene.stop();
    const { kind } = await endOf(scene);
    expect(['interrupted', 'fell']).toContain(kind);
    await expectNothingLeft(scene);
  });
});

describe('what a server says of its listings', () => {
  it('counts from the first moment, also while they are being read', async () => {
    let tools = ['early'];
    const scene = begin(
      mcpProgram(() => {
        const server = new ScriptedMcpServer('legacy', {
          'tools/list': () => {
            const listed = { tools: tools.map((name) => ({ name })) };
            // Told before the answer, which no longer is true when it arrives.
            if (tools.length === 1) server.changeTools();
            tools = ['early', 'late'];
            return listed;
          },
        });
        return server;
      }),
    );
    await scene.clock.settle();
    expect(scene.told).toContain('tools early,late');
    scene.stop();
    await endOf(scene);
    await expectNothingLeft(scene);
  });
});

describe('a run whose workload cannot be ended', () => {
  it('is over all the same, and the log says so', async () => {
    const scene = begin(mcpProgram(), ({ runtime }) => {
      const { start } = runtime;
      runtime.start = async (...given) => {
        const workload = await start.apply(runtime, given);
        const { stop } = workload;
        workload.stop = async (graceMs) => {
          await stop.call(workload, graceMs);
          throw new Error('EBUSY');
        };
        return workload;
      };
    });
    await scene.clock.settle();
    scene.stop();
    expect(await endOf(scene)).toEqual({ kind: 'interrupted' });
    expect(scene.logged).toEqual(['a run did not end cleanly']);
  });
});
