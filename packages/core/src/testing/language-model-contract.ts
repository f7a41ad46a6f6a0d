// What every LanguageModel must do, whatever stands behind it: the scripted one, or a provider over HTTP.
import { afterEach, describe, expect, it } from 'vitest';
import type { JsonObject } from '../mcp/channel.ts';
import {
  LanguageModelError,
  type LanguageModel,
  type LanguageModelFailure,
  type ToolDeclaration,
  type Turn,
  type TurnRequest,
} from '../tasks/language-model.ts';
import type { ScriptedTurn } from './scripted-language-model.ts';

export interface LanguageModelSubject {
  model: LanguageModel;
  /** What the next turns are answered with, in order; tools are called by their servers' own names. */
  script(...turns: ScriptedTurn[]): void;
  /** The same without a key. */
  withoutKey: LanguageModel;
  end(): void | Promise<void>;
}

/** Against hanging only. */
const timeout = 30_000;

export function describeLanguageModel(name: string, open: () => Promise<LanguageModelSubject>): void {
  describe(`the language model contract: ${name}`, { timeout }, () => {
    const subjects: LanguageModelSubject[] = [];
    const opened = async (...turns: ScriptedTurn[]): Promise<LanguageModelSubject> => {
      const subject = await open();
      subjects.push(subject);
      subject.script(...turns);
      return subject;
    };

    afterEach(async () => {
      for (const { end } of subjects.splice(0)) await end();
    });

    it('writes, and hands on each piece as it comes', async () => {
      const text = 'Grüße, 世界 🎉 — a text that is long enough to come in several pieces.\n'.repeat(5);
      const { model } = await opened({ text, usage: { input_tokens: 12, output_tokens: 34 } });
      const pieces: string[] = [];
      const answer = await model.answer(ask({ onText: (piece) => void pieces.push(piece) }));
      expect(answer).toMatchObject({
        turn: { role: 'model', text, calls: [] },
        usage: { input_tokens: 12, output_tokens: 34 },
        finish: 'stop',
      });
      expect(pieces.length).toBeGreaterThan(1);
      expect(pieces.join('')).toBe(text);
    });

    it('counts nothing where nothing is counted', async () => {
      const { model } = await opened({ text: 'yes' });
      expect((await model.answer(ask())).usage).toEqual({ input_tokens: 0, output_tokens: 0 });
    });

    it('says that an answer was cut by its length', async () => {
      const { model } = await opened({ text: 'Once upon a', finish: 'length' });
      expect(await model.answer(ask({ maxOutputTokens: 3 }))).toMatchObject({
        turn: { text: 'Once upon a' },
        finish: 'length',
      });
    });

    it('calls tools by the names that their servers gave them', async () => {
      const { model } = await opened({
        calls: oddNames.map((tool) => ({ name: tool, arguments: { a: 1 } })),
      });
      const { turn } = await model.answer(ask({ tools: oddNames.map(declared) }));
      expect(turn.calls.map((call) => call.name)).toEqual(oddNames);
      expect(turn.calls.map((call) => call.arguments)).toEqual(oddNames.map(() => ({ a: 1 })));
      expect(new Set(turn.calls.map(({ id }) => id)).size).toBe(oddNames.length);
    });

    it('passes arguments on as they are', async () => {
      const args = JSON.parse(
        '{"text": "ß\\u0000\\n\\"", "list": [1, 2.5, -0.001, null], "deep": {"a": {"b": []}}, "__proto__": {"x": 1}}',
      ) as JsonObject;
      const { model } = await opened({ calls: [{ name: 'echo', arguments: args }] });
      const { turn } = await model.answer(ask({ tools: [declared('echo')] }));
      expect(JSON.stringify(turn.calls[0]?.arguments)).toBe(JSON.stringify(args));
    });

    it('goes on with the results, over several turns', async () => {
      const { model } = await opened(
        {
          calls: [
            { name: 'echo', arguments: { n: 1 } },
            { name: 'echo', arguments: { n: 2 } },
          ],
        },
        { text: 'One more.', calls: [{ name: 'tell', arguments: {} }] },
        { text: 'Done.' },
      );
      const tools = ['echo', 'tell'].map(declared);
      const turns: Turn[] = [user('go on')];
      for (const expected of [2, 1]) {
        const { turn } = await model.answer(ask({ turns: [...turns], tools }));
        expect(turn.calls).toHaveLength(expected);
        turns.push(turn, {
          role: 'tools',
          results: turn.calls.map(({ id, name }, index) => ({
            id,
            name,
            parts: [{ text: `result ${index}` }],
            is_error: index === 1,
          })),
        });
      }
      const ids = turns.flatMap((turn) => (turn.role === 'model' ? turn.calls.map(({ id }) => id) : []));
      expect(new Set(ids).size).toBe(3);
      // The last word is asked for without tools.
      expect((await model.answer(ask({ turns }))).turn).toMatchObject({ text: 'Done.', calls: [] });
    });

    it('takes images, as a user and as a tool gives them', async () => {
      const { model } = await opened({ calls: [{ name: 'echo' }] }, { text: 'A pixel.' });
      const image = { image: { mime_type: 'image/png', data_base64: pixel } };
      const turns: Turn[] = [{ role: 'user', parts: [{ text: 'What is it?' }, image] }];
      const { turn } = await model.answer(ask({ turns, tools: [declared('echo')] }));
      turns.push(turn, {
        role: 'tools',
        results: turn.calls.map(({ id, name: tool }) => ({
          id,
          name: tool,
          parts: [image],
          is_error: false,
        })),
      });
      expect((await model.answer(ask({ turns }))).turn.text).toBe('A pixel.');
    });

    it('writes JSON where a schema of the output is given', async () => {
      const plan = { steps: [{ tool: 'echo', arguments: { message: 'hi' } }] };
      const { model } = await opened({ text: JSON.stringify(plan) });
      const pieces: string[] = [];
      const { turn } = await model.answer(
        ask({ output: planSchema, onText: (piece) => void pieces.push(piece) }),
      );
      expect(JSON.parse(turn.text)).toEqual(plan);
      expect(pieces.join('')).toBe(turn.text);
    });

    it('gives each of many callers its own answer', async () => {
      const words = Array.from({ length: 20 }, (_, index) => `word ${index}`);
      const { model } = await opened(...words.map((text) => ({ text })));
      const answers = await Promise.all(words.map(() => model.answer(ask())));
      expect(answers.map(({ turn }) => turn.text).sort()).toEqual([...words].sort());
    });

    it.each(failures)('tells the failure %s, and answers the next turn', async (failure) => {
      const { model } = await opened({ fails: failure }, { text: 'Here again.' });
      await expect(model.answer(ask({ tools: [declared('echo')] }))).rejects.toMatchObject({
        name: LanguageModelError.name,
        failure,
      });
      expect((await model.answer(ask())).turn.text).toBe('Here again.');
    });

    it('says when to ask again where the provider says it', async () => {
      const { model } = await opened({ fails: 'quota', retryAfterSeconds: 17 }, { fails: 'malformed' });
      await expect(model.answer(ask())).rejects.toMatchObject({ failure: 'quota', retryAfterSeconds: 17 });
      await expect(model.answer(ask({ tools: [declared('echo')] }))).rejects.toMatchObject({
        retryAfterSeconds: null,
      });
    });

    it('takes no answer that calls what was not declared, or that says nothing', async () => {
      const { model } = await opened({ calls: [{ name: 'elsewhere' }] }, { text: '' });
      const failure = model.answer(ask({ tools: [declared('echo')] }));
      await expect(failure).rejects.toMatchObject({ failure: 'malformed' });
      await expect(model.answer(ask())).rejects.toMatchObject({ failure: 'outage' });
    });

    it('fails at once without a key', async () => {
      const { withoutKey } = await opened();
      expect(withoutKey.configured).toBe(false);
      await expect(withoutKey.answer(ask())).rejects.toMatchObject({ failure: 'key' });
    });

    it('ends when its caller leaves, with the reason of the signal', async () => {
      const { model } = await opened({ hangs: true, text: 'The beginning of ' }, { text: 'Here again.' });
      expect(model.configured).toBe(true);
      const caller = new AbortController();
      const began = Promise.withResolvers<string>();
      const leaving = model.answer(ask({ signal: caller.signal, onText: began.resolve }));
      const left = expect(leaving).rejects.toThrow('gone');
      await began.promise;
      caller.abort(new Error('gone'));
      await left;
      await expect(model.answer(ask({ signal: AbortSignal.abort(new Error('never here')) }))).rejects.toThrow(
        'never here',
      );
      expect((await model.answer(ask())).turn.text).toBe('Here again.');
    });
  });
}

const failures: LanguageModelFailure[] = [
  ...(['key', 'quota', 'model-not-found', 'blocked', 'malformed', 'refused', 'outage'] as const),
];

/** Names that no provider takes as they are, and some that become alike when they are made to fit. */
const oddNames = [
  'read file',
  'read/file',
  '1st',
  'größe',
  `${'long-'.repeat(40)}a`,
  `${'long-'.repeat(40)}b`,
  'a.b:c-d_e',
  '__proto__',
];

const pixel =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

const planSchema: JsonObject = {
  type: 'object',
  required: ['steps'],
  properties: {
    steps: {
      type: 'array',
      items: {
        type: 'object',
        required: ['tool', 'arguments'],
        properties: { tool: { type: 'string' }, arguments: { type: 'object' } },
      },
    },
  },
};

const declared = (name: string): ToolDeclaration => ({
  name,
  description: `The tool ${name}.`,
  input_schema: { type: 'object', properties: { a: { type: 'integer' } } },
});

const user = (text: string): Turn => ({ role: 'user', parts: [{ text }] });

const ask = (request: Partial<TurnRequest> = {}): TurnRequest => ({
  system: 'Answer as the script says.',
  turns: [user('Say something.')],
  signal: new AbortController().signal,
  ...request,
});
