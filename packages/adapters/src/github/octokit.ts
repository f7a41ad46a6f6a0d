// Octokit as we use it: every connection through our own reader, short waits only, nothing printed.
import { randomUUID } from 'node:crypto';
import type { HttpReader } from '@insightloop/core';
import { retry } from '@octokit/plugin-retry';
import { throttling } from '@octokit/plugin-throttling';
import { Octokit } from '@octokit/rest';
import bottleneck from 'bottleneck';

/** GitHub ends its own lists of files at 7 MB. */
const maxBodyBytes = 16 * 1024 ** 2;
/** A limit that ends so soon is waited for; whoever asks does not wait for more. */
const maxWaitSeconds = 2;
const quiet = { debug() {}, info() {}, warn() {}, error() {} };

const LimitedOctokit = Octokit.plugin(throttling, retry);

export interface OctokitOptions {
  url: string;
  token: string | null;
  http: HttpReader;
}

export const createOctokit = ({ url, token, http }: OctokitOptions): Octokit =>
  new LimitedOctokit({
    baseUrl: url.replace(/\/+$/, ''),
    ...(token === null ? {} : { auth: token }),
    log: quiet,
    throttle: {
      id: randomUUID(),
      // The plugin would let two seconds pass between any two searches. GitHub says itself when there were too many.
      search: new bottleneck.Group({ maxConcurrent: 2 }),
      onRateLimit: waitsFor,
      onSecondaryRateLimit: waitsFor,
    },
    // Limits are the other plugin's work, and what GitHub says of a thing stays true a second later.
    retry: { retries: 1, doNotRetry: [400, 401, 403, 404, 409, 410, 422, 429, 451] },
    request: { fetch: fetchThrough(http) },
  });

const waitsFor = (seconds: number, _request: unknown, _octokit: unknown, retries: number): boolean =>
  retries === 0 && seconds <= maxWaitSeconds;

/** What Octokit hands to a fetch. */
interface OctokitRequest {
  headers: Record<string, string>;
  signal?: AbortSignal;
}

const fetchThrough =
  (http: HttpReader) =>
  async (
    url: string,
    { headers, signal = new AbortController().signal }: OctokitRequest,
  ): Promise<Response> => {
    try {
      const answer = await http.read({ url, headers, maxBytes: maxBodyBytes, signal });
      if (answer.truncated) throw new Error(`the answer is longer than ${maxBodyBytes} bytes`);
      const { status } = answer;
      const hasNoBody = status === 204 || status === 205 || status === 304;
      return new Response(hasNoBody ? null : answer.text, { status, headers: answer.headers });
    } catch (error) {
      // By this name Octokit and its plugins know that nobody waits any more, and do not try again.
      if (signal.aborted) throw new DOMException('aborted', 'AbortError');
      throw error;
    }
  };
