// Reads documents over HTTP: a limit of time and size for each, redirects by hand, no credentials to another origin.
import { HttpUnreachable, type HttpAnswer, type HttpReader, type HttpReading } from '@insightloop/core';

export interface HttpReaderOptions {
  /** How connections are made; a guarded one where strangers choose the host. Default: the global fetch. */
  fetch?: (url: string, init: RequestInit) => Promise<Response>;
  /** From the request to the last byte, redirects included. Default: 10 s. */
  timeoutMs?: number;
}

const maxRedirects = 5;
const redirectStatuses = new Set([301, 302, 303, 307, 308]);
const userAgent = 'insightloop';

export function createHttpReader(options: HttpReaderOptions = {}): HttpReader {
  const { fetch: connect = (url: string, init: RequestInit) => fetch(url, init), timeoutMs = 10_000 } =
    options;
  return {
    async read(reading) {
      const { signal } = reading;
      signal.throwIfAborted();
      const timeout = AbortSignal.timeout(timeoutMs);
      const either = AbortSignal.any([signal, timeout]);
      try {
        const response = await follow(reading, (url, headers) =>
          connect(url, { headers, signal: either, redirect: 'manual' }),
        );
        return await answerOf(response, reading.maxBytes);
      } catch (cause) {
        signal.throwIfAborted();
        const { host } = new URL(reading.url);
        const reason = timeout.aborted ? `did not answer within ${timeoutMs / 1000} s` : reasonOf(cause);
        throw new HttpUnreachable(`${host} ${reason}`, { cause });
      }
    },
  };
}

async function follow(
  { url, headers = {}, redirects = 'own-origin' }: HttpReading,
  get: (url: string, headers: Record<string, string>) => Promise<Response>,
): Promise<Response> {
  let at = new URL(url);
  let sent: Record<string, string> = { 'user-agent': userAgent, ...headers };
  for (let count = 0; ; count += 1) {
    const response = await get(at.href, sent);
    const next = nextOf(response, at);
    if (next === null || count === maxRedirects) return response;
    if (next.origin !== at.origin) {
      if (redirects === 'own-origin' || (at.protocol === 'https:' && next.protocol !== 'https:'))
        return response;
      sent = Object.fromEntries(Object.entries(sent).filter(([name]) => name !== 'authorization'));
    }
    await response.body?.cancel();
    at = next;
  }
}

function nextOf({ status, headers }: Response, from: URL): URL | null {
  const location = redirectStatuses.has(status) ? headers.get('location') : null;
  if (location === null || !URL.canParse(location, from.href)) return null;
  const next = new URL(location, from);
  return /^https?:$/.test(next.protocol) && next.username === '' ? next : null;
}

async function answerOf(response: Response, maxBytes: number): Promise<HttpAnswer> {
  const { status, headers, body } = response;
  const decoder = new TextDecoder();
  let text = '';
  let length = 0;
  let truncated = false;
  if (body !== null) {
    // Leaving the loop early closes the connection.
    for await (const chunk of chunksOf(body)) {
      const room = maxBytes - length;
      truncated = chunk.byteLength > room;
      text += decoder.decode(truncated ? chunk.subarray(0, room) : chunk, { stream: true });
      length += chunk.byteLength;
      if (truncated) break;
    }
    // The beginning of a character that was cut is left out; of one that was never finished it is not.
    if (!truncated) text += decoder.decode();
  }
  return { status, headers, text, truncated };
}

async function* chunksOf(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = body.getReader();
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

/** What fetch throws says only that it failed; the reason is in its cause. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (cause instanceof Error && 'code' in cause && typeof cause.code === 'string')
    return `cannot be reached (${cause.code})`;
  return 'cannot be reached';
}
