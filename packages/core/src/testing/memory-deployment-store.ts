// Deployments in memory: the fake of the port DeploymentStore.
import type { DeploymentPage, DeploymentQuery, DeploymentStore } from '../deployments/deployment-store.ts';
import type { StoredDeployment } from '../deployments/deployment.ts';

export class MemoryDeploymentStore implements DeploymentStore {
  readonly #deployments = new Map<string, StoredDeployment>();

  async insert(deployment: StoredDeployment): Promise<void> {
    this.#deployments.set(deployment.id, structuredClone(deployment));
  }

  async update(id: string, changes: Partial<Omit<StoredDeployment, 'id'>>): Promise<void> {
    const known = this.#deployments.get(id);
    if (known) this.#deployments.set(id, { ...known, ...structuredClone(changes) });
  }

  async find(id: string): Promise<StoredDeployment | null> {
    return structuredClone(this.#deployments.get(id) ?? null);
  }

  async findByServer(serverId: string): Promise<StoredDeployment | null> {
    const [newest] = this.#newestFirst().filter(({ server_id }) => server_id === serverId);
    return structuredClone(newest ?? null);
  }

  async list({ limit, offset, serverId, status }: DeploymentQuery): Promise<DeploymentPage> {
    const found = this.#newestFirst().filter(
      (deployment) =>
        (serverId === undefined || deployment.server_id === serverId) &&
        (status === undefined || deployment.status === status),
    );
    return { deployments: structuredClone(found.slice(offset, offset + limit)), total: found.length };
  }

  async listDesired(): Promise<StoredDeployment[]> {
    return structuredClone(
      this.#newestFirst()
        .filter(({ desired }) => desired === 'running')
        .reverse(),
    );
  }

  #newestFirst(): StoredDeployment[] {
    return [...this.#deployments.values()].sort((a, b) => (a.id < b.id ? 1 : -1));
  }
}
