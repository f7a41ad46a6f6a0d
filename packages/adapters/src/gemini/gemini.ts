// Gemini as a LanguageModel, by @google/genai: each turn is one streaming request.
import { FunctionCallingConfigMode, GoogleGenAI, type GenerateContentConfig } from '@google/genai';
import {
  LanguageModelError,
  type Clock,
  type LanguageModel,
  type Logger,
  type TurnAnswer,
  type TurnRequest,
} from '@insightloop/core';
import { boundedFetch, type Fetch } from './bounded-fetch.ts';
import { contentsOf } from './contents.ts';
import { compileTools, type CompiledTools } from './declarations.ts';
import { failureOf, redactor } from './failures.ts';
import { parsedJson } from './json-text.ts';
import { restored } from './restore.ts';
import { compileSchema, type CompiledSchema } from './schema-compiler.ts';
import { createTurnReader } from './turn-reader.ts';

export interface GeminiOptions {
  /** Null where there is none: each turn then fails with `key`. */
  apiKey: string | null;
  model: string;
  /** Where another server answers for Google's. */
  baseUrl?: string | undefined;
  clock: Clock;
  logger: Logger;
  /** Time without a byte after which a request is given up. Models that think are silent before they write. */
  stallTimeoutMs?: number | undefined;
  fetch?: Fetch | undefined;
}

/** Else the header is refused with an error that shows it. */
const sendable = /^[\x21-\x7e]+$/;

const googleUrl = 'https://generativelanguage.googleapis.com';
const defaultStallTimeoutMs = 120_000;
/** Of `GenerateContentConfig` and the endpoint: the version that has structured output and function calling. */
const apiVersion = 'v1beta';

export function createGemini(options: GeminiOptions): LanguageModel {
  const { apiKey, model, clock, logger } = options;
  const { stallTimeoutMs = defaultStallTimeoutMs, fetch = globalThis.fetch } = options;
  const redact = redactor(apiKey);
  const client = apiKey === null || apiKey === '' ? null : connect(apiKey, options.baseUrl ?? googleUrl);

  return {
    model,
    configured: client !== null,

    async answer(request) {
      const { signal } = request;
      signal.throwIfAborted();
      if (client === null)
        throw new LanguageModelError('key', 'There is no Gemini API key; set GEMINI_API_KEY.');
      if (!sendable.test(apiKey ?? ''))
        throw new LanguageModelError(
          'key',
          'The Gemini API key holds what no key holds; check GEMINI_API_KEY.',
        );
      // Of this request alone: the SDK listens to it and never stops.
      const controller = new AbortController();
      const leave = (): void => controller.abort(signal.reason);
      signal.addEventListener('abort', leave, { once: true });
      const bounded = boundedFetch(fetch, { clock, stallTimeoutMs, controller });
      const startedAt = clock.now();
      try {
        const answer = await converse(client, { model, request, controller, fetch: bounded.fetch });
        logger.debug({ model, ...answer.usage, ms: clock.now() - startedAt }, 'the model has answered');
        return answer;
      } catch (error) {
        signal.throwIfAborted();
        const cause: unknown = controller.signal.aborted ? controller.signal.reason : error;
        const failure = failureOf(cause, { head: bounded.head, model, redact });
        logger.debug({ model, failure: failure.failure, error: failure }, 'the model has not answered');
        throw failure;
      } finally {
        signal.removeEventListener('abort', leave);
        bounded.done();
        // What is still on its way of a stream that was not read to its end.
        controller.abort();
      }
    },
  };
}

function connect(apiKey: string, baseUrl: string): GoogleGenAI {
  // Everything is said, because the SDK reads from the environment what is not.
  return new GoogleGenAI({ apiKey, vertexai: false, apiVersion, httpOptions: { baseUrl } });
}

interface Conversation {
  model: string;
  request: TurnRequest;
  controller: AbortController;
  fetch: Fetch;
}

async function converse(
  client: GoogleGenAI,
  { model, request, controller, fetch }: Conversation,
): Promise<TurnAnswer> {
  const { turns, onText = () => {}, output } = request;
  const tools = compileTools(request.tools ?? []);
  const shape = output === undefined ? null : compileSchema(output);
  // What has to be changed on its way back cannot be handed on while it comes.
  const changed = shape !== null && shape.restore !== null;
  const known = new Set(
    turns.flatMap((turn) => (turn.role === 'model' ? turn.calls.map(({ id }) => id) : [])),
  );
  const reader = createTurnReader({
    tools,
    onText: changed ? () => {} : onText,
    callId: (index) => freeId(`call-${turns.length}-${index}`, known),
  });
  const stream = await client.models.generateContentStream({
    model,
    contents: contentsOf(turns, tools.declaredName),
    config: { ...configOf(request, tools, shape), abortSignal: controller.signal, httpOptions: { fetch } },
  });
  for await (const chunk of stream) {
    controller.signal.throwIfAborted();
    reader.read(chunk);
  }
  const answer = reader.answer();
  if (!changed) return answer;
  const text = restoredText(answer.turn.text, shape);
  onText(text);
  return { ...answer, turn: { ...answer.turn, text } };
}

function configOf(
  { system, tool_use: toolUse, maxOutputTokens }: TurnRequest,
  { declarations }: CompiledTools,
  shape: CompiledSchema | null,
): GenerateContentConfig {
  const responseSchema = shape?.schema ?? null;
  return {
    ...(system === '' ? {} : { systemInstruction: system }),
    ...(maxOutputTokens === undefined ? {} : { maxOutputTokens }),
    ...(declarations === null ? {} : { tools: [{ functionDeclarations: declarations }] }),
    ...(declarations !== null && toolUse === 'must'
      ? { toolConfig: { functionCallingConfig: { mode: FunctionCallingConfigMode.ANY } } }
      : {}),
    ...(shape === null ? {} : { responseMimeType: 'application/json' }),
    ...(responseSchema === null ? {} : { responseSchema }),
    // Who calls tools, and who asks again, is decided above.
    automaticFunctionCalling: { disable: true },
    automaticContinuation: false,
  };
}

/** What is no JSON stays as it is: the caller checks it. */
function restoredText(text: string, { restore }: CompiledSchema): string {
  const value = parsedJson(text);
  return value === undefined ? text : JSON.stringify(restored(value, restore));
}

function freeId(wanted: string, known: ReadonlySet<string>): string {
  return known.has(wanted) ? freeId(`${wanted}-again`, known) : wanted;
}
