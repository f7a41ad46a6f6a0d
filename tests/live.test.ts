// Live, through the whole service: the specification's example in a browser, an EventSource, last words, the SDK over a
// WebSocket, metric samples, lines, and two services on one Redis.
import { createInsightLoopClient, InsightLoopError } from '@insightloop/client';
import { webSocketStreams } from '@insightloop/client/websocket';
import { beforeAll, describe, expect, it } from 'vitest';
import { noRedis, startRedis } from '../packages/adapters/src/redis/testing/redis-server.ts';
import { noChromium, startChromium } from './support/chromium.ts';
import { openPlainStream } from './support/plain-stream.ts';
import { NpmRegistry } from './support/npm-registry.ts';
import { publishQuickPackage, quickPackage } from './support/quick-package.ts';
import { npmFrom, restOf } from './support/rest.ts';
import { startServer, type RunningServer } from './support/running-server.ts';

for (const reason of [noChromium, noRedis]) {
  if (reason && process.env['CI'] === 'true') throw new Error(reason);
  if (reason) console.warn(`some tests are skipped: ${reason}`);
}

let server: RunningServer;
beforeAll(async () => {
  const registry = await NpmRegistry.start();
  await publishQuickPackage(registry);
  server = await startServer({ env: npmFrom(registry) });
  return async () => {
    await server.stop();
    await registry.close();
  };
});

const registrationOf = (id: string) => ({
  id,
  name: id,
  launch: [{ method: 'npx' as const, identifier: 'some-package' }],
});

describe.skipIf(noChromium !== null)('in a browser', () => {
  it('the example of the specification works as it stands there, and so does an EventSource', async () => {
    const { port } = new URL(server.baseUrl);
    await using browser = await startChromium();
    const page = await browser.context.newPage();
    const said: string[] = [];
    page.on('console', (message) => said.push(message.text()));
    await page.goto(`http://localhost:${port}/health`);
    // Word for word but for the port, as 8000 may be somebody else's; then ours, to look at what came.
    const example = `
const ws = new WebSocket('ws://localhost:8000/ws');

ws.onopen = () => {
  ws.send(JSON.stringify({
    type: 'subscribe',
    channels: ['deployments', 'orchestration']
  }));
};

ws.onmessage = (event) => {
  const data = JSON.parse(event.data);
  console.log('Received:', data);
};
globalThis.received = [];
ws.addEventListener('message', (event) => received.push(JSON.parse(event.data)));
globalThis.source = new EventSource('/api/events/servers');
source.addEventListener('server_registered', (event) => received.push(JSON.parse(event.data)));
source.onmessage = () => received.push({ type: 'nothing may come without a name' });
`.replace(':8000', `:${port}`);
    await page.evaluate(example);
    const received = () => page.evaluate<{ type: string; channels?: string[] }[]>('received');
    await expect
      .poll(received)
      .toMatchObject([{ type: 'subscribed', channels: ['deployments', 'orchestration'] }]);
    expect(said).toContainEqual(expect.stringContaining('Received:'));
    await expect.poll(() => page.evaluate('source.readyState')).toBe(1);
    const client = createInsightLoopClient({ baseUrl: server.baseUrl });
    await client.servers.register(registrationOf('browsed'));
    await expect
      .poll(async () => (await received()).map(({ type }) => type))
      .toEqual(['subscribed', 'server_registered']);
    await client.servers.remove({ server_id: 'browsed' });
  });
});

describe('a plain stream', () => {
  it('begins with an id and no event, and goes on behind it', async () => {
    const leaving = new AbortController();
    const { body } = await fetch(`${server.baseUrl}/api/events/servers`, { signal: leaving.signal });
    const reader = body?.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    while (!text.includes('id: ')) text += (await reader?.read())?.value ?? '';
    leaving.abort();
    expect(text).toMatch(/^retry: 1000\n\nid: \S+\n\n$/);
    const client = createInsightLoopClient({ baseUrl: server.baseUrl });
    await client.servers.register(registrationOf('meanwhile'));
    const id = /id: (\S+)/.exec(text)?.[1] ?? '';
    const again = await openPlainStream(`${server.baseUrl}/api/events/servers?lastEventId=${id}`);
    expect(await again.take(1)).toMatchObject([
      { name: 'server_registered', data: { server_id: 'meanwhile' } },
    ]);
    again.close();
    await client.servers.remove({ server_id: 'meanwhile' });
  });

  it('is refused where what it asks for is wrong', async () => {
    const statusOf = async (path: string, headers: Record<string, string> = {}) => {
      const answer = await fetch(server.baseUrl + path, { headers });
      return [answer.status, ((await answer.json()) as { error: { code: string } }).error.code];
    };
    expect(await statusOf('/api/events/gossip')).toEqual([400, 'INVALID_REQUEST']);
    expect(await statusOf('/api/events/logs?level=loud')).toEqual([400, 'INVALID_REQUEST']);
    expect(await statusOf('/api/events/logs', { 'last-event-id': 'x'.repeat(2000) })).toEqual([
      400,
      'INVALID_REQUEST',
    ]);
    expect(await statusOf('/api/events/logs', { 'last-event-id': '-1' })).toEqual([400, 'INVALID_REQUEST']);
    expect(await statusOf('/api/events/logs', { 'sec-fetch-site': 'cross-site' })).toEqual([
      403,
      'FORBIDDEN',
    ]);
    expect(await statusOf('/api/servers/nobody/logs?follow=true')).toEqual([404, 'SERVER_NOT_FOUND']);
  });

  it('is told when the server ends', async () => {
    await using ending = await startServer();
    const stream = await openPlainStream(`${ending.baseUrl}/api/events/servers`);
    const told = stream.take(1);
    void ending.stop();
    expect(await told).toMatchObject([{ name: 'server_closing', id: expect.any(String) }]);
  });
});

describe('a running server', () => {
  it('is told of at all doors: status, lines, figures', async () => {
    const rest = restOf(server.baseUrl);
    await rest.register('lively', quickPackage);
    const stream = await openPlainStream(
      `${server.baseUrl}/api/events/deployments,logs,metrics?server_id=lively`,
    );
    await rest.deploy('lively');
    const types = new Set<string>();
    const statuses: string[] = [];
    while (
      !['deployment_status', 'metrics'].every((type) => types.has(type)) ||
      !statuses.includes('running')
    ) {
      const [frame] = await stream.take(1);
      types.add(frame?.name ?? '');
      const { status } = frame?.data as { status?: string };
      if (status) statuses.push(status);
    }
    expect(statuses.slice(0, 2)).toEqual(['starting', 'running']);
    stream.close();

    const client = createInsightLoopClient({ baseUrl: server.baseUrl, streams: webSocketStreams });
    const following = client.logs.follow({ server_id: 'lively' });
    await following.open();
    const reading = (async () => {
      const seen: string[] = [];
      for await (const { data } of following) seen.push(data.type);
      return seen;
    })();
    await rest.post('/api/servers/lively/stop', {});
    // It is over when the deployment is.
    expect(Array.isArray(await reading)).toBe(true);
  });
});

describe('the SDK over a WebSocket', () => {
  const client = () => createInsightLoopClient({ baseUrl: server.baseUrl, streams: webSocketStreams });

  it('tells what happens after it is open, resumes, and ends by the signal', async () => {
    const stopping = new AbortController();
    const events = client().events.subscribe({ channels: ['servers'], signal: stopping.signal });
    await events.open();
    await client().servers.register(registrationOf('over-ws'));
    await client().servers.remove({ server_id: 'over-ws' });
    const seen: string[] = [];
    let firstId = '';
    for await (const { id, data } of events) {
      firstId ||= id;
      seen.push(data.type);
      expect(data.timestamp).toBeInstanceOf(Date);
      if (seen.length === 2) stopping.abort();
    }
    expect(seen).toEqual(['server_registered', 'server_removed']);
    for await (const { data } of client().events.subscribe({ channels: ['servers'], lastEventId: firstId })) {
      expect(data.type).toBe('server_removed');
      break;
    }
  });

  it('ends with an error that is final', async () => {
    const wrong = client().events.subscribe({ channels: ['servers'], lastEventId: 'none of yours' });
    await expect(wrong.open()).rejects.toMatchObject({ code: 'INVALID_REQUEST', status: 400 });
    await expect(client().logs.follow({ server_id: 'nobody' }).open()).rejects.toBeInstanceOf(
      InsightLoopError,
    );
    const keyed = createInsightLoopClient({
      baseUrl: server.baseUrl,
      streams: webSocketStreams,
      apiKey: 'k',
    });
    await expect(keyed.events.subscribe({ channels: ['servers'] }).open()).rejects.toThrow(TypeError);
  });

  it('loses nothing to a loop that is slower than the events', async () => {
    const events = client().events.subscribe({ channels: ['servers'] });
    await events.open();
    const count = 700;
    for (let n = 0; n < count; n += 1) {
      await client().servers.register(registrationOf(`slow-${n}`));
      await client().servers.remove({ server_id: `slow-${n}` });
    }
    let seen = 0;
    for await (const { data } of events) {
      expect(data).toMatchObject({ server_id: `slow-${Math.floor(seen / 2)}` });
      seen += 1;
      if (seen === count * 2) break;
    }
  });
});

describe.skipIf(noRedis !== null)('two services on one Redis', () => {
  it('tell each other’s events; without Redis both say so, and recover', async () => {
    await using redis = await startRedis();
    await using one = await startServer({ env: { REDIS_URL: redis.url } });
    await using two = await startServer({ env: { REDIS_URL: redis.url } });
    const [atOne, atTwo] = [one, two].map(({ baseUrl }) => createInsightLoopClient({ baseUrl }));
    if (!atOne || !atTwo) throw new Error('there are two');
    const events = atTwo.events.subscribe({ channels: ['servers'] });
    await events.open();
    const reading = events[Symbol.asyncIterator]();
    await atOne.servers.register(registrationOf('shared'));
    expect((await reading.next()).value).toMatchObject({ data: { server_id: 'shared' } });

    await redis.save();
    await redis.kill();
    await expect.poll(async () => (await atOne.system.health()).status).toBe('degraded');
    expect((await atOne.system.info()).capabilities.streaming).toBe(false);
    await expect(atOne.events.subscribe({ channels: ['servers'] }).open()).rejects.toMatchObject({
      code: 'SERVICE_UNAVAILABLE',
    });
    await atOne.servers.remove({ server_id: 'shared' });
    await redis.start();
    expect((await reading.next()).value).toMatchObject({ data: { type: 'server_removed' } });
    await expect.poll(async () => (await atOne.system.health()).status, { timeout: 20_000 }).toBe('healthy');
    await reading.return?.();
  });
});
