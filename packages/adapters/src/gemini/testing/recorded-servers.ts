// What real MCP servers from npm list as their tools, as bench/real-tools.ts recorded it.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ToolDeclaration } from '@insightloop/core';

export interface RecordedServer {
  package: string;
  version: string;
  tools: ToolDeclaration[];
}

/** One server a line. */
export const recordFile = fileURLToPath(new URL('real-tools.jsonl', import.meta.url));

export const recordedServers = (): RecordedServer[] =>
  readFileSync(recordFile, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as RecordedServer);
