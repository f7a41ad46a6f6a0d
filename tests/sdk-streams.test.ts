// The SDK's calls and streams against the real server, whose connections are cut and which restarts under them.
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { createInsightLoopClient, InsightLoopError, type StreamEvent } from '@insightloop/client';
import { beforeAll, describe, expect, it } from 'vitest';
import { startServer, type RunningServer } from './support/running-server.ts';

let server: RunningServer;

beforeAll(async () => {
  server = await startServer();
  return async () => void (await server.stop());
});

const registrationOf = (id: string) => ({
  id,
  name: id,
  launch: [{ method: 'npx' as const, identifier: 'some-package' }],
});

/** Stands between client and server, so that a test can take the line away and give it back, also to another server. */
async function createLine(firstTarget: string) {
  let target: URL | null = new URL(firstTarget);
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): Socket => {
    sockets.add(socket);
    return socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
  };
  // It listens all the time: a port that is given up could be somebody else's by the time it is wanted back.
  const listener = createServer((incoming) => {
    keep(incoming);
    if (!target) return void incoming.destroy();
    const outgoing = keep(connect(Number(target.port), target.hostname));
    incoming.pipe(outgoing).pipe(incoming);
    incoming.on('close', () => outgoing.destroy());
    outgoing.on('close', () => incoming.destroy());
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const address = listener.address();
  if (address === null || typeof address === 'string') throw new Error('the line does not listen');
  const cut = () => {
    target = null;
    for (const socket of sockets) socket.destroy();
  };
  return {
    baseUrl: `http://127.0.0.1:${address.port}`,
    cut,
    mend: (to = firstTarget) => {
      target = new URL(to);
    },
    async [Symbol.asyncDispose]() {
      const closed = once(listener, 'close');
      listener.close();
      cut();
      await closed;
    },
  };
}

/** An address where nothing listens any more. */
async function createDeadUrl(): Promise<string> {
  await using line = await createLine(server.baseUrl);
  return line.baseUrl;
}

async function failureOf(work: Promise<unknown>): Promise<InsightLoopError> {
  const failure: unknown = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (!(failure instanceof InsightLoopError)) throw new Error('not an InsightLoopError', { cause: failure });
  return failure;
}

async function drain(stream: AsyncIterable<unknown>): Promise<void> {
  for await (const _event of stream);
}

const subjectOf = (event: StreamEvent): string =>
  event.type === 'gap' ? 'gap' : `${event.type} ${event.server_id}`;

describe('calls', () => {
  it('carry dates as dates there and back', async () => {
    const client = createInsightLoopClient({ baseUrl: server.baseUrl });
    const before = Date.now();
    const { server: registered } = await client.servers.register(registrationOf('dated'));
    const { server: found } = await client.servers.get({ server_id: 'dated' });
    expect(found.created_at).toBeInstanceOf(Date);
    expect(found).toEqual(registered);
    expect(found.created_at.getTime()).toBeGreaterThanOrEqual(before - 1000);
    expect((await client.servers.remove({ server_id: 'dated' })).removed_at).toBeInstanceOf(Date);
  });

  it('fail with what the server says', async () => {
    const client = createInsightLoopClient({ baseUrl: server.baseUrl });
    expect(await failureOf(client.servers.get({ server_id: 'nobody' }))).toMatchObject({
      code: 'SERVER_NOT_FOUND',
      status: 404,
      requestId: expect.stringMatching(/^req-/),
      details: { server_id: 'nobody' },
    });
    expect(await failureOf(client.servers.list({ limit: 0 }))).toMatchObject({
      code: 'INVALID_REQUEST',
      status: 400,
      details: { issues: [expect.objectContaining({ path: ['limit'] })] },
    });
  });

  it('fail with what a route beside the operations says, and with nothing at all', async () => {
    const astray = createInsightLoopClient({ baseUrl: `${server.baseUrl}/elsewhere` });
    expect(await failureOf(astray.system.health())).toMatchObject({ code: 'NOT_FOUND', status: 404 });

    const baseUrl = await createDeadUrl();
    const error = await failureOf(createInsightLoopClient({ baseUrl }).system.health());
    expect(error).toMatchObject({ code: 'CONNECTION_FAILED', status: null, requestId: null });
    expect(error.message).toContain(baseUrl);
    expect(error.message).toContain('ECONNREFUSED');
  });

  it('say when a used-up limit is new again, and a stream that meets it ends', async () => {
    await using limited = await startServer({ env: { RATE_LIMIT_LOGS: '1' } });
    const client = createInsightLoopClient({ baseUrl: limited.baseUrl });
    await client.servers.list();
    const error = await failureOf(client.servers.list());
    expect(error).toMatchObject({ code: 'RATE_LIMIT_EXCEEDED', status: 429 });
    expect(error.retryAfterSeconds).toBeGreaterThan(0);
    expect(await failureOf(drain(client.events.subscribe({ channels: ['servers'] })))).toMatchObject({
      code: 'RATE_LIMIT_EXCEEDED',
      status: 429,
      retryAfterSeconds: expect.any(Number),
    });
  });
});

describe('streams', () => {
  it('go on behind the last event when the line is cut and mended: nothing is lost, nothing comes twice', async () => {
    await using line = await createLine(server.baseUrl);
    const direct = createInsightLoopClient({ baseUrl: server.baseUrl });
    const stopping = new AbortController();
    const events = createInsightLoopClient({ baseUrl: line.baseUrl }).events.subscribe(
      { channels: ['servers'] },
      { signal: stopping.signal },
    );
    await events.open();
    await direct.servers.register(registrationOf('cut-0'));

    const seen: string[] = [];
    for await (const { data } of events) {
      seen.push(subjectOf(data));
      const rounds = seen.filter((subject) => subject.startsWith('server_registered')).length;
      if (rounds > 5) stopping.abort();
      else if (seen.length % 2 === 1) {
        line.cut();
        await direct.servers.remove({ server_id: `cut-${rounds - 1}` });
        await direct.servers.register(registrationOf(`cut-${rounds}`));
        line.mend();
      }
    }
    expect(seen).toEqual([
      'server_registered cut-0',
      ...[1, 2, 3, 4, 5].flatMap((n) => [`server_removed cut-${n - 1}`, `server_registered cut-${n}`]),
    ]);
    await direct.servers.remove({ server_id: 'cut-5' });
  });

  it('continue in another process from an id', async () => {
    const client = createInsightLoopClient({ baseUrl: server.baseUrl });
    const first = client.events.subscribe({ channels: ['servers'] });
    await first.open();
    await client.servers.register(registrationOf('handed-over'));
    await client.servers.remove({ server_id: 'handed-over' });
    let lastEventId = '';
    for await (const { id } of first) {
      lastEventId = id;
      break;
    }
    for await (const { data } of client.events.subscribe({ channels: ['servers'], lastEventId })) {
      expect(subjectOf(data)).toBe('server_removed handed-over');
      expect(data.timestamp).toBeInstanceOf(Date);
      break;
    }
  });

  it('outlive a restart of the server, and are told what they cannot be told', async () => {
    await using first = await startServer();
    await using second = await startServer();
    await using line = await createLine(first.baseUrl);
    const client = createInsightLoopClient({ baseUrl: line.baseUrl });
    const stopping = new AbortController();
    const events = client.events.subscribe({ channels: ['servers'] }, { signal: stopping.signal });
    await events.open();
    await client.servers.register(registrationOf('before'));
    const seen: string[] = [];
    for await (const { data } of events) {
      seen.push(subjectOf(data));
      if (data.type === 'gap') await client.servers.register(registrationOf('after'));
      else if (data.server_id === 'after') stopping.abort();
      else {
        // Another process in its place knows nothing of the numbers that the first one gave.
        line.mend(second.baseUrl);
        await first.kill();
      }
    }
    expect(seen).toEqual(['server_registered before', 'gap', 'server_registered after']);
  });

  it('end with an error that trying again cannot mend, instead of trying for ever', async () => {
    const client = createInsightLoopClient({ baseUrl: server.baseUrl });
    const stale = client.events.subscribe({ channels: ['servers'], lastEventId: 'none of yours' });
    expect(await failureOf(drain(stale))).toMatchObject({
      code: 'INVALID_REQUEST',
      status: 400,
      requestId: expect.stringMatching(/^req-/),
    });
    const wrong = client.events.subscribe({ channels: [] });
    expect(await failureOf(drain(wrong))).toMatchObject({ code: 'INVALID_REQUEST', status: 400 });
  });

  it('say so at once when nothing answers in the first place', async () => {
    const client = createInsightLoopClient({ baseUrl: await createDeadUrl() });
    const error = await failureOf(client.events.subscribe({ channels: ['servers'] }).open());
    expect(error.code).toBe('CONNECTION_FAILED');
  });

  it('end quietly when they are aborted while the line is down', async () => {
    await using line = await createLine(server.baseUrl);
    const stopping = new AbortController();
    const events = createInsightLoopClient({ baseUrl: line.baseUrl }).events.subscribe(
      { channels: ['servers'] },
      { signal: stopping.signal },
    );
    await events.open();
    const reading = drain(events);
    line.cut();
    setImmediate(() => stopping.abort());
    await reading;
  });
});
