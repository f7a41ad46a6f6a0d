// What the model is shown of the result of a step: shortened where it is large, and told so.
import type { TurnPart } from './language-model.ts';
import type { StepResult } from './task.ts';

/** Characters of one result that the model is shown, and of all results that it is shown at once. */
const longestResult = 20_000;
const longestTogether = 100_000;

/** Base64 characters of all images that the model is shown at once. */
const largestImages = 8_000_000;

export interface ResultView {
  parts: TurnPart[];
  /** What a further result may still take. */
  room: ViewRoom;
}

export interface ViewRoom {
  characters: number;
  imageCharacters: number;
}

export const wholeRoom: ViewRoom = { characters: longestTogether, imageCharacters: largestImages };

export function viewOfResult(result: StepResult, room: ViewRoom): ResultView {
  const images: TurnPart[] = [];
  let { imageCharacters } = room;
  const content = result.content.map((part) => {
    const { type, data, mimeType } = part;
    if ((type !== 'image' && type !== 'audio') || typeof data !== 'string') return part;
    const about = { type, mimeType, size: `${data.length} base64 characters` };
    if (type === 'audio' || typeof mimeType !== 'string' || data.length > imageCharacters)
      return { ...about, note: 'left out here; the person receives it whole' };
    imageCharacters -= data.length;
    images.push({ image: { mime_type: mimeType, data_base64: data } });
    return { ...about, note: `image ${images.length} of those that follow` };
  });
  const { step, tool, success, structured_content: structured, error } = result;
  const whole = JSON.stringify({
    step,
    tool,
    success,
    ...(error ? { error } : { content }),
    ...(structured && { structured_content: structured }),
  });
  const text = shortened(whole, Math.min(longestResult, room.characters));
  return {
    parts: [{ text }, ...images],
    room: { characters: Math.max(0, room.characters - text.length), imageCharacters },
  };
}

function shortened(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const shown = text.slice(0, limit).toWellFormed();
  return `${shown}\n[shortened: these are the first ${shown.length} of ${text.length} characters of the result; the person receives it whole]`;
}
