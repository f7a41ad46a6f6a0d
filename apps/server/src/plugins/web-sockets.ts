// WebSockets of all doors: how large a frame may be, and what becomes of a reader who does not read.
import websocket from '@fastify/websocket';
import type { FastifyInstance } from 'fastify';
import type { WebSocket } from 'ws';

const maxFrameBytes = 1024 * 1024;

/** What may wait for one reader. */
const maxBufferedBytes = 8 * 1024 * 1024;

/** Before the gate: only what this plugin knows of is closed again when the gate refuses an upgrade. */
export async function addWebSockets(app: FastifyInstance): Promise<void> {
  await app.register(websocket, { options: { maxPayload: maxFrameBytes } });
  app.websocketServer.on('connection', cutOffWhenSlow);
}

/**
 * tRPC writes to a WebSocket without waiting for it, and what a reader leaves lying would fill our memory. Whoever is
 * cut off comes back and goes on behind the last event that it has seen.
 */
function cutOffWhenSlow(socket: WebSocket): void {
  const { send } = socket;
  socket.send = (...args: unknown[]) => {
    if (socket.bufferedAmount > maxBufferedBytes) socket.terminate();
    else Reflect.apply(send, socket, args);
  };
}
