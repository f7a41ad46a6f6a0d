// GitHub's REST API: one GET at a time, answered out of what was kept wherever that is as good.
import { createHash } from 'node:crypto';
import { CodeHostError, createSlots, HttpUnreachable, type Clock, type HttpReader } from '@insightloop/core';
import { z } from 'zod';
import { limited, limitOf, refused, resetOf, unreachable, type Refusal } from './failures.ts';
import type { Asked, KeptAnswers } from './kept-answers.ts';
import { createOctokit } from './octokit.ts';

export interface RestApiOptions {
  url: string;
  token: string | null;
  http: HttpReader;
  kept: KeptAnswers;
  clock: Pick<Clock, 'now'>;
}

export interface ApiRequest<T> {
  route: string;
  parameters: Record<string, string | number>;
  /** Must also read what it has written. */
  schema: z.ZodType<T>;
  signal: AbortSignal;
}

export interface RestApi {
  /**
   * Null where there is no such thing, or we must not see it.
   * @throws CodeHostError; the signal's reason when it aborts
   */
  get<T>(request: ApiRequest<T>): Promise<T | null>;
}

const atOnce = 8;
/** What was never there, is empty (409), is gone (410) or may not be shown for legal reasons (451). */
const absent = new Set([404, 409, 410, 451]);

export function createRestApi({ url, token, http, kept, clock }: RestApiOptions): RestApi {
  const authenticated = token !== null;
  const octokit = createOctokit({ url, token, http });
  // Not the token itself: keys are stored. What one token may see is not for another.
  const viewer = token === null ? '' : `#${createHash('sha256').update(token).digest('hex').slice(0, 12)}`;
  const slots = createSlots(atOnce);
  // By resource: searches have a limit of their own.
  const closedUntil = new Map<string, number>();

  const close = (resource: string, seconds: number): void => {
    closedUntil.set(resource, clock.now() + seconds * 1000);
  };
  /** Whoever asks on while a limit is used up is locked out for longer. */
  const requireOpen = (resource: string): void => {
    const waitMs = (closedUntil.get(resource) ?? 0) - clock.now();
    if (waitMs > 0) throw limited(Math.ceil(waitMs / 1000), authenticated);
  };

  const failureOf = (refusal: Refusal, resource: string): CodeHostError => {
    const limit = limitOf(refusal, clock.now());
    if (limit === null) return refused(refusal, authenticated);
    close(resource, limit.retryAfterSeconds);
    return limited(limit.retryAfterSeconds, authenticated, new Error(refusal.message));
  };

  const ask = async <T>(
    { route, parameters, schema, signal }: ApiRequest<T>,
    etag: string | null,
  ): Promise<Asked<T>> => {
    const resource = route.includes('/search/') ? 'search' : 'core';
    requireOpen(resource);
    try {
      const response = await octokit.request(route, {
        ...parameters,
        headers: etag === null ? {} : { 'if-none-match': etag },
        request: { signal },
      });
      const header = headerIn(response.headers);
      const emptyFor = resetOf({ header }, clock.now());
      if (emptyFor !== null) close(resource, emptyFor);
      return { answer: parsed(schema, response.data), etag: header('etag') };
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof CodeHostError) throw error;
      const refusal = refusalIn(error, token);
      if (refusal === null) throw withoutAnswer(error);
      if (refusal.status === 304) return 'unchanged';
      if (absent.has(refusal.status) || refusal.blocked) return { answer: null, etag: null };
      throw failureOf(refusal, resource);
    }
  };

  return {
    async get(request) {
      request.signal.throwIfAborted();
      const { url: address } = octokit.request.endpoint(request.route, request.parameters);
      return kept.get(`${address}${viewer}`, request.schema, (etag) =>
        slots.use(() => ask(request, etag), request.signal),
      );
    },
  };
}

function parsed<T>(schema: z.ZodType<T>, data: unknown): T {
  const result = schema.safeParse(data);
  if (result.success) return result.data;
  throw unreachable('its answer is not one of GitHub’s', result.error);
}

const headers = z.record(z.string(), z.union([z.string(), z.number()]).optional());

const headerIn = (source: unknown): ((name: string) => string | null) => {
  const known = headers.safeParse(source).data ?? {};
  return (name) => (known[name] === undefined ? null : String(known[name]));
};

/** Octokit's own error where there was an answer. Its request is left behind: that holds our token. */
const requestError = z.object({
  response: z.object({ status: z.int(), headers: z.unknown(), data: z.unknown() }),
});
const errorBody = z.object({
  message: z.string(),
  errors: z
    .array(z.object({ message: z.string().optional() }))
    .catch([])
    .default([]),
  block: z.unknown().optional(),
});

function refusalIn(error: unknown, token: string | null): (Refusal & { blocked: boolean }) | null {
  const known = requestError.safeParse(error);
  if (!known.success) return null;
  const { status, headers: sent, data } = known.data.response;
  const body = errorBody.safeParse(data).data;
  const said = [body?.message, ...(body?.errors ?? []).map((one) => one.message)];
  const message = said
    .filter((text) => text !== undefined)
    .join('; ')
    .slice(0, 500);
  return {
    status,
    header: headerIn(sent),
    message: token === null ? message : message.replaceAll(token, '[token]'),
    // A repository that GitHub itself has closed.
    blocked: body?.block !== undefined,
  };
}

function withoutAnswer(error: unknown): CodeHostError {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  const said = cause instanceof HttpUnreachable ? cause.message : 'the connection failed';
  return unreachable(said, cause instanceof HttpUnreachable ? cause : new Error(String(cause)));
}
