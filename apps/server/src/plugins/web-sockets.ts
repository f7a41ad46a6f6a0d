// WebSockets of all doors: how large a frame may be, and what becomes of a reader who does not read.
import websocket from '@fastify/websocket';
import type { FastifyInstance } from 'fastify';
import type { WebSocket } from 'ws';

const maxFrameBytes = 1024 * 1024;

/** What may wait for one reader. */
const maxBufferedBytes = 8 * 1024 * 1024;

/** Time for a reader that is told to come back later to hear it. */
const lastWordMs = 2_000;

/** Of RFC 6455 and its registry: "Try Again Later". */
const tryAgainLater = 1013;

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
    if (socket.readyState !== socket.OPEN) return;
    if (socket.bufferedAmount <= maxBufferedBytes) {
      Reflect.apply(send, socket, args);
      return;
    }
    socket.close(tryAgainLater, 'You read too slowly; go on behind the last event that you have seen.');
    // The word stands behind all that waits, so mostly nobody hears it.
    const timer = setTimeout(() => {
      socket.terminate();
    }, lastWordMs);
    socket.once('close', () => {
      clearTimeout(timer);
    });
  };
}
