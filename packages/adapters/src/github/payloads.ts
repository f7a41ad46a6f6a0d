// What we read of GitHub's answers: strict about each field that we use, blind to all others.
import type { CodeRepository } from '@insightloop/core';
import { z } from 'zod';

/** Fit to be stored and shown: a database takes no NUL, and JSON can smuggle in half a character. */
const text = z.string().transform((value) => value.toWellFormed().replaceAll('\0', '\u{fffd}'));
const optionalText = text
  .nullish()
  .transform((value) => (value === undefined || value === '' ? null : value));

/** Names as GitHub allows them: they become parts of paths and addresses. */
const fullName = z.string().regex(/^[A-Za-z0-9_-][A-Za-z0-9_.-]*\/[A-Za-z0-9_.-]+$/);

const repository = z.object({
  id: z.int(),
  full_name: fullName,
  html_url: z.url({ protocol: /^https?$/ }),
  description: optionalText,
  homepage: optionalText,
  default_branch: z.string().min(1),
  stargazers_count: z.int().min(0),
  language: optionalText,
  topics: z.array(text).default([]),
  archived: z.boolean().default(false),
  fork: z.boolean().default(false),
  pushed_at: z.iso
    .datetime({ offset: true })
    .nullish()
    .transform((time) => time ?? null),
});

/** Each schema also reads what it has written, because that is what is kept in the cache. */
export const payloads = {
  repository,
  search: z.object({
    total_count: z.int().min(0),
    incomplete_results: z.boolean(),
    items: z.array(repository),
  }),
  tree: z.object({
    truncated: z.boolean(),
    tree: z
      .array(z.object({ path: z.string(), type: z.string() }))
      .transform((entries) => entries.filter(({ type }) => type === 'blob')),
  }),
};

export function codeRepository(payload: z.output<typeof repository>): CodeRepository {
  const { id, full_name, stargazers_count, pushed_at, ...same } = payload;
  const slash = full_name.indexOf('/');
  return {
    ...same,
    host_id: id,
    full_name,
    owner: full_name.slice(0, slash),
    name: full_name.slice(slash + 1),
    stars: stargazers_count,
    pushed_at: pushed_at === null ? null : new Date(pushed_at),
  };
}
