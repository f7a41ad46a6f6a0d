// What every McpChannel must do, whatever stands behind it: the fake, a stream, HTTP, either era.
import { afterEach, describe, expect, it } from 'vitest';
import {
  isJsonObject,
  McpRequestError,
  type JsonObject,
  type McpChannel,
  type McpEra,
  type Progress,
} from '../mcp/channel.ts';

/** A fresh channel to a server that has the tools `echo` and `trigger-long-running-operation` of server-everything. */
export interface ChannelSubject {
  channel: McpChannel;
  era: McpEra;
  /** Makes the server announce that its tools have changed; missing where it cannot be told to. */
  changeTools?: () => void | Promise<void>;
  /** Takes away what stands behind the channel; the contract has closed the channel by then. */
  end(): void | Promise<void>;
}

/** Against hanging only: a channel to a process of its own starts it first. */
const timeout = 60_000;

export function describeChannel(name: string, open: () => Promise<ChannelSubject>): void {
  describe(`the channel contract: ${name}`, { timeout }, () => {
    const subjects: ChannelSubject[] = [];
    const opened = async (): Promise<ChannelSubject> => {
      const subject = await open();
      subjects.push(subject);
      return subject;
    };

    afterEach(async () => {
      for (const { channel, end } of subjects.splice(0)) {
        await channel.close();
        await end();
      }
    });

    it('knows its server', async () => {
      const { channel, era } = await opened();
      expect(channel.info.era).toBe(era);
      expect(channel.info.protocolVersion).toMatch(/^\d{4}-\d{2}-\d{2}$/);
      expect(channel.info.server.name).not.toBe('');
      expect(channel.info.capabilities).toHaveProperty('tools');
    });

    it('lists and calls', async () => {
      const { channel } = await opened();
      const { tools } = await channel.request('tools/list');
      expect(tools).toContainEqual(expect.objectContaining({ name: 'echo' }));
      expect(await echo(channel, 'Grüße, 世界 🎉\n"\\\u0000\u2028')).toBe('Grüße, 世界 🎉\n"\\\u0000\u2028');
      expect(await echo(channel, 'x'.repeat(1_000_000))).toHaveLength(1_000_000);
    });

    it('gives each of many callers its own answer', async () => {
      const { channel } = await opened();
      const words = Array.from({ length: 100 }, (_, index) => `word ${index}`);
      const slow = operate(channel, { duration: 0.05, steps: 1 });
      expect(await Promise.all(words.map((word) => echo(channel, word)))).toEqual(words);
      expect(await slow).toHaveProperty('content');
      expect(channel.pending).toBe(0);
    });

    it('passes arguments and _meta on as they are', async () => {
      const { channel } = await opened();
      const args: unknown = JSON.parse(
        '{"message": "proto", "__proto__": {"polluted": true}, "constructor": 1}',
      );
      const params: JsonObject = {
        name: 'echo',
        arguments: isJsonObject(args) ? args : {},
        _meta: { 'x.test/y': 1 },
      };
      expect(await channel.request('tools/call', params)).toHaveProperty('content');
      expect({}).not.toHaveProperty('polluted');
      expect(params['_meta']).toEqual({ 'x.test/y': 1 });
    });

    it('reports an error of the server as its own', async () => {
      const { channel } = await opened();
      const error = await failureOf(channel.request('no/such/method'));
      expect(error.failure).toBe('rpc');
      expect(error.rpc?.code).toBe(-32601);
      expect(error.message).not.toBe('');
    });

    it('tells of progress, in order, to whom it concerns', async () => {
      const { channel } = await opened();
      const [first, second]: [Progress[], Progress[]] = [[], []];
      await Promise.all([
        operate(channel, { duration: 0.2, steps: 4 }, { onProgress: (progress) => first.push(progress) }),
        operate(channel, { duration: 0.2, steps: 2 }, { onProgress: (progress) => second.push(progress) }),
      ]);
      // The last step may be overtaken by the answer.
      expect(first.map(({ progress }) => progress)).toEqual([1, 2, 3, 4].slice(0, first.length));
      expect(second.map(({ progress }) => progress)).toEqual([1, 2].slice(0, second.length));
      expect(first.length).toBeGreaterThanOrEqual(3);
      expect(first.every(({ total }) => total === 4)).toBe(true);
    });

    it('gives a request up when its caller leaves, and only that', async () => {
      const { channel } = await opened();
      const caller = new AbortController();
      const call = operate(channel, { duration: 60, steps: 1 }, { signal: caller.signal });
      const other = operate(channel, { duration: 0.1, steps: 1 });
      expect(channel.pending).toBe(2);
      const reason = new Error('the caller has left');
      caller.abort(reason);
      await expect(call).rejects.toBe(reason);
      await expect(other).resolves.toHaveProperty('content');
      expect(channel.pending).toBe(0);
      await expect(echo(channel, 'still here')).resolves.toBe('still here');
    });

    it('does not begin what is given up already', async () => {
      const { channel } = await opened();
      const reason = new Error('too late');
      await expect(channel.request('tools/list', {}, { signal: AbortSignal.abort(reason) })).rejects.toBe(
        reason,
      );
      expect(channel.pending).toBe(0);
    });

    it('does not wait longer than it is told to', async () => {
      const { channel } = await opened();
      const error = await failureOf(operate(channel, { duration: 60, steps: 1 }, { timeoutMs: 50 }));
      expect(error.failure).toBe('timeout');
      expect(channel.pending).toBe(0);
      await expect(echo(channel, 'still here')).resolves.toBe('still here');
    });

    it('counts time from the last progress', async () => {
      const { channel } = await opened();
      // Takes twice as long as it may be silent.
      const call = operate(channel, { duration: 2, steps: 20 }, { timeoutMs: 1_000 });
      await expect(call).resolves.toHaveProperty('content');
    });

    it('pings', async () => {
      const { channel } = await opened();
      await expect(channel.ping({ timeoutMs: 10_000 })).resolves.toBeUndefined();
    });

    it('tells every listener of changes, until it no longer listens', async () => {
      const { channel, changeTools } = await opened();
      const changed = 'notifications/tools/list_changed';
      let ended = 0;
      const leave = channel.onNotification(() => ended++);
      leave();
      if (changeTools) {
        const [one, two] = [heard(channel, changed), heard(channel, changed)];
        await changeTools();
        await Promise.all([one, two]);
      }
      await channel.ping({ timeoutMs: 10_000 });
      expect(ended).toBe(0);
    });

    it('ends all requests when it is closed, and takes no more', async () => {
      const { channel } = await opened();
      const calls = [1, 2].map(() => failureOf(operate(channel, { duration: 60, steps: 1 })));
      await channel.close('enough');
      await channel.close('twice does no harm');
      expect((await Promise.all(calls)).map(({ failure }) => failure)).toEqual(['closed', 'closed']);
      expect(await channel.closed).toBe('enough');
      expect(channel.pending).toBe(0);
      expect((await failureOf(channel.request('tools/list'))).failure).toBe('unsent');
      expect((await failureOf(channel.ping())).failure).toBe('unsent');
      expect((await failureOf(channel.notify('notifications/whatever'))).failure).toBe('closed');
    });
  });
}

async function echo(channel: McpChannel, message: string): Promise<string> {
  const { content } = await channel.request('tools/call', { name: 'echo', arguments: { message } });
  const [first] = Array.isArray(content) ? content : [];
  const text = isJsonObject(first) ? first['text'] : undefined;
  return typeof text === 'string' ? text.replace(/^Echo: /, '') : '';
}

function operate(
  channel: McpChannel,
  args: { duration: number; steps: number },
  options: Parameters<McpChannel['request']>[2] = {},
): Promise<JsonObject> {
  return channel.request('tools/call', { name: 'trigger-long-running-operation', arguments: args }, options);
}

async function failureOf(promise: Promise<unknown>): Promise<McpRequestError> {
  const error: unknown = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (error instanceof McpRequestError) return error;
  throw new Error('expected an McpRequestError', { cause: error });
}

function heard(channel: McpChannel, method: string): Promise<void> {
  return new Promise((resolve) => {
    const leave = channel.onNotification((notification) => {
      if (notification.method !== method) return;
      leave();
      resolve();
    });
  });
}
