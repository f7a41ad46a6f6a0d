// The fetch of one request: keeps what the SDK drops of the answer's head, and ends what is too long or goes silent.
import type { Clock } from '@insightloop/core';
import type { AnswerHead } from './failures.ts';

export type Fetch = typeof globalThis.fetch;

/** A model writes some hundred kilobytes at most; the SDK would keep whatever comes until an event is whole. */
const maxAnswerBytes = 16 * 1024 * 1024;

export interface BoundedFetch {
  fetch: Fetch;
  readonly head: AnswerHead;
  /** Ends the watch over the silence; nothing is left behind. */
  done(): void;
}

/**
 * @param controller of the request; it is aborted with an error that says why when nothing has come for `stallTimeoutMs`
 */
export function boundedFetch(
  fetch: Fetch,
  {
    clock,
    stallTimeoutMs,
    controller,
  }: { clock: Clock; stallTimeoutMs: number; controller: AbortController },
): BoundedFetch {
  const head: AnswerHead = { status: 0, retryAfter: null };
  const over = new AbortController();
  let movedAt = clock.now();

  const watch = async (): Promise<void> => {
    for (let left = stallTimeoutMs; left > 0; left = movedAt + stallTimeoutMs - clock.now())
      await clock.sleep(left, over.signal);
    controller.abort(new Error(`Nothing came for ${stallTimeoutMs} ms.`));
  };
  // It ends by `over` alone, with the reason of that.
  watch().catch(() => {});

  const counted = (): TransformStream<Uint8Array, Uint8Array> => {
    let bytes = 0;
    return new TransformStream({
      transform(chunk, stream) {
        movedAt = clock.now();
        bytes += chunk.byteLength;
        if (bytes <= maxAnswerBytes) stream.enqueue(chunk);
        else stream.error(new Error(`The answer is longer than ${maxAnswerBytes} bytes.`));
      },
    });
  };

  return {
    head,
    async fetch(input, init) {
      // A redirect would carry the key to wherever it leads.
      const response = await fetch(input, { ...init, redirect: 'error' });
      movedAt = clock.now();
      head.status = response.status;
      head.retryAfter = response.headers.get('retry-after');
      const { status, statusText, headers } = response;
      return new Response(response.body?.pipeThrough(counted()) ?? null, { status, statusText, headers });
    },
    done: () => over.abort(),
  };
}
