// A process of its own, so that load and server do not share a core: the routes that bench/rest.ts compares.
import { startTestApp } from '@insightloop/server/testing';
import Fastify from 'fastify';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { z } from 'zod';

const quiet = pino({ level: 'silent' });
const page = { servers: [], total: 0 };

/** Listens and answers the same body under the same path as the operation `servers.list` without servers. */
async function plain(handler: (query: unknown) => unknown): Promise<number> {
  const app = Fastify({ loggerInstance: quiet });
  app.get('/api/servers', async (request) => handler(request.query));
  await app.listen({ host: '127.0.0.1', port: 0 });
  return (app.server.address() as AddressInfo).port;
}

const input = z.strictObject({
  limit: z.coerce.number().int().min(1).max(100).default(50),
  offset: z.coerce.number().int().min(0).max(1_000_000).default(0),
});
const output = z.object({ servers: z.array(z.object({ id: z.string() })), total: z.int() });

const { port } = await startTestApp({ parts: { logger: quiet } });

export interface Subjects {
  plain: number;
  validated: number;
  rest: number;
}

/** Asked between rounds: processor time that this process has used, in microseconds. */
process.on('message', () => {
  const { user, system } = process.cpuUsage();
  process.send?.(user + system);
});

process.send?.({
  plain: await plain(() => page),
  validated: await plain((query) => (input.parse(query), output.parse(page))),
  rest: port,
} satisfies Subjects);
