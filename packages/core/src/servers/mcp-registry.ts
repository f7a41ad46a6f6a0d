// Port: the official registry of MCP servers, whose entries are made by those who own their namespace.

/** One server's newest entry. */
export interface RegistryEntry {
  /** Reverse-DNS namespace and name, such as `io.github.owner/server`: only the namespace's owner can publish it. */
  name: string;
  title: string | null;
  description: string | null;
  version: string;
  /** The https address of its repository, as the entry writes it. */
  repository_url: string | null;
  /** The folder of a monorepo. */
  subfolder: string | null;
  website_url: string | null;
  /** When it was last published; null where the registry does not say. */
  updated_at: Date | null;
  /** The whole server.json, parsed but not judged: inference reads it as it reads a file. */
  server_json: unknown;
}

export interface RegistryPage {
  entries: RegistryEntry[];
  /** There are more than were answered. */
  more: boolean;
}

export interface McpRegistry {
  /**
   * Entries that are alive (not deleted, not deprecated) in their newest version, up to `limit`; null text: as the
   * registry lists them. The registry searches in names only, so a caller who looks for a repository searches for a
   * part of the name, and compares `repository_url`.
   * @throws McpRegistryError; the signal's reason when it aborts
   */
  search(text: string | null, options: { limit: number; signal: AbortSignal }): Promise<RegistryPage>;
}

export type McpRegistryFailure = 'limited' | 'unreachable';

/** `message` is fit for the caller. */
export class McpRegistryError extends Error {
  override readonly name = 'McpRegistryError';
  readonly failure: McpRegistryFailure;
  readonly retryAfterSeconds: number | null;

  constructor(
    failure: McpRegistryFailure,
    message: string,
    options: { cause?: unknown; retryAfterSeconds?: number | null } = {},
  ) {
    super(message, { cause: options.cause });
    this.failure = failure;
    this.retryAfterSeconds = options.retryAfterSeconds ?? null;
  }
}
