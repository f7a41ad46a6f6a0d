// The application on a port of its own with fakes behind it: all doors, no database.
import {
  createFixedWindowLimiter,
  createRingEventLog,
  createServers,
  createSystem,
  type EventLog,
  type ServersPorts,
  type ServerStore,
  type Services,
  type SystemPorts,
} from '@insightloop/core';
import { MemoryAnswerStore, MemoryServerStore } from '@insightloop/core/testing';
import type { FastifyInstance } from 'fastify';
import type { AddressInfo } from 'node:net';
import { Writable } from 'node:stream';
import { pino } from 'pino';
import { createApp, type AppParts } from '../app.ts';
import { createIds, systemClock } from '../machine.ts';

export interface TestAppOptions {
  settings?: Partial<AppParts['settings']>;
  ports?: Partial<ServersPorts & SystemPorts>;
  parts?: Partial<Omit<AppParts, 'settings' | 'services'>>;
  /** Default: 127.0.0.1. */
  listenOn?: string;
}

export interface TestApp extends AsyncDisposable {
  app: FastifyInstance;
  /** `http://127.0.0.1:<port>` */
  url: string;
  port: number;
  eventLog: EventLog;
  serverStore: ServerStore;
  /** What was logged, level `debug` and above. */
  logged: Record<string, unknown>[];
}

export async function startTestApp(options: TestAppOptions = {}): Promise<TestApp> {
  const { settings, ports, parts, listenOn = '127.0.0.1' } = options;
  const eventLog = createRingEventLog({ clock: systemClock });
  const serverStore = ports?.serverStore ?? new MemoryServerStore();
  const logged: Record<string, unknown>[] = [];
  const app = await createApp({
    settings: {
      allowedHosts: [],
      corsOrigins: [],
      publicUrl: null,
      trustProxy: [],
      host: '127.0.0.1',
      ...settings,
    },
    services: servicesOf({
      serverStore,
      eventLog,
      remoteHosts: { problem: () => Promise.resolve(null) },
      clock: systemClock,
      abilities: {
        discovery: false,
        orchestration: false,
        deployment: () => Promise.resolve({ available: false, reason: 'nothing is deployed here' }),
      },
      isDeployed: () => false,
      readiness: [],
      draining: () => false,
      ...ports,
    }),
    rateLimiter: createFixedWindowLimiter({}, systemClock),
    answers: new MemoryAnswerStore(systemClock),
    ids: createIds(systemClock),
    logger: pino({ level: 'debug' }, linesInto(logged)),
    isFromDeployment: () => Promise.resolve(false),
    bridge: {
      handle: () => Promise.resolve({ status: 404, headers: {}, body: null }),
      close: () => undefined,
    },
    ...parts,
  });
  await app.listen({ host: listenOn, port: 0 });
  const { port } = app.server.address() as AddressInfo;
  return {
    app,
    url: `http://127.0.0.1:${port}`,
    port,
    eventLog: ports?.eventLog ?? eventLog,
    serverStore,
    logged,
    [Symbol.asyncDispose]: () => app.close(),
  };
}

/** The services that know no deployment; the others are not here, and say so. */
function servicesOf(ports: ServersPorts & SystemPorts): Services {
  const made = { system: createSystem(ports), servers: createServers(ports), events: ports.eventLog };
  return new Proxy(made as unknown as Services, {
    get: (target, name, receiver) => {
      if (name in target) return Reflect.get(target, name, receiver) as unknown;
      throw new Error(`this application has no service ${String(name)}`);
    },
  });
}

const linesInto = (lines: Record<string, unknown>[]): Writable =>
  new Writable({
    write(chunk, _encoding, done) {
      lines.push(JSON.parse(String(chunk)) as Record<string, unknown>);
      done();
    },
  });
