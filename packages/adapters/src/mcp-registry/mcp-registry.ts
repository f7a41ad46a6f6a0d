// The port McpRegistry over the registry's HTTP API, version 0.1: pages behind opaque cursors, a search in names.
import {
  HttpUnreachable,
  McpRegistryError,
  type HttpAnswer,
  type HttpReader,
  type McpRegistry,
  type RegistryEntry,
} from '@insightloop/core';
import { registryListing, type RegistryListing } from './payloads.ts';

export interface McpRegistryOptions {
  http: HttpReader;
  /** Default: the official one. */
  url?: string;
}

/** The most that the registry gives at once. */
const pageSize = 100;
/** A page of the largest entries that were seen has less than 1 MB. */
const maxPageBytes = 8 * 1024 ** 2;

export function createMcpRegistry({
  http,
  url = 'https://registry.modelcontextprotocol.io',
}: McpRegistryOptions): McpRegistry {
  const base = `${url.replace(/\/+$/, '')}/v0.1/servers`;

  const page = async (parameters: Record<string, string>, signal: AbortSignal): Promise<RegistryListing> => {
    const address = `${base}?${new URLSearchParams(parameters).toString()}`;
    const answer = await read(http, address, signal);
    if (answer.status !== 200) throw refusal(answer);
    try {
      if (answer.truncated) throw new Error(`the page is longer than ${maxPageBytes} bytes`);
      return registryListing(answer.text);
    } catch (cause) {
      throw new McpRegistryError('unreachable', 'The MCP registry answers in a way that is not its own.', {
        cause,
      });
    }
  };

  /** Ends with the registry's list, or when it repeats a cursor. */
  async function* listed(text: string | null, signal: AbortSignal): AsyncGenerator<RegistryEntry> {
    const fixed = { version: 'latest', limit: String(pageSize), ...(text === null ? {} : { search: text }) };
    const seen = new Set<string>();
    for (let cursor = ''; !seen.has(cursor);) {
      seen.add(cursor);
      const { entries, nextCursor } = await page({ ...fixed, ...(cursor === '' ? {} : { cursor }) }, signal);
      yield* entries;
      cursor = nextCursor ?? '';
    }
  }

  return {
    async search(text, { limit, signal }) {
      const words = text?.trim() ?? '';
      const entries: RegistryEntry[] = [];
      for await (const entry of listed(words === '' ? null : words, signal)) {
        if (entries.length === limit) return { entries, more: true };
        entries.push(entry);
      }
      return { entries, more: false };
    },
  };
}

async function read(http: HttpReader, url: string, signal: AbortSignal): Promise<HttpAnswer> {
  try {
    return await http.read({ url, headers: { accept: 'application/json' }, maxBytes: maxPageBytes, signal });
  } catch (cause) {
    if (!(cause instanceof HttpUnreachable)) throw cause;
    throw new McpRegistryError(
      'unreachable',
      `The MCP registry cannot be asked right now: ${cause.message}.`,
      {
        cause,
      },
    );
  }
}

function refusal({ status, headers, text }: HttpAnswer): McpRegistryError {
  const cause = new Error(`the MCP registry answered ${status}: ${text.slice(0, 500)}`);
  const said = Number(headers.get('retry-after') ?? Number.NaN);
  const retryAfterSeconds = Number.isFinite(said) ? Math.max(1, Math.ceil(said)) : null;
  return status === 429
    ? new McpRegistryError('limited', 'The MCP registry takes no more requests right now.', {
        cause,
        retryAfterSeconds: retryAfterSeconds ?? 60,
      })
    : new McpRegistryError('unreachable', `The MCP registry answered ${status}.`, {
        cause,
        retryAfterSeconds,
      });
}
