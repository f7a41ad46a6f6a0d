// What can be done with servers: register, list, look at, remove, and lay out the starter catalog.
import { conflict, invalidRequest, serverNotFound, type AppError, type Issue } from '../errors.ts';
import type { Clock } from '../platform/clock.ts';
import type { EventLog } from '../telemetry/event-log.ts';
import { operatorRecipe } from './launch-recipe.ts';
import type { RemoteHosts } from './remote-hosts.ts';
import type { ServerPage, ServerStore } from './server-store.ts';
import type { Server, ServerRegistration } from './server.ts';

export interface ServersPorts {
  serverStore: ServerStore;
  remoteHosts: RemoteHosts;
  eventLog: EventLog;
  clock: Clock;
  /** Whether a deployment of the server lives. */
  isDeployed: (serverId: string) => boolean;
}

export interface Servers {
  /**
   * @throws AppError CONFLICT when the id is taken, INVALID_REQUEST when a remote address must not be reached
   */
  register(registration: ServerRegistration): Promise<Server>;
  list(page: { limit: number; offset: number }): Promise<ServerPage>;
  /** @throws AppError SERVER_NOT_FOUND */
  get(serverId: string): Promise<Server>;
  /** @throws AppError SERVER_NOT_FOUND; CONFLICT for servers of the catalog and for those that run */
  remove(serverId: string): Promise<{ status: 'removed'; server_id: string; removed_at: Date }>;
  /** Inserts or refreshes the servers of the starter catalog; their ids belong to it. */
  seedCatalog(catalog: readonly ServerRegistration[]): Promise<void>;
}

export function createServers(ports: ServersPorts): Servers {
  const { serverStore, remoteHosts, eventLog, clock, isDeployed } = ports;
  const build = (registration: ServerRegistration, source: Server['source']): Server => {
    const now = new Date(clock.now());
    const launch = registration.launch.map(operatorRecipe);
    return { ...registration, kind: 'server', source, launch, created_at: now, updated_at: now };
  };

  const get = async (serverId: string): Promise<Server> => {
    const found = await serverStore.find(serverId);
    if (!found) throw serverNotFound(serverId);
    return found;
  };

  return {
    async register(registration) {
      await refuseForbiddenHosts(registration, remoteHosts);
      const server = build(registration, 'registered');
      if (!(await serverStore.insert(server))) throw idTaken(server.id, await serverStore.find(server.id));
      eventLog.append({
        type: 'server_registered',
        channel: 'servers',
        timestamp: server.created_at,
        server_id: server.id,
        name: server.name,
      });
      return server;
    },

    list: (page) => serverStore.list(page),

    get,

    async remove(serverId) {
      const found = await get(serverId);
      if (found.source === 'catalog')
        throw conflict(`"${serverId}" belongs to the starter catalog and stays.`, { server_id: serverId });
      if (isDeployed(serverId))
        throw conflict(`"${serverId}" is deployed. Stop it first with POST /api/servers/${serverId}/stop.`, {
          server_id: serverId,
        });
      if (!(await serverStore.delete(serverId))) throw serverNotFound(serverId);
      const removedAt = new Date(clock.now());
      eventLog.append({
        type: 'server_removed',
        channel: 'servers',
        timestamp: removedAt,
        server_id: serverId,
      });
      return { status: 'removed', server_id: serverId, removed_at: removedAt };
    },

    async seedCatalog(catalog) {
      for (const entry of catalog) await serverStore.put(build(entry, 'catalog'));
    },
  };
}

function idTaken(id: string, holder: Server | null): AppError {
  const advice =
    holder?.source === 'catalog'
      ? 'It belongs to the starter catalog; choose another.'
      : `Choose another, or remove that server first with DELETE /api/servers/${id}.`;
  return conflict(`The id "${id}" is taken. ${advice}`, { server_id: id });
}

async function refuseForbiddenHosts(
  registration: ServerRegistration,
  remoteHosts: RemoteHosts,
): Promise<void> {
  const issues: Issue[] = [];
  for (const [index, recipe] of registration.launch.entries()) {
    if (recipe.method !== 'remote') continue;
    const problem = await remoteHosts.problem(recipe.identifier);
    if (problem)
      issues.push({ path: ['launch', index, 'identifier'], code: 'forbidden_host', message: problem });
  }
  if (issues.length > 0)
    throw invalidRequest('A remote server must not be at this address; see details.issues.', issues);
}
