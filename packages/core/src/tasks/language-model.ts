// Port: a language model. One turn in, one turn out; what it writes streams while it writes.
import type { JsonObject, JsonValue } from '../mcp/channel.ts';

/** A piece of what is given to the model. Images go to it as they are. */
export type TurnPart = { text: string } | { image: { mime_type: string; data_base64: string } };

/** A tool as its server names and describes it: making the provider accept it, and the way back, is the adapter's. */
export interface ToolDeclaration {
  name: string;
  description: string | null;
  input_schema: JsonObject;
}

/** What the model wants called: the server's own name of the tool, and arguments that nobody has checked yet. */
export interface ModelCall {
  /** Unique in the conversation; the adapter makes one where the provider gives none. */
  id: string;
  name: string;
  arguments: JsonObject;
}

export interface CallResult {
  /** Of the call that it answers. */
  id: string;
  name: string;
  parts: readonly TurnPart[];
  is_error: boolean;
}

export interface ModelTurn {
  role: 'model';
  text: string;
  calls: readonly ModelCall[];
  /** What the provider wants back unchanged with this turn, such as thought signatures. Means nothing to us. */
  provider_state: JsonValue;
}

/** A model's calls are answered by one turn of tools, with one result for each call. */
export type Turn =
  | { role: 'user'; parts: readonly TurnPart[] }
  | ModelTurn
  | { role: 'tools'; results: readonly CallResult[] };

/** Tokens of one turn, as the provider counts them; zero where it does not say. */
export interface TokenUsage {
  input_tokens: number;
  /** What was written, thoughts included. */
  output_tokens: number;
}

export interface TurnRequest {
  system: string;
  /** Begins and ends with a turn that is not the model's. */
  turns: readonly Turn[];
  /** What the model may call; with none it can only write. Never given together with `output`. */
  tools?: readonly ToolDeclaration[];
  /** Whether it may choose to write instead of calling (`may`, the default) or has to call something. */
  tool_use?: 'may' | 'must';
  /** JSON Schema of what it has to write. The text that comes back is JSON, but nobody has checked it yet. */
  output?: JsonObject;
  maxOutputTokens?: number;
  /** Ends the request; the promise then rejects with the signal's reason. */
  signal: AbortSignal;
  /** Is given what the model writes as it comes; the pieces together are the turn's `text`. */
  onText?: (piece: string) => void;
}

export interface TurnAnswer {
  turn: ModelTurn;
  usage: TokenUsage;
  /** `length`: it was cut because `maxOutputTokens`, or the model's own limit, was reached. */
  finish: 'stop' | 'length';
}

export interface LanguageModel {
  /** As the provider names it. */
  readonly model: string;
  /** Whether there is a key to ask with. Without one each turn fails at once with `key`. */
  readonly configured: boolean;
  /**
   * Asks once: nothing is repeated here, because only the caller knows what it has shown of the first attempt.
   * @throws LanguageModelError
   */
  answer(request: TurnRequest): Promise<TurnAnswer>;
}

export type LanguageModelFailure =
  /** There is no key, or the provider refuses it. */
  | 'key'
  /** Asked too often, or what was paid for is used up; `retryAfterSeconds` where the provider says it. */
  | 'quota'
  /** The provider knows no model of this name. */
  | 'model-not-found'
  /** The provider's safety rules stopped the question or the answer. */
  | 'blocked'
  /** It tried to call a tool, but what came is no call, or calls something that was not declared. Asking again may help. */
  | 'malformed'
  /** The provider refuses the request itself, such as one that is too long: asking again will not help. */
  | 'refused'
  /** Unreachable, an error on its side, a stream that was cut, or an answer that is none. Asking again may help. */
  | 'outage';

/** A turn that brought nothing; `message` is fit for the caller and never holds the key. */
export class LanguageModelError extends Error {
  override readonly name = 'LanguageModelError';
  readonly failure: LanguageModelFailure;
  readonly retryAfterSeconds: number | null;

  constructor(
    failure: LanguageModelFailure,
    message: string,
    options: { retryAfterSeconds?: number | undefined; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.failure = failure;
    this.retryAfterSeconds = options.retryAfterSeconds ?? null;
  }
}
