// Servers in memory: the fake of the port ServerStore.
import type { ServerPage, ServerStore } from '../servers/server-store.ts';
import type { Server } from '../servers/server.ts';

export class MemoryServerStore implements ServerStore {
  readonly #servers = new Map<string, Server>();

  async insert(server: Server): Promise<boolean> {
    if (this.#servers.has(server.id)) return false;
    this.#servers.set(server.id, structuredClone(server));
    return true;
  }

  async put(server: Server): Promise<void> {
    const created_at = this.#servers.get(server.id)?.created_at ?? server.created_at;
    this.#servers.set(server.id, structuredClone({ ...server, created_at }));
  }

  async find(id: string): Promise<Server | null> {
    return structuredClone(this.#servers.get(id) ?? null);
  }

  async list({ limit, offset }: { limit: number; offset: number }): Promise<ServerPage> {
    const ids = [...this.#servers.keys()].sort().slice(offset, offset + limit);
    const found = await Promise.all(ids.map((id) => this.find(id)));
    return { servers: found.filter((server) => server !== null), total: this.#servers.size };
  }

  async delete(id: string): Promise<boolean> {
    return this.#servers.delete(id);
  }
}
