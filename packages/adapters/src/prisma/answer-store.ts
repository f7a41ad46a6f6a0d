// Answers under Idempotency-Keys in PostgreSQL.
import { answerLifeMs, claimLifeMs, type AnswerStore, type Clock } from '@insightloop/core';
import type { Database } from './database.ts';
import { answered } from './database-errors.ts';

export function createAnswerStore(
  { client }: Pick<Database, 'client'>,
  clock: Pick<Clock, 'now'>,
): AnswerStore {
  const table = client.answer;
  return {
    async claim(key, fingerprint) {
      const now = clock.now();
      const old = new Date(now - answerLifeMs);
      const dead = new Date(now - claimLifeMs);
      // Every claim clears away what is over, so the table holds no more than a day.
      await answered(
        table.deleteMany({
          where: { OR: [{ since: { lte: old } }, { answer: null, since: { lte: dead } }] },
        }),
      );
      const claimed = { key, fingerprint, answer: null, since: new Date(now) };
      const { count } = await answered(table.createMany({ data: [claimed], skipDuplicates: true }));
      if (count === 1) return { state: 'new' };
      const known = await answered(table.findUnique({ where: { key } }));
      // Released between our two questions: as if we had come a moment later.
      if (!known) return this.claim(key, fingerprint);
      if (known.fingerprint !== fingerprint) return { state: 'different' };
      return known.answer === null ? { state: 'pending' } : { state: 'answered', answer: known.answer };
    },

    async renew(key) {
      await answered(
        table.updateMany({ where: { key, answer: null }, data: { since: new Date(clock.now()) } }),
      );
    },

    async answer(key, answer) {
      await answered(table.updateMany({ where: { key }, data: { answer } }));
    },

    async release(key) {
      await answered(table.deleteMany({ where: { key, answer: null } }));
    },
  };
}
