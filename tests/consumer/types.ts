// What the declarations promise, and what they forbid. It is compiled, never run.
import {
  createInsightLoopClient,
  InsightLoopError,
  type CallOptions,
  type Channel,
  type EventStream,
  type InsightLoopClient,
  type InsightLoopErrorCode,
  type LogEvent,
  type RouterInputs,
  type RouterOutputs,
  type Server,
  type ServerRegistration,
  type StreamEvent,
  type Task,
  type TaskEvent,
} from '@insightloop/client';
import { webSocketStreams } from '@insightloop/client/websocket';

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <_Check extends true>(): void => undefined;

same<Same<Server['created_at'], Date>>();
same<Same<Server['launch'][number]['verified'], boolean | null>>();
same<Same<RouterOutputs['servers']['get']['server'], Server>>();
same<Same<RouterInputs['servers']['register'], ServerRegistration>>();
same<Same<StreamEvent['timestamp'], Date>>();
same<Same<Task['completed_at'], Date | null>>();
same<Same<Extract<TaskEvent, { type: 'gemini_response' }>['response'], string>>();
same<Same<Extract<StreamEvent, { type: 'subscribed' | 'server_closing' }>, never>>();
same<Same<Extract<StreamEvent, { type: 'task_step' }>['task_id'], string>>();
same<Same<LogEvent['type'], 'log' | 'gap'>>();

export const overSockets = createInsightLoopClient({ streams: webSocketStreams });

export const client: InsightLoopClient = createInsightLoopClient({ apiKey: 'k', fetch: globalThis.fetch });

export async function everyShape(
  options: CallOptions,
  channel: Channel,
): Promise<InsightLoopErrorCode | null> {
  await client.system.health();
  await client.system.health(undefined, options);
  await client.servers.list();
  await client.servers.list({ limit: 1 }, options);
  const stream: EventStream<{ id: string; data: StreamEvent }> = client.events.subscribe({
    channels: [channel],
    level: 'warn',
    signal: options.signal,
  });
  await stream.open();
  for await (const { id, data } of stream) {
    same<Same<typeof id, string>>();
    switch (data.type) {
      case 'server_registered':
        same<Same<typeof data.name, string>>();
        break;
      case 'gap':
        same<Same<typeof data.missed, number | null>>();
        break;
    }
  }
  const error = new InsightLoopError('CONFLICT', 'taken');
  same<Same<typeof error.status, number | null>>();
  const expected: InsightLoopErrorCode = 'CONNECTION_FAILED';
  return error.code === expected ? expected : null;
}

export async function everyMistake(): Promise<void> {
  // @ts-expect-error an input is needed
  await client.servers.get();
  // @ts-expect-error the id is text
  await client.servers.get({ server_id: 1 });
  // @ts-expect-error there is no such field
  await client.servers.list({ limits: 1 });
  // @ts-expect-error health takes nothing
  await client.system.health({ verbose: true });
  // @ts-expect-error there is no such channel
  client.events.subscribe({ channels: ['weather'] });
  // @ts-expect-error there is no such operation
  await client.servers.rename({ server_id: 'a' });
  // @ts-expect-error a stream is not a promise
  client.events.subscribe({ channels: ['servers'] }).then();
  // @ts-expect-error a command is never taken from a caller
  const recipe: ServerRegistration['launch'][number] = { method: 'npx', identifier: 'a', command: 'sh' };
  await client.servers.register({ id: 'a', name: 'a', launch: [recipe] });
}
