// One connection to a stream: Server-Sent Events as the tRPC door sends them, read at the pace of whoever reads.
import { createParser, type EventSourceMessage } from 'eventsource-parser';
import superjson from 'superjson';
import { connectionFailed, errorFrom, parseJson, reach, unexpectedAnswer, type Door } from './door.ts';
import type { StreamMessage, StreamRequest } from './stream-transport.ts';

/** From the request to the first message. After it the server says how long it may be silent. */
const openWithinMs = 30_000;

/** Twice the longest line that a tool's result of 16 MiB could make. */
const maxEventChars = 32 * 1024 * 1024;

/**
 * Ends when the server ends the stream. An EventSource would buffer without bound, cannot send headers, and hides
 * the status of a refusal.
 * @throws InsightLoopError of the server, or CONNECTION_FAILED when the connection is lost
 */
export async function* readMessages(request: StreamRequest): AsyncGenerator<StreamMessage, void> {
  const { signal } = request;
  const door: Door = request;
  const connection = new AbortController();
  const stop = () => connection.abort(signal.reason);
  signal.addEventListener('abort', stop);
  if (signal.aborted) stop();

  /** A connection that has gone silent is cut; time that passes while nobody reads does not count. */
  const within = async <T>(ms: number, work: () => Promise<T>): Promise<T> => {
    const silence = new Error(`nothing came for ${ms / 1000} s`);
    const timer = setTimeout(() => connection.abort(silence), ms);
    try {
      return await work();
    } catch (cause) {
      throw connection.signal.reason === silence ? connectionFailed(door, silence) : cause;
    } finally {
      clearTimeout(timer);
    }
  };

  try {
    const response = await within(openWithinMs, () => open(request, connection.signal));
    const reader = bodyOf(door, response).getReader();
    const decoder = new TextDecoder();
    const { feed, take } = createEventParser(door);
    let silenceMs = openWithinMs;
    for (;;) {
      const chunk = await within(silenceMs, () => reader.read().catch((cause: unknown) => lost(door, cause)));
      if (chunk.done) return lost(door, new Error('the connection was closed'));
      feed(decoder.decode(chunk.value, { stream: true }));
      for (const event of take()) {
        if (event.event === 'return') return;
        if (event.event === 'connected') silenceMs = silenceOf(parseJson(door, event.data)) ?? silenceMs;
        const message = messageOf(door, event, response);
        if (message) yield message;
      }
    }
  } finally {
    signal.removeEventListener('abort', stop);
    connection.abort();
  }
}

function lost(door: Door, cause: unknown): never {
  throw connectionFailed(door, cause);
}

const open = (request: StreamRequest, signal: AbortSignal): Promise<Response> => {
  const { path, input, ...door } = request;
  return reach(door, `${door.url}/${path}?input=${encodeURIComponent(superjson.stringify(input))}`, {
    headers: { ...door.headers, accept: 'text/event-stream' },
    signal,
  });
};

function bodyOf(door: Door, response: Response): ReadableStream<Uint8Array> {
  const type = response.headers.get('content-type') ?? 'nothing';
  if (response.body && /^text\/event-stream\b/i.test(type)) return response.body;
  throw unexpectedAnswer(door, `it is ${type}, not a stream of events`, { status: response.status });
}

interface EventParser {
  feed(text: string): void;
  take(): EventSourceMessage[];
}

function createEventParser(door: Door): EventParser {
  let complete: EventSourceMessage[] = [];
  const parser = createParser({
    onEvent: (event) => complete.push(event),
    onError: (error) => {
      if (error.type === 'max-buffer-size-exceeded')
        throw unexpectedAnswer(door, 'an event is too large', { cause: error });
    },
    maxBufferSize: maxEventChars,
  });
  return {
    feed: (text) => parser.feed(text),
    take: () => {
      const taken = complete;
      complete = [];
      return taken;
    },
  };
}

function silenceOf(options: unknown): number | null {
  if (typeof options !== 'object' || options === null || !('reconnectAfterInactivityMs' in options))
    return null;
  const { reconnectAfterInactivityMs: ms } = options;
  return typeof ms === 'number' && ms > 0 ? ms : null;
}

/** Names of tRPC's own; what a newer server may add beside them is passed over. */
function messageOf(door: Door, event: EventSourceMessage, response: Response): StreamMessage | null {
  switch (event.event) {
    case 'connected':
      return { type: 'opened' };
    case 'ping':
      return { type: 'alive' };
    case undefined:
    case 'message':
      // An empty id is how tRPC takes back the last one for an item that has none.
      return {
        type: 'item',
        id: event.id === '' ? null : (event.id ?? null),
        value: deserialize(door, event.data),
      };
    case 'serialized-error':
      throw (
        errorFrom(parseJson(door, event.data), response) ??
        unexpectedAnswer(door, 'the stream ended with an error that is not ours')
      );
    default:
      return null;
  }
}

function deserialize(door: Door, data: string): unknown {
  try {
    return superjson.parse(data);
  } catch (cause) {
    throw unexpectedAnswer(door, 'an event cannot be read', { cause });
  }
}
