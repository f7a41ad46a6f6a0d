// The HTTP application: the gate, then the doors. Knows services, not how they came to be.
import cors from '@fastify/cors';
import type { McpBridge } from '@insightloop/adapters/mcp';
import { appRouter, type Context } from '@insightloop/api';
import {
  invalidRequest,
  type AnswerStore,
  type Ids,
  type RateLimiter,
  type Services,
} from '@insightloop/core';
import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify';
import { z } from 'zod';
import { callerOf, idempotencyKeyOf } from './caller.ts';
import type { Settings } from './env.ts';
import { addAnswers, logController, requestIdOf, sendError } from './plugins/answers.ts';
import { addDocs } from './plugins/docs.ts';
import { addGate, type GateOptions } from './plugins/gate.ts';
import { addMcp } from './plugins/mcp.ts';
import { addRest } from './plugins/rest.ts';
import { addTrpc } from './plugins/trpc.ts';
import { addLastWords } from './plugins/last-words.ts';
import { addWebSockets } from './plugins/web-sockets.ts';
import { addWs } from './plugins/ws.ts';

export interface AppParts {
  settings: Pick<Settings, 'allowedHosts' | 'corsOrigins' | 'publicUrl' | 'trustProxy' | 'host'>;
  services: Services;
  rateLimiter: RateLimiter;
  answers: AnswerStore;
  ids: Ids;
  logger: FastifyBaseLogger;
  isFromDeployment: GateOptions['isFromDeployment'];
  bridge: McpBridge;
}

const maxBodyBytes = 10 * 1024 * 1024;

const readableByScripts = [
  'X-Request-Id',
  'X-RateLimit-Limit',
  'X-RateLimit-Remaining',
  'X-RateLimit-Reset',
  'Retry-After',
];

export async function createApp(parts: AppParts): Promise<FastifyInstance> {
  const { settings, services, rateLimiter, answers, ids, logger } = parts;
  const app: FastifyInstance = Fastify({
    loggerInstance: logger,
    logController,
    bodyLimit: maxBodyBytes,
    // A request without a Host is the gate's to refuse, in our words.
    http: { requireHostHeader: false },
    trustProxy: settings.trustProxy.length > 0 ? settings.trustProxy : false,
    // A batch of tRPC calls is one long path parameter.
    routerOptions: { maxParamLength: 5000 },
    genReqId: (request) => requestIdOf(request.headers['x-request-id'], ids),
    // Streams never end by themselves; without this, closing would wait for the last reader.
    forceCloseConnections: true,
    // Told before any hook runs, so the request id has to be set here.
    frameworkErrors: (_error, request, reply) => {
      reply.header('X-Request-Id', request.id);
      sendError(invalidRequest('The path is not a valid, percent-encoded one.'), request, reply);
    },
  });

  const closing = addLastWords(app);
  const createContext = (request: FastifyRequest, reply: FastifyReply | null): Context => ({
    services,
    caller: callerOf(request),
    rateLimiter,
    answers,
    idempotencyKey: idempotencyKeyOf(request),
    ids,
    closing,
    log: request.log,
    requestId: reply ? request.id : null,
    setHeader: (name, value) => {
      reply?.header(name, value);
    },
  });

  await addWebSockets(app);
  addAnswers(app);
  addGate(app, gateOptions(parts));
  if (settings.corsOrigins.length > 0)
    await app.register(cors, {
      origin: [...settings.corsOrigins],
      methods: ['GET', 'HEAD', 'POST', 'PUT', 'DELETE'],
      exposedHeaders: readableByScripts,
      // Else OPTIONS that is no preflight would be refused, in words that are not ours.
      strictPreflight: false,
      maxAge: 600,
    });
  acceptJsonOnly(app);
  await addTrpc(app, { createContext });
  await addMcp(app, { bridge: parts.bridge, paths: { '/servers/:serverId/mcp': serverInPath } });
  addDocs(app, () => settings.publicUrl ?? baseUrl(app));
  addRest(app, { router: appRouter, createContext });
  addWs(app, { router: appRouter, createContext });
  return app;
}

/** The same for every listener of ours. */
export const gateOptions = ({
  settings,
  isFromDeployment,
}: Pick<AppParts, 'settings' | 'isFromDeployment'>): GateOptions => ({
  allowedHosts: hostsOf(settings),
  corsOrigins: settings.corsOrigins,
  isFromDeployment,
});

function hostsOf({ allowedHosts, publicUrl, host }: AppParts['settings']): string[] {
  return [...allowedHosts, host, ...(publicUrl ? [new URL(publicUrl).hostname] : [])];
}

/** Where we can be reached from this machine, once we listen. */
export function baseUrl(app: FastifyInstance): string {
  const address = app.server.address();
  if (address === null || typeof address === 'string') throw new Error('the application does not listen');
  const anywhere = address.address === '0.0.0.0' || address.address === '::';
  const host = anywhere ? '127.0.0.1' : address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return `http://${host}:${address.port}`;
}

/** Only JSON, and an empty body is no body: many clients name a content type even where they send nothing. */
function acceptJsonOnly(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, undefined);
    else parse.call(app, request, String(body), done);
  });
}

const serverPath = z.object({ serverId: z.string() });

const serverInPath = (request: FastifyRequest): string => serverPath.parse(request.params).serverId;
