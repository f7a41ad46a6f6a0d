// All operations, under the names that the SDK shows.
import type { TRPCBuiltRouter } from '@trpc/server';
import type { ApiMeta } from './meta.ts';
import { deployments } from './operations/deployments.ts';
import { events } from './operations/events.ts';
import { logs } from './operations/logs.ts';
import { metrics } from './operations/metrics.ts';
import { servers } from './operations/servers.ts';
import { system } from './operations/system.ts';
import { tasks } from './operations/tasks.ts';
import { tools } from './operations/tools.ts';
import { t, type ApiErrorShape } from './trpc.ts';

const operations = { system, servers, deployments, tools, tasks, logs, metrics, events };

export const appRouter = t.router(operations);

/** The router as clients know it: same operations and errors, without the types of our context. */
export type AppRouter = TRPCBuiltRouter<
  { ctx: object; meta: ApiMeta; errorShape: ApiErrorShape; transformer: true },
  typeof operations
>;
