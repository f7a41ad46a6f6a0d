// A fetch whose answers cannot fill our memory or overflow our stack, whatever a remote server sends.
import type { FetchLike } from '@modelcontextprotocol/client';
import type { McpRequestError } from '@insightloop/core';
import { FrameReader } from './frame-reader.ts';
import { isTooDeep } from './message.ts';
import { answeredId, tooLargeAnswer, unreadableAnswer } from './unreadable.ts';
import { maxFrameBytes } from './wire.ts';

/** Of an answer that is an error only the beginning is of interest. */
const maxErrorBytes = 64 * 1024;

/**
 * An event stream loses the lines that are too much and goes on, and `onLost` hears of the request that such a
 * line answered. Any other body that is too much fails as a whole.
 */
export function guardedFetch(
  inner: FetchLike,
  onLost: (id: string, error: McpRequestError) => void,
): FetchLike {
  return async (url, init) => {
    const response = await inner(url, init);
    if (response.body === null) return response;
    const { status, statusText, headers } = response;
    const type = headers.get('content-type') ?? '';
    const body = type.startsWith('text/event-stream')
      ? response.body.pipeThrough(guardedLines(onLost))
      : await guardedText(response.body, response.ok);
    return new Response(body, { status, statusText, headers });
  };
}

function guardedLines(
  onLost: (id: string, error: McpRequestError) => void,
): TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>> {
  const encoder = new TextEncoder();
  let eventLength = 0;
  let out: string[] = [];
  const drop = (head: string, tail: string, error: McpRequestError): void => {
    const id = answeredId(head, tail);
    if (id !== null) onLost(id, error);
  };
  const reader = new FrameReader(
    {
      onFrame(line) {
        const blank = line === '' || line === '\r';
        eventLength = blank ? 0 : eventLength + line.length;
        if (eventLength > maxFrameBytes) drop(line, '', tooLargeAnswer());
        else if (isTooDeep(line)) drop(line.slice(0, 512), line.slice(-512), unreadableAnswer());
        else out.push(line, '\n');
      },
      onTooLong: ({ head, tail }) => drop(head, tail, tooLargeAnswer()),
    },
    maxFrameBytes,
  );
  const flush = (controller: TransformStreamDefaultController<Uint8Array<ArrayBuffer>>): void => {
    if (out.length > 0) controller.enqueue(encoder.encode(out.join('')));
    out = [];
  };
  return new TransformStream({
    transform(chunk, controller) {
      reader.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
      flush(controller);
    },
    flush(controller) {
      reader.end();
      flush(controller);
    },
  });
}

async function guardedText(body: ReadableStream<Uint8Array<ArrayBuffer>>, ok: boolean): Promise<string> {
  const limit = ok ? maxFrameBytes : maxErrorBytes;
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.byteLength;
    if (length > limit && ok) throw tooLargeAnswer();
    chunks.push(chunk);
    if (length > limit) break;
  }
  const text = Buffer.concat(chunks).subarray(0, limit).toString('utf8');
  if (ok && isTooDeep(text)) throw unreadableAnswer();
  return text;
}
