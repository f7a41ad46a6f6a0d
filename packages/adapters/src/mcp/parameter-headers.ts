// Tool arguments that a modern HTTP server wants repeated as headers (`x-mcp-header` in the tool's input schema).
import {
  isJsonObject,
  McpRequestError,
  type JsonObject,
  type JsonValue,
  type Logger,
} from '@insightloop/core';
import type { Conversation } from './conversation.ts';

/** How many tools are remembered: a server with more has them called without their headers. */
const maxTools = 10_000;

const annotation = 'x-mcp-header';
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const mirrored = ['string', 'integer', 'boolean'];

interface Mirror {
  path: string[];
  header: string;
}

/**
 * The rules are those of Streamable HTTP 2026-07-28, "Custom Headers from Tool Parameters". The SDK knows them
 * inside its Client only.
 */
export class ParameterHeaders {
  readonly #mirrors = new Map<string, Mirror[]>();
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Remembers the tools of a `tools/list` result, and leaves out those whose annotations are not valid. */
  learn(result: JsonObject): JsonObject {
    const { tools } = result;
    if (!Array.isArray(tools)) return result;
    return { ...result, tools: tools.filter((tool) => this.#learnTool(tool)) };
  }

  of(message: { method: string; params?: JsonObject }): Record<string, string> {
    const { name, arguments: args } = message.params ?? {};
    if (message.method !== 'tools/call' || typeof name !== 'string') return {};
    const headers: Record<string, string> = {};
    for (const { path, header } of this.#mirrors.get(name) ?? []) {
      const value = at(args, path);
      const text = headerText(value);
      if (text !== null) headers[`Mcp-Param-${header}`] = encoded(text);
    }
    return headers;
  }

  #learnTool(tool: JsonValue): boolean {
    if (!isJsonObject(tool) || typeof tool['name'] !== 'string') return true;
    const mirrors = mirrorsOf(tool['inputSchema']);
    if (mirrors === null) {
      this.#logger.warn(
        { tool: tool['name'] },
        `a tool is left out: its ${annotation} annotations are not valid`,
      );
      return false;
    }
    if (mirrors.length === 0) this.#mirrors.delete(tool['name']);
    else if (this.#mirrors.size < maxTools) this.#mirrors.set(tool['name'], mirrors);
    return true;
  }
}

const headerMismatch = -32020;

export const isHeaderMismatch = (error: unknown): boolean =>
  error instanceof McpRequestError && error.rpc?.code === headerMismatch;

/** Of a list whose end does not come. */
const maxPages = 20;

/** Asks for the list of tools; the wire learns from what passes. */
export async function listTools(conversation: Conversation): Promise<void> {
  let cursor: JsonValue | undefined;
  for (let page = 0; page < maxPages; page++) {
    const result = await conversation.request('tools/list', cursor === undefined ? {} : { cursor });
    cursor = result['nextCursor'];
    if (typeof cursor !== 'string') return;
  }
}

/** Null where an annotation breaks a rule. */
function mirrorsOf(schema: JsonValue | undefined): Mirror[] | null {
  const found: Mirror[] = [];
  if (!collect(schema, { path: [], reachable: true, found })) return null;
  const names = new Set(found.map(({ header }) => header.toLowerCase()));
  return names.size === found.length ? found : null;
}

interface Place {
  path: string[];
  /** Only `properties` lead here from the root. */
  reachable: boolean;
  found: Mirror[];
}

function collect(node: JsonValue | undefined, { path, reachable, found }: Place): boolean {
  if (Array.isArray(node)) return node.every((item) => collect(item, { path, reachable: false, found }));
  if (!isJsonObject(node)) return true;
  const header = node[annotation];
  if (header !== undefined) {
    const allowed =
      reachable && path.length > 0 && typeof node['type'] === 'string' && mirrored.includes(node['type']);
    if (!allowed || typeof header !== 'string' || !token.test(header)) return false;
    found.push({ path, header });
  }
  return Object.entries(node).every(([keyword, child]) => {
    if (keyword !== 'properties' || !isJsonObject(child)) {
      return literals.includes(keyword) || collect(child, { path, reachable: false, found });
    }
    return Object.entries(child).every(([name, property]) =>
      collect(property, { path: [...path, name], reachable, found }),
    );
  });
}

/** Keywords whose values are data, not schemas. */
const literals = ['default', 'const', 'enum', 'examples'];

function at(value: JsonValue | undefined, path: string[]): JsonValue | undefined {
  let node = value;
  for (const name of path) {
    if (!isJsonObject(node) || !Object.hasOwn(node, name)) return undefined;
    node = node[name];
  }
  return node;
}

function headerText(value: JsonValue | undefined): string | null {
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean') return String(value);
  return typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : null;
}

/** As the specification encodes what is no plain ASCII field value. */
function encoded(text: string): string {
  const plain = /^[\x20-\x7e\t]+$/.test(text) && text.trim() === text;
  const mistakable = text.startsWith('=?base64?') && text.endsWith('?=');
  return plain && !mistakable ? text : `=?base64?${Buffer.from(text, 'utf8').toString('base64')}?=`;
}
