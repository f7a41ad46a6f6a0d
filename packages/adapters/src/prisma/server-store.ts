// Servers in PostgreSQL.
import { server, type Server, type ServerStore } from '@insightloop/core';
import type { Database } from './database.ts';
import { answered } from './database-errors.ts';

export function createServerStore({ client }: Pick<Database, 'client'>): ServerStore {
  const table = client.server;
  return {
    async insert(entry) {
      const { count } = await answered(table.createMany({ data: [entry], skipDuplicates: true }));
      return count === 1;
    },

    async put(entry) {
      const { id, name, description, kind, source, launch, updated_at } = entry;
      const update = { name, description, kind, source, launch, updated_at };
      await answered(table.upsert({ where: { id }, create: entry, update }));
    },

    async find(id) {
      const row = await answered(table.findUnique({ where: { id } }));
      return row && toServer(row);
    },

    async list({ limit, offset }) {
      const [rows, total] = await Promise.all([
        answered(table.findMany({ orderBy: { id: 'asc' }, take: limit, skip: offset })),
        answered(table.count()),
      ]);
      return { servers: rows.map(toServer), total };
    },

    async delete(id) {
      const { count } = await answered(table.deleteMany({ where: { id } }));
      return count === 1;
    },
  };
}

/** What the database holds was written by some version of ours, not necessarily this one. */
const toServer = (row: object): Server => server.parse(row);
