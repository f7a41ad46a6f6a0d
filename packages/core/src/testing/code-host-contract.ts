// What every CodeHost must do: the fake, and the adapter against a stand-in of the real host.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  CodeHostError,
  type CodeHost,
  type CodeHostFailure,
  type RepositoryQuery,
} from '../servers/code-host.ts';
import type { RepositoryDraft } from './hosted-repository.ts';

export interface CodeHostSubject {
  /** Without repositories. */
  host: CodeHost;
  add(draft: RepositoryDraft): void;
  /** Under the old name it is still found. */
  rename(from: string, to: string): void;
  /** From now on everything fails so. */
  failWith(failure: Exclude<CodeHostFailure, 'invalid'>): void;
  end(): void | Promise<void>;
}

const everything: RepositoryQuery = {
  text: null,
  language: null,
  minStars: null,
  updatedAfter: null,
  includeArchived: false,
  includeForks: false,
};
const { signal } = new AbortController();
const firstPage = { page: 1, perPage: 30, signal };
const maxBytes = 1000;

export function describeCodeHost(name: string, open: () => Promise<CodeHostSubject>): void {
  describe(`the code host contract: ${name}`, () => {
    let subject: CodeHostSubject;
    let host: CodeHost;

    beforeEach(async () => {
      subject = await open();
      host = subject.host;
    });
    afterEach(() => subject.end());

    const namesOf = async (query: Partial<RepositoryQuery>): Promise<string[]> => {
      const { repositories } = await host.search({ ...everything, ...query }, firstPage);
      return repositories.map(({ full_name }) => full_name);
    };
    const addSome = (): void => {
      const topics = ['mcp-server'];
      const pushed_at = new Date('2026-05-05T12:00:00Z');
      subject.add({ full_name: 'a/postgres-mcp', stars: 50, language: 'Python', topics, pushed_at });
      subject.add({ full_name: 'b/other', stars: 90, language: 'C++', topics, description: 'For Postgres' });
      subject.add({ full_name: 'c/postgres-list', stars: 70, language: null });
      subject.add({ full_name: 'd/postgres-old', stars: 60, topics, archived: true });
      subject.add({ full_name: 'e/postgres-copy', stars: 40, topics, fork: true });
    };

    it('lists what has the topic, most stars first, where nothing is searched for', async () => {
      addSome();
      expect(await namesOf({})).toEqual(['b/other', 'a/postgres-mcp']);
      expect(await namesOf({ text: ' \n' })).toEqual(['b/other', 'a/postgres-mcp']);
    });

    it('finds words in names and descriptions', async () => {
      addSome();
      expect((await namesOf({ text: 'PostgreS' })).toSorted()).toEqual([
        'a/postgres-mcp',
        'b/other',
        'c/postgres-list',
      ]);
      expect(await namesOf({ text: 'postgres mcp' })).toContain('a/postgres-mcp');
      expect(await namesOf({ text: 'nowhere-to-be-found' })).toEqual([]);
    });

    it('narrows by language, stars and day', async () => {
      addSome();
      expect(await namesOf({ text: 'postgres', language: 'python' })).toEqual(['a/postgres-mcp']);
      expect(await namesOf({ text: 'postgres', language: 'C++' })).toEqual(['b/other']);
      expect((await namesOf({ text: 'postgres', minStars: 70 })).toSorted()).toEqual([
        'b/other',
        'c/postgres-list',
      ]);
      const onTheDay = new Date('2026-05-05T23:59:00Z');
      expect(await namesOf({ text: 'postgres', updatedAfter: onTheDay })).toEqual(['a/postgres-mcp']);
      expect(await namesOf({ text: 'postgres', updatedAfter: new Date('2026-05-06T00:00:00Z') })).toEqual([]);
    });

    it('has archived repositories and forks only where they are asked for', async () => {
      addSome();
      expect(await namesOf({ includeArchived: true })).toEqual([
        'b/other',
        'd/postgres-old',
        'a/postgres-mcp',
      ]);
      expect(await namesOf({ includeForks: true })).toEqual(['b/other', 'a/postgres-mcp', 'e/postgres-copy']);
    });

    it('pages, and says how many there are', async () => {
      for (let index = 0; index < 7; index += 1)
        subject.add({ full_name: `owner/paged-${index}`, stars: index, topics: ['mcp-server'] });
      const pages = await Promise.all(
        [1, 2, 3, 4].map((page) => host.search(everything, { page, perPage: 3, signal })),
      );
      expect(pages.map(({ repositories }) => repositories.map(({ stars }) => stars))).toEqual([
        [6, 5, 4],
        [3, 2, 1],
        [0],
        [],
      ]);
      expect(pages.map(({ total, incomplete }) => [total, incomplete])).toEqual(
        Array.from({ length: 4 }, () => [7, false]),
      );
    });

    it.each([
      ['too long', { text: 'x'.repeat(257) }, 1],
      ['with too many operators', { text: 'a OR b OR c OR d OR e NOT f AND g' }, 1],
      ['beyond the last result', {}, 35],
    ])('does not take a query that is %s', async (_what, query, page) => {
      const failure = await failureOf(
        host.search({ ...everything, ...query }, { page, perPage: 30, signal }),
      );
      expect(failure.failure).toBe('invalid');
    });

    it('takes the longest query that it says it takes', async () => {
      const text = 'x'.repeat(host.maxQueryLength);
      expect(
        await host.search({ ...everything, text, language: 'Go', minStars: 5 }, firstPage),
      ).toMatchObject({
        total: 0,
      });
    });

    it('knows all of a repository', async () => {
      const facts = {
        host_id: 4711,
        html_url: 'https://github.com/Owner/Name.js',
        description: 'Grüße, 世界 🎉',
        homepage: 'https://name.example/',
        default_branch: 'release/2.x',
        stars: 12,
        language: 'TypeScript',
        topics: ['mcp', 'mcp-server'],
        archived: true,
        fork: true,
        pushed_at: new Date('2026-02-03T04:05:06Z'),
      };
      subject.add({ ...facts, full_name: 'Owner/Name.js' });
      const full = { ...facts, full_name: 'Owner/Name.js', owner: 'Owner', name: 'Name.js' };
      expect(await host.repository('Owner/Name.js', signal)).toEqual(full);
      expect(await host.repository('owner/name.js', signal)).toEqual(full);
    });

    it('follows a rename', async () => {
      subject.add({ full_name: 'old/name', host_id: 12, files: { 'a.txt': 'a' } });
      subject.rename('old/name', 'new/place');
      const found = await host.repository('old/name', signal);
      expect(found).toMatchObject({ full_name: 'new/place', owner: 'new', name: 'place', host_id: 12 });
      expect(await host.tree({ full_name: 'old/name', default_branch: 'main' }, signal)).toMatchObject({
        paths: ['a.txt'],
      });
    });

    it.each(['no/where', 'no', 'no/where/else', '../..', 'no/..', 'a b/c', ''])(
      'knows no repository %o',
      async (fullName) => {
        const place = { full_name: fullName, default_branch: 'main' };
        expect(await host.repository(fullName, signal)).toBeNull();
        expect(await host.tree(place, signal)).toBeNull();
        expect(await host.files(place, ['README.md'], { maxBytes, signal })).toEqual(new Map());
      },
    );

    it('lists the files of a repository, and none of an empty one', async () => {
      const files = { 'README.md': '#', 'a/b/c d.json': '{}', 'a/é.md': '' };
      subject.add({ full_name: 'owner/full', files });
      subject.add({ full_name: 'owner/empty' });
      const full = await host.tree({ full_name: 'owner/full', default_branch: 'main' }, signal);
      expect({ ...full, paths: full?.paths.toSorted() }).toEqual({
        paths: ['README.md', 'a/b/c d.json', 'a/é.md'],
        truncated: false,
      });
      expect(await host.tree({ full_name: 'owner/empty', default_branch: 'main' }, signal)).toBeNull();
    });

    it('reads files, and leaves out those that do not exist', async () => {
      const files = { 'README.md': '# Grüße 🎉\r\n', 'a/b/c d#e?.json': '{}', 'empty.txt': '' };
      subject.add({ full_name: 'owner/name', files });
      const place = { full_name: 'owner/name', default_branch: 'main' };
      const paths = [...Object.keys(files), 'none.md', '../name/README.md', '/README.md', '', 'README.md'];
      const found = await host.files(place, paths, { maxBytes, signal });
      expect(Object.fromEntries(found)).toEqual(
        Object.fromEntries(Object.entries(files).map(([path, text]) => [path, { text, truncated: false }])),
      );
    });

    it('cuts a file that is longer than was asked for, between characters', async () => {
      subject.add({ full_name: 'owner/name', files: { 'README.md': 'ä'.repeat(3000) } });
      const place = { full_name: 'owner/name', default_branch: 'main' };
      const read = async (bytes: number) =>
        (await host.files(place, ['README.md'], { maxBytes: bytes, signal })).get('README.md');
      expect(await read(6001)).toEqual({ text: 'ä'.repeat(3000), truncated: false });
      expect(await read(6000)).toEqual({ text: 'ä'.repeat(3000), truncated: false });
      expect(await read(5999)).toEqual({ text: 'ä'.repeat(2999), truncated: true });
      expect(await read(11)).toEqual({ text: 'äääää', truncated: true });
    });

    it.each(['limited', 'refused', 'unreachable'] as const)('says when it is %s', async (failure) => {
      subject.add({ full_name: 'owner/name', files: { 'README.md': '#' } });
      subject.failWith(failure);
      for (const ask of [
        () => host.search(everything, firstPage),
        () => host.repository('owner/name', signal),
        () => host.tree({ full_name: 'owner/name', default_branch: 'main' }, signal),
      ]) {
        const error = await failureOf(ask());
        expect(error.failure).toBe(failure);
        if (failure === 'limited') expect(error.retryAfterSeconds).toBeGreaterThan(0);
      }
    });

    it('gives up when nobody waits any more', async () => {
      const place = { full_name: 'owner/name', default_branch: 'main' };
      const gone = AbortSignal.abort(new Error('nobody waits'));
      for (const ask of [
        () => host.search(everything, { ...firstPage, signal: gone }),
        () => host.repository('owner/name', gone),
        () => host.tree(place, gone),
        () => host.files(place, ['README.md'], { maxBytes, signal: gone }),
      ])
        await expect(ask()).rejects.toThrow('nobody waits');
    });
  });
}

async function failureOf(asked: Promise<unknown>): Promise<CodeHostError> {
  const thrown: unknown = await asked.then(
    () => null,
    (error: unknown) => error,
  );
  if (!(thrown instanceof CodeHostError)) throw new Error(`expected a CodeHostError, not ${String(thrown)}`);
  return thrown;
}
