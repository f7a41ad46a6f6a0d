// What every TaskStore must do: the fake, and each kind of database.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TaskEvent } from '../tasks/task-event.ts';
import type { TaskQuery, TaskStore } from '../tasks/task-store.ts';
import { newDetail, type StoredTask } from '../tasks/task.ts';

export interface TaskStoreSubject {
  /** Empty. */
  store: TaskStore;
  end(): void | Promise<void>;
}

export function describeTaskStore(name: string, open: () => Promise<TaskStoreSubject>): void {
  describe(`the task store contract: ${name}`, () => {
    let subject: TaskStoreSubject;
    let store: TaskStore;

    beforeEach(async () => {
      subject = await open();
      store = subject.store;
    });
    afterEach(() => subject.end());

    const idsOf = async (query: Partial<TaskQuery>): Promise<string[]> =>
      (await store.list({ limit: 100, offset: 0, ...query })).tasks.map(({ id }) => id);

    it('gives back what was inserted, to the last field', async () => {
      const full = aTask('task-full', {
        prompt: 'Grüße, 世界 🎉\n"\\ \u2028',
        status: 'completed',
        started_at: new Date('2026-03-29T01:30:00.001Z'),
        completed_at: new Date('2026-10-25T00:59:59.999Z'),
        execution_time: 0.1 + 0.2,
        detail: {
          plan: [
            {
              step: 1,
              action: 'invoke_tool',
              tool: 'echo',
              args: { text: 'NUL \0, half a pair \ud800', deep: { list: [1, null, true] } },
              purpose: null,
              depends_on: [],
              replaces: null,
            },
          ],
          revision: 2,
          gemini_response: 'done \0',
          error: { code: 'X', message: 'y', details: { z: 1 } },
          model: 'some-model',
          usage: { input_tokens: 1, output_tokens: 2, model_calls: 3 },
          results_time: 1.5,
        },
      });
      const bare = aTask('task-bare');
      await store.insert(full);
      await store.insert(bare);
      expect(await store.find('task-full')).toEqual(full);
      expect(await store.find('task-bare')).toEqual(bare);
    });

    it('knows nothing of what was never inserted', async () => {
      expect(await store.find('task-no')).toBeNull();
      expect(await store.delete('task-no')).toBe(false);
      expect(await store.events('task-no', { after: 0, limit: 10 })).toEqual([]);
      expect(await store.eventsOfType('task-no', 'complete')).toEqual([]);
      await store.save('task-no', {
        events: [{ number: 1, event: said('lost') }],
        task: { status: 'failed' },
      });
      expect(await store.list({ limit: 10, offset: 0 })).toEqual({ tasks: [], total: 0 });
    });

    it('saves events and changes together, and gives events back in order behind a number', async () => {
      await store.insert(aTask('task-1'));
      await store.save('task-1', {
        events: [
          { number: 1, event: said('a') },
          { number: 2, event: said('b \0 \udfff') },
        ],
        task: { status: 'running', started_at: new Date(5) },
      });
      await store.save('task-1', { events: [{ number: 3, event: result(1) }] });
      await store.save('task-1', {
        events: [{ number: 4, event: result(2) }],
        task: { status: 'completed', detail: { ...newDetail, gemini_response: 'so' } },
      });
      expect(await store.find('task-1')).toMatchObject({
        status: 'completed',
        started_at: new Date(5),
        detail: { gemini_response: 'so' },
      });
      expect(await store.events('task-1', { after: 0, limit: 10 })).toEqual([
        { number: 1, event: said('a') },
        { number: 2, event: said('b \0 \udfff') },
        { number: 3, event: result(1) },
        { number: 4, event: result(2) },
      ]);
      expect(await store.events('task-1', { after: 1, limit: 2 })).toEqual([
        { number: 2, event: said('b \0 \udfff') },
        { number: 3, event: result(1) },
      ]);
      expect(await store.eventsOfType('task-1', 'tool_result')).toEqual([result(1), result(2)]);
    });

    it('lists newest first, by offset and by cursor, of one status and one server', async () => {
      for (const [id, server, status] of [
        ['task-3', 'a', 'failed'],
        ['task-1', 'a', 'completed'],
        ['task-5', 'b', 'completed'],
        ['task-2', 'b', 'running'],
        ['task-4', 'a', 'completed'],
      ] as const)
        await store.insert(aTask(id, { server_id: server, status }));
      expect(await idsOf({})).toEqual(['task-5', 'task-4', 'task-3', 'task-2', 'task-1']);
      expect(await idsOf({ limit: 2, offset: 1 })).toEqual(['task-4', 'task-3']);
      expect(await idsOf({ limit: 2, cursor: 'task-4' })).toEqual(['task-3', 'task-2']);
      expect(await idsOf({ limit: 2, cursor: 'task-1' })).toEqual([]);
      expect(await idsOf({ limit: 2, offset: 99 })).toEqual([]);
      expect(await idsOf({ status: 'completed' })).toEqual(['task-5', 'task-4', 'task-1']);
      expect(await idsOf({ serverId: 'a', status: 'completed', cursor: 'task-4' })).toEqual(['task-1']);
      const page = await store.list({ limit: 1, offset: 0, serverId: 'a' });
      expect(page.total).toBe(3);
      expect(page.tasks).toEqual([summaryOf(aTask('task-4', { server_id: 'a', status: 'completed' }))]);
    });

    it('deletes a task with its events', async () => {
      await store.insert(aTask('task-1'));
      await store.save('task-1', { events: [{ number: 1, event: said('a') }] });
      expect(await store.delete('task-1')).toBe(true);
      expect(await store.delete('task-1')).toBe(false);
      expect(await store.find('task-1')).toBeNull();
      expect(await store.events('task-1', { after: 0, limit: 10 })).toEqual([]);
    });

    it('knows what an instance had under way, and how far it was told', async () => {
      await store.insert(aTask('task-1', { owner: 'us', status: 'queued' }));
      await store.insert(aTask('task-2', { owner: 'us', status: 'running' }));
      await store.insert(aTask('task-3', { owner: 'us', status: 'completed' }));
      await store.insert(aTask('task-4', { owner: 'them', status: 'running' }));
      await store.save('task-2', {
        events: [
          { number: 1, event: said('a') },
          { number: 2, event: said('b') },
        ],
      });
      const found = await store.underWay('us');
      expect(found.map(({ task, lastNumber }) => [task.id, lastNumber]).sort()).toEqual([
        ['task-1', 0],
        ['task-2', 2],
      ]);
    });

    it('deletes what is old and over', async () => {
      const at = (ms: number) => ({ created_at: new Date(ms), status: 'completed' as const });
      await store.insert(aTask('task-1', at(1_000)));
      await store.insert(aTask('task-2', { ...at(2_000), status: 'running' }));
      await store.insert(aTask('task-3', at(3_000)));
      await store.insert(aTask('task-4', at(4_000)));
      expect(await store.deleteCreatedBefore(new Date(4_000))).toBe(2);
      expect(await store.deleteCreatedBefore(new Date(4_000))).toBe(0);
      expect(await idsOf({})).toEqual(['task-4', 'task-2']);
    });

    it('shares nothing with its callers', async () => {
      const handedIn = aTask('task-1', { detail: { ...newDetail, plan: [] } });
      await store.insert(handedIn);
      handedIn.detail.revision = 99;
      const handedOut = await store.find('task-1');
      if (handedOut) handedOut.detail.revision = 98;
      expect((await store.find('task-1'))?.detail.revision).toBe(0);
    });
  });
}

const said = (message: string): TaskEvent => ({ type: 'planning', message });

const result = (step: number): TaskEvent => ({
  type: 'tool_result',
  step_index: step,
  tool: 'echo',
  success: true,
  result: { content: [{ type: 'text', text: 'x' }], structured_content: null, is_error: false },
  error: null,
  execution_time: 0.25,
});

const aTask = (id: string, differences: Partial<StoredTask> = {}): StoredTask => ({
  id,
  prompt: 'do it',
  server_id: 'some-server',
  status: 'queued',
  created_at: new Date('2026-11-22T09:00:00.123Z'),
  started_at: null,
  completed_at: null,
  execution_time: null,
  owner: 'us',
  detail: { ...newDetail },
  ...differences,
});

const summaryOf = ({ owner: _owner, detail: _detail, ...summary }: StoredTask) => summary;
