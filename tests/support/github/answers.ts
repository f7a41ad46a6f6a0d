// How the stand-in for GitHub answers: headers, etags, limits, and the ways in which it can go wrong.
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';

export type GitHubFault =
  /** No requests are left for so long; 403, or 429 as newer parts of GitHub answer. */
  | { kind: 'primary-limit'; resetInSeconds: number; status?: 403 | 429 }
  /** Too much at once; GitHub says for how long, or does not. */
  | { kind: 'secondary-limit'; retryAfterSeconds: number | null; status?: 403 | 429 }
  /** An error page. */
  | { kind: 'status'; status: number }
  /** Half of the answer, then the connection breaks. */
  | { kind: 'cut' }
  /** Nothing, until whoever asks has gone. */
  | { kind: 'silence' }
  /** 200 with something that is not JSON. */
  | { kind: 'garbage' }
  /** A redirect to somebody else. */
  | { kind: 'redirect'; to: string };

/** Requests within an hour, or within a minute for searches. */
export interface RateLimit {
  limit: number;
  used: number;
  resetAt: number;
}

export interface Answer {
  status: number;
  body: unknown;
  headers?: Record<string, string>;
}

const docs = 'https://docs.github.com/rest';

export const notFound = (): Answer => ({
  status: 404,
  body: { message: 'Not Found', documentation_url: docs, status: '404' },
});

export const badCredentials = (): Answer => ({
  status: 401,
  body: { message: 'Bad credentials', documentation_url: docs, status: '401' },
});

export const validationFailed = (message: string): Answer => ({
  status: 422,
  body: {
    message: 'Validation Failed',
    errors: [{ message, resource: 'Search', field: 'q', code: 'invalid' }],
    documentation_url: `${docs}/search/`,
    status: '422',
  },
});

export const onlyFirstResults = (): Answer => ({
  status: 422,
  body: {
    message: 'Only the first 1000 search results are available',
    documentation_url: `${docs}/search/`,
    status: '422',
  },
});

export const movedTo = (url: string): Answer => ({
  status: 301,
  headers: { location: url },
  body: {
    message: 'Moved Permanently',
    url,
    documentation_url: `${docs}/guides/best-practices#follow-redirects`,
  },
});

export const emptyRepository = (): Answer => ({
  status: 409,
  body: { message: 'Git Repository is empty.', documentation_url: docs, status: '409' },
});

export const exceeded = (status: 403 | 429 = 403): Answer => ({
  status,
  body: {
    message:
      "API rate limit exceeded for 127.0.0.1. (But here's the good news: Authenticated requests get a higher rate limit.)",
    documentation_url: `${docs}/overview/rate-limits-for-the-rest-api`,
  },
});

export const secondary = (retryAfterSeconds: number | null, status: 403 | 429 = 403): Answer => ({
  status,
  headers: retryAfterSeconds === null ? {} : { 'retry-after': String(retryAfterSeconds) },
  body: {
    message: 'You have exceeded a secondary rate limit. Please wait a few minutes before you try again.',
    documentation_url: `${docs}/overview/rate-limits-for-the-rest-api#about-secondary-rate-limits`,
  },
});

export const limitHeaders = (
  resource: string,
  { limit, used, resetAt }: RateLimit,
): Record<string, string> => ({
  'x-ratelimit-limit': String(limit),
  'x-ratelimit-remaining': String(Math.max(0, limit - used)),
  'x-ratelimit-reset': String(Math.ceil(resetAt / 1000)),
  'x-ratelimit-used': String(Math.min(limit, used)),
  'x-ratelimit-resource': resource,
});

export const etagOf = (body: string): string => `W/"${createHash('sha256').update(body).digest('hex')}"`;

export const hasEtag = (request: IncomingMessage, etag: string): boolean =>
  (request.headers['if-none-match'] ?? '').split(/,\s*/).includes(etag);

export function send(response: ServerResponse, { status, body, headers = {} }: Answer): void {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'x-github-media-type': 'github.v3; format=json',
    'x-github-request-id': '0000:0000:0000000:0000000:00000000',
    ...headers,
  });
  response.end(status === 304 ? undefined : text);
}

/** Limits are not among them: they are answers of their own, with headers that tell of them. */
export function sendFault(response: ServerResponse, fault: GitHubFault): void {
  switch (fault.kind) {
    case 'primary-limit':
    case 'secondary-limit':
      throw new Error('limits have headers of their own');
    case 'status':
      return send(response, { status: fault.status, body: { message: `fault of a test: ${fault.status}` } });
    case 'cut':
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': 1000 });
      response.write('{"total_count":', () => response.destroy());
      return;
    case 'silence':
      return;
    case 'garbage':
      return send(response, { status: 200, body: '<!DOCTYPE html><p>Unicorn!' });
    case 'redirect':
      return send(response, { status: 302, headers: { location: fault.to }, body: '' });
  }
}
