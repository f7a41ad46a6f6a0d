// A stand-in for GitHub: its REST API and its host of raw files, each on a port of its own, over repositories of tests.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type {
  HostedRepository,
  RepositoryDraft,
} from '../../../packages/core/src/testing/hosted-repository.ts';
import {
  badCredentials,
  emptyRepository,
  etagOf,
  exceeded,
  hasEtag,
  limitHeaders,
  movedTo,
  notFound,
  onlyFirstResults,
  secondary,
  send,
  sendFault,
  validationFailed,
  type Answer,
  type GitHubFault,
  type RateLimit,
} from './answers.ts';
import {
  filePayload,
  fullRepositoryPayload,
  listingPayload,
  searchPayload,
  treePayload,
} from './payloads.ts';
import { Repositories } from './repositories.ts';
import { maxResults, RefusedQuery, searchIn } from './search.ts';

export type { GitHubFault } from './answers.ts';
export type GitHubRequestKind = 'search' | 'repository' | 'readme' | 'contents' | 'tree' | 'raw' | 'other';

export interface GitHubRequest {
  kind: GitHubRequestKind;
  /** With its query. */
  path: string;
  authorization: string | null;
  /** Of the answer; null while there is none. */
  status: number | null;
}

export class GitHub {
  /** In order. */
  readonly requests: GitHubRequest[] = [];
  /** When set, requests with another token are 401; those without one are answered within lower limits. */
  token: string | null = null;
  /** What each search says of itself. */
  incomplete = false;
  /** Lists of files end in the middle. */
  truncatedTrees = false;
  readonly repositories = new Repositories();
  readonly #faults = new Map<GitHubRequestKind | 'all', GitHubFault>();
  readonly #limits = new Map<string, RateLimit>();
  readonly #api: Server;
  readonly #raw: Server;

  private constructor() {
    this.#api = createServer((request, response) => this.#answerApi(request, response));
    this.#raw = createServer((request, response) => this.#answerRaw(request, response));
  }

  /** Listens on two free ports of the loopback interface. */
  static async start(): Promise<GitHub> {
    const github = new GitHub();
    for (const server of [github.#api, github.#raw])
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return github;
  }

  get apiUrl(): string {
    return urlOf(this.#api);
  }

  get rawUrl(): string {
    return urlOf(this.#raw);
  }

  add(draft: RepositoryDraft): void {
    this.repositories.add(draft);
  }

  /** Every `<owner>__<name>/` with a meta.json in it; answers how many there were. */
  addFolder(folder: string): Promise<number> {
    return this.repositories.addFolder(folder);
  }

  /** How requests of a kind are answered from now on; null as they should be. */
  breakWith(kind: GitHubRequestKind | 'all', fault: GitHubFault | null): void {
    if (fault === null) this.#faults.delete(kind);
    else this.#faults.set(kind, fault);
  }

  /** From now on so many are left, which counts for everybody. */
  limit(resource: 'core' | 'search', remaining: number, resetInSeconds: number): void {
    const limit = Math.max(remaining, 1);
    this.#limits.set(resource, {
      limit,
      used: limit - remaining,
      resetAt: Date.now() + resetInSeconds * 1000,
    });
  }

  /** How many requests there were; without a kind those to the API, which are the ones with a limit. */
  count(kind?: GitHubRequestKind): number {
    return this.requests.filter((request) =>
      kind === undefined ? request.kind !== 'raw' : request.kind === kind,
    ).length;
  }

  async close(): Promise<void> {
    for (const server of [this.#api, this.#raw]) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  }

  #enter(request: IncomingMessage, response: ServerResponse, kind: GitHubRequestKind): GitHubFault | null {
    const seen: GitHubRequest = {
      kind,
      path: request.url ?? '',
      authorization: request.headers.authorization ?? null,
      status: null,
    };
    this.requests.push(seen);
    response.on('finish', () => (seen.status = response.statusCode));
    return this.#faults.get(kind) ?? this.#faults.get('all') ?? null;
  }

  #answerApi(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '/', this.apiUrl);
    const kind = kindOf(url.pathname);
    const fault = this.#enter(request, response, kind);
    const resource = kind === 'search' ? 'search' : 'core';
    const rate = this.#rateOf(resource, request.headers.authorization !== undefined);
    const answer = (given: Answer): void =>
      send(response, { ...given, headers: { ...limitHeaders(resource, rate), ...given.headers } });
    if (fault?.kind === 'primary-limit') {
      rate.used = rate.limit;
      rate.resetAt = Date.now() + fault.resetInSeconds * 1000;
      return answer(exceeded(fault.status));
    }
    if (fault?.kind === 'secondary-limit') return answer(secondary(fault.retryAfterSeconds, fault.status));
    if (fault !== null) return sendFault(response, fault);
    if (!this.#knows(request.headers.authorization)) return answer(badCredentials());
    if (rate.used >= rate.limit) return answer(exceeded());
    const given = this.#route(request, url, kind);
    const etag = given.status === 200 ? etagOf(JSON.stringify(given.body)) : null;
    // What has not changed costs nothing.
    if (etag !== null && hasEtag(request, etag)) return answer({ status: 304, body: '', headers: { etag } });
    rate.used += 1;
    answer(etag === null ? given : { ...given, headers: { etag, 'cache-control': 'public, max-age=60' } });
  }

  #route({ method }: IncomingMessage, url: URL, kind: GitHubRequestKind): Answer {
    if (method !== 'GET') return notFound();
    if (kind === 'search') return this.#search(url.searchParams);
    const [, owner = '', name = '', , rest = ''] =
      /^\/repos\/([^/]+)\/([^/]+)(\/(.*))?$/.exec(decodeURI(url.pathname)) ?? [];
    const [, number, deeper = ''] = /^\/repositories\/(\d+)(?:\/(.*))?$/.exec(url.pathname) ?? [];
    const repository =
      number === undefined
        ? this.repositories.find(`${owner}/${name}`)
        : this.repositories.byNumber(Number(number));
    const moved = this.repositories.movedFrom(`${owner}/${name}`);
    if (repository === undefined && moved !== undefined)
      return movedTo(
        `${this.apiUrl}/repositories/${moved.facts.host_id}${rest === '' ? '' : `/${rest}`}${url.search}`,
      );
    if (repository === undefined) return notFound();
    return this.#below(repository, number === undefined ? rest : deeper);
  }

  #below(repository: HostedRepository, rest: string): Answer {
    const places = { api: this.apiUrl, raw: this.rawUrl };
    const ok = (body: unknown): Answer => ({ status: 200, body });
    if (rest === '') return ok(fullRepositoryPayload(repository.facts, this.apiUrl));
    if (rest === 'readme') {
      const path = [...repository.files.keys()].find((known) => /^readme(?:\.\w+)?$/i.test(known));
      return path === undefined ? notFound() : ok(filePayload(repository, path, places));
    }
    const [, tree] = /^git\/trees\/(.+)$/.exec(rest) ?? [];
    if (tree !== undefined) {
      if (repository.files.size === 0) return emptyRepository();
      const isKnown = ['HEAD', repository.facts.default_branch].includes(decodeURIComponent(tree));
      return isKnown ? ok(treePayload(repository, this.apiUrl, this.truncatedTrees)) : notFound();
    }
    const [, path = ''] = /^contents\/?(.*)$/.exec(rest) ?? [];
    if (repository.files.has(path)) return ok(filePayload(repository, path, places));
    const listing = rest.startsWith('contents') ? listingPayload(repository, path, places) : [];
    return listing.length === 0 ? notFound() : ok(listing);
  }

  #search(query: URLSearchParams): Answer {
    const perPage = Math.min(Number(query.get('per_page') ?? 30), 100);
    const start = (Number(query.get('page') ?? 1) - 1) * perPage;
    if (start >= maxResults) return onlyFirstResults();
    try {
      const all = searchIn(
        this.repositories.all.map(({ facts }) => facts),
        query,
      );
      const found = all.slice(start, Math.min(start + perPage, maxResults));
      const page = { found, total: all.length, incomplete: this.incomplete };
      return { status: 200, body: searchPayload(page, this.apiUrl) };
    } catch (error) {
      if (error instanceof RefusedQuery) return validationFailed(error.message);
      throw error;
    }
  }

  #answerRaw(request: IncomingMessage, response: ServerResponse): void {
    const fault = this.#enter(request, response, 'raw');
    const plain = (status: number, text: string, headers: Record<string, string> = {}): void => {
      response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', ...headers });
      response.end(status === 304 ? undefined : text);
    };
    if (fault?.kind === 'primary-limit') return plain(429, '429: Too Many Requests');
    if (fault?.kind === 'secondary-limit')
      return plain(429, '429: Too Many Requests', { 'retry-after': String(fault.retryAfterSeconds ?? 60) });
    if (fault !== null) return sendFault(response, fault);
    const [owner = '', name = '', ref = '', ...parts] = (request.url ?? '')
      .slice(1)
      .split('/')
      .map(decodeURIComponent);
    const repository =
      this.repositories.find(`${owner}/${name}`) ?? this.repositories.movedFrom(`${owner}/${name}`);
    const text = repository?.files.get(parts.join('/'));
    const isKnown = ['HEAD', repository?.facts.default_branch].includes(ref);
    if (text === undefined || !isKnown) return plain(404, '404: Not Found');
    const etag = etagOf(text);
    const headers = { etag, 'cache-control': 'max-age=300', 'x-content-type-options': 'nosniff' };
    plain(hasEtag(request, etag) ? 304 : 200, text, headers);
  }

  #knows(authorization: string | undefined): boolean {
    if (authorization === undefined) return true;
    const sent = /^(?:token|bearer) (.+)$/i.exec(authorization)?.[1];
    return this.token !== null && sent === this.token;
  }

  #rateOf(resource: 'core' | 'search', authenticated: boolean): RateLimit {
    const hour = { limit: authenticated ? 5000 : 60, windowMs: 3_600_000 };
    const minute = { limit: authenticated ? 30 : 10, windowMs: 60_000 };
    const { limit, windowMs } = resource === 'search' ? minute : hour;
    const known = this.#limits.get(resource);
    if (known !== undefined && known.resetAt > Date.now()) return known;
    const fresh = { limit, used: 0, resetAt: Date.now() + windowMs };
    this.#limits.set(resource, fresh);
    return fresh;
  }
}

function kindOf(path: string): GitHubRequestKind {
  if (path === '/search/repositories') return 'search';
  const rest = /^\/(?:repos\/[^/]+\/[^/]+|repositories\/\d+)(?:\/(.*))?$/.exec(path)?.[1];
  if (rest === undefined) return /^\/(?:repos|repositories)\//.test(path) ? 'repository' : 'other';
  if (rest === 'readme') return 'readme';
  if (rest.startsWith('contents')) return 'contents';
  return rest.startsWith('git/trees/') ? 'tree' : 'other';
}

function urlOf(server: Server): string {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The stand-in does not listen.');
  return `http://127.0.0.1:${address.port}`;
}
