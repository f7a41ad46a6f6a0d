// The bridge on Node's HTTP server, with as little around it as there can be.
import { AppError } from '@insightloop/core';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { McpBridge } from '../bridge/bridge.ts';

export interface Mounted {
  url: string;
  end(): Promise<void>;
}

export async function mount(bridge: McpBridge): Promise<Mounted> {
  const server = createServer((request, response) => void answer(bridge, request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    url: `http://127.0.0.1:${address.port}/servers/everything/mcp`,
    end: async () => {
      bridge.close();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function answer(bridge: McpBridge, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const gone = new AbortController();
  response.on('close', () => gone.abort());
  const { method = '', url = '', headers } = request;
  try {
    const serverId = url.split('/')[2] ?? '';
    const body = parsed(await text(request));
    const answered = await bridge.handle(serverId, { method, headers, body, signal: gone.signal });
    response.writeHead(answered.status, answered.headers);
    if (answered.body === null || typeof answered.body === 'string') response.end(answered.body ?? '');
    else await pipeline(Readable.from(answered.body), response);
  } catch (error) {
    if (error instanceof AppError) response.writeHead(error.code === 'SERVICE_UNAVAILABLE' ? 503 : 404);
    response.end();
  }
}

async function text(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) if (Buffer.isBuffer(chunk)) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
