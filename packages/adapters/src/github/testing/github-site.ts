// The adapter pointed at a stand-in for GitHub, with a cache and a clock of its own.
import type { CodeHost } from '@insightloop/core';
import { MemoryHttpCache } from '@insightloop/core/testing';
import { GitHub } from '../../../../../tests/support/github/github.ts';
import { createHttpReader } from '../../http/index.ts';
import { createGitHub, type GitHubOptions } from '../github.ts';

export const freshMs = 60_000;

export interface GitHubSite {
  github: GitHub;
  cache: MemoryHttpCache;
  host: CodeHost;
  /** Another adapter over the same cache. */
  hostWith(changes: Partial<GitHubOptions>): CodeHost;
  /** Lets time go on. */
  pass(ms: number): void;
  close(): Promise<void>;
}

export const openGitHubSite = async (token: string | null = null): Promise<GitHubSite> => {
  const github = await GitHub.start();
  github.token = token;
  const cache = new MemoryHttpCache();
  let passedMs = 0;
  const hostWith = (changes: Partial<GitHubOptions>): CodeHost =>
    createGitHub({
      http: createHttpReader({ timeoutMs: 2_000 }),
      cache,
      clock: { now: () => Date.now() + passedMs },
      token,
      apiUrl: github.apiUrl,
      rawUrl: github.rawUrl,
      freshMs,
      ...changes,
    });
  return {
    github,
    cache,
    host: hostWith({}),
    hostWith,
    pass: (ms) => void (passedMs += ms),
    close: () => github.close(),
  };
};
