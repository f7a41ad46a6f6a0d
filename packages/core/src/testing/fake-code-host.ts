// A host of repositories without a network: the fake of the port CodeHost.
import {
  CodeHostError,
  type CodeHost,
  type CodeHostFailure,
  type CodeRepository,
  type RepositoryFile,
  type RepositoryPage,
  type RepositoryQuery,
  type RepositoryTree,
} from '../servers/code-host.ts';
import { hostedRepository, type HostedRepository, type RepositoryDraft } from './hosted-repository.ts';

type Place = Pick<CodeRepository, 'full_name' | 'default_branch'>;
export type CodeHostCall = 'search' | 'repository' | 'tree' | 'files';

export class FakeCodeHost implements CodeHost {
  readonly maxResults = 1000;
  readonly maxQueryLength = 256;
  readonly authenticated: boolean;
  /** Which methods were called, and about what, in order. */
  readonly calls: { call: CodeHostCall; about: string }[] = [];
  /** What each search says of itself from now on. */
  incomplete = false;
  readonly #repositories = new Map<string, HostedRepository>();
  readonly #moved = new Map<string, string>();
  #failure: CodeHostError | null = null;

  constructor({ authenticated = false }: { authenticated?: boolean } = {}) {
    this.authenticated = authenticated;
  }

  add(draft: RepositoryDraft): void {
    this.#repositories.set(draft.full_name.toLowerCase(), hostedRepository(draft));
  }

  remove(fullName: string): void {
    this.#repositories.delete(fullName.toLowerCase());
  }

  /** Under the old name it is still found. */
  rename(from: string, to: string): void {
    const known = this.#repositories.get(from.toLowerCase());
    if (known === undefined) throw new Error(`There is no ${from}.`);
    this.remove(from);
    const { host_id, ...facts } = known.facts;
    const { owner, name, html_url, ...kept } = facts;
    this.add({ ...kept, host_id, full_name: to, files: Object.fromEntries(known.files) });
    this.#moved.set(from.toLowerCase(), to.toLowerCase());
  }

  /** Every call fails so from now on; null: none does. */
  failWith(failure: CodeHostFailure | null, retryAfterSeconds: number | null = null): void {
    this.#failure =
      failure === null ? null : new CodeHostError(failure, `The fake is ${failure}.`, { retryAfterSeconds });
  }

  async search(
    query: RepositoryQuery,
    { page, perPage, signal }: { page: number; perPage: number; signal: AbortSignal },
  ): Promise<RepositoryPage> {
    this.#enter('search', query.text ?? '', signal);
    const text = query.text?.trim() ?? '';
    const operators = text.match(/\b(?:AND|OR|NOT)\b/g) ?? [];
    if (text.length > this.maxQueryLength || operators.length > 5 || (page - 1) * perPage >= this.maxResults)
      throw new CodeHostError('invalid', 'The fake does not take this query.');
    const found = [...this.#repositories.values()]
      .map(({ facts }) => facts)
      .filter((facts) => fits(facts, { ...query, text }))
      .sort((a, b) => b.stars - a.stars);
    const start = (page - 1) * perPage;
    const repositories = structuredClone(found.slice(start, start + perPage));
    return { repositories, total: found.length, incomplete: this.incomplete };
  }

  async repository(fullName: string, signal: AbortSignal): Promise<CodeRepository | null> {
    this.#enter('repository', fullName, signal);
    return structuredClone(this.#find(fullName)?.facts ?? null);
  }

  async tree({ full_name }: Place, signal: AbortSignal): Promise<RepositoryTree | null> {
    this.#enter('tree', full_name, signal);
    const known = this.#find(full_name);
    return known === undefined || known.files.size === 0
      ? null
      : { paths: [...known.files.keys()].sort(), truncated: false };
  }

  async files(
    { full_name }: Place,
    paths: readonly string[],
    { maxBytes, signal }: { maxBytes: number; signal: AbortSignal },
  ): Promise<ReadonlyMap<string, RepositoryFile>> {
    this.#enter('files', full_name, signal);
    const known = this.#find(full_name)?.files;
    return new Map(
      paths.flatMap((path) => {
        const text = known?.get(path);
        return text === undefined ? [] : [[path, cut(text, maxBytes)] as const];
      }),
    );
  }

  #find(fullName: string): HostedRepository | undefined {
    const key = fullName.toLowerCase();
    return this.#repositories.get(this.#moved.get(key) ?? key);
  }

  #enter(call: CodeHostCall, about: string, signal: AbortSignal): void {
    signal.throwIfAborted();
    this.calls.push({ call, about });
    if (this.#failure !== null) throw this.#failure;
  }
}

function fits(facts: CodeRepository, query: RepositoryQuery & { text: string }): boolean {
  const { language, minStars, updatedAfter, includeArchived, includeForks, text } = query;
  const haystack = [facts.full_name, facts.description ?? '', ...facts.topics].join(' ').toLowerCase();
  return (
    (text === ''
      ? facts.topics.includes('mcp-server')
      : text
          .toLowerCase()
          .split(/\s+/)
          .every((word) => haystack.includes(word))) &&
    (language === null || facts.language?.toLowerCase() === language.toLowerCase()) &&
    (minStars === null || facts.stars >= minStars) &&
    (updatedAfter === null || (facts.pushed_at !== null && facts.pushed_at >= startOfDay(updatedAfter))) &&
    (includeArchived || !facts.archived) &&
    (includeForks || !facts.fork)
  );
}

const startOfDay = (time: Date): Date => new Date(`${time.toISOString().slice(0, 10)}T00:00:00Z`);

function cut(text: string, maxBytes: number): RepositoryFile {
  const bytes = new TextEncoder().encode(text);
  if (bytes.length <= maxBytes) return { text, truncated: false };
  const whole = new TextDecoder().decode(bytes.subarray(0, maxBytes), { stream: true });
  return { text: whole, truncated: true };
}
