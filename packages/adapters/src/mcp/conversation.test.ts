// A channel over stdio to a server that does what it likes.
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { McpRequestError, type JsonObject, type McpChannel, type RequestOptions } from '@insightloop/core';
import { ScriptedMcpServer } from '@insightloop/core/testing';
import { createMcpConnector } from './connector.ts';
import { silent } from './testing/silent-logger.ts';

interface Opened {
  server: ScriptedMcpServer;
  channel: McpChannel;
  stray: string[];
  /** Sends a request that the server does not answer by itself, and says under which id it was sent. */
  ask(method?: string, options?: RequestOptions): Promise<{ id: string; answer: Promise<JsonObject> }>;
}

async function open(): Promise<Opened> {
  const server = new ScriptedMcpServer();
  const stray: string[] = [];
  const connector = createMcpConnector({
    client: { name: 'test', version: '1.0.0' },
    logger: silent,
    newEpoch: () => 'epoch',
  });
  const channel = await connector.connect(server.endpoint, {
    signal: new AbortController().signal,
    timeoutMs: 10_000,
    onStrayOutput: (line) => stray.push(line),
  });
  onTestFinished(() => channel.close());
  await server.message({ method: 'notifications/initialized' });
  let asked = 0;
  const ask: Opened['ask'] = async (method, options) => {
    const name = method ?? `test/held-${++asked}`;
    server.script(name, () => new Promise(() => {}));
    const answer = channel.request(name, {}, options);
    answer.catch(() => {});
    const { id } = await server.message({ method: name });
    if (typeof id !== 'string') throw new Error('the id is no string');
    return { id, answer };
  };
  return { server, channel, stray, ask };
}

const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20));

async function failureOf(promise: Promise<unknown>): Promise<McpRequestError> {
  const error: unknown = await promise.catch((reason: unknown) => reason);
  if (error instanceof McpRequestError) return error;
  throw new Error('expected an McpRequestError', { cause: error });
}

describe('the ids of a channel', () => {
  it('are its own, and begin with the epoch of the conversation', async () => {
    const { ask } = await open();
    expect((await ask()).id).toBe('epoch.2');
    expect((await ask()).id).toBe('epoch.3');
  });

  it('are matched exactly: answers of an earlier epoch, to nobody, or twice are dropped', async () => {
    const { server, channel, ask, stray } = await open();
    const { id, answer } = await ask();
    for (const other of ['older.2', 'epoch.99', 2, 'epoch.2 ', '__proto__', 'constructor']) {
      server.send({ jsonrpc: '2.0', id: other, result: { wrong: true } });
      server.send({ jsonrpc: '2.0', id: other, error: { code: 1, message: 'wrong' } });
    }
    server.send({ jsonrpc: '2.0', id, result: { first: true } });
    server.send({ jsonrpc: '2.0', id, result: { second: true } });
    server.send({ jsonrpc: '2.0', id, error: { code: 1, message: 'third' } });
    expect(await answer).toEqual({ first: true });
    await channel.ping();
    expect(stray).toEqual([]);
    expect(channel.pending).toBe(0);
  });
});

describe('hostile output', () => {
  it('goes to the log when it is no JSON-RPC, and disturbs nobody', async () => {
    const { server, channel, stray, ask } = await open();
    const { id, answer } = await ask();
    server.write(
      'Listening on stdio…\r\n\n   \n{"level":"info","msg":"structured"}\n[1,2]\n"text"\n42\n{broken\n',
    );
    server.write(Buffer.from([0xff, 0xfe, 0x00, 0x80, 0x0a]));
    server.send({ jsonrpc: '2.0', id, result: {} });
    await answer;
    expect(stray.slice(0, 5)).toEqual([
      'Listening on stdio…',
      '{"level":"info","msg":"structured"}',
      '[1,2]',
      '"text"',
      '42',
    ]);
    expect(stray).toContain('{broken');
    expect(await channel.request('tools/list')).toHaveProperty('tools');
  });

  it('is cut where it is long', async () => {
    const { server, stray, channel } = await open();
    server.write(`${'x'.repeat(100_000)}\n`);
    await channel.ping();
    expect(stray[0]?.length).toBe(8 * 1024 + 1);
  });

  it.each([
    [
      'after the result',
      (id: string, text: string) => `{"jsonrpc":"2.0","result":{"text":"${text}"},"id":"${id}"}`,
    ],
    [
      'before the result',
      (id: string, text: string) => `{"jsonrpc":"2.0","id":"${id}","result":{"text":"${text}"}}`,
    ],
  ])('of 20 MB fails the request that it answers, with the id %s', async (_, frame) => {
    const { server, channel, ask } = await open();
    const [large, other] = [await ask(), await ask()];
    server.write(`${frame(large.id, 'x'.repeat(20 * 1024 * 1024))}\n`);
    expect((await failureOf(large.answer)).failure).toBe('too-large');
    server.send({ jsonrpc: '2.0', id: other.id, result: { fine: true } });
    expect(await other.answer).toEqual({ fine: true });
    expect(await channel.request('tools/list')).toHaveProperty('tools');
  });

  it('of 20 MB that is a notification fails nobody', async () => {
    const { server, ask } = await open();
    const { id, answer } = await ask();
    server.notify('notifications/message', { data: 'x'.repeat(20 * 1024 * 1024) });
    server.send({ jsonrpc: '2.0', id, result: { fine: true } });
    expect(await answer).toEqual({ fine: true });
  });

  it('of 20 MB whose id cannot be seen fails the only request that waits', async () => {
    const { server, ask } = await open();
    const { id, answer } = await ask();
    const filler = 'x'.repeat(10 * 1024 * 1024);
    server.write(`{"jsonrpc":"2.0","a":"${filler}","id":"${id}","result":{"b":"${filler}"}}\n`);
    expect((await failureOf(answer)).failure).toBe('too-large');
  });

  it('of 16 MB still arrives', async () => {
    const { server, ask } = await open();
    const { id, answer } = await ask();
    const frame = JSON.stringify({ jsonrpc: '2.0', id, result: { text: '' } });
    const text = 'x'.repeat(16 * 1024 * 1024 - frame.length);
    server.send({ jsonrpc: '2.0', id, result: { text } });
    expect(await answer).toEqual({ text });
  });

  it('that is nested too deeply fails the request that it answers', async () => {
    const { server, channel, ask } = await open();
    const { id, answer } = await ask();
    server.write(
      `{"jsonrpc":"2.0","id":"${id}","result":{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}}\n`,
    );
    expect((await failureOf(answer)).failure).toBe('protocol');
    expect(await channel.request('tools/list')).toHaveProperty('tools');
  });

  it('with __proto__ in it is data', async () => {
    const { server, ask } = await open();
    const { id, answer } = await ask();
    server.write(
      `{"jsonrpc":"2.0","id":"${id}","result":{"__proto__":{"polluted":1}},"__proto__":{"id":1}}\n`,
    );
    expect(JSON.stringify(await answer)).toBe('{"__proto__":{"polluted":1}}');
    expect({}).not.toHaveProperty('polluted');
  });

  it.each([
    ['both a result and an error', '"result":{},"error":{"code":1,"message":"x"}'],
    ['neither', '"other":1'],
    ['a result that is no object', '"result":"fine"'],
    ['an error that is no object', '"error":"bad"'],
    ['half of its JSON', '"result":{'],
  ])('with %s fails the request at once', async (_, fields) => {
    const { server, ask } = await open();
    const { id, answer } = await ask();
    server.write(`{"jsonrpc":"2.0","id":"${id}",${fields}}\n`);
    expect((await failureOf(answer)).failure).toBe('protocol');
  });

  it('in batches is taken apart', async () => {
    const { server, ask } = await open();
    const [one, two] = [await ask(), await ask()];
    const answers = [one, two].map(({ id }, index) => ({ jsonrpc: '2.0', id, result: { index } }));
    server.write(`${JSON.stringify([...answers, 'and garbage'])}\n`);
    expect(await Promise.all([one.answer, two.answer])).toEqual([{ index: 0 }, { index: 1 }]);
  });

  it('in a flood of notifications drowns no answer', async () => {
    const { server, channel, ask } = await open();
    let heard = 0;
    channel.onNotification(() => heard++);
    const { id, answer } = await ask();
    for (let count = 0; count < 20_000; count++)
      server.notify('notifications/message', { level: 'info', data: count });
    server.send({ jsonrpc: '2.0', id, result: { fine: true } });
    expect(await answer).toEqual({ fine: true });
    expect(heard).toBe(20_000);
  });

  it('behind a byte order mark is read', async () => {
    const { server, ask } = await open();
    const { id, answer } = await ask();
    server.write(`\ufeff${JSON.stringify({ jsonrpc: '2.0', id, result: {} })}\r\n`);
    expect(await answer).toEqual({});
  });
});

describe('the end of a conversation', () => {
  it('comes with the end of the output, and fails all that wait', async () => {
    const { server, channel, ask } = await open();
    const calls = [await ask(), await ask()];
    server.write('{"jsonrpc":"2.0","id":"epoch.2","resu');
    server.end();
    expect(await channel.closed).toBe('The server closed its output.');
    for (const { answer } of calls)
      expect(['closed', 'protocol']).toContain((await failureOf(answer)).failure);
    expect((await failureOf(channel.request('tools/list'))).failure).toBe('unsent');
  });

  it('delivers what was written before it', async () => {
    const { server, channel, ask } = await open();
    const { id, answer } = await ask();
    server.write(JSON.stringify({ jsonrpc: '2.0', id, result: { last: true } }));
    server.end();
    expect(await answer).toEqual({ last: true });
    await channel.closed;
  });

  it('comes with an error of either stream, and later errors do no harm', async () => {
    for (const end of ['stdin', 'stdout'] as const) {
      const { server, channel } = await open();
      server[end].destroy(new Error('EPIPE'));
      expect(await channel.closed).toContain('EPIPE');
      server.stdin.emit('error', new Error('again'));
      server.stdout.emit('error', new Error('again'));
    }
  });

  it('leaves the streams alone, and reads on without listening', async () => {
    const { server, channel } = await open();
    await channel.close('done');
    expect(server.stdin.writableEnded).toBe(false);
    for (let count = 0; count < 100; count++) server.write(`${'x'.repeat(10_000)}\n`);
    await vi.waitFor(() => expect(server.stdout.readableLength).toBe(0));
    for (const event of ['data', 'end', 'close']) expect(server.stdout.listenerCount(event)).toBe(0);
    expect(server.stdin.listenerCount('drain')).toBe(0);
  });
});

describe('a request', () => {
  it('that was cancelled tells the server, and its late answer is dropped', async () => {
    const { server, channel, ask, stray } = await open();
    const caller = new AbortController();
    const { id, answer } = await ask('test/slow', { signal: caller.signal });
    caller.abort(new Error('gone'));
    await expect(answer).rejects.toThrow('gone');
    expect(await server.message({ method: 'notifications/cancelled' })).toMatchObject({
      params: { requestId: id },
    });
    server.send({ jsonrpc: '2.0', id, result: { late: true } });
    await channel.ping();
    expect(stray).toEqual([]);
  });

  it('that takes too long is cancelled; progress gives it its time again', async () => {
    const { server, ask } = await open();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const { id, answer } = await ask('test/slow', { timeoutMs: 1_000 });
    for (let progress = 1; progress <= 5; progress++) {
      await vi.advanceTimersByTimeAsync(900);
      server.notify('notifications/progress', { progressToken: id, progress });
      await new Promise((resolve) => setImmediate(resolve));
    }
    const failure = failureOf(answer);
    await vi.advanceTimersByTimeAsync(1_001);
    expect((await failure).failure).toBe('timeout');
    expect(await server.message({ method: 'notifications/cancelled' })).toMatchObject({
      params: { requestId: id },
    });
  });

  it('has a token of its own, whatever its caller sent', async () => {
    const { server, channel } = await open();
    const seen: unknown[] = [];
    server.script('test/meta', ({ _meta = null }) => {
      seen.push(_meta);
      return {};
    });
    const params = { _meta: { progressToken: 'of another caller', trace: 'x' } };
    await channel.request('test/meta', params);
    await channel.request('test/meta', params, { onProgress: () => {} });
    await channel.request('test/meta', { _meta: { progressToken: 1 } });
    expect(seen).toEqual([{ trace: 'x' }, { trace: 'x', progressToken: 'epoch.3' }, null]);
  });

  it('is not told of what is no progress of its own', async () => {
    const { server, channel, ask } = await open();
    const heard: unknown[] = [];
    const one = await ask('test/one', { onProgress: (progress) => heard.push(progress) });
    const two = await ask('test/two');
    server.notify('notifications/progress', { progressToken: two.id, progress: 1 });
    server.notify('notifications/progress', { progressToken: 'other', progress: 1 });
    server.notify('notifications/progress', { progressToken: one.id, progress: 'half' });
    server.notify('notifications/progress', { progressToken: one.id, progress: 1, total: 'x', message: 'm' });
    server.send({ jsonrpc: '2.0', id: one.id, result: {} });
    server.notify('notifications/progress', { progressToken: one.id, progress: 2 });
    await channel.ping();
    expect(heard).toEqual([{ progress: 1, message: 'm' }]);
  });

  it('that is one too many is refused at once', async () => {
    const { server, channel } = await open();
    server.script('test/held', () => new Promise(() => {}));
    const calls = Array.from({ length: 1_000 }, () => channel.request('test/held'));
    for (const call of calls) call.catch(() => {});
    expect(channel.pending).toBe(1_000);
    expect((await failureOf(channel.request('test/held'))).failure).toBe('overloaded');
    await channel.close();
    expect(channel.pending).toBe(0);
  });

  it('larger than a frame, or nested beyond the stack, is not sent', async () => {
    const { server, channel } = await open();
    const before = server.received.length;
    const large = { text: 'x'.repeat(16 * 1024 * 1024) };
    expect((await failureOf(channel.request('test/large', large))).failure).toBe('too-large');
    let deep: JsonObject = {};
    for (let level = 0; level < 100_000; level++) deep = { deep };
    expect((await failureOf(channel.request('test/deep', deep))).failure).toBe('too-large');
    expect(channel.pending).toBe(0);
    await channel.ping();
    expect(server.received).toHaveLength(before + 1);
  });

  it('waits for a server that does not read, in order, and leaves the queue when it is cancelled', async () => {
    const { server, channel } = await open();
    server.stdin.pause();
    const text = 'x'.repeat(100_000);
    const caller = new AbortController();
    const calls = Array.from({ length: 50 }, (_, index) =>
      channel.request('tools/call', { name: 'echo', arguments: { message: `${index}${text}` } }),
    );
    const cancelled = channel.request('test/never-sent', {}, { signal: caller.signal });
    cancelled.catch(() => {});
    await settled();
    // What the stream holds is bounded by its own mark, not by what we want to send.
    expect(server.stdin.writableLength + server.stdin.readableLength).toBeLessThan(1_000_000);
    caller.abort(new Error('gone'));
    server.stdin.resume();
    await Promise.all(calls);
    await channel.ping();
    const sent = server.received.map(({ method }) => method);
    expect(sent).not.toContain('test/never-sent');
    expect(sent).not.toContain('notifications/cancelled');
    const ids = server.received.flatMap(({ id }) =>
      typeof id === 'string' ? [Number(id.split('.')[1])] : [],
    );
    expect(ids).toEqual(ids.toSorted((a, b) => a - b));
  });

  it('to a server that never reads is refused when too much waits', async () => {
    const { server, channel } = await open();
    server.stdin.pause();
    const message = 'x'.repeat(8 * 1024 * 1024);
    const calls = Array.from({ length: 12 }, () => failureOf(channel.request('test/large', { message })));
    await settled();
    await channel.close();
    const failures = (await Promise.all(calls)).map(({ failure }) => failure);
    expect(failures).toContain('overloaded');
    expect(failures.filter((failure) => failure === 'closed').length).toBeLessThanOrEqual(10);
  });
});

describe('what the server asks', () => {
  it('is answered: ping by the channel, the rest by the handler, or not at all', async () => {
    const { server, channel } = await open();
    server.send({ jsonrpc: '2.0', id: 7, method: 'ping' });
    expect(await server.message({ id: 7 })).toEqual({ jsonrpc: '2.0', id: 7, result: {} });
    server.send({ jsonrpc: '2.0', id: 'r1', method: 'roots/list' });
    expect(await server.message({ id: 'r1' })).toMatchObject({ error: { code: -32601 } });
    channel.onRequest(({ method }) =>
      method === 'roots/list' ? Promise.resolve({ roots: [] }) : Promise.reject(new Error('secret words')),
    );
    server.send({ jsonrpc: '2.0', id: 'r2', method: 'roots/list' });
    expect(await server.message({ id: 'r2' })).toMatchObject({ result: { roots: [] } });
    server.send({ jsonrpc: '2.0', id: 'r3', method: 'sampling/createMessage' });
    const refused = await server.message({ id: 'r3' });
    expect(refused).toMatchObject({ error: { code: -32603 } });
    expect(JSON.stringify(refused)).not.toContain('secret');
  });

  it('in a flood is refused beyond what is worked on', async () => {
    const { server, channel } = await open();
    channel.onRequest(() => new Promise(() => {}));
    for (let id = 0; id < 150; id++) server.send({ jsonrpc: '2.0', id, method: 'roots/list' });
    await channel.ping();
    expect(server.received.filter(({ error }) => error !== undefined)).toHaveLength(50);
  });

  it('declares no capability that it could ask for', async () => {
    const { server } = await open();
    expect(await server.message({ method: 'initialize' })).toMatchObject({ params: { capabilities: {} } });
  });
});

describe('a listener that throws', () => {
  it('harms neither the others nor the answers', async () => {
    const { server, channel } = await open();
    let heard = 0;
    channel.onNotification(() => {
      throw new Error('mine');
    });
    channel.onNotification(() => heard++);
    server.notify('notifications/x');
    await channel.ping();
    expect(heard).toBe(1);
  });
});
