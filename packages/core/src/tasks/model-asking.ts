// Asking the model within the limits of a task: repeated where that may help, counted, and failures in our words.
import { geminiApiError, orchestrationFailed, type AppError } from '../errors.ts';
import type { Clock } from '../platform/clock.ts';
import {
  LanguageModelError,
  type LanguageModel,
  type TurnAnswer,
  type TurnRequest,
} from './language-model.ts';
import type { TaskUsage } from './task.ts';

export interface Asking {
  /**
   * @throws AppError GEMINI_API_ERROR (key, quota, no such model, outage); ORCHESTRATION_FAILED where what came is of no
   *   use, or the task's tokens are used up
   * @throws the signal's reason
   */
  ask(request: Question): Promise<TurnAnswer>;
  readonly usage: TaskUsage;
}

export type Question = Omit<TurnRequest, 'signal' | 'maxOutputTokens' | 'onText'> & {
  /** Is given what is written as it comes; a higher attempt begins anew. */
  onText?: (piece: string, attempt: number) => void;
};

export interface AskingPorts {
  model: LanguageModel;
  clock: Clock;
  random: () => number;
  /** Tokens for the whole task; null without a limit. */
  maxTokens: number | null;
  signal: AbortSignal;
}

/** How often a turn is asked for when the provider fails, and when what comes is no call. */
const outageAttempts = 4;
const malformedAttempts = 2;
const firstPauseMs = 500;

/** A model refuses to be allowed more than it can write, which no model has less of; so a turn may exceed the budget. */
const smallestModelLimit = 8_192;

export function createAsking({ model, clock, random, maxTokens, signal }: AskingPorts): Asking {
  const usage: TaskUsage = { input_tokens: 0, output_tokens: 0, model_calls: 0 };

  const tokensLeft = (): number | null => {
    if (maxTokens === null) return null;
    const left = maxTokens - usage.input_tokens - usage.output_tokens;
    if (left <= 0)
      throw orchestrationFailed(`The task has used up its ${maxTokens} tokens. Give more with max_tokens.`, {
        reason: 'max_tokens',
        usage,
      });
    return left;
  };

  const askOnce = async ({ onText, ...question }: Question, attempt: number): Promise<TurnAnswer> => {
    const left = tokensLeft();
    usage.model_calls += 1;
    const answer = await model.answer({
      ...question,
      signal,
      ...(left !== null && left <= smallestModelLimit && { maxOutputTokens: left }),
      ...(onText && { onText: (piece) => onText(piece, attempt) }),
    });
    usage.input_tokens += answer.usage.input_tokens;
    usage.output_tokens += answer.usage.output_tokens;
    return answer;
  };

  return {
    usage,
    async ask(question) {
      let outages = 0;
      let malformed = 0;
      for (let attempt = 1; ; attempt += 1) {
        try {
          return await askOnce(question, attempt);
        } catch (error) {
          signal.throwIfAborted();
          if (!(error instanceof LanguageModelError)) throw error;
          if (error.failure === 'malformed') malformed += 1;
          else if (error.failure === 'outage') outages += 1;
          else throw failureOf(error);
          if (malformed >= malformedAttempts || outages >= outageAttempts) throw failureOf(error);
          if (error.failure === 'outage')
            await clock.sleep(firstPauseMs * 2 ** (outages - 1) * (0.5 + random()), signal);
        }
      }
    },
  };
}

function failureOf(error: LanguageModelError): AppError {
  const { failure, message, retryAfterSeconds } = error;
  switch (failure) {
    case 'quota':
      return geminiApiError(message, { reason: failure, retry_after: retryAfterSeconds }, error);
    case 'key':
    case 'model-not-found':
    case 'outage':
      return geminiApiError(message, { reason: failure }, error);
    case 'blocked':
    case 'malformed':
    case 'refused':
      return orchestrationFailed(message, { reason: failure }, error);
  }
}
