// The tools of a request as Gemini takes them, and the way back from what it calls.
import type { FunctionDeclaration } from '@google/genai';
import { isJsonObject, LanguageModelError, type JsonObject, type ToolDeclaration } from '@insightloop/core';
import { acceptedNames, functionNames } from './accepted-names.ts';
import { quotedJson } from './json-text.ts';
import { restored } from './restore.ts';
import { compileSchema, type CompiledSchema } from './schema-compiler.ts';

export interface CompiledTools {
  /** Null where there is nothing to declare: an empty list would be refused. */
  declarations: FunctionDeclaration[] | null;
  /** Null for a tool that was not declared. */
  declaredName(tool: string): string | null;
  /** The server's own name and arguments; null for what was not declared. The arguments are not checked. */
  callOf(name: string, args: JsonObject): { name: string; arguments: JsonObject } | null;
}

/** What the API takes in one request. */
const maxDeclarations = 512;
const maxDescriptionLength = 8_000;

/** Schemas are the same objects for as long as a server does not change its tools, so each is compiled once. */
const compiledSchemas = new WeakMap<JsonObject, CompiledSchema>();

function compiledOf(schema: JsonObject): CompiledSchema {
  const known = compiledSchemas.get(schema);
  if (known !== undefined) return known;
  const compiled = compileSchema(schema);
  compiledSchemas.set(schema, compiled);
  return compiled;
}

/** @throws LanguageModelError `refused` for more tools than can be declared */
export function compileTools(tools: readonly ToolDeclaration[]): CompiledTools {
  const byTool = new Map(tools.toReversed().map((tool) => [tool.name, tool]));
  if (byTool.size > maxDeclarations)
    throw new LanguageModelError(
      'refused',
      `Gemini takes ${maxDeclarations} tools at most, and these are ${byTool.size}.`,
    );
  const names = acceptedNames(byTool.keys(), functionNames);
  const byName = new Map([...names].map(([tool, name]) => [name, byTool.get(tool)]));
  const declarations = [...byName].flatMap(([name, tool]) => (tool ? [declaration(name, tool)] : []));
  return {
    declarations: declarations.length > 0 ? declarations : null,
    declaredName: (tool) => names.get(tool) ?? null,
    callOf(name, args) {
      const tool = byName.get(name);
      if (tool === undefined) return null;
      const whole = restored(args, compiledOf(tool.input_schema).restore);
      return { name: tool.name, arguments: isJsonObject(whole) ? whole : args };
    },
  };
}

function declaration(name: string, tool: ToolDeclaration): FunctionDeclaration {
  const { schema } = compiledOf(tool.input_schema);
  const alias = name === tool.name ? '' : `Named ${quotedJson(tool.name, 500) ?? 'otherwise'} by its server.`;
  const description = [alias, (tool.description ?? '').slice(0, maxDescriptionLength)].join(' ').trim();
  return {
    name,
    ...(description === '' ? {} : { description }),
    ...(schema === null ? {} : { parameters: schema }),
  };
}
