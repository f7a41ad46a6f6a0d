// What all streams have in common: an id with each item, and a last word when the process ends.
import { tracked, type TrackedEnvelope } from '@trpc/server';
import type { Context } from './context.ts';

/** For callers that give no signal: server-side ones, which end a stream by leaving it. */
const never = new AbortController().signal;

export interface Closing {
  type: 'server_closing';
  timestamp: Date;
}

export interface StreamOptions<Item, Event> {
  ctx: Pick<Context, 'closing'>;
  /** Of the reader. */
  signal: AbortSignal | undefined;
  /** @param signal also aborts when the process ends */
  open: (signal: AbortSignal) => AsyncIterable<Item>;
  /** What is told of an item, and the id to go on behind it. */
  tell: (item: Item) => { id: string; event: Event };
}

/**
 * Opened before it is read, so that whatever is wrong is said before the stream begins. A process that ends says
 * `server_closing` under the last id and then waits to be cut off: to end the stream would tell clients of tRPC that there is
 * no more to come.
 */
export function streamOf<Item, Event>({
  ctx,
  signal = never,
  open,
  tell,
}: StreamOptions<Item, Event>): AsyncGenerator<TrackedEnvelope<Event | Closing>> {
  const over = new AbortController();
  const end = (): void => {
    over.abort();
  };
  const signals = [signal, ctx.closing];
  for (const one of signals) one.addEventListener('abort', end);
  if (signals.some(({ aborted }) => aborted)) end();
  const release = (): void => {
    for (const one of signals) one.removeEventListener('abort', end);
  };
  try {
    return told(open(over.signal), { ctx, signal, tell, release });
  } catch (error) {
    release();
    throw error;
  }
}

interface TellOptions<Item, Event> extends Pick<StreamOptions<Item, Event>, 'ctx' | 'tell'> {
  signal: AbortSignal;
  release: () => void;
}

async function* told<Item, Event>(
  items: AsyncIterable<Item>,
  { ctx, signal, tell, release }: TellOptions<Item, Event>,
): AsyncGenerator<TrackedEnvelope<Event | Closing>> {
  let last: string | null = null;
  try {
    for await (const item of items) {
      const { id, event } = tell(item);
      last = id;
      yield tracked(id, event);
    }
    if (!ctx.closing.aborted || last === null) return;
    yield tracked(last, { type: 'server_closing', timestamp: new Date() });
    await aborted(signal);
  } finally {
    release();
  }
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    signal.addEventListener('abort', () => {
      resolve();
    });
    if (signal.aborted) resolve();
  });
