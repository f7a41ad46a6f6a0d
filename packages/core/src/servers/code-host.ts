// Port: where repositories are searched and read. GitHub, through its REST API and its host of raw files.

/** What is searched for. Every field narrows; all null and false is the topic of MCP servers, by stars. */
export interface RepositoryQuery {
  /** Words as a person types them; null: everything under the topic `mcp-server`, most stars first. */
  text: string | null;
  /** A language's name as the host writes it, in any case. */
  language: string | null;
  minStars: number | null;
  /** Pushed to on this day or after it. */
  updatedAfter: Date | null;
  includeArchived: boolean;
  includeForks: boolean;
}

export interface CodeRepository {
  /** The host's own number: stays when the repository is renamed or moved. */
  host_id: number;
  /** `owner/name`, as the host writes it now. */
  full_name: string;
  owner: string;
  name: string;
  html_url: string;
  description: string | null;
  homepage: string | null;
  default_branch: string;
  stars: number;
  language: string | null;
  topics: string[];
  archived: boolean;
  fork: boolean;
  /** Changes with every push: while it stays, no file has changed. */
  pushed_at: Date | null;
}

export interface RepositoryPage {
  /** In the host's order. */
  repositories: CodeRepository[];
  /** How many there are in all, also beyond what can be paged to. */
  total: number;
  /** The host gave up before it had looked everywhere. */
  incomplete: boolean;
}

export interface RepositoryTree {
  /** Paths of files, from the root, without a leading slash. */
  paths: string[];
  /** The repository is too large to be listed whole. */
  truncated: boolean;
}

/** One file, cut where it is longer than was asked for. */
export interface RepositoryFile {
  text: string;
  truncated: boolean;
}

/**
 * Answers come from the cache while they are fresh, and cost nothing when the host says that nothing has changed.
 * Every method rejects with CodeHostError, or with the signal's reason when it aborts.
 */
export interface CodeHost {
  /** The most that `search` can be paged to: 1,000 at GitHub. */
  readonly maxResults: number;
  /** The longest text that is taken, in characters; the qualifiers that our filters add do not count. */
  readonly maxQueryLength: number;
  /** Whether we have a token: without one, requests other than raw files are few (60 an hour at GitHub). */
  readonly authenticated: boolean;
  /** One request. `page` counts from 1. */
  search(
    query: RepositoryQuery,
    options: { page: number; perPage: number; signal: AbortSignal },
  ): Promise<RepositoryPage>;
  /** One request, following renames; null where there is none or it is private. */
  repository(fullName: string, signal: AbortSignal): Promise<CodeRepository | null>;
  /** One request: every path of the default branch; null where the repository is empty or gone. */
  tree(
    repository: Pick<CodeRepository, 'full_name' | 'default_branch'>,
    signal: AbortSignal,
  ): Promise<RepositoryTree | null>;
  /**
   * Files of the default branch through the raw host, a bounded number at once: costs no request of the API's limits.
   * What does not exist is not in the answer. Text is decoded as UTF-8, what is none becomes U+FFFD; nothing is run.
   * @param maxBytes of each file; what is longer comes cut, and says so
   */
  files(
    repository: Pick<CodeRepository, 'full_name' | 'default_branch'>,
    paths: readonly string[],
    options: { maxBytes: number; signal: AbortSignal },
  ): Promise<ReadonlyMap<string, RepositoryFile>>;
}

/**
 * `limited`: the host's primary or secondary limit is used up. `refused`: our token is wrong or may not. `invalid`: the
 * query is none of the host's (422). `unreachable`: it does not answer, or not in a way that we understand.
 */
export type CodeHostFailure = 'limited' | 'refused' | 'invalid' | 'unreachable';

/** `message` is fit for the caller and says what to do. */
export class CodeHostError extends Error {
  override readonly name = 'CodeHostError';
  readonly failure: CodeHostFailure;
  /** Where the host said when to come back; else null. */
  readonly retryAfterSeconds: number | null;

  constructor(
    failure: CodeHostFailure,
    message: string,
    options: { cause?: unknown; retryAfterSeconds?: number | null } = {},
  ) {
    super(message, { cause: options.cause });
    this.failure = failure;
    this.retryAfterSeconds = options.retryAfterSeconds ?? null;
  }
}
