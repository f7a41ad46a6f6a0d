// Answers of other people's services in PostgreSQL.
import type { HttpCache } from '@insightloop/core';
import type { Database } from './database.ts';
import { answered } from './database-errors.ts';

export function createHttpCache({ client }: Pick<Database, 'client'>): HttpCache {
  const table = client.cachedAnswer;
  return {
    async find(key) {
      const row = await answered(table.findUnique({ where: { key } }));
      return row && { etag: row.etag, body: row.body, checked_at: row.checked_at };
    },

    async put(key, { etag, body, checked_at }) {
      // PostgreSQL has no NUL in texts; JSON writes it as an escape, so it can only stand in what is none.
      const answer = { etag, body: body.replaceAll('\0', '\uFFFD').toWellFormed(), checked_at };
      await answered(table.upsert({ where: { key }, create: { key, ...answer }, update: answer }));
    },

    async touch(key, checked_at) {
      await answered(table.updateMany({ where: { key }, data: { checked_at } }));
    },

    async prune(before) {
      const { count } = await answered(table.deleteMany({ where: { checked_at: { lt: before } } }));
      return count;
    },
  };
}
