// Streams over a WebSocket instead of Server-Sent Events: for where something on the way holds back long answers.
import superjson from 'superjson';
import type { StreamMessage, StreamRequest, StreamTransport } from './stream-transport.ts';

/** From the first attempt to the first word. */
const openWithinMs = 30_000;
/** The server says something every 15 s. */
const silentAtMostMs = 45_000;
/** A WebSocket cannot be told to wait, so one that brings more than is read is closed, and a new one goes on from there. */
const maxQueued = 1_000;
const maxQueuedChars = 32 * 1024 * 1024;

/**
 * For `streams` of the client's options. Each stream has a connection of its own, which a reader who is too slow loses
 * and gets anew. Needs a global `WebSocket`, as browsers, Node and other runtimes have it; there a connection has no
 * headers, so no `apiKey` goes along.
 */
export const webSocketStreams: StreamTransport = (request) => readMessages(request);

async function* readMessages(request: StreamRequest): AsyncGenerator<StreamMessage, void> {
  const { url, headers, signal, failures } = request;
  if (headers['authorization'] !== undefined)
    throw new TypeError('An apiKey cannot be sent over a WebSocket: leave out the option streams.');
  if (signal.aborted) throw signal.reason;
  const socket = new WebSocket(url.replace(/^http/, 'ws'));
  const inbox = createInbox(request);
  const end = (cause: unknown): void => {
    inbox.end(cause);
    socket.close();
  };
  const onAbort = (): void => {
    end(signal.reason);
  };
  signal.addEventListener('abort', onAbort);
  let timer = setTimeout(silence, openWithinMs, openWithinMs);
  function silence(ms: number): void {
    end(failures.lost(new Error(`nothing came for ${ms / 1000} s`)));
  }
  socket.onopen = () => {
    const input = superjson.serialize(request.input);
    socket.send(JSON.stringify({ id: 1, method: 'subscription', params: { path: request.path, input } }));
  };
  socket.onmessage = ({ data }: { data: unknown }) => {
    clearTimeout(timer);
    timer = setTimeout(silence, silentAtMostMs, silentAtMostMs);
    if (data === 'PING') socket.send('PONG');
    if (!inbox.add(data)) end(failures.lost(new Error('it brought more than was read')));
  };
  socket.onerror = () => {
    end(failures.lost(new Error('the WebSocket failed')));
  };
  socket.onclose = ({ code, reason }: { code: number; reason: string }) => {
    end(failures.lost(new Error(`the WebSocket was closed: ${reason === '' ? code : reason}`)));
  };
  try {
    for (;;) {
      const message = await inbox.next();
      if (message === 'over') return;
      yield message;
    }
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
    socket.onopen = socket.onmessage = socket.onerror = socket.onclose = null;
    // Not closed before it is open: some runtimes make an error of that which nobody could hear.
    if (socket.readyState === socket.CONNECTING) socket.onopen = () => socket.close();
    else socket.close();
  }
}

interface Inbox {
  /** False where there is no room. */
  add(data: unknown): boolean;
  /** What is in it is read before the error is thrown. Only the first end counts. */
  end(cause: unknown): void;
  next(): Promise<StreamMessage | 'over'>;
}

function createInbox({ failures }: StreamRequest): Inbox {
  const waiting: string[] = [];
  let chars = 0;
  let ended: { cause: unknown } | null = null;
  let wake = (): void => undefined;
  return {
    add(data) {
      if (ended) return true;
      if (waiting.length >= maxQueued || chars > maxQueuedChars) return false;
      const text = String(data);
      chars += text.length;
      waiting.push(text);
      wake();
      return true;
    },
    end(cause) {
      ended ??= { cause };
      wake();
    },
    async next() {
      for (;;) {
        const text = waiting.shift();
        if (text !== undefined) {
          chars -= text.length;
          const message = messageOf(text, failures);
          if (message) return message;
        } else if (ended) throw ended.cause;
        else await new Promise<void>((resolve) => (wake = resolve));
      }
    },
  };
}

/** Null for what says nothing to us. @throws an error of `failures` */
function messageOf(text: string, failures: StreamRequest['failures']): StreamMessage | 'over' | null {
  if (text === 'PING') return { type: 'alive' };
  let message: unknown;
  try {
    message = JSON.parse(text);
  } catch (cause) {
    throw failures.unexpected('a message is not JSON', { cause });
  }
  if (!isObject(message)) throw failures.unexpected('a message is not an object');
  if ('error' in message)
    throw (
      failures.refused(message['error'], null) ??
      failures.unexpected('the stream ended with an error that is not ours')
    );
  const result = message['result'];
  if (!isObject(result)) return null;
  switch (result['type']) {
    case 'started':
      return { type: 'opened' };
    case 'stopped':
      return 'over';
    case 'data':
      return itemOf(result['data'], failures);
    default:
      return null;
  }
}

/** One with an id is wrapped with it. */
function itemOf(data: unknown, failures: StreamRequest['failures']): StreamMessage {
  let value: unknown;
  try {
    value = superjson.deserialize(
      isObject(data) && 'json' in data ? { json: null, ...data } : { json: null },
    );
  } catch (cause) {
    throw failures.unexpected('an event cannot be read', { cause });
  }
  if (isObject(value) && typeof value['id'] === 'string' && 'data' in value)
    return { type: 'item', id: value['id'], value: value['data'] };
  return { type: 'item', id: null, value };
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;
