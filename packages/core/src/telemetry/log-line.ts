// A log line: what a server wrote, numbered, with its level.
import { z } from 'zod';
import { logLevel } from './log-level.ts';

export const logLine = z.object({
  number: z.int().describe('counts the lines of a deployment from 1'),
  timestamp: z.date(),
  level: logLevel,
  message: z.string(),
  source: z.string().describe('who wrote it: mcp-server, or insightloop where lines are missing'),
  server_id: z.string(),
  deployment_id: z.string(),
});
export type LogLine = z.output<typeof logLine>;

/** CSI (colours, cursor), OSC and its kin (titles, links) up to their end, charsets, and the two-character ones. */
const escapes =
  // eslint-disable-next-line no-control-regex -- control characters are what this is about
  /\u001b\[[0-?]*[ -/]*[@-~]|\u009b[0-?]*[ -/]*[@-~]|\u001b[\]PX^_][^\u0007\u001b]*(?:\u0007|\u001b\\)|\u001b[ -/]+[0-~]|\u001b[0-~]/g;

// eslint-disable-next-line no-control-regex -- as above; the tab stays
const controls = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f]/g;

/** The text without what steers a terminal: escape sequences and control characters other than the tab. */
export const plainText = (text: string): string => text.replace(escapes, '').replace(controls, '');
