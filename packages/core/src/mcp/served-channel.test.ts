// What callers of a deployment get: listings that we keep, no secrets, and every call counted once.
import { describe, expect, it } from 'vitest';
import { createRedactor } from '../platform/redactor.ts';
import { FakeChannel } from '../testing/fake-channel.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { ScriptedError, type ScriptedAnswer } from '../testing/scripted-mcp-server.ts';
import { namesIn, watchListChanges, type Catalogue } from './catalogue.ts';
import { McpRequestError, type JsonObject, type McpChannel, type McpNotification } from './channel.ts';
import { createServedChannel } from './served-channel.ts';

const secret = 'sk-very-secret';

interface Scene {
  channel: FakeChannel;
  served: McpChannel;
  clock: FakeClock;
  calls: { durationMs: number; ok: boolean }[];
  evidence: string[];
  catalogues: string[][];
  over: AbortController;
}

function serve(answers: Record<string, ScriptedAnswer> = {}): Scene {
  const clock = new FakeClock();
  const channel = new FakeChannel({ answers });
  const over = new AbortController();
  const scene = { channel, clock, calls: [], evidence: [], catalogues: [], over } as Omit<Scene, 'served'>;
  const catalogue: Catalogue = {
    tools: [{ name: 'kept' }],
    resources: [],
    resourceTemplates: [],
    prompts: [{ name: 'greet' }],
    hiddenUris: new Map([['db://[redacted]/a', `db://${secret}/a`]]),
  };
  const served = createServedChannel({
    channel,
    catalogue,
    changes: watchListChanges(channel, over.signal),
    redact: createRedactor([secret]).json,
    onCall: (call) => scene.calls.push(call),
    onCatalogue: ({ tools }) => scene.catalogues.push(namesIn(tools)),
    onEvidence: (evidence) => scene.evidence.push(evidence),
    now: () => clock.now(),
    listTimeoutMs: 30_000,
    signal: over.signal,
  });
  return { ...scene, served };
}

const text = (value: string): JsonObject => ({ content: [{ type: 'text', text: value }] });

describe('listings', () => {
  it('come from what we keep, and cost the server nothing', async () => {
    const { served, channel, calls, evidence } = serve();
    expect(await served.request('tools/list')).toEqual({ tools: [{ name: 'kept' }] });
    expect(await served.request('prompts/list', {})).toEqual({ prompts: [{ name: 'greet' }] });
    expect(await served.request('resources/templates/list')).toEqual({ resourceTemplates: [] });
    expect(channel.requests).toEqual([]);
    expect([calls, evidence]).toEqual([[], []]);
  });

  it('cannot be changed by who gets them', async () => {
    const { served } = serve();
    const first = await served.request('tools/list');
    if (Array.isArray(first['tools'])) first['tools'].pop();
    expect(await served.request('tools/list')).toEqual({ tools: [{ name: 'kept' }] });
  });

  it('are read again when the server says that they changed; the old ones hold until then', async () => {
    const release = Promise.withResolvers<JsonObject>();
    const { served, channel, clock, catalogues } = serve({ 'tools/list': () => release.promise });
    channel.announce('notifications/tools/list_changed');
    await clock.settle();
    expect(await served.request('tools/list')).toEqual({ tools: [{ name: 'kept' }] });
    release.resolve({ tools: [{ name: 'new' }] });
    await clock.settle();
    expect(await served.request('tools/list')).toEqual({ tools: [{ name: 'new' }] });
    expect(catalogues).toEqual([['new']]);
  });

  it('are read once more, not many times, for all changes that come while they are read', async () => {
    const waiting: ((result: JsonObject) => void)[] = [];
    const { channel, clock, catalogues } = serve({
      'tools/list': () => new Promise((resolve) => waiting.push(resolve)),
    });
    for (let count = 0; count < 50; count += 1) channel.announce('notifications/tools/list_changed');
    await clock.settle();
    expect(waiting).toHaveLength(1);
    for (let count = 0; count < 50; count += 1) channel.announce('notifications/tools/list_changed');
    waiting[0]?.({ tools: [{ name: 'first' }] });
    await clock.settle();
    expect(waiting).toHaveLength(2);
    waiting[1]?.({ tools: [{ name: 'second' }] });
    await clock.settle();
    expect(catalogues).toEqual([['first'], ['second']]);
    expect(waiting).toHaveLength(2);
  });

  it('hold when they cannot be read again, and are read at the next change', async () => {
    let broken = true;
    const { served, channel, clock, evidence, over } = serve({
      'tools/list': () => {
        if (broken) throw new McpRequestError('timeout', 'No answer.');
        return { tools: [{ name: 'new' }] };
      },
    });
    channel.announce('notifications/tools/list_changed');
    await clock.settle();
    expect(await served.request('tools/list')).toEqual({ tools: [{ name: 'kept' }] });
    expect(evidence).toEqual(['timeout']);
    broken = false;
    channel.announce('notifications/tools/list_changed');
    await clock.settle();
    expect(await served.request('tools/list')).toEqual({ tools: [{ name: 'new' }] });
    over.abort();
    channel.announce('notifications/tools/list_changed');
    await clock.settle();
    expect(channel.requests).toHaveLength(2);
  });
});

describe('secrets', () => {
  it('are taken out of results, errors, progress and notifications', async () => {
    const notifications: McpNotification[] = [];
    const progress: unknown[] = [];
    const { served, channel } = serve({
      'tools/call': ({ name }, context) => {
        context.progress({ progress: 1, message: `using ${secret}` });
        context.progress({ progress: 2 });
        if (name === 'fails')
          throw new ScriptedError(-32000, `refused ${secret}`, { header: `Bearer ${secret}` });
        return { ...text(`the key is ${secret}`), structuredContent: { [secret]: [secret] } };
      },
    });
    served.onNotification((notification) => notifications.push(notification));
    const result = await served.request(
      'tools/call',
      { name: 'works' },
      { onProgress: (told) => progress.push(told) },
    );
    const failed = await served.request('tools/call', { name: 'fails' }).catch((error: unknown) => error);
    channel.announce('notifications/message', { data: `Bearer ${secret}` });
    expect(
      JSON.stringify([result, failed, (failed as Error).message, progress, notifications]),
    ).not.toContain(secret);
    expect(result).toEqual({
      ...text('the key is [redacted]'),
      structuredContent: { '[redacted]': ['[redacted]'] },
    });
    expect(failed).toMatchObject({
      failure: 'rpc',
      rpc: { code: -32000, message: 'refused [redacted]', data: { header: 'Bearer [redacted]' } },
    });
    expect(progress).toEqual([{ progress: 1, message: 'using [redacted]' }, { progress: 2 }]);
    expect(notifications).toEqual([
      { method: 'notifications/message', params: { data: 'Bearer [redacted]' } },
    ]);
  });

  it.each(['resources/read', 'resources/subscribe', 'resources/unsubscribe'])(
    'in an address that we list without them do not keep callers from %s',
    async (method) => {
      const { served, channel } = serve({ [method]: ({ uri }) => ({ contents: [{ uri: uri ?? '' }] }) });
      expect(await served.request(method, { uri: 'db://[redacted]/a' })).toEqual({
        contents: [{ uri: 'db://[redacted]/a' }],
      });
      await served.request(method, { uri: 'db://open/b' });
      expect(channel.requests.map(({ params }) => params['uri'])).toEqual([
        `db://${secret}/a`,
        'db://open/b',
      ]);
    },
  );

  it('cost nothing where there are none: the same object passes', async () => {
    const result = text('nothing to see');
    const { served } = serve({ 'tools/call': () => result });
    expect(await served.request('tools/call', { name: 'a' })).toBe(result);
  });
});

describe('calls', () => {
  it('are counted with their time, tool errors as such', async () => {
    const { served, clock, calls, evidence } = serve({
      'tools/call': async ({ name }) => {
        await clock.sleep(250);
        return { content: [], isError: name === 'bad' };
      },
      'prompts/get': () => ({ messages: [] }),
      'resources/read': () => {
        throw new ScriptedError(-32002, 'not found');
      },
      'completion/complete': () => ({}),
    });
    const all = Promise.allSettled([
      served.request('tools/call', { name: 'good' }),
      served.request('tools/call', { name: 'bad' }),
      served.request('prompts/get', {}),
      served.request('resources/read', {}),
      served.request('completion/complete', {}),
    ]);
    await clock.advance(250);
    await all;
    const counted = calls.map(({ durationMs, ok }) => `${durationMs} ${ok}`).sort();
    expect(counted).toEqual(['0 false', '0 true', '250 false', '250 true']);
    // An error is an answer too.
    expect(evidence).toEqual(Array(5).fill('answer'));
  });

  it('that get no answer are counted as failed, and told to health', async () => {
    const { served, channel, calls, evidence } = serve({
      'tools/call': () => new Promise(() => {}),
    });
    await expect(served.request('tools/call', {}, { timeoutMs: 1 })).rejects.toMatchObject({
      failure: 'timeout',
    });
    expect([evidence, calls.map(({ ok }) => ok)]).toEqual([['timeout'], [false]]);
    const cut = served.request('tools/call', {});
    await channel.close('it died');
    await expect(cut).rejects.toMatchObject({ failure: 'closed' });
    expect([evidence.length, calls.length]).toEqual([1, 2]);
    expect(await served.closed).toBe('it died');
    await expect(served.request('tools/call', {})).rejects.toMatchObject({ failure: 'unsent' });
  });

  it('that their caller gave up are nobody’s failure', async () => {
    const { served, calls, evidence } = serve({ 'tools/call': () => new Promise(() => {}) });
    const caller = new AbortController();
    const call = served.request('tools/call', {}, { signal: caller.signal });
    caller.abort(new Error('gone'));
    await expect(call).rejects.toThrow('gone');
    expect([calls, evidence]).toEqual([[], []]);
  });
});
