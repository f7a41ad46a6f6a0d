// The MCP door: each running server at an address of its own, for standard clients over Streamable HTTP.
import type { McpBridge } from '@insightloop/adapters/mcp';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Readable } from 'node:stream';

export interface McpDoorOptions {
  bridge: McpBridge;
  /** Fastify paths, and for each the server that it leads to. */
  paths: Record<string, (request: FastifyRequest) => string>;
}

/** As much as a channel takes in one frame. */
const maxMessageBytes = 16 * 1024 * 1024;

/** In a scope of its own, because MCP answers a body that is no JSON in its own words. */
export async function addMcp(app: FastifyInstance, { bridge, paths }: McpDoorOptions): Promise<void> {
  await app.register((scope, _options, done) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, parsed) => {
      parsed(null, parseJson(String(body)));
    });
    for (const [url, serverOf] of Object.entries(paths))
      scope.route({
        method: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
        url,
        bodyLimit: maxMessageBytes,
        handler: (request, reply) => answer(bridge, serverOf(request), { request, reply }),
      });
    done();
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function answer(
  bridge: McpBridge,
  serverId: string,
  { request, reply }: { request: FastifyRequest; reply: FastifyReply },
): Promise<FastifyReply> {
  const client = new AbortController();
  reply.raw.once('close', () => {
    client.abort();
  });
  const { status, headers, body } = await bridge.handle(serverId, {
    method: request.method,
    headers: request.headers,
    body: request.body,
    signal: client.signal,
  });
  reply.code(status).headers(headers);
  if (body === null || typeof body === 'string') return reply.send(body ?? undefined);
  return reply.send(Readable.from(body, { objectMode: false }));
}
