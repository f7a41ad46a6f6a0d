// A language model that says what a test has written down for it, and refuses to be asked as no provider would be.
import {
  LanguageModelError,
  type LanguageModel,
  type LanguageModelFailure,
  type ModelTurn,
  type TokenUsage,
  type Turn,
  type TurnAnswer,
  type TurnRequest,
} from '../tasks/language-model.ts';
import type { JsonObject } from '../mcp/channel.ts';

/** A call as a script writes it; the id is made where the script does not care. */
export interface ScriptedCall {
  name: string;
  arguments?: JsonObject;
  id?: string;
}

/** What one turn is answered with. */
export type ScriptedTurn =
  /** `text` comes in several pieces where it is long enough. */
  | { text?: string; calls?: ScriptedCall[]; usage?: Partial<TokenUsage>; finish?: TurnAnswer['finish'] }
  | { fails: LanguageModelFailure; retryAfterSeconds?: number }
  /** Nothing comes until the caller gives up; `text` comes before that. */
  | { hangs: true; text?: string };

/** Answers in turn, or one function that answers whatever is asked. */
export type Script =
  readonly ScriptedTurn[] | ((request: TurnRequest) => ScriptedTurn | Promise<ScriptedTurn>);

export class ScriptedLanguageModel implements LanguageModel {
  readonly model = 'scripted';
  configured = true;
  /** What was asked, in order. */
  readonly requests: TurnRequest[] = [];
  readonly #script: ScriptedTurn[] = [];
  readonly #improvise: ((request: TurnRequest) => ScriptedTurn | Promise<ScriptedTurn>) | null;

  constructor(script: Script = []) {
    this.#improvise = typeof script === 'function' ? script : null;
    if (typeof script !== 'function') this.script(...script);
  }

  /** Adds to what is still to be said. */
  script(...turns: ScriptedTurn[]): void {
    this.#script.push(...turns);
  }

  async answer(request: TurnRequest): Promise<TurnAnswer> {
    request.signal.throwIfAborted();
    checkRequest(request);
    this.requests.push(request);
    if (!this.configured) throw new LanguageModelError('key', 'The scripted model has no key.');
    const next = this.#improvise === null ? this.#script.shift() : await this.#improvise(request);
    if (next === undefined) throw new Error('The script of the language model is over.');
    request.signal.throwIfAborted();
    if ('fails' in next) throw new LanguageModelError(next.fails, `The script says: ${next.fails}.`, next);
    for (const piece of pieces(next.text ?? '')) {
      request.onText?.(piece);
      // Each piece is a moment of its own, in which the caller may leave.
      await Promise.resolve();
      request.signal.throwIfAborted();
    }
    if ('hangs' in next) return aborted(request.signal);
    const { usage = {}, finish = 'stop' } = next;
    return {
      turn: turnOf(next, request),
      usage: { input_tokens: usage.input_tokens ?? 0, output_tokens: usage.output_tokens ?? 0 },
      finish,
    };
  }
}

function turnOf(
  said: Exclude<ScriptedTurn, { fails: unknown } | { hangs: true }>,
  request: TurnRequest,
): ModelTurn {
  const { text = '', calls = [] } = said;
  if (text === '' && calls.length === 0 && said.finish !== 'length')
    throw new LanguageModelError('outage', 'The scripted model said nothing.');
  const declared = new Set(request.tools?.map(({ name }) => name));
  for (const { name } of calls)
    if (!declared.has(name)) throw new LanguageModelError('malformed', `There is no tool "${name}".`);
  return {
    role: 'model',
    text,
    calls: calls.map(({ id, name, arguments: args = {} }, index) => ({
      id: id ?? `call-${request.turns.length}-${index}`,
      name,
      arguments: args,
    })),
    provider_state: { scripted: request.turns.length },
  };
}

const pieceLength = 16;

const pieces = (text: string): string[] =>
  Array.from({ length: Math.ceil(text.length / pieceLength) }, (_, index) =>
    text.slice(index * pieceLength, (index + 1) * pieceLength),
  );

const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => {
    const give = (): void => reject(signal.reason);
    if (signal.aborted) give();
    else signal.addEventListener('abort', give, { once: true });
  });

/** What a provider answers with an error, or worse, takes: a mistake of the caller, not of the model. */
function checkRequest({ turns, tools, output }: TurnRequest): void {
  const mistake = (text: string): Error => new Error(`No provider can be asked this: ${text}.`);
  if (tools !== undefined && output !== undefined) throw mistake('tools together with an output schema');
  if (turns[0]?.role !== 'user') throw mistake('a conversation that the user does not begin');
  if (turns.at(-1)?.role === 'model') throw mistake('a conversation that the model ended');
  const names = tools?.map(({ name }) => name) ?? [];
  if (new Set(names).size < names.length) throw mistake('two tools of one name');
  turns.forEach((turn, index) => checkTurn(turn, turns[index - 1], mistake));
}

function checkTurn(turn: Turn, before: Turn | undefined, mistake: (text: string) => Error): void {
  if (turn.role === 'model' && before?.role === 'model') throw mistake('two turns of the model in a row');
  const calls = before?.role === 'model' ? before.calls : [];
  if (turn.role !== 'tools') {
    if (calls.length > 0) throw mistake('calls that are not answered');
    return;
  }
  const asked = calls.map(({ id, name }) => `${id} ${name}`).sort();
  const answered = turn.results.map(({ id, name }) => `${id} ${name}`).sort();
  if (asked.length === 0 || asked.join('\n') !== answered.join('\n'))
    throw mistake('results that are not those of the calls before them');
}
