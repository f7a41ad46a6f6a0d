// The conversation as Gemini takes it, with the model's own parts given back as they came.
import { FunctionResponse, type Content, type Part } from '@google/genai';
import {
  isJsonObject,
  type CallResult,
  type JsonValue,
  type ModelTurn,
  type Turn,
  type TurnPart,
} from '@insightloop/core';
import { parsedJson } from './json-text.ts';
import { acceptedNames, functionNames } from './accepted-names.ts';

/** What of a call the provider knows: the name that it used, and its own id where it gave one. */
interface KnownCall {
  name: string;
  id: string | null;
}

/** Image types that the API takes (its guide "Image understanding"). */
const imageTypes = new Set(['image/png', 'image/jpeg', 'image/webp', 'image/heic', 'image/heif']);

/** @param declaredName of tools that the request declares; others are named as they would be */
export function contentsOf(turns: readonly Turn[], declaredName: (tool: string) => string | null): Content[] {
  const calls = new Map<string, KnownCall>();
  const nameOf = (tool: string): string =>
    declaredName(tool) ?? acceptedNames([tool], functionNames).get(tool) ?? tool;
  const contents = turns.map((turn): Content => {
    switch (turn.role) {
      case 'user':
        return { role: 'user', parts: turn.parts.map(partOf) };
      case 'model': {
        const parts = modelParts(turn, nameOf);
        const made = parts.flatMap(({ functionCall }) => (functionCall ? [functionCall] : []));
        turn.calls.forEach(({ id, name }, index) => {
          const call = made[index];
          calls.set(id, { name: call?.name ?? nameOf(name), id: call?.id ?? null });
        });
        return { role: 'model', parts };
      }
      case 'tools':
        return { role: 'user', parts: turn.results.flatMap((result) => resultParts(result, calls, nameOf)) };
    }
  });
  // One without parts is refused, as after an answer that was cut before its first word.
  return contents.filter(({ parts = [] }) => parts.length > 0);
}

/** Thought signatures belong to their parts, so that the parts are what is kept. */
export const providerState = (parts: readonly Part[]): JsonValue =>
  parsedJson(JSON.stringify({ parts })) ?? null;

function modelParts(
  { text, calls, provider_state: state }: ModelTurn,
  nameOf: (tool: string) => string,
): Part[] {
  const kept =
    isJsonObject(state) && Array.isArray(state['parts']) ? state['parts'].filter(isJsonObject) : [];
  if (kept.length > 0) return kept;
  return [
    ...(text === '' ? [] : [{ text }]),
    ...calls.map(({ name, arguments: args }) => ({ functionCall: { name: nameOf(name), args } })),
  ];
}

/** Text goes into the response itself; images stand beside it, where every model sees them. */
function resultParts(
  { id, name, parts, is_error: isError }: CallResult,
  calls: ReadonlyMap<string, KnownCall>,
  nameOf: (tool: string) => string,
): Part[] {
  const call = calls.get(id) ?? { name: nameOf(name), id: null };
  const shown = parts.map(partOf);
  const text = shown.flatMap((part) => part.text ?? []).join('\n');
  const response = isError ? { error: text } : { output: text };
  const functionResponse = Object.assign(new FunctionResponse(), call.id === null ? {} : { id: call.id }, {
    name: call.name,
    response,
  });
  return [{ functionResponse }, ...shown.filter(({ inlineData }) => inlineData !== undefined)];
}

function partOf(part: TurnPart): Part {
  if ('text' in part) return { text: part.text };
  const { mime_type: mimeType, data_base64: data } = part.image;
  return imageTypes.has(mimeType)
    ? { inlineData: { mimeType, data } }
    : { text: `[An image of the type ${mimeType.slice(0, 100)}, which cannot be shown here.]` };
}
