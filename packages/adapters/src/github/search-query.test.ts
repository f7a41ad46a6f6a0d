// How a search is written in GitHub's syntax, and what is refused before GitHub refuses it.
import type { RepositoryQuery } from '@insightloop/core';
import { describe, expect, it } from 'vitest';
import { searchQuery } from './search-query.ts';

const nothing: RepositoryQuery = {
  text: null,
  language: null,
  minStars: null,
  updatedAfter: null,
  includeArchived: false,
  includeForks: false,
};
const of = (query: Partial<RepositoryQuery>) => searchQuery({ ...nothing, ...query });

describe('a search', () => {
  it.each<[Partial<RepositoryQuery>, object]>([
    [{}, { q: 'topic:mcp-server archived:false', sort: 'stars' }],
    [{ text: ' ' }, { q: 'topic:mcp-server archived:false', sort: 'stars' }],
    [{ text: 'web\n\tsearch\0' }, { q: 'web search archived:false' }],
    [{ text: 'a', includeArchived: true, includeForks: true }, { q: 'a fork:true' }],
    [
      { text: 'a', language: 'C++', minStars: 0, updatedAfter: new Date('2026-01-31T23:59:59.999Z') },
      { q: 'a language:"C++" stars:>=0 pushed:>=2026-01-31 archived:false' },
    ],
    [{ text: 'a', language: 'Vim Script' }, { q: 'a language:"Vim Script" archived:false' }],
    [{ text: '"AND OR NOT AND OR NOT" and or' }, { q: '"AND OR NOT AND OR NOT" and or archived:false' }],
  ])('for %o is %o', (query, expected) => {
    expect(of(query)).toEqual(expected);
  });

  it.each<[Partial<RepositoryQuery>, RegExp]>([
    [{ text: 'x'.repeat(257) }, /257 characters.*256/],
    [{ text: 'a AND b OR c NOT d AND e OR f NOT g' }, /6 of the operators/],
    [{ language: 'C" repo:a/b' }, /is not the name of a language/],
    [{ language: '' }, /is not the name of a language/],
    [{ language: 'x'.repeat(61) }, /is not the name of a language/],
    [{ language: 'a\nb' }, /is not the name of a language/],
  ])('for %o is none', (query, message) => {
    expect(() => of(query)).toThrow(message);
  });

  it('counts characters as people do', () => {
    expect(of({ text: '🎉'.repeat(256) }).q).toContain('🎉');
  });
});
