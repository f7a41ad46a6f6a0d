// A tool of a server, as we show it.
import { z } from 'zod';
import type { JsonObject } from '../mcp/channel.ts';

export const jsonObject = z.record(z.string(), z.unknown());

export const tool = z.object({
  name: z.string(),
  title: z.string().nullable(),
  description: z.string().nullable(),
  input_schema: jsonObject,
  output_schema: jsonObject.nullable(),
  annotations: jsonObject.nullable(),
});
export type Tool = z.infer<typeof tool>;

/** The result of a call. A tool's own error is a result too: `is_error`. */
export const toolCallResult = z.object({
  server_id: z.string(),
  tool: z.string(),
  success: z.boolean(),
  result: z.object({
    content: z.array(jsonObject),
    structured_content: jsonObject.nullable(),
    is_error: z.boolean(),
  }),
  execution_time: z.number().describe('seconds'),
});
export type ToolCallResult = z.infer<typeof toolCallResult>;

/** MCP's own shape (schema 2025-11-25 and before, `Tool`), read leniently: one odd field must not hide a tool. */
const wireTool = z.object({
  name: z.string(),
  title: z.string().nullish().catch(null),
  description: z.string().nullish().catch(null),
  inputSchema: jsonObject.catch({ type: 'object' }),
  outputSchema: jsonObject.nullish().catch(null),
  annotations: jsonObject.nullish().catch(null),
});

/** Null for what is no tool at all. */
export function readTool(wire: JsonObject): Tool | null {
  const parsed = wireTool.safeParse(wire);
  if (!parsed.success) return null;
  const { name, title, description, inputSchema, outputSchema, annotations } = parsed.data;
  return {
    name,
    title: title ?? null,
    description: description ?? null,
    input_schema: inputSchema,
    output_schema: outputSchema ?? null,
    annotations: annotations ?? null,
  };
}
