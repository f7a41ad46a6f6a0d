// Tasks in memory: the fake of the port TaskStore.
import type { TaskEvent } from '../tasks/task-event.ts';
import type { StoredTaskEvent, TaskChanges, TaskPage, TaskQuery, TaskStore } from '../tasks/task-store.ts';
import { isUnderWay, type StoredTask } from '../tasks/task.ts';

interface Kept {
  task: StoredTask;
  events: StoredTaskEvent[];
}

/** More would be no page. */
const deletedAtOnce = 1_000;

export class MemoryTaskStore implements TaskStore {
  readonly #tasks = new Map<string, Kept>();

  async insert(task: StoredTask): Promise<void> {
    this.#tasks.set(task.id, { task: structuredClone(task), events: [] });
  }

  async save(id: string, { events = [], task }: TaskChanges): Promise<void> {
    const kept = this.#tasks.get(id);
    if (!kept) return;
    kept.events.push(...structuredClone([...events]));
    if (task) kept.task = { ...kept.task, ...structuredClone(task) };
  }

  async find(id: string): Promise<StoredTask | null> {
    return structuredClone(this.#tasks.get(id)?.task ?? null);
  }

  async list({ limit, offset, cursor, status, serverId }: TaskQuery): Promise<TaskPage> {
    const found = this.#newestFirst().filter(
      (task) =>
        (status === undefined || task.status === status) &&
        (serverId === undefined || task.server_id === serverId),
    );
    const rest = cursor === undefined ? found.slice(offset) : found.filter(({ id }) => id < cursor);
    return {
      tasks: structuredClone(
        rest.slice(0, limit).map(({ owner: _owner, detail: _detail, ...shown }) => shown),
      ),
      total: found.length,
    };
  }

  async delete(id: string): Promise<boolean> {
    return this.#tasks.delete(id);
  }

  async events(id: string, { after, limit }: { after: number; limit: number }): Promise<StoredTaskEvent[]> {
    const events = this.#tasks.get(id)?.events ?? [];
    return structuredClone(events.filter(({ number }) => number > after).slice(0, limit));
  }

  async eventsOfType<T extends TaskEvent['type']>(
    id: string,
    type: T,
  ): Promise<Extract<TaskEvent, { type: T }>[]> {
    const isOfType = (event: TaskEvent): event is Extract<TaskEvent, { type: T }> => event.type === type;
    const events = this.#tasks.get(id)?.events ?? [];
    return structuredClone(events.map(({ event }) => event).filter(isOfType));
  }

  async underWay(owner: string): Promise<{ task: StoredTask; lastNumber: number }[]> {
    return structuredClone(
      [...this.#tasks.values()]
        .filter(({ task }) => task.owner === owner && isUnderWay(task.status))
        .map(({ task, events }) => ({ task, lastNumber: events.at(-1)?.number ?? 0 })),
    );
  }

  async deleteCreatedBefore(time: Date): Promise<number> {
    const old = this.#newestFirst()
      .reverse()
      .filter((task) => task.created_at < time && !isUnderWay(task.status))
      .slice(0, deletedAtOnce);
    for (const { id } of old) this.#tasks.delete(id);
    return old.length;
  }

  #newestFirst(): StoredTask[] {
    return [...this.#tasks.values()].map(({ task }) => task).sort((a, b) => (a.id < b.id ? 1 : -1));
  }
}
