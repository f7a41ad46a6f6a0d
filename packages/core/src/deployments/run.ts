// One run of a deployment: from preparing the package to the last process of its workload gone.
import { AppError, internalError } from '../errors.ts';
import { readCatalogue, watchListChanges, type Catalogue, type ListChanges } from '../mcp/catalogue.ts';
import type { JsonObject, McpChannel } from '../mcp/channel.ts';
import {
  McpConnectError,
  type ConnectOptions,
  type McpConnector,
  type McpEndpoint,
} from '../mcp/connector.ts';
import { watchHealth, type HealthOptions } from '../mcp/health.ts';
import { createServedChannel } from '../mcp/served-channel.ts';
import type { Clock } from '../platform/clock.ts';
import type { Logger } from '../platform/logger.ts';
import type { Slots } from '../platform/slots.ts';
import { fellBy, fellByExit, type FallenRun, type RunEnd } from './failure.ts';
import type { LaunchPlan } from './launch-plan.ts';
import type { RunHooks } from './life.ts';
import type { ExitReason } from './sandbox.ts';
import type { OutputLine, Prepared, PrepareProgress, Runtime, Workload } from './runtime.ts';

export interface RunTimes {
  /** For the MCP handshake, and for each listing after it. */
  handshakeTimeoutMs: number;
  /** What a server gets to end by itself before it is killed. */
  stopGraceMs: number;
  health: HealthOptions;
}

export interface RunPorts {
  runtime: Runtime;
  connector: McpConnector;
  clock: Clock;
  logger: Logger;
  starts: Slots;
  times: RunTimes;
}

/** What a run tells of its deployment, beside its coming and going. */
export interface RunReports {
  redact: (value: JsonObject) => JsonObject;
  onProgress: (progress: PrepareProgress) => void;
  onPrepared: (prepared: Prepared) => void;
  /** Null when nothing of it is left. */
  onWorkload: (workload: Workload | null) => void;
  onLine: (line: OutputLine) => void;
  /** What it lists, whenever that changes. */
  onCatalogue: (catalogue: Catalogue) => void;
  onCall: (call: { durationMs: number; ok: boolean }) => void;
}

interface Run {
  plan: LaunchPlan;
  hooks: RunHooks;
  reports: RunReports;
  ports: RunPorts;
  /** Aborts when the run is to end, and when it has. */
  signal: AbortSignal;
  /** What is to be done at the end, last first. */
  endings: (() => Promise<void>)[];
}

/** Ends a run whose way of falling is known. */
class Fallen extends Error {
  readonly end: FallenRun;

  constructor(end: FallenRun) {
    super(end.message);
    this.end = end;
  }
}

/** Never rejects; when it resolves, nothing of the workload is left. */
export async function runOnce(
  plan: LaunchPlan,
  parts: Pick<Run, 'hooks' | 'reports' | 'ports'>,
): Promise<RunEnd> {
  const { hooks, reports, ports } = parts;
  const scope = new AbortController();
  const signal = AbortSignal.any([hooks.signal, scope.signal]);
  const run: Run = { ...parts, plan, signal, endings: [] };
  try {
    const prepared = await ports.runtime.prepare(plan, { signal, onProgress: reports.onProgress });
    reports.onPrepared(prepared);
    const started = await ports.starts.use(() => start(prepared, run), signal);
    return await serve(started, run);
  } catch (error) {
    return hooks.signal.aborted ? { kind: 'interrupted' } : fallenBy(error);
  } finally {
    hooks.onOver();
    scope.abort();
    for (const end of run.endings.reverse())
      await end().catch((error: unknown) => {
        ports.logger.error({ deployment_id: plan.deploymentId, err: error }, 'a run did not end cleanly');
      });
  }
}

function fallenBy(error: unknown): FallenRun {
  if (error instanceof Fallen) return error.end;
  if (error instanceof AppError) return fellBy('install', error.message, { error });
  return fellBy('start', 'Something went wrong on our side.', { error: internalError(error) });
}

interface Started {
  workload: Workload;
  channel: McpChannel;
  changes: ListChanges;
  catalogue: Catalogue;
}

async function start(prepared: Prepared, run: Run): Promise<Started> {
  const { reports, ports, signal, endings } = run;
  const workload = await ports.runtime.start(prepared, signal).catch((error: unknown) => {
    throw error instanceof AppError ? new Fallen(fellBy('start', error.message, { error })) : error;
  });
  reports.onWorkload(workload);
  const lines = pumpLines(workload, reports.onLine);
  lines.catch(() => undefined);
  endings.push(async () => {
    await workload.stop(ports.times.stopGraceMs);
    await lines;
    reports.onWorkload(null);
  });
  const channel = await connect(workload, run);
  endings.push(() => channel.close());
  const changes = watchListChanges(channel, signal);
  const catalogue = await readCatalogue(channel, {
    signal,
    timeoutMs: ports.times.handshakeTimeoutMs,
    redact: reports.redact,
  }).catch(async (cause: unknown) => {
    const exit = await soonExited(workload, ports.clock);
    throw new Fallen(
      exit
        ? fellByExit(exit, 'before it had listed what it offers')
        : fellBy('handshake', `It did not list what it offers: ${messageOf(cause)}`),
    );
  });
  return { workload, channel, changes, catalogue };
}

async function pumpLines(workload: Workload, onLine: (line: OutputLine) => void): Promise<void> {
  for await (const line of workload.logs()) onLine(line);
}

async function connect(workload: Workload, { ports, reports, signal }: Run): Promise<McpChannel> {
  const { clock } = ports;
  const attempt = new AbortController();
  const connecting = connectPatiently(workload.endpoint, {
    ports,
    signal: AbortSignal.any([signal, attempt.signal]),
    onStrayOutput: (text) => {
      reports.onLine({ timestamp: new Date(clock.now()), stream: 'stdout', text });
    },
  });
  const exited = workload.exited.then((exit) => {
    throw new Fallen(fellByExit(exit, 'before it spoke MCP'));
  });
  exited.catch(() => undefined);
  try {
    return await Promise.race([connecting, exited]);
  } catch (error) {
    attempt.abort();
    connecting.then(
      (late) => late.close(),
      () => undefined,
    );
    if (!(error instanceof McpConnectError)) throw error;
    // A closed pipe is what we see first of a process that ended; its exit says more.
    const exit = error.failure === 'closed' ? await soonExited(workload, clock) : null;
    throw new Fallen(
      exit
        ? fellByExit(exit, 'before it spoke MCP')
        : fellBy('handshake', `No MCP handshake: ${error.message}`),
    );
  }
}

/** Time between two tries to reach a server that does not listen yet. */
const listenPauseMs = 100;

/** A server that we have started ourselves gets all the time for the handshake to begin to listen. */
async function connectPatiently(
  endpoint: McpEndpoint,
  { ports, signal, onStrayOutput }: Pick<Run, 'ports' | 'signal'> & Pick<ConnectOptions, 'onStrayOutput'>,
): Promise<McpChannel> {
  const { connector, clock, times } = ports;
  const deadline = clock.now() + times.handshakeTimeoutMs;
  const isOurs = endpoint.transport !== 'stdio' && endpoint.isOurs === true;
  for (;;)
    try {
      const timeoutMs = deadline - clock.now();
      return await connector.connect(endpoint, {
        signal,
        timeoutMs,
        ...(onStrayOutput && { onStrayOutput }),
      });
    } catch (error) {
      const mayListenSoon = isOurs && error instanceof McpConnectError && error.failure === 'closed';
      if (!mayListenSoon || clock.now() + listenPauseMs >= deadline) throw error;
      await clock.sleep(listenPauseMs, signal);
    }
}

async function serve({ workload, channel, changes, catalogue }: Started, run: Run): Promise<RunEnd> {
  const { hooks, reports, ports, signal } = run;
  const { clock, times } = ports;
  const health = watchHealth({ channel, clock, signal, onChange: hooks.onHealth }, times.health);
  const served = createServedChannel({
    channel,
    catalogue,
    changes,
    redact: reports.redact,
    onCall: reports.onCall,
    onCatalogue: (changed) => {
      reports.onCatalogue(changed);
    },
    onEvidence: (evidence) => {
      health.note(evidence);
      if (evidence === 'answer') hooks.onAnswer();
    },
    now: () => clock.now(),
    listTimeoutMs: times.handshakeTimeoutMs,
    signal,
  });
  reports.onCatalogue(catalogue);
  hooks.onServing(served);
  const end = await Promise.race<RunEnd | 'closed'>([
    aborted(signal).then(() => ({ kind: 'interrupted' })),
    workload.exited.then((exit) => fellByExit(exit, 'while it served')),
    channel.closed.then(() => 'closed'),
    health.unresponsive.then(() => fellBy('unresponsive', 'It no longer answers.')),
  ]);
  if (end !== 'closed') return end;
  // Said before we wait for the exit code: nobody shall be sent to a server whose pipe is closed.
  hooks.onOver();
  const exit = await soonExited(workload, clock);
  return exit
    ? fellByExit(exit, 'while it served')
    : fellBy('connection_lost', 'The connection to it was lost.');
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => {
      resolve();
    });
  });

/** A process that has closed its pipes is gone a moment later, a longer one on a busy machine. Only one that lives on costs this. */
const exitPatienceMs = 5_000;

async function soonExited(workload: Workload, clock: Clock): Promise<ExitReason | null> {
  const scope = new AbortController();
  try {
    return await Promise.race([
      workload.exited,
      clock.sleep(exitPatienceMs, scope.signal).then(
        () => null,
        () => null,
      ),
    ]);
  } finally {
    scope.abort();
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
