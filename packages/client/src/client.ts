// The client: the operations of the API as plain functions of one object.
import type { AppRouter } from '@insightloop/api';
import { createTRPCUntypedClient, httpLink, type TRPCUntypedClient } from '@trpc/client';
import superjson from 'superjson';
import { connectionFailed, errorFrom, reach, readJson, unexpectedAnswer, type Door } from './door.ts';
import { createEventStream } from './event-stream.ts';
import { InsightLoopError } from './insightloop-error.ts';
import { operations, type CallOptions, type InsightLoopClient } from './operations.ts';
import { readMessages } from './server-sent-events.ts';
import type { StreamTransport } from './stream-transport.ts';

export interface InsightLoopClientOptions {
  /** Where the API is; a path in it is kept. Default: `http://127.0.0.1:8000`. */
  baseUrl?: string | undefined;
  /** Sent as `Authorization: Bearer …` with every request. */
  apiKey?: string | undefined;
  /** Instead of the global one, for instance with a proxy or a certificate of its own. */
  fetch?: typeof globalThis.fetch | undefined;
  /** How streams come: Server-Sent Events, or `webSocketStreams` of `@insightloop/client/websocket`. */
  streams?: StreamTransport | undefined;
}

/**
 * Makes no connection by itself and has nothing to close. Every call that fails rejects with an InsightLoopError; one
 * whose signal is aborted, with the signal's reason. Calls have no time limit of their own: give them
 * `AbortSignal.timeout(…)`.
 * @throws TypeError when an option cannot be right
 */
export function createInsightLoopClient(options: InsightLoopClientOptions = {}): InsightLoopClient {
  const door = doorOf(options);
  const trpc = trpcThrough(door);
  const nouns = Object.entries(operations).map(([noun, verbs]): [string, unknown] => {
    const functions = Object.entries<Kind>(verbs).map(([verb, kind]): [string, unknown] => [
      verb,
      operationOf({ door, trpc, path: `${noun}.${verb}`, kind, streams: options.streams ?? readMessages }),
    ]);
    return [noun, Object.freeze(Object.fromEntries(functions))];
  });
  // The compiler holds the table to the router, but cannot follow that each entry becomes the function of its kind.
  // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion -- as said
  return Object.freeze(Object.fromEntries(nouns)) as InsightLoopClient;
}

type Kind = 'query' | 'mutation' | 'subscription';

function doorOf({ baseUrl = 'http://127.0.0.1:8000', apiKey, fetch }: InsightLoopClientOptions): Door {
  return {
    url: `${checkedBaseUrl(baseUrl)}/trpc`,
    headers: apiKey === undefined ? {} : { authorization: `Bearer ${checkedApiKey(apiKey)}` },
    // Looked up anew each time, so that one that is replaced later counts; browsers want it called on the global.
    fetch: fetch ?? ((url, init) => globalThis.fetch(url, init)),
  };
}

function checkedBaseUrl(baseUrl: string): string {
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : null;
  if (!url || !/^https?:$/.test(url.protocol))
    throw new TypeError(
      `baseUrl must be a whole http(s) URL such as "http://127.0.0.1:8000", not "${baseUrl}".`,
    );
  if (url.username || url.password || url.search || url.hash)
    throw new TypeError('baseUrl must have no user name, password, query or fragment; give a key as apiKey.');
  return url.href.replace(/\/+$/, '');
}

/** Does not repeat it: errors end up in logs. */
function checkedApiKey(apiKey: string): string {
  if (/^[\x21-\x7e]+$/.test(apiKey)) return apiKey;
  throw new TypeError(
    'apiKey must be visible ASCII characters without spaces; was a line break copied with it?',
  );
}

/** One request a call, without batches: aborting really aborts, and a slow call holds up no other. */
const trpcThrough = (door: Door): TRPCUntypedClient<AppRouter> =>
  createTRPCUntypedClient<AppRouter>({
    links: [
      httpLink<AppRouter>({
        url: door.url,
        transformer: superjson,
        headers: { ...door.headers },
        fetch: async (url, init) => {
          const response = await reach(door, String(url), {
            method: init?.method ?? 'GET',
            headers: init?.headers ?? {},
            signal: init?.signal ?? null,
            body: typeof init?.body === 'string' ? init.body : null,
          });
          return { ok: true, json: () => readJson(door, response) };
        },
      }),
    ],
  });

interface OperationParts {
  door: Door;
  trpc: TRPCUntypedClient<AppRouter>;
  path: string;
  kind: Kind;
  streams: StreamTransport;
}

const never = new AbortController().signal;

/** An input that is left out is an empty one: defaults then apply, and operations without an input ignore it. */
function operationOf({ door, trpc, path, kind, streams }: OperationParts) {
  if (kind === 'subscription')
    return ({ signal: own, ...input }: CallOptions = {}, { signal = own ?? never }: CallOptions = {}) =>
      createEventStream({
        connect: (lastEventId) =>
          streams({
            ...door,
            path,
            input: lastEventId === null ? input : { ...input, lastEventId },
            signal,
            failures: {
              lost: (cause) => connectionFailed(door, cause),
              unexpected: (what, more) => unexpectedAnswer(door, what, more),
              refused: errorFrom,
            },
          }),
        signal,
      });
  return async (input: unknown = {}, { signal }: CallOptions = {}): Promise<unknown> => {
    try {
      return await trpc[kind](path, input, signal ? { signal } : {});
    } catch (thrown) {
      if (signal?.aborted) throw signal.reason;
      throw insightLoopErrorOf(door, thrown);
    }
  };
}

/** tRPC wraps what `reach` throws; what is not from there is an answer that it could not read. */
function insightLoopErrorOf(door: Door, thrown: unknown): InsightLoopError {
  const cause = thrown instanceof Error ? thrown.cause : null;
  if (cause instanceof InsightLoopError) return cause;
  return unexpectedAnswer(door, 'its parts cannot be read', { cause: thrown });
}
