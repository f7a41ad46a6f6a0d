// Tasks in PostgreSQL.
import {
  taskDetail,
  taskEvent,
  taskStatus,
  type StoredTask,
  type StoredTaskEvent,
  type TaskEvent,
  type TaskQuery,
  type TaskStore,
  type TaskSummary,
} from '@insightloop/core';
import { z } from 'zod';
import type { Database } from './database.ts';
import { answered } from './database-errors.ts';
import { createFreshCounts } from './fresh-counts.ts';
import { Prisma } from './generated/client.ts';

/** One statement deletes so many: a longer one would hold up others. */
const deletedAtOnce = 1_000;

const underWay = ['queued', 'running'];

const summaryColumns = {
  id: true,
  prompt: true,
  server_id: true,
  status: true,
  created_at: true,
  started_at: true,
  completed_at: true,
  execution_time: true,
} as const;

/**
 * Pages go by the id alone, which sorts by time: a keyset page is one walk along an index wherever it begins, while
 * pages by time and id need an OR that PostgreSQL answers by scanning. A page by offset walks over ids only, and reads
 * the rows of that page alone.
 */
export function createTaskStore({ client }: Pick<Database, 'client'>): TaskStore {
  const counts = createFreshCounts((where: Where) => answered(client.task.count({ where })));
  return {
    async insert({ detail, ...entry }) {
      await answered(client.task.create({ data: { ...entry, detail: JSON.stringify(detail) } }));
    },

    async save(id, { events = [], task }) {
      const rows = events.map((entry) => eventRow(id, entry));
      const append = client.taskEvent.createMany({ data: rows });
      const update = task && client.task.updateMany({ where: { id }, data: columns(task) });
      if (!update) return ifThere(append);
      await (rows.length === 0 ? answered(update) : ifThere(client.$transaction([update, append])));
    },

    async find(id) {
      const row = await answered(client.task.findUnique({ where: { id } }));
      return row && toTask(row);
    },

    async list(query) {
      const where = whereOf(query);
      const [ids, total] = await Promise.all([idsOfPage(query, where), counts.of(where)]);
      const rows = await answered(
        client.task.findMany({
          where: { id: { in: ids } },
          select: summaryColumns,
          orderBy: { id: 'desc' },
        }),
      );
      return { tasks: rows.map(toSummary), total };
    },

    async delete(id) {
      const { count } = await answered(client.task.deleteMany({ where: { id } }));
      return count === 1;
    },

    async events(id, { after, limit }) {
      const rows = await answered(
        client.taskEvent.findMany({
          where: { task_id: id, number: { gt: after } },
          orderBy: { number: 'asc' },
          take: limit,
        }),
      );
      return rows.map(({ number, event }) => ({ number, event: toEvent(event) }));
    },

    async eventsOfType<T extends TaskEvent['type']>(id: string, type: T) {
      const rows = await answered(
        client.taskEvent.findMany({ where: { task_id: id, type }, orderBy: { number: 'asc' } }),
      );
      const isOfType = (event: TaskEvent): event is Extract<TaskEvent, { type: T }> => event.type === type;
      return rows.map(({ event }) => toEvent(event)).filter(isOfType);
    },

    async underWay(owner) {
      const rows = await answered(client.task.findMany({ where: { owner, status: { in: underWay } } }));
      return Promise.all(
        rows.map(async (row) => {
          const last = await answered(
            client.taskEvent.aggregate({ where: { task_id: row.id }, _max: { number: true } }),
          );
          return { task: toTask(row), lastNumber: last._max.number ?? 0 };
        }),
      );
    },

    async deleteCreatedBefore(time) {
      const oldest = await answered(
        client.task.findMany({
          where: { status: { notIn: underWay } },
          orderBy: { id: 'asc' },
          take: deletedAtOnce,
          select: { id: true, created_at: true },
        }),
      );
      const old = oldest.filter(({ created_at: createdAt }) => createdAt < time).map(({ id }) => id);
      if (old.length === 0) return 0;
      const { count } = await answered(client.task.deleteMany({ where: { id: { in: old } } }));
      return count;
    },
  };

  async function idsOfPage({ limit, offset, cursor }: TaskQuery, where: Where): Promise<string[]> {
    const rows = await answered(
      client.task.findMany({
        where: cursor === undefined ? where : { ...where, id: { lt: cursor } },
        orderBy: { id: 'desc' },
        take: limit,
        skip: cursor === undefined ? offset : 0,
        select: { id: true },
      }),
    );
    return rows.map(({ id }) => id);
  }
}

/** Does nothing where the task is gone, which its foreign key says: asking before would be one more way there and back. */
async function ifThere(query: PromiseLike<unknown>): Promise<void> {
  await answered(query).catch((error: unknown) => {
    if (!isOfMissingRow(error)) throw error;
  });
}

const isOfMissingRow = (error: unknown): boolean =>
  error instanceof Prisma.PrismaClientKnownRequestError && error.code === 'P2003';

interface Where {
  status?: string;
  server_id?: string;
}

const whereOf = ({ status, serverId }: TaskQuery): Where => ({
  ...(status !== undefined && { status }),
  ...(serverId !== undefined && { server_id: serverId }),
});

type Changes = Partial<Omit<StoredTask, 'id'>>;

const columns = ({ detail, ...plain }: Changes) => ({
  ...plain,
  ...(detail && { detail: JSON.stringify(detail) }),
});

const eventRow = (taskId: string, { number, event }: StoredTaskEvent) => ({
  task_id: taskId,
  number,
  type: event.type,
  event: JSON.stringify(event),
});

/** What the database holds was written by some version of ours, not necessarily this one. */
const parsed = z.string().transform((text): unknown => JSON.parse(text));
const detailText = parsed.pipe(taskDetail);
const eventText = parsed.pipe(taskEvent);

const toEvent = (text: string): TaskEvent => eventText.parse(text);

const toSummary = <Row extends { status: string }>(
  row: Row,
): Omit<Row, 'status'> & Pick<TaskSummary, 'status'> => ({
  ...row,
  status: taskStatus.parse(row.status),
});

const toTask = (
  row: Omit<StoredTask, 'status' | 'detail'> & { status: string; detail: string },
): StoredTask => ({
  ...toSummary(row),
  detail: detailText.parse(row.detail),
});
