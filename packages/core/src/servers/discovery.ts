// What can be done with discovery: search several sources at once, and look closely at one server.
import { serverNotFound } from '../errors.ts';
import type { Clock } from '../platform/clock.ts';
import type { Logger } from '../platform/logger.ts';
import { discover, type DiscoverAnswer } from './discover.ts';
import type { DiscoverRequest } from './discover-request.ts';
import { createDiscoveryReadings, type ReadingsPorts } from './discovery-readings.ts';
import type { SearchPorts } from './discovery-search.ts';
import type { DiscoveryStore, Found } from './discovery-store.ts';
import { detailsOf, type ServerDetails } from './found-view.ts';
import { emptyFinding, type Observed, type Verdict } from './finding.ts';
import type { ServerStore } from './server-store.ts';
import type { Server } from './server.ts';
import { madeStorableDeep } from './storable-text.ts';

export interface DiscoveryPorts extends SearchPorts, ReadingsPorts {
  discoveryStore: DiscoveryStore;
  serverStore: ServerStore;
  clock: Clock;
  logger: Logger;
}

export interface Discovery {
  /**
   * @throws AppError INVALID_REQUEST where the host refuses the query; DISCOVERY_FAILED where nothing was found and a
   *   source does not answer
   */
  discover(request: DiscoverRequest, signal: AbortSignal): Promise<DiscoverAnswer>;
  /**
   * Everything known of a server, its files read and its packages looked up where that is long ago.
   * @throws AppError SERVER_NOT_FOUND
   */
  details(serverId: string, signal: AbortSignal): Promise<ServerDetails>;
  /** The server as it is best deployed: what was discovered is verified first. Null where there is none. */
  launchable(serverId: string, signal: AbortSignal): Promise<Server | null>;
  /** @throws AppError SERVICE_UNAVAILABLE when the store cannot be reached */
  keepVerdict(serverId: string, verdict: Verdict): Promise<void>;
  keepObserved(serverId: string, observed: Observed): Promise<void>;
}

/** What drives discovery beside its callers. */
export interface DiscoveryKeeper {
  /** Looks again at what was found long ago, until `close`. */
  begin(): void;
  /** Ends all readings; resolves when none is left. */
  close(): Promise<void>;
}

export function createDiscovery(ports: DiscoveryPorts): { discovery: Discovery; keeper: DiscoveryKeeper } {
  const { discoveryStore, serverStore, clock } = ports;
  const readings = createDiscoveryReadings(ports);

  const closer = async (serverId: string, signal: AbortSignal): Promise<Found | null> => {
    const found = await discoveryStore.find(serverId);
    if (found) return readings.closer(found, signal);
    const server = await serverStore.find(serverId);
    return server && { server, finding: emptyFinding(serverId, server.created_at) };
  };

  return {
    keeper: readings,
    discovery: {
      discover: (request, signal) => discover(request, { ports, readings, signal }),

      async details(serverId, signal) {
        const found = await closer(serverId, signal);
        if (!found) throw serverNotFound(serverId);
        return detailsOf(found);
      },
      launchable: async (serverId, signal) => {
        const server = await serverStore.find(serverId);
        if (server?.source !== 'discovered') return server;
        return (await closer(serverId, signal))?.server ?? server;
      },
      keepVerdict: (serverId, verdict) =>
        discoveryStore.note(
          serverId,
          madeStorableDeep({ last_verdict: verdict }),
          emptyFinding(serverId, new Date(clock.now())),
        ),
      keepObserved: (serverId, observed) =>
        discoveryStore.note(
          serverId,
          madeStorableDeep({ observed }),
          emptyFinding(serverId, new Date(clock.now())),
        ),
    },
  };
}
