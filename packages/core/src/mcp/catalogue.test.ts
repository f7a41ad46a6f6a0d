// What a server offers: whole, once, without secrets, whatever the server forgot to implement.
import { describe, expect, it } from 'vitest';
import { FakeChannel } from '../testing/fake-channel.ts';
import { ScriptedError, type ScriptedAnswer } from '../testing/scripted-mcp-server.ts';
import { createRedactor } from '../platform/redactor.ts';
import { listingOf, namesIn, readCatalogue, watchListChanges, type Catalogue } from './catalogue.ts';
import type { JsonObject } from './channel.ts';

const channelWith = (answers: Record<string, ScriptedAnswer>, capabilities: JsonObject): FakeChannel =>
  new FakeChannel({ answers, info: { capabilities } });

const read = (channel: FakeChannel, redact = (value: JsonObject) => value): Promise<Catalogue> =>
  readCatalogue(channel, { signal: new AbortController().signal, timeoutMs: 30_000, redact });

const nothing: Catalogue = {
  tools: [],
  resources: [],
  resourceTemplates: [],
  prompts: [],
  hiddenUris: new Map(),
};

/** One item per page. */
const paged =
  (listing: string, names: string[]): ScriptedAnswer =>
  ({ cursor }) => {
    const at = Number(cursor ?? 0);
    const more = at + 1 < names.length ? { nextCursor: String(at + 1) } : {};
    return { [listing]: [{ name: names[at] ?? '' }], ...more };
  };

describe('a catalogue', () => {
  it('has everything that the server declares', async () => {
    const channel = channelWith(
      {
        'tools/list': () => ({ tools: [{ name: 'echo', extra: 1 }] }),
        'resources/list': () => ({ resources: [{ uri: 'file:///a', name: 'a' }] }),
        'resources/templates/list': () => ({ resourceTemplates: [{ uriTemplate: 'file:///{x}' }] }),
        'prompts/list': () => ({ prompts: [{ name: 'greet' }] }),
      },
      { tools: {}, resources: {}, prompts: {} },
    );
    expect(await read(channel)).toEqual({
      tools: [{ name: 'echo', extra: 1 }],
      resources: [{ uri: 'file:///a', name: 'a' }],
      resourceTemplates: [{ uriTemplate: 'file:///{x}' }],
      prompts: [{ name: 'greet' }],
      hiddenUris: new Map(),
    });
  });

  it('asks for nothing that the server does not declare', async () => {
    const channel = channelWith({}, {});
    expect(await read(channel)).toEqual(nothing);
    expect(channel.requests).toEqual([]);
  });

  it('is read to its last page', async () => {
    const names = Array.from({ length: 20 }, (_, index) => `tool-${index}`);
    const channel = channelWith({ 'tools/list': paged('tools', names) }, { tools: {} });
    expect(namesIn((await read(channel)).tools)).toEqual(names);
    expect(channel.requests.map(({ params }) => params['cursor'])).toEqual([
      undefined,
      ...names.slice(1).map((_, index) => String(index + 1)),
    ]);
  });

  it('ends where a server never does', async () => {
    const channel = channelWith(
      { 'tools/list': () => ({ tools: [{ name: 'again' }], nextCursor: 'again' }) },
      { tools: {} },
    );
    expect((await read(channel)).tools).toHaveLength(100);
  });

  it('is empty where a server declares what it does not know', async () => {
    const channel = channelWith(
      {
        'resources/list': () => ({ resources: [{ uri: 'file:///a' }] }),
        'prompts/list': () => {
          throw new ScriptedError(-32603, 'broken');
        },
      },
      { resources: {}, prompts: {} },
    );
    expect(await read(channel)).toEqual({ ...nothing, resources: [{ uri: 'file:///a' }] });
  });

  it.each([{}, { tools: 'none' }, { tools: [1, 'two', null] }, { tools: null, nextCursor: 7 }])(
    'is empty where the answer is none: %j',
    async (answer) => {
      const channel = channelWith({ 'tools/list': () => answer }, { tools: {} });
      expect(await read(channel)).toEqual(nothing);
    },
  );

  it('is none when nothing comes in time, when the channel closes, and when nobody waits any more', async () => {
    const forever: ScriptedAnswer = () => new Promise(() => {});
    const channel = channelWith({ 'tools/list': forever }, { tools: {} });
    const redact = (value: JsonObject): JsonObject => value;
    const signal = new AbortController().signal;
    await expect(readCatalogue(channel, { signal, timeoutMs: 1, redact })).rejects.toMatchObject({
      failure: 'timeout',
    });
    const leaving = new AbortController();
    const left = readCatalogue(channel, { signal: leaving.signal, timeoutMs: 30_000, redact });
    leaving.abort(new Error('gone'));
    await expect(left).rejects.toThrow('gone');
    const cut = readCatalogue(channel, { signal, timeoutMs: 30_000, redact });
    await channel.close();
    await expect(cut).rejects.toMatchObject({ failure: 'closed' });
  });

  it('has no secrets in it, and names as the server knows them', async () => {
    const tool = {
      name: 'query-hunter22',
      description: 'Connected with hunter22.',
      inputSchema: { properties: { key: { default: 'hunter22' } } },
    };
    const channel = channelWith(
      { 'tools/list': () => ({ tools: [tool, { name: 'clean' }] }) },
      { tools: {} },
    );
    const { tools } = await read(channel, createRedactor(['hunter22']).json);
    expect(tools).toEqual([
      {
        name: 'query-hunter22',
        description: 'Connected with [redacted].',
        inputSchema: { properties: { key: { default: '[redacted]' } } },
      },
      { name: 'clean' },
    ]);
  });

  it('has schemas that still demand what the server demands: a name is no secret because a setting has its value', async () => {
    const demands = {
      type: 'object',
      properties: {
        message: { type: 'string', enum: ['message', 'other'], pattern: '^message$' },
        description: { $ref: '#/$defs/message' },
      },
      required: ['message'],
      anyOf: [{ required: ['message'] }],
      $defs: { message: { const: 'message' } },
    };
    const tool = {
      name: 'say',
      description: 'Says a message.',
      inputSchema: { ...demands, title: 'a message', default: { message: 'a message' } },
    };
    const channel = channelWith({ 'tools/list': () => ({ tools: [tool] }) }, { tools: {} });
    const { tools } = await read(channel, createRedactor(['message']).json);
    expect(tools).toEqual([
      {
        name: 'say',
        description: 'Says a [redacted].',
        inputSchema: { ...demands, title: 'a [redacted]', default: { '[redacted]': 'a [redacted]' } },
      },
    ]);
  });

  it('has schemas without secrets however deep they are', async () => {
    let inputSchema: JsonObject = { description: 'hunter22' };
    for (let depth = 0; depth < 500; depth += 1) inputSchema = { not: inputSchema };
    const channel = channelWith(
      { 'tools/list': () => ({ tools: [{ name: 'a', inputSchema }] }) },
      { tools: {} },
    );
    const catalogue = await read(channel, createRedactor(['hunter22']).json);
    expect(JSON.stringify(catalogue)).not.toContain('hunter22');
  });

  it('knows the addresses behind those that it shows without secrets', async () => {
    const uris = ['db://hunter22/a', 'db://hunter22/b', 'db://open/c', `db://${btoa('hunter22')}/a`];
    const channel = channelWith(
      { 'resources/list': () => ({ resources: uris.map((uri) => ({ uri })) }) },
      { resources: {} },
    );
    const { resources, hiddenUris } = await read(channel, createRedactor(['hunter22']).json);
    expect(resources.map(({ uri }) => uri)).toEqual([
      'db://[redacted]/a',
      'db://[redacted]/b',
      'db://open/c',
      'db://[redacted]/a',
    ]);
    expect([...hiddenUris]).toEqual([
      ['db://[redacted]/a', 'db://hunter22/a'],
      ['db://[redacted]/b', 'db://hunter22/b'],
    ]);
  });

  it('is what a request for a whole listing asks for, and one for a page does not', () => {
    expect(listingOf('tools/list', undefined)).toBe('tools');
    expect(listingOf('resources/templates/list', {})).toBe('resourceTemplates');
    expect(listingOf('tools/list', { cursor: '2' })).toBeNull();
    expect(listingOf('tools/call', {})).toBeNull();
  });

  it('names things by their name, else by their address', () => {
    expect(namesIn([{ name: 'a', uri: 'x' }, { uri: 'y' }, { title: 'neither' }])).toEqual(['a', 'y']);
  });
});

describe('changes of listings', () => {
  it('are counted, told to one, and no longer heard after the end', () => {
    const channel = new FakeChannel();
    const over = new AbortController();
    const changes = watchListChanges(channel, over.signal);
    let told = 0;
    channel.announce('notifications/tools/list_changed');
    changes.onChange(() => (told += 1));
    channel.announce('notifications/prompts/list_changed');
    channel.announce('notifications/message');
    over.abort();
    channel.announce('notifications/resources/list_changed');
    expect([changes.count, told]).toEqual([2, 1]);
  });
});
