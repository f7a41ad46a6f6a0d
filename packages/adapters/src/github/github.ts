// The port CodeHost for GitHub: searches and lists through its REST API, files through its host of raw files.
import { CodeHostError, type Clock, type CodeHost, type HttpCache, type HttpReader } from '@insightloop/core';
import { createKeptAnswers } from './kept-answers.ts';
import { codeRepository, payloads } from './payloads.ts';
import { createRawFiles } from './raw-files.ts';
import { createRestApi } from './rest-api.ts';
import { maxQueryLength, searchQuery } from './search-query.ts';

export interface GitHubOptions {
  /** Connects to the two hosts below. */
  http: HttpReader;
  cache: HttpCache;
  clock: Pick<Clock, 'now'>;
  /** Goes to the API alone. Null: the lower limits of those who are not logged in. */
  token: string | null;
  /** Default: GitHub's own. */
  apiUrl?: string;
  /** Where the files of repositories lie, as `/{owner}/{name}/{ref}/{path}`. Default: GitHub's own. */
  rawUrl?: string;
  /** For so long answers are good without asking. Default: 5 minutes, as GitHub's own host of files keeps them. */
  freshMs?: number;
}

/** GitHub's search goes no further. */
const maxResults = 1000;

export function createGitHub(options: GitHubOptions): CodeHost {
  const { http, cache, clock, token, freshMs = 5 * 60_000 } = options;
  const { apiUrl = 'https://api.github.com', rawUrl = 'https://raw.githubusercontent.com' } = options;
  const kept = createKeptAnswers({ cache, clock, freshMs });
  const api = createRestApi({ url: apiUrl, token, http, kept, clock });
  const raw = createRawFiles({ url: rawUrl, http, kept, now: () => clock.now() });

  return {
    maxResults,
    maxQueryLength,
    authenticated: token !== null,

    async search(query, { page, perPage, signal }) {
      const { q, sort } = searchQuery(query);
      if ((page - 1) * perPage >= maxResults)
        throw new CodeHostError('invalid', `GitHub answers the first ${maxResults} results only.`);
      const parameters = {
        q,
        ...(sort === undefined ? {} : { sort, order: 'desc' }),
        per_page: perPage,
        page,
      };
      const found = await api.get({
        // A template, because Octokit leaves the + of a plain `q` as it is, and "C++" would become "C".
        route: 'GET /search/repositories{?q,sort,order,per_page,page}',
        parameters,
        schema: payloads.search,
        signal,
      });
      if (found === null) throw new CodeHostError('unreachable', 'GitHub has no search at this address.');
      return {
        repositories: found.items.map(codeRepository),
        total: found.total_count,
        incomplete: found.incomplete_results,
      };
    },

    async repository(fullName, signal) {
      const parameters = namesIn(fullName);
      if (parameters === null) return null;
      const found = await api.get({
        route: 'GET /repos/{owner}/{repo}',
        parameters,
        schema: payloads.repository,
        signal,
      });
      return found === null ? null : codeRepository(found);
    },

    async tree({ full_name, default_branch }, signal) {
      const parameters = namesIn(full_name);
      if (parameters === null) return null;
      const found = await api.get({
        route: 'GET /repos/{owner}/{repo}/git/trees/{tree_sha}',
        parameters: { ...parameters, tree_sha: default_branch, recursive: 1 },
        schema: payloads.tree,
        signal,
      });
      return found === null
        ? null
        : { paths: found.tree.map(({ path }) => path), truncated: found.truncated };
    },

    async files({ full_name }, paths, { maxBytes, signal }) {
      if (namesIn(full_name) === null) return new Map();
      // The first that fails ends the others.
      const failed = new AbortController();
      const either = AbortSignal.any([signal, failed.signal]);
      const read = async (path: string) => {
        const file = await raw.read({ fullName: full_name, path, maxBytes, signal: either });
        return file === null ? [] : [[path, file] as const];
      };
      try {
        return new Map((await Promise.all([...new Set(paths)].map(read))).flat());
      } catch (error) {
        failed.abort(error);
        throw error;
      }
    },
  };
}

/** Null where no repository can have such a name. */
function namesIn(fullName: string): { owner: string; repo: string } | null {
  const [, owner, repo] = /^([A-Za-z0-9_-][A-Za-z0-9_.-]*)\/([A-Za-z0-9_.-]+)$/.exec(fullName) ?? [];
  return owner === undefined || repo === undefined || repo === '.' || repo === '..' ? null : { owner, repo };
}
