// A stand-in for the official registry of MCP servers: version 0.1 of its API, over entries that tests publish.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

/** A server.json; `name` and `version` are all that it must have. */
export interface PublishedServer {
  name: string;
  version: string;
  [field: string]: unknown;
}

export type McpRegistryFault =
  /** An answer with this status, such as 429 or 500. */
  | { kind: 'status'; status: number; retryAfterSeconds?: number }
  /** Half of the answer, then the connection breaks. */
  | { kind: 'cut' }
  /** 200 with something that is not JSON. */
  | { kind: 'garbage' }
  /** Nothing, until whoever asks has gone. */
  | { kind: 'silence' };

interface Publication {
  server: PublishedServer;
  status: 'active' | 'deprecated' | 'deleted';
  publishedAt: Date;
  updatedAt: Date;
  isLatest: boolean;
}

const defaultLimit = 30;
const maxLimit = 100;

export class McpRegistry {
  /** The query of each request for servers, in order. */
  readonly requests: URLSearchParams[] = [];
  readonly #publications: Publication[] = [];
  readonly #server: Server;
  #fault: McpRegistryFault | null = null;

  private constructor() {
    this.#server = createServer((request, response) => this.#answer(request, response));
  }

  /** Listens on a free port of the loopback interface. */
  static async start(): Promise<McpRegistry> {
    const registry = new McpRegistry();
    await new Promise<void>((resolve) => registry.#server.listen(0, '127.0.0.1', resolve));
    return registry;
  }

  get url(): string {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('The registry does not listen.');
    return `http://127.0.0.1:${address.port}`;
  }

  /** The version that was published last is the newest. */
  publish(server: PublishedServer, publishedAt = new Date('2026-01-01T00:00:00Z')): void {
    for (const known of this.#publications) if (known.server.name === server.name) known.isLatest = false;
    this.#publications.push({
      server,
      status: 'active',
      publishedAt,
      updatedAt: publishedAt,
      isLatest: true,
    });
  }

  /** All versions of it. */
  setStatus(name: string, status: Publication['status']): void {
    for (const known of this.#publications) if (known.server.name === name) known.status = status;
  }

  /** How every request is answered from now on; null as it should be. */
  breakWith(fault: McpRegistryFault | null): void {
    this.#fault = fault;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '/', this.url);
    if (url.pathname !== '/v0.1/servers') return problem(response, 404, 'Not Found');
    this.requests.push(url.searchParams);
    if (this.#fault !== null) return sendFault(response, this.#fault);
    const limit = Number(url.searchParams.get('limit') ?? defaultLimit);
    if (!Number.isInteger(limit) || limit < 1 || limit > maxLimit)
      return problem(response, 422, 'Unprocessable Entity');
    send(response, 200, this.#page(url.searchParams, limit));
  }

  #page(query: URLSearchParams, limit: number): object {
    const search = query.get('search')?.toLowerCase() ?? '';
    const version = query.get('version');
    const cursor = query.get('cursor');
    const all = this.#publications
      .filter(({ server, isLatest, status }) => {
        const isMeant = version === null || (version === 'latest' ? isLatest : server.version === version);
        return isMeant && status !== 'deleted' && server.name.toLowerCase().includes(search);
      })
      .toSorted((a, b) => (cursorOf(a) < cursorOf(b) ? -1 : 1));
    const start = cursor === null ? 0 : all.findIndex((one) => cursorOf(one) > cursor);
    const page = start === -1 ? [] : all.slice(start, start + limit);
    const last = page.at(-1);
    const isLastPage = last === undefined || last === all.at(-1);
    return {
      servers: page.map(listed),
      metadata: { count: page.length, ...(isLastPage ? {} : { nextCursor: cursorOf(last) }) },
    };
  }
}

/** To those who ask it is opaque. */
const cursorOf = ({ server }: Publication): string => `${server.name}:${server.version}`;

const listed = ({ server, status, publishedAt, updatedAt, isLatest }: Publication): object => ({
  server,
  _meta: {
    'io.modelcontextprotocol.registry/official': {
      status,
      publishedAt: publishedAt.toISOString(),
      updatedAt: updatedAt.toISOString(),
      statusChangedAt: publishedAt.toISOString(),
      isLatest,
    },
  },
});

function sendFault(response: ServerResponse, fault: McpRegistryFault): void {
  switch (fault.kind) {
    case 'status':
      if (fault.retryAfterSeconds !== undefined)
        response.setHeader('retry-after', String(fault.retryAfterSeconds));
      return problem(response, fault.status, 'fault of a test');
    case 'cut':
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': 1000 });
      response.write('{"servers":[', () => response.destroy());
      return;
    case 'garbage':
      return send(response, 200, '<!DOCTYPE html>');
    case 'silence':
      return;
  }
}

/** RFC 9457, as the registry's framework answers. */
function problem(response: ServerResponse, status: number, title: string): void {
  response.writeHead(status, { 'content-type': 'application/problem+json' });
  response.end(JSON.stringify({ title, status, detail: title }));
}

function send(response: ServerResponse, status: number, body: object | string): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(typeof body === 'string' ? body : JSON.stringify(body));
}
