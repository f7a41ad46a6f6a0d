// Collects what a model writes, chunk by chunk, into one turn, and says what an end without one means.
import type { Candidate, GenerateContentResponse, Part } from '@google/genai';
import {
  isJsonObject,
  LanguageModelError,
  type ModelCall,
  type TokenUsage,
  type TurnAnswer,
} from '@insightloop/core';
import type { CompiledTools } from './declarations.ts';
import { providerState } from './contents.ts';

export interface TurnReader {
  read(chunk: GenerateContentResponse): void;
  /** @throws LanguageModelError when what has come is no turn */
  answer(): TurnAnswer;
}

export interface TurnReaderOptions {
  tools: CompiledTools;
  onText: (piece: string) => void;
  /** Of the calls: unique in the conversation. */
  callId: (index: number) => string;
}

/** `FinishReason` of the API reference: what the provider's rules stopped. */
const stopped = new Set([
  ...['SAFETY', 'RECITATION', 'LANGUAGE', 'BLOCKLIST', 'PROHIBITED_CONTENT', 'SPII'],
  ...['IMAGE_SAFETY', 'IMAGE_PROHIBITED_CONTENT', 'IMAGE_RECITATION', 'MODEL_ARMOR'],
]);
const noCall = new Set([
  ...['MALFORMED_FUNCTION_CALL', 'UNEXPECTED_TOOL_CALL', 'TOO_MANY_TOOL_CALLS', 'MALFORMED_RESPONSE'],
]);
const cut = new Set(['MAX_TOKENS', 'CONTINUATION']);

export function createTurnReader({ tools, onText, callId }: TurnReaderOptions): TurnReader {
  const parts: Part[] = [];
  let finish: string | null = null;
  let usage: TokenUsage = { input_tokens: 0, output_tokens: 0 };

  const readPart = (part: Part): void => {
    const { text = '', thought, thoughtSignature } = part;
    const last = parts.at(-1);
    if (thought !== true && text !== '') onText(text);
    if (isText(part)) {
      if (text === '') return;
      // Pieces of one text are one part, as the model wrote it.
      if (last !== undefined && isText(last)) parts[parts.length - 1] = { text: `${last.text ?? ''}${text}` };
      else parts.push({ text });
    } else if (thought !== true || thoughtSignature !== undefined) {
      parts.push(part);
    }
  };

  const readCandidate = ({ content, finishReason, finishMessage }: Candidate): void => {
    content?.parts?.forEach(readPart);
    if (finishReason !== undefined) finish = finishReason;
    if (finish !== null) checkFinish(finish, finishMessage);
  };

  return {
    read({ candidates, promptFeedback, usageMetadata }) {
      if (usageMetadata !== undefined)
        usage = {
          input_tokens: (usageMetadata.promptTokenCount ?? 0) + (usageMetadata.toolUsePromptTokenCount ?? 0),
          output_tokens: (usageMetadata.candidatesTokenCount ?? 0) + (usageMetadata.thoughtsTokenCount ?? 0),
        };
      const blocked = promptFeedback?.blockReason;
      if (blocked !== undefined)
        throw new LanguageModelError('blocked', `Gemini's safety rules refuse the question (${blocked}).`);
      // One candidate is what is asked for.
      const [candidate] = candidates ?? [];
      if (candidate !== undefined) readCandidate(candidate);
    },

    answer() {
      if (finish === null) throw new LanguageModelError('outage', 'The answer of Gemini broke off.');
      const length = cut.has(finish);
      const text = parts.flatMap((part) => (part.thought === true ? [] : (part.text ?? []))).join('');
      const calls = callsOf(parts, tools, callId);
      if (text === '' && calls.length === 0 && !length)
        throw new LanguageModelError('outage', `The answer of Gemini is empty (${finish}).`);
      return {
        turn: { role: 'model', text, calls, provider_state: providerState(parts) },
        usage,
        finish: length ? 'length' : 'stop',
      };
    },
  };
}

const isText = (part: Part): boolean =>
  part.text !== undefined &&
  part.thought !== true &&
  part.thoughtSignature === undefined &&
  part.functionCall === undefined;

function checkFinish(finish: string, words = ''): void {
  if (stopped.has(finish))
    throw new LanguageModelError('blocked', `Gemini's safety rules stopped the answer (${finish}).`);
  if (noCall.has(finish))
    throw new LanguageModelError('malformed', `Gemini tried to call a tool and failed (${finish}).`, {
      cause: new Error(words.slice(0, 500)),
    });
}

function callsOf(
  parts: readonly Part[],
  tools: CompiledTools,
  callId: (index: number) => string,
): ModelCall[] {
  const made = parts.flatMap(({ functionCall }) => (functionCall ? [functionCall] : []));
  return made.map(({ name = '', args = {} }, index) => {
    const call = isJsonObject(args) ? tools.callOf(name, args) : null;
    if (call === null)
      throw new LanguageModelError('malformed', 'Gemini calls a tool that was not declared to it.', {
        cause: new Error(`It called "${name.slice(0, 200)}".`),
      });
    return { id: callId(index), ...call };
  });
}
