// Port: where discovery keeps what it has found. Its servers are kept with all others.
import type { Finding } from './finding.ts';
import type { Server } from './server.ts';

export interface Found {
  server: Server;
  finding: Finding;
}

/** @throws AppError SERVICE_UNAVAILABLE from each method when the store cannot be reached */
export interface DiscoveryStore {
  find(serverId: string): Promise<Found | null>;
  /**
   * Of the repositories with one of these numbers or one of these keys; where numbers are given, by key only those whose
   * number is not known: the name may have gone to somebody else.
   */
  ofRepositories(query: { hostIds: readonly number[]; keys: readonly string[] }): Promise<Found[]>;
  /** Those known by their name in the official registry. */
  ofRegistryNames(names: readonly string[]): Promise<Found[]>;
  /** The servers of the catalog and those that the operator registered, with what is known of them, by id. */
  own(limit: number): Promise<Found[]>;
  /** Which of these ids belong to servers. */
  taken(ids: readonly string[]): Promise<Set<string>>;
  /**
   * All or nothing. A server is inserted, or replaced but for `created_at`, only while it counts as discovered: one of
   * the catalog or of the operator stays as it is, and neither it nor its finding is written. What was observed and the
   * last verdict stay as they are: only `note` changes them.
   */
  save(found: readonly Found[]): Promise<void>;
  /**
   * Changes what is known of a server of any source, beginning with `otherwise` where nothing is; does nothing where
   * there is no such server.
   */
  note(
    serverId: string,
    changes: Pick<Partial<Finding>, 'observed' | 'last_verdict'>,
    otherwise: Finding,
  ): Promise<void>;
  /** Discovered from a repository and not heard of since: those that wait longest first. */
  stalest(query: { seenBefore: Date; limit: number }): Promise<Found[]>;
}
