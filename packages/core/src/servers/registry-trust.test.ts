// Which entries of the registry are believed about a repository.
import { describe, expect, it } from 'vitest';
import { groupEntries } from './discovery-search.ts';
import type { RegistryEntry } from './mcp-registry.ts';
import { claimedNamesIn, speaksFor } from './registry-trust.ts';

const entry = (name: string, repository: string | null = 'https://github.com/Owner/Name'): RegistryEntry => ({
  name,
  title: null,
  description: null,
  version: '1.0.0',
  repository_url: repository,
  subfolder: null,
  website_url: null,
  updated_at: null,
  server_json: {},
});

const repository = { full_name: 'Owner/Name', owner: 'Owner', homepage: 'https://docs.example.com/name' };

describe('an entry of the registry', () => {
  it.each([
    ['io.github.owner/name', true],
    ['io.github.OWNER/anything', true],
    ['com.example/name', true],
    ['com.example.docs/name', true],
    ['com.example.other/name', false],
    ['example.docs/name', false],
    ['io.github.evil/name', false],
    ['com.evil/name', false],
    ['com.claimed/name', true],
  ])('%s speaks for the repository: %s', (name, expected) => {
    const claimedNames = new Set(['com.claimed/name']);
    expect(speaksFor(entry(name), { repository, claimedNames })).toBe(expected);
  });

  it('about another repository never does', () => {
    const about = entry('io.github.owner/name', 'https://github.com/owner/other');
    expect(speaksFor(about, { repository })).toBe(false);
    expect(speaksFor(entry('io.github.owner/name', null), { repository })).toBe(false);
  });

  it('gets the repository’s id only from its owner', () => {
    const groups = groupEntries([
      entry('io.github.owner/name'),
      entry('io.github.owner/name-two'),
      entry('com.evil/name'),
    ]);
    expect(groups).toMatchObject([
      { owner: 'Owner', name: 'Name', repositoryKey: 'github.com/owner/name', entries: [{}, {}] },
      { owner: 'com.evil', name: 'name', repositoryKey: null },
    ]);
  });
});

describe('names that files claim', () => {
  it('come from server.json and package.json, and from nothing that is broken', () => {
    const files = new Map([
      ['server.json', '{"name": "com.one/x"}'],
      ['packages/a/package.json', '{"name": "a", "mcpName": "com.two/x"}'],
      ['README.md', 'com.three/x'],
      ['src/server.json', '{"name": ["com.four/x"]}'],
      ['b/package.json', '{"__proto__": {"mcpName": "com.five/x"}}'],
      ['c/package.json', '{{{'],
    ]);
    expect(claimedNamesIn(files)).toEqual(new Set(['com.one/x', 'com.two/x']));
  });
});
