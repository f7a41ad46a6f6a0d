// A registry of MCP servers without a network: the fake of the port McpRegistry.
import {
  McpRegistryError,
  type McpRegistry,
  type McpRegistryFailure,
  type RegistryEntry,
  type RegistryPage,
} from '../servers/mcp-registry.ts';

/** A server.json; `name` and `version` are all that it must have. */
export interface ServerJson {
  name: string;
  version: string;
  title?: string;
  description?: string;
  websiteUrl?: string;
  repository?: { url: string; source?: string; subfolder?: string };
  [field: string]: unknown;
}

export class FakeMcpRegistry implements McpRegistry {
  /** What was searched for, in order. */
  readonly searches: (string | null)[] = [];
  readonly #entries = new Map<string, RegistryEntry>();
  #failure: McpRegistryError | null = null;

  /** The version that was published last is the newest. */
  publish(server: ServerJson, updatedAt: Date | null = null): void {
    this.#entries.set(server.name, {
      name: server.name,
      title: server.title ?? null,
      description: server.description ?? null,
      version: server.version,
      repository_url: server.repository?.url ?? null,
      subfolder: server.repository?.subfolder ?? null,
      website_url: server.websiteUrl ?? null,
      updated_at: updatedAt,
      server_json: structuredClone(server),
    });
  }

  /** Deleted, or deprecated: it is not listed any more. */
  withdraw(name: string): void {
    this.#entries.delete(name);
  }

  /** Every call fails so from now on; null: none does. */
  failWith(failure: McpRegistryFailure | null, retryAfterSeconds: number | null = null): void {
    this.#failure =
      failure === null
        ? null
        : new McpRegistryError(failure, `The fake is ${failure}.`, { retryAfterSeconds });
  }

  async search(
    text: string | null,
    { limit, signal }: { limit: number; signal: AbortSignal },
  ): Promise<RegistryPage> {
    signal.throwIfAborted();
    this.searches.push(text);
    if (this.#failure !== null) throw this.#failure;
    const part = text?.trim().toLowerCase() ?? '';
    const found = [...this.#entries.values()]
      .filter(({ name }) => name.toLowerCase().includes(part))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
    return { entries: structuredClone(found.slice(0, limit)), more: found.length > limit };
  }
}
