// GitHub's own answers, as they were recorded: the adapter reads them, and the stand-in has each of their fields.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { MemoryHttpCache } from '@insightloop/core/testing';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createGitHub } from './github.ts';
import { openGitHubSite } from './testing/github-site.ts';

const require = createRequire(import.meta.url);
const scenarios = join(
  dirname(require.resolve('@octokit/fixtures/package.json')),
  'scenarios/api.github.com',
);
const { signal } = new AbortController();

const recording = z.array(
  z.object({
    method: z.string(),
    path: z.string(),
    status: z.int(),
    response: z.unknown(),
    headers: z.record(z.string(), z.union([z.string(), z.number()])),
  }),
);
const recorded = (scenario: string) => {
  const file = join(scenarios, scenario, 'normalized-fixture.json');
  return recording.parse(JSON.parse(readFileSync(file, 'utf8')));
};

/** Answers with what was recorded for a path. */
const hostOver = (scenario: string) => {
  const known = recorded(scenario).filter(({ method }) => method === 'get');
  return createGitHub({
    http: {
      read: async ({ url }) => {
        const { pathname } = new URL(url);
        const found = known.find(({ path }) => path === pathname);
        if (found === undefined) throw new Error(`nothing was recorded for ${pathname}`);
        const headers = Object.entries(found.headers).map(
          ([name, value]) => [name, String(value)] as [string, string],
        );
        // The reader has followed the redirect when it answers.
        const moved = known.find(({ path }) => found.headers['location'] === `https://api.github.com${path}`);
        const { status, response } = moved ?? found;
        return { status, headers: new Headers(headers), text: JSON.stringify(response), truncated: false };
      },
    },
    cache: new MemoryHttpCache(),
    clock: { now: () => Date.now() },
    token: null,
  });
};

/** Only who may write to a repository sees these. */
const forItsOwners = new Set([
  'permissions',
  'allow_squash_merge',
  'allow_merge_commit',
  'allow_rebase_merge',
  'allow_auto_merge',
  'delete_branch_on_merge',
  'allow_update_branch',
  'use_squash_pr_title_as_default',
  'squash_merge_commit_message',
  'squash_merge_commit_title',
  'merge_commit_message',
  'merge_commit_title',
  'security_and_analysis',
]);

const kindOf = (value: unknown): string =>
  value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value;

/** Fields that the recording has and the stand-in has not, or has with a value of another kind. */
const missingIn = (standIn: Record<string, unknown>, real: Record<string, unknown>): string[] =>
  Object.entries(real).flatMap(([field, value]) => {
    if (forItsOwners.has(field)) return [];
    if (!(field in standIn)) return [field];
    const kinds = [kindOf(value), kindOf(standIn[field])];
    return kinds.includes('null') || kinds[0] === kinds[1] ? [] : [`${field}: ${kinds.join(' is not ')}`];
  });

const object = z.record(z.string(), z.unknown());

describe('recorded answers', () => {
  it('are read: a repository', async () => {
    expect(await hostOver('get-repository').repository('octokit-fixture-org/hello-world', signal)).toEqual({
      host_id: 1000,
      full_name: 'octokit-fixture-org/hello-world',
      owner: 'octokit-fixture-org',
      name: 'hello-world',
      html_url: 'https://github.com/octokit-fixture-org/hello-world',
      description: null,
      homepage: null,
      default_branch: 'master',
      stars: 42,
      language: null,
      topics: ['fixtures', 'hello', 'hello-world'],
      archived: false,
      fork: false,
      pushed_at: new Date('2017-10-10T16:00:00Z'),
    });
  });

  it('are read: a repository that was renamed', async () => {
    const found = await hostOver('rename-repository').repository(
      'octokit-fixture-org/rename-repository',
      signal,
    );
    expect(found?.full_name).toBe('octokit-fixture-org/rename-repository-newname');
  });

  it('have no field that the stand-in lacks', async () => {
    const site = await openGitHubSite();
    const ask = async (path: string): Promise<{ headers: Headers; body: unknown }> => {
      const { headers, ...answer } = await fetch(`${site.github.apiUrl}${path}`, { redirect: 'manual' }).then(
        async (response) => ({ headers: response.headers, body: await response.json() }),
      );
      return { headers, body: answer.body };
    };
    try {
      site.github.add({
        full_name: 'octokit-fixture-org/hello-world',
        files: { 'README.md': '# hello-world' },
      });
      const [real] = recorded('get-repository');
      const { body, headers } = await ask('/repos/octokit-fixture-org/hello-world');
      expect(missingIn(object.parse(body), object.parse(real?.response))).toEqual([]);
      expect(
        missingIn(
          object.parse(object.parse(body)['owner']),
          object.parse(object.parse(real?.response)['owner']),
        ),
      ).toEqual([]);
      const limits = Object.keys(real?.headers ?? {}).filter((name) => /^(?:x-ratelimit-|etag)/.test(name));
      expect(limits.filter((name) => !headers.has(name))).toEqual([]);

      const listing = z.array(object);
      const [realListing] = recorded('get-content');
      const contents = await ask('/repos/octokit-fixture-org/hello-world/contents/');
      const [entry = {}] = listing.parse(contents.body);
      const [realEntry = {}] = listing.parse(realListing?.response);
      expect(missingIn(entry, realEntry)).toEqual([]);
      // Both are named by what git computes from the same content.
      expect(entry['sha']).toBe(realEntry['sha']);

      site.github.repositories.rename('octokit-fixture-org/hello-world', 'octokit-fixture-org/new');
      const moved = recorded('rename-repository').find(
        ({ method, status }) => method === 'get' && status === 301,
      );
      const redirect = await ask('/repos/octokit-fixture-org/hello-world');
      expect(missingIn(object.parse(redirect.body), object.parse(moved?.response))).toEqual([]);
      expect(redirect.headers.get('location')).toMatch(/\/repositories\/\d+$/);
    } finally {
      await site.close();
    }
  });
});
