// Answers that cannot be read as a whole: whose they were, and what is said of them.
import { McpRequestError } from '@insightloop/core';
import { maxFrameBytes } from './wire.ts';

/**
 * A result of any size stands between the two ends of its frame, and the id at one of them. The quotes of text
 * inside a JSON string are escaped, so text cannot pass for an id.
 */
export function answeredId(head: string, tail: string): string | null {
  const id = /"id"\s*:\s*"([^"\\]+)"/;
  return id.exec(head)?.[1] ?? id.exec(tail)?.[1] ?? null;
}

export const tooLargeAnswer = (): McpRequestError =>
  new McpRequestError('too-large', `The answer of the server is larger than ${maxFrameBytes} bytes.`);

export const unreadableAnswer = (): McpRequestError =>
  new McpRequestError('protocol', 'The answer of the server is no JSON, or is nested too deeply.');
