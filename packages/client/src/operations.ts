// The operations: how each is called, and from the router's type what it takes and gives.
import type { AppRouter } from '@insightloop/api';
import type { inferRouterInputs, inferRouterOutputs } from '@trpc/server';
import type { EventStream, Standing } from './event-stream.ts';

/** What each operation takes, as `RouterInputs['servers']['register']`. */
export type RouterInputs = inferRouterInputs<AppRouter>;
/** What each operation gives, as `RouterOutputs['servers']['get']`. */
export type RouterOutputs = inferRouterOutputs<AppRouter>;

export type Server = RouterOutputs['servers']['get']['server'];
/** An entry of what `servers.discover` finds. */
export type FoundServer = RouterOutputs['servers']['discover']['servers'][number];
/** What `servers.details` knows of one. */
export type ServerDetails = RouterOutputs['servers']['details']['server'];
export type ServerRegistration = RouterInputs['servers']['register'];
export type Channel = RouterInputs['events']['subscribe']['channels'][number];
/** What `events.subscribe` tells, a union by `type`. */
export type StreamEvent =
  RouterOutputs['events']['subscribe'] extends AsyncIterable<infer Item>
    ? Told<Item> extends { data: infer Event }
      ? Event
      : never
    : never;
/** What `logs.follow` tells, a union by `type`. */
export type LogEvent =
  RouterOutputs['logs']['follow'] extends AsyncIterable<infer Item>
    ? Told<Item> extends { data: infer Event }
      ? Event
      : never
    : never;

/** An item without what the stream keeps to itself. */
type Told<Item> = Item extends { id: infer Id; data: infer Data }
  ? { id: Id; data: Exclude<Data, { type: Standing }> }
  : Item;

export type Task = RouterOutputs['tasks']['orchestrate'];
/** What `tasks.stream` and `tasks.follow` tell, a union by `type`. */
export type TaskEvent =
  RouterOutputs['tasks']['stream'] extends AsyncIterable<{ data: infer Event }> ? Event : never;

export interface CallOptions {
  /** Aborting it rejects the call with its reason, and ends a stream quietly. */
  signal?: AbortSignal | undefined;
}

type Router = AppRouter['_def']['record'];
type KindOf<Procedure> = Procedure extends { _def: { type: infer Kind } } ? Kind : never;

/** An input that may be left out altogether: there is none, or all of its fields are optional. */
type Arguments<Input> = [Input] extends [void]
  ? [input?: undefined, options?: CallOptions]
  : object extends Input
    ? [input?: Input, options?: CallOptions]
    : [input: Input, options?: CallOptions];

type Operation<Kind, Input, Output> = Kind extends 'subscription'
  ? Output extends AsyncIterable<infer Item>
    ? (...args: Arguments<Input & CallOptions>) => EventStream<Told<Item>>
    : never
  : (...args: Arguments<Input>) => Promise<Output>;

/** `client.servers.list()`: every operation of the API under its name. */
export type InsightLoopClient = {
  readonly [Noun in keyof Router]: {
    readonly [Verb in keyof Router[Noun]]: Operation<
      KindOf<Router[Noun][Verb]>,
      RouterInputs[Noun & keyof RouterInputs][Verb & keyof RouterInputs[Noun & keyof RouterInputs]],
      RouterOutputs[Noun & keyof RouterOutputs][Verb & keyof RouterOutputs[Noun & keyof RouterOutputs]]
    >;
  };
};

/**
 * Types are gone at run time, and `client.servers.get(…)` does not say how it is sent. The compiler holds this
 * table complete and right.
 */
export const operations = {
  system: { health: 'query', info: 'query', live: 'query', ready: 'query' },
  servers: {
    discover: 'query',
    details: 'query',
    verify: 'mutation',
    register: 'mutation',
    list: 'query',
    get: 'query',
    remove: 'mutation',
  },
  deployments: {
    create: 'mutation',
    list: 'query',
    get: 'query',
    running: 'query',
    stop: 'mutation',
    restart: 'mutation',
    setCapabilities: 'mutation',
  },
  tools: { list: 'query', call: 'mutation' },
  tasks: {
    orchestrate: 'mutation',
    stream: 'subscription',
    list: 'query',
    get: 'query',
    follow: 'subscription',
    cancel: 'mutation',
    remove: 'mutation',
  },
  logs: { tail: 'query', follow: 'subscription' },
  metrics: { get: 'query' },
  events: { subscribe: 'subscription' },
} as const satisfies { [Noun in keyof Router]: { [Verb in keyof Router[Noun]]: KindOf<Router[Noun][Verb]> } };
