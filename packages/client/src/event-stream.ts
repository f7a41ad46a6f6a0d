// A subscription as an async iterable that outlives its connections.
import { InsightLoopError } from './insightloop-error.ts';
import type { StreamMessage } from './stream-transport.ts';

/**
 * For `for await`, once. It asks the server when it is first read or opened; a lost connection is made anew and goes
 * on behind the last event, for as long as it takes. Leaving the loop or aborting the signal ends it quietly.
 */
export interface EventStream<Item> extends AsyncIterable<Item> {
  /**
   * Resolves once the server has begun: what happens from then on will be told. Nothing more is read before the
   * loop begins, so a stream that is opened and not read has to be ended by its signal.
   * @throws InsightLoopError when it does not begin, as the loop then does
   */
  open(): Promise<void>;
}

/** What only says where a stream stands, or that its server ends and will be back: it is for us, and no item. */
export type Standing = 'subscribed' | 'position' | 'server_closing';
const standings: ReadonlySet<unknown> = new Set<Standing>(['subscribed', 'position', 'server_closing']);

export interface StreamSource {
  /** One connection: continues behind the id, or begins with what happens now. */
  connect(lastEventId: string | null): AsyncIterable<StreamMessage>;
  signal: AbortSignal;
  /** Resolves when the time is over or the signal is aborted. */
  pause?: (ms: number, signal: AbortSignal) => Promise<void>;
  random?: () => number;
}

const firstRetryMs = 250;
const slowestRetryMs = 10_000;

export function createEventStream(source: StreamSource): EventStream<unknown> {
  const followed = follow(source);
  let opened: Promise<void> | null = null;
  const open = (): Promise<void> => (opened ??= followed.next().then(() => undefined));
  return {
    open,
    async *[Symbol.asyncIterator]() {
      try {
        await open();
        yield* followed;
      } finally {
        await followed.return(undefined);
      }
    },
  };
}

/**
 * Its first value only says that the stream has begun: with what the server says first, which has an id to go on behind,
 * so that nothing is lost when the line is cut before the first event.
 */
async function* follow(source: StreamSource): AsyncGenerator<unknown, void> {
  const { connect, signal, pause = pauseFor, random = Math.random } = source;
  const isAborted = () => signal.aborted;
  let begun = false;
  let lastEventId: string | null = null;
  let failures = 0;
  while (!isAborted()) {
    try {
      for await (const message of connect(lastEventId)) {
        if (message.type === 'alive') failures = 0;
        if (message.type !== 'item') continue;
        lastEventId = message.id ?? lastEventId;
        if (!begun) {
          begun = true;
          yield undefined;
        }
        if (isStanding(message.value)) continue;
        failures = 0;
        yield message.id === null ? message.value : { id: message.id, data: message.value };
      }
      return;
    } catch (error) {
      if (isAborted()) return;
      // Before the stream has begun nothing is lost by saying so, and a wrong address would be tried for ever.
      if (!begun || !mayPass(error)) throw error;
    }
    const limitMs = Math.min(slowestRetryMs, firstRetryMs * 2 ** failures);
    failures += 1;
    await pause((limitMs / 2) * (1 + random()), signal);
  }
}

const isStanding = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && 'type' in value && standings.has(value.type);

/** The server is out of reach or restarts; 502 to 504 come from a proxy in front of it. Everything else is final. */
function mayPass(error: unknown): boolean {
  if (!(error instanceof InsightLoopError)) return false;
  if (error.code === 'CONNECTION_FAILED' || error.code === 'SERVICE_UNAVAILABLE') return true;
  return error.code === 'UNEXPECTED_ANSWER' && [502, 503, 504].includes(error.status ?? 0);
}

const pauseFor = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end);
    if (signal.aborted) end();
  });
