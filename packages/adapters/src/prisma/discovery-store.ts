// What discovery has found, in PostgreSQL: a row beside each server.
import {
  emptyFinding,
  finding,
  server,
  type DiscoveryStore,
  type Finding,
  type Found,
} from '@insightloop/core';
import { z } from 'zod';
import type { Database } from './database.ts';
import { answered } from './database-errors.ts';
import { Prisma } from './generated/client.ts';

export function createDiscoveryStore({ client }: Pick<Database, 'client'>): DiscoveryStore {
  const table = client.discovery;
  const include = { server: true } as const;
  return {
    async find(server_id) {
      const row = await answered(table.findUnique({ where: { server_id }, include }));
      return row && toFound(row);
    },

    async ofRepositories({ hostIds, keys }) {
      const where = {
        OR: [
          { host_id: { in: hostIds.map(BigInt) } },
          { repository_key: { in: [...keys] }, ...(hostIds.length > 0 && { host_id: null }) },
        ],
      };
      return (await answered(table.findMany({ where, include, orderBy: { server_id: 'asc' } }))).map(toFound);
    },

    async ofRegistryNames(names) {
      const where = { registry_name: { in: [...names] }, repository_key: null };
      return (await answered(table.findMany({ where, include, orderBy: { server_id: 'asc' } }))).map(toFound);
    },

    async own(limit) {
      const rows = await answered(
        client.server.findMany({
          where: { source: { not: 'discovered' } },
          include: { discovery: true },
          orderBy: { id: 'asc' },
          take: limit,
        }),
      );
      return rows.map(({ discovery, ...row }) => {
        const known = server.parse(row);
        return {
          server: known,
          finding: discovery ? toFinding(discovery) : emptyFinding(known.id, known.created_at),
        };
      });
    },

    async taken(ids) {
      const rows = await answered(
        client.server.findMany({ where: { id: { in: [...ids] } }, select: { id: true } }),
      );
      return new Set(rows.map(({ id }) => id));
    },

    async save(found) {
      // In one order, so that two savings that overlap cannot lock each other out.
      const sorted = found.toSorted((one, other) => (one.server.id < other.server.id ? -1 : 1));
      await answered(
        client.$transaction(async (tx) => {
          for (const entry of sorted) await saveOne(tx, entry);
        }),
      );
    },

    async note(server_id, { observed, last_verdict }, otherwise) {
      const changes = {
        ...(observed !== undefined && { observed: jsonOrNull(observed) }),
        ...(last_verdict !== undefined && { last_verdict: jsonOrNull(last_verdict) }),
      };
      await answered(
        client.$transaction(async (tx) => {
          const known = await tx.server.findUnique({ where: { id: server_id }, select: { id: true } });
          if (!known) return;
          await tx.discovery.createMany({ data: [columns(otherwise)], skipDuplicates: true });
          await tx.discovery.updateMany({ where: { server_id }, data: changes });
        }),
      );
    },

    async stalest({ seenBefore, limit }) {
      const rows = await answered(
        table.findMany({
          where: { seen_at: { lt: seenBefore }, server: { source: 'discovered' } },
          include,
          orderBy: { seen_at: 'asc' },
          take: limit,
        }),
      );
      return rows.map(toFound);
    },
  };
}

async function saveOne(
  tx: Prisma.TransactionClient,
  { server: entry, finding: known }: Found,
): Promise<void> {
  const { id, created_at: _, ...changes } = entry;
  await tx.server.createMany({ data: [entry], skipDuplicates: true });
  const { count } = await tx.server.updateMany({ where: { id, source: 'discovered' }, data: changes });
  if (count === 0) return;
  const row = columns(known);
  await tx.discovery.upsert({ where: { server_id: id }, create: row, update: row });
}

/** Without what is observed: only `note` writes that. */
function columns({ observed: _o, last_verdict: _v, ...known }: Finding) {
  const { server_id, repository_key, host_id, registry_name, seen_at } = known;
  return {
    server_id,
    repository_key,
    host_id: host_id === null ? null : BigInt(host_id),
    registry_name,
    seen_at,
    finding: json(known),
  };
}

/** Dates as texts, as JSON has them. */
const json = (value: object): Prisma.InputJsonValue => inputJson.parse(JSON.parse(JSON.stringify(value)));

const jsonOrNull = (value: object | null): Prisma.InputJsonValue | typeof Prisma.DbNull =>
  value === null ? Prisma.DbNull : json(value);

/** JSON.parse gives nothing else. */
const inputJson = z.custom<Prisma.InputJsonValue>((value) => value !== undefined && value !== null);

const date = z.coerce.date();

/** As `finding`, with dates as JSON writes them. */
const storedFinding = finding
  .extend({
    pushed_at: date.nullable(),
    discovered_at: date,
    seen_at: date,
    read_at: date.nullable(),
    verified_at: date.nullable(),
  })
  .omit({ observed: true, last_verdict: true });
const storedObserved = finding.shape.observed.unwrap().extend({ at: date }).nullable();
const storedVerdict = finding.shape.last_verdict.unwrap().extend({ at: date }).nullable();

interface Row {
  finding: unknown;
  observed: unknown;
  last_verdict: unknown;
}

const toFinding = (row: Row): Finding => ({
  ...storedFinding.parse(row.finding),
  observed: storedObserved.parse(row.observed),
  last_verdict: storedVerdict.parse(row.last_verdict),
});

const toFound = (row: Row & { server: object }): Found => ({
  server: server.parse(row.server),
  finding: toFinding(row),
});
