// Gemini through the real SDK over HTTP: the contract against aimock, and the wire's own shapes against a bare server.
import type { Clock, LanguageModel, Logger, ToolDeclaration, Turn, TurnRequest } from '@insightloop/core';
import { describeLanguageModel, FakeClock, type ScriptedTurn } from '@insightloop/core/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GeminiStandIn, type StandInTurn } from '../../../../tests/support/gemini/stand-in.ts';
import {
  chunk,
  GeminiWire,
  keyRefused,
  questionRefused,
  quotaUsedUp,
  rpcError,
  type WireAnswer,
} from '../../../../tests/support/gemini/wire.ts';
import { acceptedNames, functionNames } from './accepted-names.ts';
import { createGemini, type GeminiOptions } from './gemini.ts';

const key = 'AIzaSy-a-key-that-nobody-may-see';
const clock: Clock = {
  now: () => Date.now(),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(resolve, ms);
      signal?.addEventListener('abort', () => {
        clearTimeout(timer);
        reject(signal.reason);
      });
    }),
};
const logged: unknown[] = [];
const log = (fields: object, message: string): void => void logged.push(fields, message);
const logger: Logger = { debug: log, info: log, warn: log, error: log };
const connect = (baseUrl: string, options: Partial<GeminiOptions> = {}): LanguageModel =>
  createGemini({ apiKey: key, model: 'gemini-2.5-flash', baseUrl, clock, logger, ...options });

describeLanguageModel('Gemini', async () => {
  const standIn = await GeminiStandIn.start();
  return {
    model: connect(standIn.url),
    withoutKey: connect(standIn.url, { apiKey: null }),
    script: (...turns) => standIn.script(...turns.map(standInTurn)),
    end: () => standIn.close(),
  };
});

const failing: Record<Extract<ScriptedTurn, { fails: unknown }>['fails'], StandInTurn> = {
  key: { status: 403, message: 'Permission denied.', rpcStatus: 'PERMISSION_DENIED' },
  quota: { status: 429, message: 'Resource has been exhausted.', rpcStatus: 'RESOURCE_EXHAUSTED' },
  'model-not-found': { status: 404, message: 'models/none is not found.', rpcStatus: 'NOT_FOUND' },
  blocked: { text: '', finishReason: 'SAFETY' },
  malformed: { text: '', finishReason: 'MALFORMED_FUNCTION_CALL' },
  refused: { status: 400, message: 'The request is too long.', rpcStatus: 'INVALID_ARGUMENT' },
  outage: { status: 500, message: 'An internal error has occurred.', rpcStatus: 'INTERNAL' },
};

function standInTurn(turn: ScriptedTurn): StandInTurn {
  if ('fails' in turn) {
    const { retryAfterSeconds } = turn;
    return { ...failing[turn.fails], ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }) };
  }
  // Some seconds of it, of which the caller waits for the beginning.
  if ('hangs' in turn) return { text: `${turn.text ?? ''}${' '.repeat(5_000)}`, chunkSize: 20, delayMs: 20 };
  const names = acceptedNames(turn.calls?.map(({ name }) => name) ?? [], functionNames);
  return {
    ...(turn.text === undefined ? {} : { text: turn.text }),
    calls: turn.calls?.map((call) => ({ ...call, name: names.get(call.name) ?? call.name })) ?? [],
    ...(turn.usage && { usage: turn.usage }),
    ...(turn.finish === 'length' ? { finishReason: 'MAX_TOKENS' } : {}),
    chunkSize: 20,
  };
}

const tool = (name: string, properties: ToolDeclaration['input_schema'] = {}): ToolDeclaration => ({
  name,
  description: `The tool ${name}.`,
  input_schema: { type: 'object', properties },
});
const user = (text: string): Turn => ({ role: 'user', parts: [{ text }] });
const ask = (request: Partial<TurnRequest> = {}): TurnRequest => ({
  system: 'Be brief.',
  turns: [user('Go.')],
  signal: new AbortController().signal,
  ...request,
});
const said = (...events: unknown[]): WireAnswer => ({ events });
const stop = { finishReason: 'STOP' };

describe('on the wire', { timeout: 30_000 }, () => {
  let wire: GeminiWire;
  const opened = (...answers: WireAnswer[]): LanguageModel => {
    wire.script(...answers);
    return connect(wire.url);
  };

  beforeEach(async () => {
    logged.length = 0;
    wire = await GeminiWire.start();
  });
  afterEach(async () => {
    await wire.close();
    expect(JSON.stringify(logged)).not.toContain(key);
  });

  it('a request has the key in its header alone, and declares what is accepted', async () => {
    const model = opened(said(chunk([{ text: 'Yes.' }], stop)));
    await model.answer(
      ask({
        tools: [tool('read file', { path: { type: 'string' } }), tool('now')],
        tool_use: 'must',
        maxOutputTokens: 99,
      }),
    );
    const [request] = wire.requests;
    expect(request?.path).toBe('/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse');
    expect(request?.headers['x-goog-api-key']).toBe(key);
    expect(request?.body).toEqual({
      contents: [{ role: 'user', parts: [{ text: 'Go.' }] }],
      systemInstruction: { role: 'user', parts: [{ text: 'Be brief.' }] },
      generationConfig: { maxOutputTokens: 99 },
      tools: [
        {
          functionDeclarations: expect.arrayContaining([
            { name: 'now', description: 'The tool now.' },
            {
              name: 'read_file',
              description: 'Named "read file" by its server. The tool read file.',
              parameters: { type: 'OBJECT', properties: { path: { type: 'STRING' } } },
            },
          ]),
        },
      ],
      toolConfig: { functionCallingConfig: { mode: 'ANY' } },
    });
  });

  it('without tools declares none, and asks for JSON by its schema', async () => {
    const model = opened(said(chunk([{ text: '{"a": "{\\"b\\": 1}"}' }], stop)));
    const output = { type: 'object', properties: { a: { type: 'object' } } };
    const { turn } = await model.answer(ask({ system: '', output }));
    expect(JSON.parse(turn.text)).toEqual({ a: { b: 1 } });
    const body = wire.requests[0]?.body as Record<string, unknown>;
    expect(Object.keys(body).sort()).toEqual(['contents', 'generationConfig']);
    expect(body['generationConfig']).toMatchObject({
      responseMimeType: 'application/json',
      responseSchema: { type: 'OBJECT', properties: { a: { type: 'STRING' } } },
    });
  });

  it('the parts of a turn go back as they came, signatures and ids included', async () => {
    const call = {
      functionCall: { name: 'read_file', args: { path: 'a' }, id: 'fc-1' },
      thoughtSignature: 'c2ln',
    };
    const other = { functionCall: { name: 'read_file', args: { path: 'b' } } };
    const tools = [tool('read file', { path: { type: 'string' } })];
    const model = opened(
      said(
        chunk([{ text: 'I think…', thought: true }]),
        chunk([{ text: 'Let me ' }]),
        chunk([{ text: 'look.' }]),
        chunk([call, other], {
          ...stop,
          usage: { promptTokenCount: 5, candidatesTokenCount: 7, thoughtsTokenCount: 11 },
        }),
      ),
      said(chunk([{ text: 'Done.' }], stop)),
    );
    const pieces: string[] = [];
    const first = await model.answer(ask({ tools, onText: (piece) => void pieces.push(piece) }));
    expect(pieces).toEqual(['Let me ', 'look.']);
    expect(first).toMatchObject({ usage: { input_tokens: 5, output_tokens: 18 } });
    expect(first.turn.calls.map(({ name, arguments: args }) => ({ name, args }))).toEqual([
      { name: 'read file', args: { path: 'a' } },
      { name: 'read file', args: { path: 'b' } },
    ]);
    // As it comes back from where it was stored.
    const stored = JSON.parse(JSON.stringify(first.turn)) as Turn;
    const results = first.turn.calls.map(({ id, name }, index) => ({
      id,
      name,
      parts: [{ text: `content ${index}` }, { image: { mime_type: 'image/png', data_base64: 'AAAA' } }],
      is_error: index === 1,
    }));
    await model.answer(ask({ turns: [user('Go.'), stored, { role: 'tools', results }] }));
    expect((wire.requests[1]?.body as { contents: unknown }).contents).toEqual([
      { role: 'user', parts: [{ text: 'Go.' }] },
      { role: 'model', parts: [{ text: 'Let me look.' }, call, other] },
      {
        role: 'user',
        parts: [
          { functionResponse: { id: 'fc-1', name: 'read_file', response: { output: 'content 0' } } },
          { inlineData: { mimeType: 'image/png', data: 'AAAA' } },
          { functionResponse: { name: 'read_file', response: { error: 'content 1' } } },
          { inlineData: { mimeType: 'image/png', data: 'AAAA' } },
        ],
      },
    ]);
  });

  it.each<[string, WireAnswer, object]>([
    ['a key that is not valid', keyRefused, { failure: 'key' }],
    [
      'a key that is missing',
      { status: 401, body: rpcError(401, 'UNAUTHENTICATED', `No: ${key}`) },
      { failure: 'key' },
    ],
    ['a quota, with its delay', quotaUsedUp('36.2s'), { failure: 'quota', retryAfterSeconds: 37 }],
    [
      'a quota, with a header',
      { status: 429, body: 'slow down', headers: { 'retry-after': '7' } },
      { failure: 'quota', retryAfterSeconds: 7 },
    ],
    ['a quota without either', { status: 429, body: {} }, { failure: 'quota', retryAfterSeconds: null }],
    [
      'an unknown model',
      { status: 404, body: rpcError(404, 'NOT_FOUND', 'models/x is not found') },
      { failure: 'model-not-found' },
    ],
    [
      'a bad request',
      { status: 400, body: rpcError(400, 'INVALID_ARGUMENT', 'Unknown name "x"') },
      { failure: 'refused', message: expect.stringContaining('Unknown name "x"') },
    ],
    [
      'an overload',
      {
        status: 503,
        body: rpcError(503, 'UNAVAILABLE', 'The model is overloaded.'),
        headers: { 'retry-after': '3' },
      },
      { failure: 'outage', retryAfterSeconds: 3 },
    ],
    [
      'a gateway that answers in HTML',
      { status: 502, body: '<html>', headers: { 'content-type': 'text/html' } },
      { failure: 'outage' },
    ],
    [
      'a redirect elsewhere',
      { status: 302, body: '', headers: { location: 'http://127.0.0.1:9/' } },
      { failure: 'outage' },
    ],
    [
      'a refused question',
      questionRefused('PROHIBITED_CONTENT'),
      { failure: 'blocked', message: expect.stringContaining('PROHIBITED_CONTENT') },
    ],
    [
      'an answer that was stopped',
      said(chunk([{ text: 'How' }]), { candidates: [{ finishReason: 'RECITATION' }] }),
      { failure: 'blocked' },
    ],
    [
      'a call that is none',
      said({
        candidates: [
          {
            content: {},
            finishReason: 'MALFORMED_FUNCTION_CALL',
            finishMessage: 'Malformed function call: read(',
          },
        ],
      }),
      { failure: 'malformed' },
    ],
    [
      'a call of what is not declared',
      said(chunk([{ functionCall: { name: 'rm', args: {} } }], stop)),
      { failure: 'malformed' },
    ],
    ['a stream that breaks', { events: [chunk([{ text: 'The' }])], end: 'cut' }, { failure: 'outage' }],
    ['a stream that ends too early', said(chunk([{ text: 'The' }])), { failure: 'outage' }],
    [
      'a stream that ends inside of an event',
      said(chunk([{ text: 'The' }]), 'data: {"candidates": ['),
      { failure: 'outage' },
    ],
    ['a stream that is no JSON', said('data: {"candidates": [\r\n\r\n'), { failure: 'outage' }],
    [
      'an error in the middle of a stream',
      said(chunk([{ text: 'The' }]), rpcError(503, 'UNAVAILABLE', 'Overloaded.')),
      { failure: 'outage' },
    ],
    [
      'a quota in the middle of a stream',
      said(rpcError(429, 'RESOURCE_EXHAUSTED', 'Slow down.')),
      { failure: 'quota' },
    ],
    ['nothing at all', said(), { failure: 'outage' }],
    ['an answer without content', said({ candidates: [{ finishReason: 'STOP' }] }), { failure: 'outage' }],
    ['an answer that is too long', said(`data: ${'x'.repeat(17 * 1024 * 1024)}`), { failure: 'outage' }],
  ])('tells %s', async (_name, answer, expected) => {
    const model = opened(answer, said(chunk([{ text: 'Fine.' }], stop)));
    const failure: unknown = await model
      .answer(ask({ tools: [tool('read')] }))
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({ name: 'LanguageModelError', ...expected });
    const { message, cause } = failure as Error;
    expect(`${message} ${String(cause)}`).not.toContain(key);
    expect((await model.answer(ask())).turn.text).toBe('Fine.');
  });

  it('a server that is not there is an outage', async () => {
    const model = connect('http://127.0.0.1:9');
    await expect(model.answer(ask())).rejects.toMatchObject({ failure: 'outage', retryAfterSeconds: null });
  });

  it('a key that no header can carry is told, and not shown', async () => {
    const odd = 'AIza\nsecret';
    const model = connect(wire.url, { apiKey: odd });
    const failure: unknown = await model.answer(ask()).catch((error: unknown) => error);
    expect(failure).toMatchObject({ failure: 'key' });
    expect(`${String(failure)} ${String((failure as Error).cause)}`).not.toContain('secret');
  });

  it('silence ends, and what was left is closed', async () => {
    wire.script({ events: [chunk([{ text: 'The' }])], end: 'open' });
    const still = new FakeClock();
    const model = connect(wire.url, { clock: still, stallTimeoutMs: 5_000 });
    const began = Promise.withResolvers<string>();
    const silent = expect(model.answer(ask({ onText: began.resolve }))).rejects.toMatchObject({
      failure: 'outage',
    });
    await began.promise;
    await still.advance(5_001);
    await silent;
    expect(still.sleeping).toBe(0);
    await expect.poll(() => wire.left).toBe(1);
  });

  it('a caller who leaves closes the stream', async () => {
    wire.script({ events: [chunk([{ text: 'The' }])], end: 'open' });
    const caller = new AbortController();
    const began = Promise.withResolvers<string>();
    const leaving = connect(wire.url).answer(ask({ signal: caller.signal, onText: began.resolve }));
    const left = expect(leaving).rejects.toThrow('gone');
    await began.promise;
    caller.abort(new Error('gone'));
    await left;
    await expect.poll(() => wire.left).toBe(1);
  });

  it('an image that it cannot show is said', async () => {
    const model = opened(said(chunk([{ text: 'No.' }], stop)));
    const svg = { image: { mime_type: 'image/svg+xml', data_base64: 'AAAA' } };
    await model.answer(ask({ turns: [{ role: 'user', parts: [svg] }] }));
    expect(wire.requests[0]?.body).toMatchObject({
      contents: [{ parts: [{ text: '[An image of the type image/svg+xml, which cannot be shown here.]' }] }],
    });
  });
});

describe('the stand-in', { timeout: 30_000 }, () => {
  let standIn: GeminiStandIn;
  beforeEach(async () => {
    standIn = await GeminiStandIn.start();
  });
  afterEach(() => standIn.close());

  it('cuts a stream', async () => {
    standIn.script({ text: 'A long way to go.', chunkSize: 4, cutAfterChunks: 2 });
    const pieces: string[] = [];
    const cut = connect(standIn.url).answer(ask({ onText: (piece) => void pieces.push(piece) }));
    await expect(cut).rejects.toMatchObject({ failure: 'outage' });
    expect('A long way to go.'.startsWith(pieces.join(''))).toBe(true);
  });

  it('improvises where the script is silent, and knows what it was asked', async () => {
    standIn.improvise(({ messages }) => ({ text: `I have heard ${messages.length} messages.` }));
    standIn.script({ text: 'First this.' });
    const model = connect(standIn.url);
    expect((await model.answer(ask())).turn.text).toBe('First this.');
    expect((await model.answer(ask())).turn.text).toBe('I have heard 2 messages.');
    expect(standIn.requests.map(({ messages }) => messages.at(-1)?.content)).toEqual(['Go.', 'Go.']);
  });
});
