// Tools: listed as they are, called once, and each way of going wrong told in its own words.
import { describe, expect, it } from 'vitest';
import { serverNotRunning } from '../errors.ts';
import { McpRequestError, type JsonObject, type McpRequestFailure } from '../mcp/channel.ts';
import { FakeChannel } from '../testing/fake-channel.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { ScriptedError, type ScriptedAnswer } from '../testing/scripted-mcp-server.ts';
import { createTools, type ToolCall } from './tools.ts';

const never = new AbortController().signal;

const silent = (): void => undefined;

const wire: JsonObject[] = [
  {
    name: 'echo',
    title: 'Echo',
    description: 'Says it again.',
    inputSchema: { type: 'object', required: ['message'] },
    annotations: { readOnlyHint: true },
  },
  { name: 'odd', inputSchema: 'none', description: 7 },
  { title: 'no name, no tool' },
];

function begin(call: ScriptedAnswer) {
  const clock = new FakeClock();
  const channel = new FakeChannel({
    answers: { 'tools/list': () => ({ tools: wire, nonsense: 1 }), 'tools/call': call },
  });
  const site = { channel, clock, next: channel };
  let opened = 0;
  const tools = createTools({
    channels: {
      open: (serverId) => {
        if (serverId !== 'one') return Promise.reject(serverNotRunning(serverId));
        opened += 1;
        return Promise.resolve(opened === 1 ? channel : site.next);
      },
    },
    argumentValidator: {
      validate: (schema, args) => ({
        issues:
          Array.isArray(schema['required']) && !('message' in args)
            ? [{ path: ['message'], code: 'missing', message: 'is required' }]
            : [],
        unchecked: null,
      }),
    },
    clock,
    logger: { debug: silent, info: silent, warn: silent, error: silent },
  });
  const calling = (changes: Partial<ToolCall> = {}) =>
    tools.call({
      serverId: 'one',
      tool: 'echo',
      arguments: { message: 'hi' },
      timeoutMs: null,
      signal: never,
      ...changes,
    });
  return Object.assign(site, { tools, calling });
}

const fails =
  (failure: McpRequestFailure): ScriptedAnswer =>
  () => {
    throw new McpRequestError(failure, `it is ${failure}`);
  };

describe('listing', () => {
  it('shows what each tool says of itself, leniently, and nothing that is no tool', async () => {
    const { tools } = begin(() => ({}));
    expect(await tools.list('one', never)).toEqual([
      {
        name: 'echo',
        title: 'Echo',
        description: 'Says it again.',
        input_schema: { type: 'object', required: ['message'] },
        output_schema: null,
        annotations: { readOnlyHint: true },
      },
      {
        name: 'odd',
        title: null,
        description: null,
        input_schema: { type: 'object' },
        output_schema: null,
        annotations: null,
      },
    ]);
  });

  it('reads each tool once as long as the server does not change it', async () => {
    const { tools } = begin(() => ({}));
    const [first] = await tools.list('one', never);
    expect((await tools.list('one', never))[0]).toBe(first);
  });

  it('fails where nothing runs', async () => {
    await expect(begin(() => ({})).tools.list('two', never)).rejects.toMatchObject({
      code: 'SERVER_NOT_RUNNING',
    });
  });
});

describe('a call', () => {
  it('answers with what the tool says, and how long it took', async () => {
    const { calling, clock, channel } = begin(async () => {
      await clock.sleep(1_500);
      return { content: [{ type: 'text', text: 'hi' }], structuredContent: { n: 1 } };
    });
    const result = calling();
    await clock.advance(1_500);
    expect(await result).toEqual({
      server_id: 'one',
      tool: 'echo',
      success: true,
      result: { content: [{ type: 'text', text: 'hi' }], structured_content: { n: 1 }, is_error: false },
      execution_time: 1.5,
    });
    expect(channel.requests.at(-1)).toEqual({
      method: 'tools/call',
      params: { name: 'echo', arguments: { message: 'hi' } },
    });
  });

  it('that the tool itself refuses is a result', async () => {
    const { calling } = begin(() => ({ content: [{ type: 'text', text: 'no' }], isError: true }));
    expect(await calling()).toMatchObject({ success: false, result: { is_error: true } });
  });

  it('is read leniently', async () => {
    const { calling } = begin(() => ({ content: 'text', structuredContent: 7, isError: 'maybe' }));
    expect(await calling()).toMatchObject({
      success: true,
      result: { content: [], structured_content: null, is_error: false },
    });
  });

  it('of no tool, or with arguments that do not fit, never reaches the server', async () => {
    const { calling, channel } = begin(() => ({}));
    await expect(calling({ tool: 'nothing' })).rejects.toMatchObject({
      code: 'TOOL_NOT_FOUND',
      details: { server_id: 'one', tool: 'nothing' },
    });
    await expect(calling({ arguments: {} })).rejects.toMatchObject({
      code: 'INVALID_REQUEST',
      details: { issues: [{ path: ['arguments', 'message'], code: 'missing' }] },
    });
    expect(channel.requests.filter(({ method }) => method === 'tools/call')).toEqual([]);
  });

  it('that brings no answer in time says so, with the time', async () => {
    const { calling } = begin(() => new Promise(() => {}));
    await expect(calling({ timeoutMs: 5 })).rejects.toMatchObject({
      code: 'TOOL_TIMEOUT',
      details: { server_id: 'one', tool: 'echo', timeout_ms: 5 },
    });
  });

  it.each([
    ['closed', 'TOOL_CALL_FAILED'],
    ['too-large', 'TOOL_CALL_FAILED'],
    ['protocol', 'TOOL_CALL_FAILED'],
    ['overloaded', 'SERVICE_UNAVAILABLE'],
  ] as const)('that fails because it is %s is %s, and is not repeated', async (failure, code) => {
    const { calling, channel } = begin(fails(failure));
    await expect(calling()).rejects.toMatchObject({ code });
    expect(channel.requests.filter(({ method }) => method === 'tools/call')).toHaveLength(1);
  });

  it('that could not be sent to a server that had just died waits for its next run, once', async () => {
    const second = begin(() => ({ content: [{ type: 'text', text: 'again' }] }));
    const first = begin(fails('unsent'));
    first.next = second.channel;
    const call = first.calling();
    await new Promise(setImmediate);
    expect(first.clock.sleeping).toBe(1);
    await first.channel.close();
    expect(await call).toMatchObject({ success: true, result: { content: [{ text: 'again' }] } });
    expect(first.clock.sleeping).toBe(0);
    const third = begin(fails('unsent'));
    const lost = expect(third.calling()).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
    await new Promise(setImmediate);
    await third.channel.close();
    await lost;
    expect(third.channel.requests.filter(({ method }) => method === 'tools/call')).toHaveLength(1);
  });

  it('that the server answers with an error has that error in its details', async () => {
    const { calling } = begin(() => {
      throw new ScriptedError(-32000, 'quota', { limit: 5 });
    });
    await expect(calling()).rejects.toMatchObject({
      code: 'TOOL_CALL_FAILED',
      details: { rpc_error: { code: -32000, message: 'quota', data: { limit: 5 } } },
    });
  });

  it('tells its progress, and ends with its caller', async () => {
    const told: number[] = [];
    const caller = new AbortController();
    const { calling } = begin((_params, { progress, signal }) => {
      progress({ progress: 1 });
      return new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(new ScriptedError(-1, 'cancelled')));
      });
    });
    const call = calling({ signal: caller.signal, onProgress: ({ progress }) => told.push(progress) });
    const left = expect(call).rejects.toThrow('gone');
    await new Promise(setImmediate);
    caller.abort(new Error('gone'));
    await left;
    expect(told).toEqual([1]);
  });
});
