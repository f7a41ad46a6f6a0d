// What discovery has found, in memory: the fake of the port DiscoveryStore, over a fake of the servers' own store.
import type { DiscoveryStore, Found } from '../servers/discovery-store.ts';
import { emptyFinding, type Finding } from '../servers/finding.ts';
import type { ServerStore } from '../servers/server-store.ts';
import type { Server } from '../servers/server.ts';

const all = { limit: 100_000, offset: 0 };

export class MemoryDiscoveryStore implements DiscoveryStore {
  readonly #servers: ServerStore;
  readonly #findings = new Map<string, Finding>();

  constructor(servers: ServerStore) {
    this.#servers = servers;
  }

  async find(serverId: string): Promise<Found | null> {
    const server = await this.#servers.find(serverId);
    const finding = this.#findings.get(serverId);
    return server && finding ? structuredClone({ server, finding }) : null;
  }

  ofRepositories({
    hostIds,
    keys,
  }: {
    hostIds: readonly number[];
    keys: readonly string[];
  }): Promise<Found[]> {
    return this.#where(
      ({ host_id: hostId, repository_key: key }) =>
        (hostId !== null && hostIds.includes(hostId)) ||
        ((hostId === null || hostIds.length === 0) && key !== null && keys.includes(key)),
    );
  }

  ofRegistryNames(names: readonly string[]): Promise<Found[]> {
    return this.#where(
      ({ registry_name: name, repository_key: key }) => key === null && name !== null && names.includes(name),
    );
  }

  async own(limit: number): Promise<Found[]> {
    const { servers } = await this.#servers.list(all);
    return servers
      .filter(({ source }) => source !== 'discovered')
      .slice(0, limit)
      .map((server) => ({
        server,
        finding: structuredClone(this.#findings.get(server.id)) ?? emptyFinding(server.id, server.created_at),
      }));
  }

  async taken(ids: readonly string[]): Promise<Set<string>> {
    const found = await Promise.all(ids.map((id) => this.#servers.find(id)));
    return new Set(found.flatMap((server) => server?.id ?? []));
  }

  async save(found: readonly Found[]): Promise<void> {
    for (const { server, finding } of found) {
      const existing = await this.#servers.find(server.id);
      if (existing && existing.source !== 'discovered') continue;
      await this.#servers.put(server);
      const before = this.#findings.get(server.id);
      const kept = { observed: before?.observed ?? null, last_verdict: before?.last_verdict ?? null };
      this.#findings.set(server.id, structuredClone({ ...finding, ...kept }));
    }
  }

  async note(
    serverId: string,
    changes: Pick<Partial<Finding>, 'observed' | 'last_verdict'>,
    otherwise: Finding,
  ): Promise<void> {
    if (!(await this.#servers.find(serverId))) return;
    const before = this.#findings.get(serverId) ?? { ...otherwise, observed: null, last_verdict: null };
    this.#findings.set(serverId, structuredClone({ ...before, ...changes }));
  }

  async stalest({ seenBefore, limit }: { seenBefore: Date; limit: number }): Promise<Found[]> {
    const stale = await this.#where(({ seen_at: seenAt }) => seenAt < seenBefore);
    return stale
      .filter(({ server }) => server.source === 'discovered')
      .toSorted((one, other) => one.finding.seen_at.getTime() - other.finding.seen_at.getTime())
      .slice(0, limit);
  }

  async #where(matches: (finding: Finding) => boolean): Promise<Found[]> {
    const matching = [...this.#findings.values()].filter(matches).map(({ server_id }) => server_id);
    const found: (Server | null)[] = await Promise.all(matching.sort().map((id) => this.#servers.find(id)));
    return found.flatMap((server) => {
      const finding = server && this.#findings.get(server.id);
      return finding ? structuredClone([{ server, finding }]) : [];
    });
  }
}
