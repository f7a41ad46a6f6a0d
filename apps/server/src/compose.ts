// The composition root: from settings to running services, and the way back.
import { createGemini } from '@insightloop/adapters/gemini';
import { createArgumentValidator } from '@insightloop/adapters/json-schema';
import { openLogFiles } from '@insightloop/adapters/log-files';
import { createMcpBridge, createMcpConnector } from '@insightloop/adapters/mcp';
import { createMountRoots } from '@insightloop/adapters/mount-roots';
import { createGuardedNetwork } from '@insightloop/adapters/network';
import { startEmbeddedPostgres } from '@insightloop/adapters/postgres';
import {
  createAnswerStore,
  createDeploymentStore,
  createDiscoveryStore,
  createHttpCache,
  createServerStore,
  createTaskStore,
  openDatabase,
  type Database,
} from '@insightloop/adapters/prisma';
import { openRedisEventLog } from '@insightloop/adapters/redis';
import { createSecretBox, openSecretKey } from '@insightloop/adapters/secrets';
import {
  apiVersion,
  createFixedWindowLimiter,
  createRemoteRuntime,
  createRingEventLog,
  createServices,
  defaultHealthOptions,
  defaultRestartPolicy,
  serverRegistration,
  type EventLog,
  type HttpCache,
  type Runner,
} from '@insightloop/core';
import type { FastifyBaseLogger } from 'fastify';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { starterCatalog } from '../../../prisma/seed.ts';
import { createAbilities } from './abilities.ts';
import { gateOptions, type AppParts } from './app.ts';
import { createDiscoveryReach } from './discovery.ts';
import type { Settings } from './env.ts';
import { instanceIdOf } from './instance.ts';
import { createLocalPorts } from './local-ports.ts';
import { createIds, hash, systemClock } from './machine.ts';
import { createProcesses } from './processes.ts';
import { createTeardown, type Teardown } from './teardown.ts';

export interface Composition {
  parts: AppParts;
  /** Takes up what an earlier life left. To be called once the doors are open. */
  restore(): Promise<void>;
  /** From now on `/readyz` says that we are ending. */
  drain(): void;
  /** Ends everything that was started here, last first. */
  close(): Promise<void>;
  /** Rejects when something without which we cannot go on has ended. */
  lost: Promise<never>;
}

/** @throws whatever keeps a part from starting; what was started before it is ended again */
export async function compose(
  settings: Settings,
  { logger, listeningUrl }: { logger: FastifyBaseLogger; listeningUrl: () => string },
): Promise<Composition> {
  const teardown = createTeardown();
  try {
    return await build(settings, { logger, listeningUrl, teardown });
  } catch (error) {
    await teardown.run();
    throw error;
  }
}

interface BuildContext {
  logger: FastifyBaseLogger;
  listeningUrl: () => string;
  teardown: Teardown;
}

async function build(settings: Settings, context: BuildContext): Promise<Composition> {
  const { logger, listeningUrl, teardown } = context;
  const { dataDir } = settings;
  const clock = systemClock;
  const ids = createIds(clock);
  const instanceId = await instanceIdOf(dataDir);
  const secretKey = await openSecretKey({ setting: settings.secretKey, file: join(dataDir, 'secret-key') });
  const eventLog = await openEventLog(settings, context);
  const { database, lost } = await startDatabase(settings, context);
  const logArchive = await openLogFiles({ folder: join(dataDir, 'logs'), logger });
  teardown.add(() => logArchive.close());
  const network = createGuardedNetwork({ privateHosts: settings.privateHosts });
  teardown.add(() => network.close());
  const processes = await createProcesses(settings, { instanceId, logger });
  const deploymentStore = createDeploymentStore(database);
  const httpCache = createHttpCache(database);
  let draining = false;

  // The bridge asks for channels that exist only once the services do, and the services need a place to mount it.
  const bridge = createMcpBridge({
    open: (serverId, signal) => runner.channels.open(serverId, signal),
    logger,
    newSessionId: randomUUID,
  });
  const gate = gateOptions({ settings, isFromDeployment: processes.isFromDeployment });
  const languageModel = createGemini({ ...settings.gemini, clock, logger });
  const runtimes = [...processes.runtimes, createRemoteRuntime(instanceId)];
  const { services, runner }: { services: AppParts['services']; runner: Runner } = createServices({
    clock,
    ids,
    logger,
    random: Math.random,
    hash,
    serverStore: createServerStore(database),
    deploymentStore,
    remoteHosts: network,
    discoveryStore: createDiscoveryStore(database),
    ...createDiscoveryReach(settings, { cache: httpCache, network }),
    eventLog,
    logArchive,
    secretBox: createSecretBox(secretKey),
    mountRoots: createMountRoots(settings.mountRoots),
    localPorts: createLocalPorts({ bridge, gate, ids, logger }),
    argumentValidator: createArgumentValidator(),
    taskStore: createTaskStore(database),
    languageModel,
    instanceId,
    maxTasks: settings.maxTasks,
    connector: createMcpConnector({
      client: { name: 'insightloop', version: apiVersion },
      logger,
      fetch: network.fetch,
      loopbackFetch: network.loopbackFetch,
    }),
    runtimes,
    restartPolicy: defaultRestartPolicy,
    times: {
      handshakeTimeoutMs: settings.handshakeTimeoutMs,
      stopGraceMs: settings.stopGraceMs,
      health: {
        ...defaultHealthOptions,
        intervalMs: settings.healthIntervalMs,
        timeoutMs: settings.healthTimeoutMs,
      },
    },
    maxStarts: settings.maxStarts,
    maxDeployments: settings.maxDeployments,
    proofTimeoutMs: settings.proofTimeoutMs,
    publicUrl: () => settings.publicUrl ?? listeningUrl(),
    abilities: createAbilities(runtimes, languageModel),
    readiness: [{ name: 'database', check: () => database.ping() }],
    draining: () => draining,
  });
  void runner.tellMetrics(teardown.signal);
  teardown.add(() => runner.leave());
  teardown.add(() => {
    bridge.close();
    return Promise.resolve();
  });
  await services.servers.seedCatalog(starterCatalog.map((entry) => serverRegistration.parse(entry)));
  return {
    parts: {
      settings,
      services,
      answers: createAnswerStore(database, clock),
      rateLimiter: createFixedWindowLimiter(settings.rateLimits, clock),
      ids,
      logger,
      isFromDeployment: processes.isFromDeployment,
      bridge,
    },
    async restore() {
      await runner.restore();
      keepTidy(
        {
          'unused installations': () => processes.sweepInstalls(() => deploymentStore.listDesired()),
          'old answers of other services': () => pruneAnswers(httpCache),
          'old tasks': () => runner.forgetTasks(settings.tasksKeptMs),
        },
        { logger, teardown },
      );
    },
    drain: () => {
      draining = true;
    },
    close: () => teardown.run(),
    lost,
  };
}

const dayMs = 24 * 60 * 60 * 1000;

/** An answer that nobody asked for in so long is not worth its place. */
const unusedAnswerMs = 14 * dayMs;

const pruneAnswers = async (cache: HttpCache): Promise<void> => {
  await cache.prune(new Date(systemClock.now() - unusedAnswerMs));
};

/** Now, and once a day. */
function keepTidy(
  tidying: Record<string, () => Promise<void>>,
  { logger, teardown }: Pick<BuildContext, 'logger' | 'teardown'>,
): void {
  const run = (): void => {
    for (const [what, tidy] of Object.entries(tidying))
      tidy().catch((error: unknown) => {
        logger.warn({ err: error }, `${what} could not be removed`);
      });
  };
  const daily = setInterval(run, dayMs).unref();
  teardown.add(() => {
    clearInterval(daily);
    return Promise.resolve();
  });
  run();
}

/** Shared with other processes by REDIS_URL, else in our memory. */
async function openEventLog(
  { redisUrl, keepEventsMs: retentionMs }: Settings,
  { logger, teardown }: BuildContext,
): Promise<EventLog> {
  const clock = systemClock;
  if (redisUrl === null) return createRingEventLog({ clock, retentionMs });
  const log = await openRedisEventLog({ url: redisUrl, clock, logger, writerId: randomUUID(), retentionMs });
  teardown.add(() => log.close());
  return log;
}

/** The one named by DATABASE_URL, else one of our own in the data directory. */
async function startDatabase(
  { databaseUrl, dataDir }: Settings,
  { logger, teardown }: BuildContext,
): Promise<{ database: Database; lost: Promise<never> }> {
  const { promise: lost, reject: lose } = Promise.withResolvers<never>();
  lost.catch(() => undefined);
  if (databaseUrl) {
    const database = await openDatabase({ url: databaseUrl });
    teardown.add(() => database.close());
    return { database, lost };
  }
  const postgres = await startEmbeddedPostgres({ dataDir, log: logger });
  teardown.add(() => postgres.stop());
  void postgres.exited.then(({ stopped, lastLines }) => {
    if (!stopped) lose(new Error(`The embedded PostgreSQL has ended:\n${lastLines.join('\n')}`));
  });
  const database = await openDatabase({ connection: postgres.connection });
  teardown.add(() => database.close());
  return { database, lost };
}
