// Ports of the loopback on which deployments can be reached: free ones, and the bridges that listen there.
import type { McpBridge } from '@insightloop/adapters/mcp';
import { AppError, type Ids, type LocalPorts } from '@insightloop/core';
import Fastify, { type FastifyBaseLogger, type FastifyInstance } from 'fastify';
import { createServer } from 'node:net';
import { addAnswers, logController, requestIdOf } from './plugins/answers.ts';
import { addGate, type GateOptions } from './plugins/gate.ts';
import { addMcp } from './plugins/mcp.ts';

const loopback = '127.0.0.1';

export interface LocalPortsOptions {
  bridge: McpBridge;
  gate: GateOptions;
  ids: Ids;
  logger: FastifyBaseLogger;
}

export function createLocalPorts(options: LocalPortsOptions): LocalPorts {
  return {
    free: () => probe(0),
    isFree: (port) =>
      probe(port).then(
        () => true,
        () => false,
      ),
    async bridge(port, serverId) {
      const app = await bridgeApp(serverId, options);
      try {
        await app.listen({ host: loopback, port });
      } catch (cause) {
        await app.close();
        throw new AppError('INVALID_CONFIGURATION', `Port ${port} cannot be used: ${messageOf(cause)}`, {
          details: { server_id: serverId, port },
          cause,
        });
      }
      return () => app.close();
    },
  };
}

/** The same gate as before our own doors: this is one of them. */
async function bridgeApp(
  serverId: string,
  { bridge, gate, ids, logger }: LocalPortsOptions,
): Promise<FastifyInstance> {
  const app: FastifyInstance = Fastify({
    loggerInstance: logger,
    logController,
    genReqId: (request) => requestIdOf(request.headers['x-request-id'], ids),
    forceCloseConnections: true,
  });
  addAnswers(app);
  addGate(app, gate);
  await addMcp(app, { bridge, paths: { '/': () => serverId, '/mcp': () => serverId } });
  return app;
}

/** Listens for a moment. Rejects when the port is taken, on loopback or on all addresses. */
function probe(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen({ host: loopback, port, exclusive: true }, () => {
      const address = server.address();
      const taken = typeof address === 'object' && address ? address.port : port;
      server.close(() => {
        resolve(taken);
      });
    });
  });
}

const messageOf = (cause: unknown): string =>
  cause instanceof Error && 'code' in cause && cause.code === 'EADDRINUSE'
    ? 'it is in use'
    : 'the system refuses it';
