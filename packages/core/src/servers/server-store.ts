// Port: where servers are kept.
import type { Server } from './server.ts';

export interface ServerPage {
  servers: Server[];
  /** How many there are in all. */
  total: number;
}

/** @throws AppError SERVICE_UNAVAILABLE from each method when the store cannot be reached */
export interface ServerStore {
  /** False, and nothing changed, where the id is taken. */
  insert(server: Server): Promise<boolean>;
  /** Inserts, or replaces everything but `created_at`. */
  put(server: Server): Promise<void>;
  find(id: string): Promise<Server | null>;
  /** Ordered by id. */
  list(page: { limit: number; offset: number }): Promise<ServerPage>;
  /** False where there was none. */
  delete(id: string): Promise<boolean>;
}
