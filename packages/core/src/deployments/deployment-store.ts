// Port: where deployments are kept, live and past ones.
import type { StoredDeployment } from './deployment.ts';
import type { DeploymentStatus } from './status.ts';

export interface DeploymentQuery {
  limit: number;
  offset: number;
  serverId?: string | undefined;
  status?: DeploymentStatus | undefined;
}

export interface DeploymentPage {
  deployments: StoredDeployment[];
  total: number;
}

/** @throws AppError SERVICE_UNAVAILABLE from each method when the store cannot be reached */
export interface DeploymentStore {
  insert(deployment: StoredDeployment): Promise<void>;
  /** Changes only the given fields; does nothing where the deployment is gone. */
  update(id: string, changes: Partial<Omit<StoredDeployment, 'id'>>): Promise<void>;
  find(id: string): Promise<StoredDeployment | null>;
  /** The newest one of a server. */
  findByServer(serverId: string): Promise<StoredDeployment | null>;
  /** Newest first. */
  list(query: DeploymentQuery): Promise<DeploymentPage>;
  /** Everything that should be running, oldest first. */
  listDesired(): Promise<StoredDeployment[]>;
}
