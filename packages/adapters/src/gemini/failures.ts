// What went wrong at Gemini, as the port tells it: from HTTP, from inside of a stream, and from the network.
import { ApiError } from '@google/genai';
import { LanguageModelError, type LanguageModelFailure } from '@insightloop/core';
import { z } from 'zod';

/** What an answer's head said; zero and null before there is one. */
export interface AnswerHead {
  status: number;
  retryAfter: string | null;
}

/** google.rpc.Status, read leniently (API reference, "Errors"; google/rpc/error_details.proto). */
const rpcStatus = z.object({
  error: z.object({
    code: z.number().catch(0),
    message: z.string().catch(''),
    status: z.string().catch(''),
    details: z
      .array(
        z.object({
          '@type': z.string().catch(''),
          reason: z.string().catch(''),
          retryDelay: z.string().catch(''),
        }),
      )
      .catch([]),
  }),
});
type RpcError = z.infer<typeof rpcStatus>['error'];

const nothingSaid: RpcError = { code: 0, message: '', status: '', details: [] };

const maxMessageLength = 500;

/** Never longer than a paragraph, and without the key wherever it stood. */
export type Redact = (text: string) => string;

export const redactor =
  (apiKey: string | null): Redact =>
  (text) => {
    const clean = apiKey === null || apiKey === '' ? text : text.replaceAll(apiKey, '[key]');
    return clean.length > maxMessageLength ? `${clean.slice(0, maxMessageLength)}…` : clean;
  };

/** @param model for the messages: what was asked */
export function failureOf(
  error: unknown,
  { head, model, redact }: { head: AnswerHead; model: string; redact: Redact },
): LanguageModelError {
  if (error instanceof LanguageModelError) return error;
  const said = error instanceof ApiError ? rpcError(error.message) : nothingSaid;
  const status = error instanceof ApiError ? error.status : head.status >= 400 ? head.status : 0;
  const failure = failureFor(status, said);
  const retryAfterSeconds =
    failure === 'quota' || failure === 'outage' ? retryAfter(said, head.retryAfter) : undefined;
  // The original may hold the request, and with it the key.
  const cause = new Error(redact(chain(error)));
  const words = redact(said.message).trim();
  return new LanguageModelError(failure, message(failure, { model, words, status }), {
    retryAfterSeconds,
    cause,
  });
}

function failureFor(status: number, said: RpcError): LanguageModelFailure {
  const reasons = new Set(said.details.map(({ reason }) => reason));
  const aboutKey = ['API_KEY_INVALID', 'API_KEY_EXPIRED', 'API_KEY_SERVICE_BLOCKED'].some((reason) =>
    reasons.has(reason),
  );
  // A bad key is a 400 here, told apart by its reason; older answers say it in words only.
  if (aboutKey || status === 401 || (status === 400 && /\bAPI key (?:not valid|expired)/i.test(said.message)))
    return 'key';
  if (status === 403) return 'key';
  if (status === 404) return 'model-not-found';
  if (status === 429 || status === 402) return 'quota';
  if (status === 408 || status === 499 || status >= 500 || status < 400) return 'outage';
  return 'refused';
}

function message(
  failure: LanguageModelFailure,
  { model, words, status }: { model: string; words: string; status: number },
): string {
  const says = words === '' ? '' : ` It says: ${words}`;
  switch (failure) {
    case 'key':
      return `Gemini refuses the API key; check GEMINI_API_KEY.${says}`;
    case 'quota':
      return `The Gemini quota is used up, or too much was asked at once.${says}`;
    case 'model-not-found':
      return `Gemini has no model "${model}"; check GEMINI_MODEL.${says}`;
    case 'refused':
      return `Gemini refuses the request (HTTP ${status}).${says}`;
    default:
      return status === 0
        ? 'Gemini could not be reached, or its answer broke off.'
        : `Gemini has a fault of its own (HTTP ${status}).${says}`;
  }
}

/** The SDK's message is the body, or words and then the body; a stream's error may come in a list. */
function rpcError(text: string): RpcError {
  const start = text.search(/[[{]/);
  if (start === -1) return nothingSaid;
  try {
    const body: unknown = JSON.parse(text.slice(start));
    const parsed = rpcStatus.safeParse(Array.isArray(body) ? body[0] : body);
    return parsed.success ? parsed.data.error : nothingSaid;
  } catch {
    return nothingSaid;
  }
}

/** Seconds, rounded up: from google.rpc.RetryInfo ("37s", "2.5s"), else from the header where it counts seconds. */
function retryAfter({ details }: RpcError, header: string | null): number | undefined {
  const delay = details.find((detail) => detail['@type'].endsWith('google.rpc.RetryInfo'))?.retryDelay ?? '';
  const seconds = /^(\d{1,9}(?:\.\d{1,9})?)s$/.exec(delay)?.[1] ?? /^\d{1,9}$/.exec(header ?? '')?.[0];
  return seconds === undefined ? undefined : Math.ceil(Number(seconds));
}

function chain(error: unknown): string {
  const texts: string[] = [];
  for (let at = error, depth = 0; at instanceof Error && depth < 4; at = at.cause, depth += 1)
    texts.push(`${at.name}: ${at.message}`);
  return texts.length > 0 ? texts.join(' ← ') : String(error);
}
