// All of a task's core parts together, over fakes: no server, no model, no disk, no time that passes by itself.
import { serverNotFound } from '../errors.ts';
import type { JsonObject } from '../mcp/channel.ts';
import type { TaskEvent } from '../tasks/task-event.ts';
import { taskOrder, type TaskOrder } from '../tasks/task.ts';
import { createTasks, type TaskRunner, type Tasks, type TasksPorts } from '../tasks/tasks.ts';
import type { AppEvent } from '../telemetry/event.ts';
import { createTools } from '../tools/tools.ts';
import { FakeChannel } from './fake-channel.ts';
import { FakeClock } from './fake-clock.ts';
import { MemoryTaskStore } from './memory-task-store.ts';
import { ScriptedLanguageModel, type Script } from './scripted-language-model.ts';
import type { ScriptedAnswer } from './scripted-mcp-server.ts';

export interface TaskSiteOptions {
  /** What each tool does with its arguments. */
  tools?: Record<string, ScriptedAnswer>;
  answers?: Record<string, ScriptedAnswer>;
  script?: Script;
  ports?: Partial<TasksPorts>;
  store?: MemoryTaskStore;
}

export interface TaskSite {
  clock: FakeClock;
  channel: FakeChannel;
  model: ScriptedLanguageModel;
  store: MemoryTaskStore;
  tasks: Tasks;
  runner: TaskRunner;
  /** What was told to everybody. */
  events: AppEvent[];
  /** Tools in the order in which they were called. */
  called: string[];
  /** Everything that was told of a task, once it is over. */
  told(taskId: string): Promise<TaskEvent[]>;
}

const never = new AbortController().signal;

export const text = (value: string): JsonObject => ({ content: [{ type: 'text', text: value }] });

export const anOrder = (changes: Partial<TaskOrder> = {}): TaskOrder => ({
  ...taskOrder.parse({ server_id: 'one', prompt: 'Do it.' }),
  ...changes,
});

export const caller = { requestId: 'req-1', signal: never };

/** A plan as the model writes it. */
export const planText = (
  ...steps: { tool: string; args?: object | null; depends_on?: number[]; action?: string }[]
): { text: string } => ({
  text: JSON.stringify({
    steps: steps.map(({ tool, args = {}, depends_on: dependencies = [], action = 'invoke_tool' }, index) => ({
      step: index + 1,
      action,
      tool,
      arguments_json: args && JSON.stringify(args),
      purpose: `to ${tool}`,
      depends_on: dependencies,
    })),
  }),
});

export function openTaskSite({
  tools: programs = {},
  answers,
  script,
  ports,
  store,
}: TaskSiteOptions = {}): TaskSite {
  const clock = new FakeClock();
  const called: string[] = [];
  const events: AppEvent[] = [];
  const channel = new FakeChannel({
    answers: {
      'tools/list': () => ({
        tools: Object.keys(programs).map((name) => ({ name, inputSchema: { type: 'object' } })),
      }),
      'resources/list': () => ({ resources: [{ uri: 'file:///a.txt', name: 'a' }] }),
      'prompts/list': () => ({ prompts: [{ name: 'greet' }] }),
      'tools/call': ({ name, arguments: args }, context) => {
        const program = typeof name === 'string' ? programs[name] : undefined;
        if (typeof name !== 'string' || !program) throw new Error('there is no such tool');
        called.push(name);
        return program(
          typeof args === 'object' && args !== null && !Array.isArray(args) ? args : {},
          context,
        );
      },
      ...answers,
    },
  });
  const silent = (): void => undefined;
  const logger = { debug: silent, info: silent, warn: silent, error: silent };
  const channels = {
    open: (serverId: string) =>
      serverId === 'one' ? Promise.resolve(channel) : Promise.reject(serverNotFound(serverId)),
  };
  const argumentValidator: TasksPorts['argumentValidator'] = {
    validate: (_schema, args) => ({
      issues: 'wrong' in args ? [{ path: ['wrong'], code: 'unknown', message: 'does not fit' }] : [],
      unchecked: null,
    }),
  };
  const model = new ScriptedLanguageModel(script);
  const taskStore = store ?? new MemoryTaskStore();
  let nextId = 0;
  const { tasks, runner } = createTasks({
    taskStore,
    eventLog: {
      append: (event) => void events.push(event),
      read: () => {
        throw new Error('nobody reads here');
      },
      readers: 0,
      isWatched: () => false,
      problem: () => null,
    },
    languageModel: model,
    clock,
    ids: { next: (prefix) => `${prefix}-${String((nextId += 1)).padStart(6, '0')}` },
    logger,
    random: () => 0.5,
    instanceId: 'us',
    maxTasks: 100,
    tools: createTools({ channels, argumentValidator, clock, logger }),
    channels,
    argumentValidator,
    carriesSecret: (value) => JSON.stringify(value).includes('hunter2'),
    protocolOf: () => Promise.resolve('stdio'),
    ...ports,
  });
  return {
    clock,
    channel,
    model,
    store: taskStore,
    tasks,
    runner,
    events,
    called,
    async told(taskId) {
      const events: TaskEvent[] = [];
      const followed = await tasks.follow(taskId, { after: 0, signal: never });
      for await (const { event } of followed ?? []) events.push(event);
      return events;
    },
  };
}
