// The last words: when the application closes, streams are told before their connections are cut.
import type { FastifyInstance } from 'fastify';
import { setTimeout as sleep } from 'node:timers/promises';

/** For `server_closing` to leave; whoever does not read it in time is cut off without it. */
const lastWordsMs = 100;

/** To be added before the WebSockets, which close theirs in the same hook. Returns a signal that aborts at the end. */
export function addLastWords(app: FastifyInstance): AbortSignal {
  const closing = new AbortController();
  let answering = 0;
  app.addHook('onRequest', (_request, reply, done) => {
    answering += 1;
    reply.raw.once('close', () => {
      answering -= 1;
    });
    done();
  });
  app.addHook('preClose', async () => {
    closing.abort();
    if (answering > 0 || app.websocketServer.clients.size > 0) await sleep(lastWordsMs);
  });
  return closing.signal;
}
