// A search for repositories in GitHub's own syntax, and whether GitHub would take it.
import { CodeHostError, type RepositoryQuery } from '@insightloop/core';

/** Without the qualifiers that our filters add; GitHub counts neither those nor operators. */
export const maxQueryLength = 256;
const maxOperators = 5;
/** Names such as "C++", "Objective-C" and "Vim Script"; a quote would end the qualifier. */
const languageName = /^[\p{L}\p{N} .+#'’*/()_-]{1,60}$/u;

export interface SearchQuery {
  q: string;
  /** Without it GitHub sorts by how well a repository fits. */
  sort?: 'stars';
}

/** @throws CodeHostError invalid, with what is wrong */
export function searchQuery(query: RepositoryQuery): SearchQuery {
  const text = (query.text ?? '').replace(/[\p{Cc}\s]+/gu, ' ').trim();
  requireTakeable(text);
  const { language, minStars, updatedAfter, includeArchived, includeForks } = query;
  if (language !== null && !languageName.test(language))
    throw new CodeHostError(
      'invalid',
      `${JSON.stringify(language.slice(0, 60))} is not the name of a language.`,
    );
  const q = [
    text === '' ? 'topic:mcp-server' : text,
    language === null ? '' : `language:"${language}"`,
    minStars === null ? '' : `stars:>=${minStars}`,
    updatedAfter === null ? '' : `pushed:>=${updatedAfter.toISOString().slice(0, 10)}`,
    includeArchived ? '' : 'archived:false',
    // Forks are left out unless asked for.
    includeForks ? 'fork:true' : '',
  ];
  return { q: q.filter((part) => part !== '').join(' '), ...(text === '' ? { sort: 'stars' } : {}) };
}

function requireTakeable(text: string): void {
  const { length } = Array.from(text);
  if (length > maxQueryLength)
    throw new CodeHostError(
      'invalid',
      `The query has ${length} characters; GitHub takes ${maxQueryLength} at most.`,
    );
  const operators = text.replace(/"[^"]*"/g, '').match(/(?<!\S)(?:AND|OR|NOT)(?!\S)/g)?.length ?? 0;
  if (operators > maxOperators)
    throw new CodeHostError(
      'invalid',
      `The query has ${operators} of the operators AND, OR and NOT; GitHub takes ${maxOperators} at most.`,
    );
}
