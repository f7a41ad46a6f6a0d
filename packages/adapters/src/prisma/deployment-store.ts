// Deployments in PostgreSQL.
import { storedDeployment, type DeploymentStore, type StoredDeployment } from '@insightloop/core';
import { z } from 'zod';
import type { Database } from './database.ts';
import { answered } from './database-errors.ts';
import { Prisma } from './generated/client.ts';

type Changes = Partial<StoredDeployment>;

export function createDeploymentStore({ client }: Pick<Database, 'client'>): DeploymentStore {
  const table = client.deployment;
  return {
    async insert(entry) {
      await answered(
        table.create({
          data: {
            ...entry,
            enforced: json(entry.enforced),
            last_failure: failureJson(entry.last_failure),
            artifact: json(entry.artifact),
            workload: json(entry.workload),
          },
        }),
      );
    },

    async update(id, changes) {
      await answered(table.updateMany({ where: { id }, data: columns(changes) }));
    },

    async find(id) {
      const row = await answered(table.findUnique({ where: { id } }));
      return row && toDeployment(row);
    },

    async findByServer(server_id) {
      const row = await answered(table.findFirst({ where: { server_id }, orderBy: { id: 'desc' } }));
      return row && toDeployment(row);
    },

    async list({ limit, offset, serverId, status }) {
      const where = {
        ...(serverId !== undefined && { server_id: serverId }),
        ...(status !== undefined && { status }),
      };
      const [rows, total] = await Promise.all([
        answered(table.findMany({ where, orderBy: { id: 'desc' }, take: limit, skip: offset })),
        answered(table.count({ where })),
      ]);
      return { deployments: rows.map(toDeployment), total };
    },

    async listDesired() {
      const rows = await answered(table.findMany({ where: { desired: 'running' }, orderBy: { id: 'asc' } }));
      return rows.map(toDeployment);
    },
  };
}

/** Prisma tells SQL's NULL from JSON's null, and wants to be told which. */
const json = (value: Prisma.InputJsonObject | null) => value ?? Prisma.DbNull;

/** The one date that lies inside of JSON goes as its text. */
const failureJson = (failure: StoredDeployment['last_failure']) =>
  json(failure && { ...failure, at: failure.at.toISOString() });

/** The fields that changed, as columns. */
function columns({ enforced, last_failure, artifact, workload, ...plain }: Changes) {
  return {
    ...plain,
    ...(enforced !== undefined && { enforced: json(enforced) }),
    ...(last_failure !== undefined && { last_failure: failureJson(last_failure) }),
    ...(artifact !== undefined && { artifact: json(artifact) }),
    ...(workload !== undefined && { workload: json(workload) }),
  };
}

/** And comes back from it. */
const rowFailure = storedDeployment.shape.last_failure.unwrap().extend({ at: z.coerce.date() }).nullable();

/** What the database holds was written by some version of ours, not necessarily this one. */
const row = storedDeployment.extend({ last_failure: rowFailure });
const toDeployment = (found: object): StoredDeployment => row.parse(found);
