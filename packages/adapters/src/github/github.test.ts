// What the adapter does beyond the contract: what it costs, what it keeps, how it takes limits, and where the token goes.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CodeHostError, type CodeHost, type RepositoryQuery } from '@insightloop/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { GitHubFault } from '../../../../tests/support/github/github.ts';
import { freshMs, openGitHubSite, type GitHubSite } from './testing/github-site.ts';

const token = 'ghp_operatorsOwnToken0123456789';
const { signal } = new AbortController();
const servers: RepositoryQuery = {
  text: 'server',
  language: null,
  minStars: null,
  updatedAfter: null,
  includeArchived: false,
  includeForks: false,
};
const place = { full_name: 'owner/server-1', default_branch: 'main' };
const twenty = { page: 1, perPage: 20, signal };
const maxBytes = 100_000;

let site: GitHubSite;
beforeEach(async () => {
  site = await openGitHubSite();
  for (let index = 1; index <= 30; index += 1)
    site.github.add({ full_name: `owner/server-${index}`, files: { 'README.md': `# ${index}` } });
});
afterEach(() => site.close());

const failureOf = async (asked: Promise<unknown>): Promise<CodeHostError> => {
  const thrown: unknown = await asked.catch((error: unknown) => error);
  if (!(thrown instanceof CodeHostError)) throw new Error(`no CodeHostError but ${String(thrown)}`);
  return thrown;
};
const statuses = (): (number | null)[] => site.github.requests.map(({ status }) => status);

describe('twenty results', () => {
  const readAll = async (host: CodeHost): Promise<void> => {
    const { repositories } = await host.search(servers, twenty);
    expect(repositories).toHaveLength(20);
    const read = (one: (typeof repositories)[number]) =>
      host.files(one, ['README.md', 'package.json', 'server.json'], { maxBytes, signal });
    await Promise.all(repositories.map(read));
  };

  it('cost one request when cold, none within the time, and one that counts for nothing after it', async () => {
    const { github, host, pass } = site;
    await readAll(host);
    expect([github.count(), github.count('raw')]).toEqual([1, 60]);
    await readAll(host);
    expect([github.count(), github.count('raw')]).toEqual([1, 60]);
    pass(freshMs + 1);
    await readAll(host);
    expect(github.count()).toBe(2);
    expect(statuses().filter((status) => status === 304)).toHaveLength(21);
    expect(github.requests.filter(({ kind, status }) => kind === 'raw' && status === 304)).toHaveLength(20);
  });

  it('are kept for the next life of ours', async () => {
    const { github, host, hostWith } = site;
    await readAll(host);
    await readAll(hostWith({}));
    expect([github.count(), github.count('raw')]).toEqual([1, 60]);
  });
});

describe('what was kept', () => {
  it('gives way to what is new', async () => {
    const { github, host, pass } = site;
    const read = async () =>
      (await host.files(place, ['README.md'], { maxBytes, signal })).get('README.md')?.text;
    expect(await read()).toBe('# 1');
    github.repositories.push('owner/server-1', { 'README.md': '# new' }, new Date('2026-06-06T00:00:00Z'));
    expect(await read()).toBe('# 1');
    pass(freshMs + 1);
    expect(await read()).toBe('# new');
    expect((await host.repository('owner/server-1', signal))?.pushed_at).toEqual(
      new Date('2026-06-06T00:00:00Z'),
    );
  });

  it('is read anew where an older version of us wrote something else', async () => {
    const { github, cache, host } = site;
    await host.repository('owner/server-1', signal);
    for (const key of cache.keys)
      await cache.put(key, { etag: '"x"', body: '{"answer":{"id":"?"}}', checked_at: new Date() });
    expect((await host.repository('owner/server-1', signal))?.full_name).toBe('owner/server-1');
    for (const key of cache.keys) await cache.put(key, { etag: '"x"', body: '{', checked_at: new Date() });
    expect((await host.repository('owner/server-1', signal))?.full_name).toBe('owner/server-1');
    expect(github.count('repository')).toBe(3);
  });

  it('is not for somebody with another token', async () => {
    const { github, hostWith, cache } = site;
    github.token = token;
    await hostWith({ token: null }).repository('owner/server-1', signal);
    await hostWith({ token }).repository('owner/server-1', signal);
    expect(github.count('repository')).toBe(2);
    expect(cache.keys.join(' ')).not.toContain(token);
  });

  it('includes that there is nothing', async () => {
    const { github, host } = site;
    for (let count = 0; count < 2; count += 1) {
      expect(await host.repository('no/where', signal)).toBeNull();
      expect(await host.files(place, ['none'], { maxBytes, signal })).toEqual(new Map());
    }
    expect(github.requests).toHaveLength(2);
  });
});

describe('a limit', () => {
  it.each<[string, GitHubFault, number]>([
    ['primary', { kind: 'primary-limit', resetInSeconds: 1200 }, 1200],
    ['primary, as 429', { kind: 'primary-limit', resetInSeconds: 300, status: 429 }, 300],
    ['secondary', { kind: 'secondary-limit', retryAfterSeconds: 42 }, 42],
    ['secondary, as 429', { kind: 'secondary-limit', retryAfterSeconds: 42, status: 429 }, 42],
    ['secondary without a time', { kind: 'secondary-limit', retryAfterSeconds: null }, 60],
  ])('that is %s is told at once, and nothing is asked until it is over', async (_name, fault, seconds) => {
    const { github, host, pass } = site;
    github.breakWith('search', fault);
    const failure = await failureOf(host.search(servers, twenty));
    expect(failure.failure).toBe('limited');
    expect(failure.message).toMatch(/try again in \d+ s, or set GITHUB_TOKEN/);
    expect(failure.retryAfterSeconds).toBeGreaterThan(seconds - 5);
    expect(failure.retryAfterSeconds).toBeLessThanOrEqual(seconds + 1);
    github.breakWith('search', null);
    expect((await failureOf(host.search(servers, twenty))).failure).toBe('limited');
    expect(github.count('search')).toBe(1);
    // Searches have a limit of their own.
    expect(await host.repository('owner/server-1', signal)).not.toBeNull();
    github.limit('search', 10, 60);
    pass((seconds + 2) * 1000);
    expect((await host.search(servers, twenty)).total).toBe(30);
  });

  it('that ends in a moment is waited for', async () => {
    const { github, host } = site;
    github.breakWith('search', { kind: 'secondary-limit', retryAfterSeconds: 1 });
    const asked = host.search(servers, twenty);
    while (statuses()[0] === undefined || statuses()[0] === null) await new Promise(setImmediate);
    github.breakWith('search', null);
    expect((await asked).total).toBe(30);
    expect(statuses()).toEqual([403, 200]);
  });

  it('is known from the last answer before it', async () => {
    const { github, host } = site;
    github.limit('core', 1, 500);
    expect(await host.repository('owner/server-1', signal)).not.toBeNull();
    const failure = await failureOf(host.repository('owner/server-2', signal));
    expect([failure.failure, github.count('repository')]).toEqual(['limited', 1]);
    // What is still good needs nobody.
    expect(await host.repository('owner/server-1', signal)).not.toBeNull();
  });

  it('of the host of files is one too', async () => {
    const { github, host } = site;
    github.breakWith('raw', { kind: 'secondary-limit', retryAfterSeconds: 7 });
    const failure = await failureOf(host.files(place, ['README.md'], { maxBytes, signal }));
    expect(failure).toMatchObject({ failure: 'limited', retryAfterSeconds: 7 });
  });
});

describe('trouble', () => {
  it.each<[string, GitHubFault]>([
    ['a connection that breaks', { kind: 'cut' }],
    ['an error', { kind: 'status', status: 502 }],
    ['something that is not JSON', { kind: 'garbage' }],
    ['a redirect to somebody else', { kind: 'redirect', to: 'http://127.0.0.1:1/' }],
  ])('such as %s makes it unreachable', async (_name, fault) => {
    const { github, host } = site;
    github.breakWith('all', fault);
    const failure = await failureOf(host.search(servers, twenty));
    expect(failure.failure).toBe('unreachable');
    expect(failure.message).toMatch(/^GitHub cannot be asked right now: .+\.$/);
    expect(github.count('search')).toBeLessThanOrEqual(2);
  });

  it.each<[string, GitHubFault]>([
    ['a connection that breaks', { kind: 'cut' }],
    ['an error', { kind: 'status', status: 500 }],
  ])('with files, such as %s, is tried once more and then told', async (_name, fault) => {
    const { github, host } = site;
    github.breakWith('raw', fault);
    const failure = await failureOf(host.files(place, ['README.md'], { maxBytes, signal }));
    expect([failure.failure, github.count('raw')]).toEqual(['unreachable', 2]);
  });

  it('is over when it is over', async () => {
    const { github, host } = site;
    github.breakWith('all', { kind: 'status', status: 503 });
    await failureOf(host.search(servers, twenty));
    github.breakWith('all', null);
    expect((await host.search(servers, twenty)).total).toBe(30);
  });

  it('does not hold up who leaves', async () => {
    const { github, host } = site;
    github.breakWith('all', { kind: 'silence' });
    for (const ask of [
      (gone: AbortSignal) => host.search(servers, { ...twenty, signal: gone }),
      (gone: AbortSignal) => host.tree(place, gone),
      (gone: AbortSignal) => host.files(place, ['README.md'], { maxBytes, signal: gone }),
    ]) {
      const before = github.requests.length;
      const asked = new AbortController();
      const answer = ask(asked.signal);
      while (github.requests.length === before) await new Promise(setImmediate);
      asked.abort(new Error('nobody waits'));
      await expect(answer).rejects.toThrow('nobody waits');
    }
  });

  it('with a query is the caller’s', async () => {
    const failure = await failureOf(site.host.search({ ...servers, language: 'Klingon' }, twenty));
    expect(failure).toMatchObject({ failure: 'invalid', retryAfterSeconds: null });
    expect(failure.message).toContain('The language Klingon is not known');
  });
});

describe('answers', () => {
  it('may be incomplete, and lists cut', async () => {
    const { github, host } = site;
    github.incomplete = true;
    github.truncatedTrees = true;
    github.add({ full_name: 'owner/many', files: { a: '', b: '', c: '', d: '' } });
    expect(await host.search(servers, twenty)).toMatchObject({ incomplete: true, total: 30 });
    expect(await host.tree({ full_name: 'owner/many', default_branch: 'main' }, signal)).toEqual({
      paths: ['a', 'b'],
      truncated: true,
    });
  });

  it('count beyond what can be paged to', async () => {
    const { github, host } = site;
    for (let index = 0; index < 1100; index += 1) github.add({ full_name: `many/server-x${index}` });
    const { repositories, total } = await host.search(servers, { page: 10, perPage: 100, signal });
    expect([repositories.length, total]).toEqual([100, 1130]);
  });

  it('hold nothing that a database would not take', async () => {
    const { github, host } = site;
    github.add({ full_name: 'odd/server', description: 'a\0b\ud800c', files: { 'README.md': 'a\0b' } });
    expect((await host.repository('odd/server', signal))?.description).toBe('a\u{fffd}b\u{fffd}c');
    const files = await host.files({ full_name: 'odd/server', default_branch: 'main' }, ['README.md'], {
      maxBytes,
      signal,
    });
    expect(files.get('README.md')?.text).toBe('a\u{fffd}b');
  });
});

describe('a repository', () => {
  it.each([404, 410, 451])('that GitHub answers with %i is none', async (status) => {
    const { github, host } = site;
    github.breakWith('repository', { kind: 'status', status });
    expect(await host.repository('owner/server-1', signal)).toBeNull();
  });

  it('that lay in a folder is served like any other', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'repositories-'));
    try {
      await mkdir(join(folder, 'some__thing.js/packages/a'), { recursive: true });
      await writeFile(join(folder, 'README.md'), 'no repository');
      const meta = {
        full_name: 'some/thing.js',
        default_branch: 'trunk',
        commit_date: '2026-08-20T18:19:32+02:00',
        html_url: 'https://github.com/some/thing.js',
        language: 'Go',
      };
      await writeFile(join(folder, 'some__thing.js/meta.json'), JSON.stringify(meta));
      await writeFile(join(folder, 'some__thing.js/truth.json'), '{}');
      await writeFile(join(folder, 'some__thing.js/README.md'), '# Thing');
      await writeFile(join(folder, 'some__thing.js/packages/a/package.json'), '{}');
      const { github, host } = site;
      expect(await github.addFolder(folder)).toBe(1);
      const [found] = (await host.search({ ...servers, text: 'thing' }, twenty)).repositories;
      expect(found).toMatchObject({
        full_name: 'some/thing.js',
        default_branch: 'trunk',
        language: 'Go',
        pushed_at: new Date('2026-08-20T16:19:32Z'),
      });
      if (found === undefined) return;
      const paths = ['README.md', 'packages/a/package.json'];
      expect((await host.tree(found, signal))?.paths.toSorted()).toEqual(paths);
      expect([...(await host.files(found, [...paths, 'truth.json'], { maxBytes, signal })).keys()]).toEqual(
        paths,
      );
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe('the token', () => {
  it('goes to the API and nowhere else', async () => {
    const { github, hostWith } = site;
    github.token = token;
    const host = hostWith({ token });
    expect(host.authenticated).toBe(true);
    await host.search(servers, twenty);
    await host.files(place, ['README.md'], { maxBytes, signal });
    expect(github.requests.map(({ kind, authorization }) => [kind, authorization])).toEqual([
      ['search', `token ${token}`],
      ['raw', null],
    ]);
    const elsewhere = await openGitHubSite();
    try {
      github.breakWith('all', { kind: 'redirect', to: `${elsewhere.github.apiUrl}/repos/owner/server-2` });
      await failureOf(host.repository('owner/server-2', signal));
      await failureOf(host.files(place, ['other'], { maxBytes, signal }));
      expect(elsewhere.github.requests).toEqual([]);
    } finally {
      await elsewhere.close();
    }
  });

  it('that is refused is told of, and shown nowhere', async () => {
    const { github, hostWith, cache } = site;
    github.token = 'another';
    const host = hostWith({ token });
    const refused = await failureOf(host.search(servers, twenty));
    expect(refused).toMatchObject({ failure: 'refused', message: expect.stringContaining('GITHUB_TOKEN') });
    github.breakWith('all', { kind: 'status', status: 500 });
    const broken = await failureOf(host.repository('owner/server-1', signal));
    github.breakWith('all', { kind: 'cut' });
    const cut = await failureOf(host.repository('owner/server-1', signal));
    for (const error of [refused, broken, cut]) expect(everythingIn(error)).not.toContain(token);
    expect(cache.keys.join(' ')).not.toContain(token);
  });
});

/** What a log would show of an error, down to the last cause. */
function everythingIn(error: unknown, depth = 0): string {
  if (typeof error !== 'object' || error === null || depth > 8) return String(error);
  const names = Object.getOwnPropertyNames(error);
  const values = names.map((name): unknown => Reflect.get(error, name));
  return names.map((name, index) => `${name}=${everythingIn(values[index], depth + 1)}`).join('\n');
}
