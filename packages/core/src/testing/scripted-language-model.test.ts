// The scripted language model against the contract, and what it says of mistakes of its callers.
import { describe, expect, it } from 'vitest';
import type { Turn, TurnRequest } from '../tasks/language-model.ts';
import { describeLanguageModel } from './language-model-contract.ts';
import { ScriptedLanguageModel } from './scripted-language-model.ts';

describeLanguageModel('scripted', async () => {
  const model = new ScriptedLanguageModel();
  const withoutKey = new ScriptedLanguageModel();
  withoutKey.configured = false;
  return { model, withoutKey, script: (...turns) => model.script(...turns), end: () => {} };
});

const { signal } = new AbortController();
const user: Turn = { role: 'user', parts: [{ text: 'go' }] };
const calling: Turn = {
  role: 'model',
  text: '',
  calls: [{ id: 'one', name: 'echo', arguments: {} }],
  provider_state: null,
};
const result = (id: string): Turn => ({
  role: 'tools',
  results: [{ id, name: 'echo', parts: [], is_error: false }],
});

describe('a request that no provider takes', () => {
  it.each<[string, Partial<TurnRequest>]>([
    ['tools together with output', { tools: [], output: {} }],
    ['the model first', { turns: [calling, result('one')] }],
    ['the model last', { turns: [user, calling] }],
    ['a call without a result', { turns: [user, calling, user] }],
    ['a result of another call', { turns: [user, calling, result('two')] }],
    ['a result without a call', { turns: [user, result('one')] }],
  ])('is a mistake: %s', async (_name, request) => {
    const model = new ScriptedLanguageModel([{ text: 'never said' }]);
    await expect(model.answer({ system: '', turns: [user], signal, ...request })).rejects.toThrow(
      'No provider can be asked this',
    );
  });
});

describe('a script', () => {
  it('can improvise', async () => {
    const model = new ScriptedLanguageModel(({ system }) => ({ text: `You said: ${system}` }));
    const { turn } = await model.answer({ system: 'hello', turns: [user, calling, result('one')], signal });
    expect(turn.text).toBe('You said: hello');
    expect(model.requests).toHaveLength(1);
  });

  it('that is over says so', async () => {
    await expect(new ScriptedLanguageModel().answer({ system: '', turns: [user], signal })).rejects.toThrow(
      'over',
    );
  });
});
