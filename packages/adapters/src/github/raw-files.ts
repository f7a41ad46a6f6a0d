// Files of repositories through GitHub's host of raw files: no token goes there, and no request counts.
import {
  createSlots,
  HttpUnreachable,
  type HttpAnswer,
  type HttpReader,
  type RepositoryFile,
} from '@insightloop/core';
import { z } from 'zod';
import { limited, limitOf, unreachable } from './failures.ts';
import type { Asked, KeptAnswers } from './kept-answers.ts';

export interface RawFilesOptions {
  url: string;
  http: HttpReader;
  kept: KeptAnswers;
  now: () => number;
}

export interface RawFileRequest {
  fullName: string;
  path: string;
  maxBytes: number;
  signal: AbortSignal;
}

export interface RawFiles {
  /**
   * Null where there is no such file.
   * @throws CodeHostError; the signal's reason when it aborts
   */
  read(request: RawFileRequest): Promise<RepositoryFile | null>;
}

const atOnce = 8;
const attempts = 2;
const file = z.object({ text: z.string(), truncated: z.boolean() });

export function createRawFiles({ url, http, kept, now }: RawFilesOptions): RawFiles {
  const base = url.replace(/\/+$/, '');
  const slots = createSlots(atOnce);

  const read = async (
    { maxBytes, signal }: RawFileRequest,
    address: string,
    etag: string | null,
  ): Promise<Asked<RepositoryFile>> => {
    const headers: Record<string, string> = etag === null ? {} : { 'if-none-match': etag };
    const answer = await steadily(() => http.read({ url: address, headers, maxBytes, signal }));
    const { status, text, truncated } = answer;
    const header = (name: string): string | null => answer.headers.get(name);
    if (status === 304) return 'unchanged';
    // A database takes no NUL.
    if (status === 200)
      return { answer: { text: text.replaceAll('\0', '\u{fffd}'), truncated }, etag: header('etag') };
    if (status === 404 || status === 410 || status === 451 || status === 400)
      return { answer: null, etag: null };
    const limit = limitOf({ status, header, message: text.slice(0, 200) }, now());
    if (limit !== null) throw limited(limit.retryAfterSeconds, true);
    throw unreachable(`its host of files answered ${status}`, undefined);
  };

  return {
    async read(request) {
      const { fullName, path, maxBytes, signal } = request;
      signal.throwIfAborted();
      if (!isPlainPath(path)) return null;
      const segments = [...fullName.split('/'), 'HEAD', ...path.split('/')];
      const address = `${base}/${segments.map(encodeURIComponent).join('/')}`;
      return kept.get(`${address}#${maxBytes}`, file, (etag) =>
        slots.use(() => read(request, address, etag), signal),
      );
    },
  };
}

/** `..` would lead out of the repository when the address is put together. */
const isPlainPath = (path: string): boolean =>
  path.isWellFormed() && path.split('/').every((part) => part !== '' && part !== '.' && part !== '..');

/** One more try where the host stumbled; a limit is no stumble. */
async function steadily(read: () => Promise<HttpAnswer>): Promise<HttpAnswer> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const answer = await read();
      if (answer.status < 500 || attempt === attempts) return answer;
    } catch (error) {
      if (!(error instanceof HttpUnreachable)) throw error;
      if (attempt === attempts) throw unreachable(error.message, error);
    }
  }
}
