// The channel that callers of a deployment get: listings from the catalogue, secrets redacted, calls counted.
import { listingOf, readCatalogue, type Catalogue, type ListChanges } from './catalogue.ts';
import { McpRequestError, type JsonObject, type McpChannel, type RequestOptions } from './channel.ts';

export interface ServedChannelOptions {
  channel: McpChannel;
  catalogue: Catalogue;
  /** Watched since before the catalogue was read. */
  changes: ListChanges;
  /** Takes the deployment's secrets out of what the server says; returns the same object where there are none. */
  redact: (value: JsonObject) => JsonObject;
  /** Told of each finished call of a tool, resource or prompt. */
  onCall: (call: { durationMs: number; ok: boolean }) => void;
  /** Told when the server said that its listings changed and they were read again. */
  onCatalogue: (catalogue: Catalogue) => void;
  /** Told of every answer, and of every request that got none in time: what health is judged by. */
  onEvidence: (evidence: 'answer' | 'timeout') => void;
  now: () => number;
  listTimeoutMs: number;
  signal: AbortSignal;
}

/** Requests that name a resource by its address. */
const addressedMethods: ReadonlySet<string> = new Set([
  'resources/read',
  'resources/subscribe',
  'resources/unsubscribe',
]);

/** What a person counts as a call, besides listings and pings. */
const countedMethods: ReadonlySet<string> = new Set(['tools/call', 'resources/read', 'prompts/get']);

export function createServedChannel(options: ServedChannelOptions): McpChannel {
  const { channel, redact, onCall, onEvidence, now } = options;
  let catalogue = options.catalogue;

  followChanges(options, (changed) => {
    catalogue = changed;
    options.onCatalogue(changed);
  });

  /** Callers know a resource by the address that we list, the server by its own. */
  const addressed = (method: string, params: JsonObject | undefined): JsonObject | undefined => {
    const shown = addressedMethods.has(method) ? params?.['uri'] : undefined;
    const uri = typeof shown === 'string' ? catalogue.hiddenUris.get(shown) : undefined;
    return uri === undefined ? params : { ...params, uri };
  };

  const observed = async (
    method: string,
    params: JsonObject | undefined,
    requestOptions: RequestOptions | undefined,
  ): Promise<JsonObject> => {
    const startedAt = now();
    const isCounted = countedMethods.has(method);
    try {
      const result = redact(await channel.request(method, params, requestOptions));
      onEvidence('answer');
      if (isCounted) onCall({ durationMs: now() - startedAt, ok: result['isError'] !== true });
      return result;
    } catch (error) {
      const failure = error instanceof McpRequestError ? error.failure : null;
      if (failure === 'rpc') onEvidence('answer');
      if (failure === 'timeout') onEvidence('timeout');
      if (isCounted && requestOptions?.signal?.aborted !== true)
        onCall({ durationMs: now() - startedAt, ok: false });
      throw error instanceof McpRequestError ? redactedError(error, redact) : error;
    }
  };

  return {
    info: channel.info,
    get pending() {
      return channel.pending;
    },
    request(method, params, requestOptions) {
      const listing = listingOf(method, params);
      return listing
        ? Promise.resolve({ [listing]: [...catalogue[listing]] })
        : observed(method, addressed(method, params), withRedactedProgress(requestOptions, redact));
    },
    notify: (method, params) => channel.notify(method, params),
    ping: (pingOptions) => channel.ping(pingOptions),
    onNotification: (listener) =>
      channel.onNotification(({ method, params }) => {
        listener({ method, params: redact(params) });
      }),
    onRequest: (handler) => {
      channel.onRequest(handler);
    },
    closed: channel.closed,
    close: (reason) => channel.close(reason),
  };
}

function withRedactedProgress(
  options: RequestOptions | undefined,
  redact: ServedChannelOptions['redact'],
): RequestOptions | undefined {
  const onProgress = options?.onProgress;
  if (!onProgress) return options;
  return {
    ...options,
    onProgress: (progress) => {
      const { message } = progress;
      if (message === undefined) onProgress(progress);
      else onProgress({ ...progress, message: textIn(redact({ message }), 'message') });
    },
  };
}

const textIn = (clean: JsonObject, name: string): string => {
  const text = clean[name];
  return typeof text === 'string' ? text : '';
};

function redactedError(error: McpRequestError, redact: ServedChannelOptions['redact']): McpRequestError {
  const { rpc, failure, message, cause } = error;
  if (!rpc) return error;
  const clean = redact({ message: rpc.message, data: rpc.data ?? null, text: message });
  return new McpRequestError(failure, textIn(clean, 'text'), {
    rpc: {
      code: rpc.code,
      message: textIn(clean, 'message'),
      ...(rpc.data !== undefined && clean['data'] !== undefined && { data: clean['data'] }),
    },
    cause,
  });
}

/** Reads the listings again after each change; changes that come meanwhile are one more reading, not many. */
function followChanges(
  { channel, changes, signal, listTimeoutMs, redact, onEvidence }: ServedChannelOptions,
  onCatalogue: (catalogue: Catalogue) => void,
): void {
  /** Changes that the last reading knew of. The first reading had begun before any. */
  let known = 0;
  let reading = false;
  const read = async (): Promise<void> => {
    if (reading) return;
    reading = true;
    while (known < changes.count && !signal.aborted) {
      known = changes.count;
      try {
        onCatalogue(await readCatalogue(channel, { signal, timeoutMs: listTimeoutMs, redact }));
      } catch (error) {
        // The old listing stays. A server that says "changed" and then answers nothing is a matter of health.
        if (error instanceof McpRequestError && error.failure === 'timeout') onEvidence('timeout');
      }
    }
    reading = false;
  };
  changes.onChange(() => void read());
  void read();
}
