// What a server offers to a task: its tools, resources and prompts, and how the model may call each.
import type { Channels } from '../mcp/channels.ts';
import { isJsonObject, type JsonObject } from '../mcp/channel.ts';
import type { Tool } from '../tools/tool.ts';
import type { Tools } from '../tools/tools.ts';
import type { ToolDeclaration } from './language-model.ts';
import type { PlannedCall } from './plan.ts';
import type { PlanAction } from './task.ts';

export interface Offer {
  tools: readonly Tool[];
  resources: readonly JsonObject[];
  prompts: readonly JsonObject[];
  /** Of what the model may call: tools by their names, and reading and prompts where there are any. */
  declarations: readonly ToolDeclaration[];
  /** What a call by its declared name means; null where it names nothing that was declared. */
  readCall(call: { name: string; arguments: JsonObject }): PlannedCall | null;
}

/** @throws AppError SERVER_NOT_FOUND, SERVER_NOT_RUNNING, SERVICE_UNAVAILABLE */
export async function readOffer(
  serverId: string,
  { tools: toolService, channels }: { tools: Tools; channels: Channels },
  signal: AbortSignal,
): Promise<Offer> {
  const tools = uniqueByName(await toolService.list(serverId, signal));
  const channel = await channels.open(serverId, signal);
  const listed = async (method: string, field: string): Promise<JsonObject[]> => {
    const { [field]: items } = await channel.request(method, {}, { signal });
    return Array.isArray(items) ? items.filter((item) => isJsonObject(item)) : [];
  };
  const resources = await listed('resources/list', 'resources');
  const prompts = await listed('prompts/list', 'prompts');
  const taken = new Set(tools.map(({ name }) => name));
  const readName = freeName('read_resource', taken);
  const promptName = freeName('get_prompt', taken);
  const hasTool = (name: string): boolean => taken.has(name);
  return {
    tools,
    resources,
    prompts,
    declarations: [
      ...tools.map(declarationOf),
      ...(resources.length > 0 ? [{ name: readName, ...reading }] : []),
      ...(prompts.length > 0 ? [{ name: promptName, ...prompting }] : []),
    ],
    readCall({ name, arguments: args }) {
      if (hasTool(name)) return { action: 'invoke_tool', tool: name, args };
      if (name === readName) return special('read_resource', args['uri'], {});
      if (name === promptName)
        return special('get_prompt', args['name'], isJsonObject(args['arguments']) ? args['arguments'] : {});
      return null;
    },
  };
}

const special = (action: PlanAction, tool: unknown, args: JsonObject): PlannedCall | null =>
  typeof tool === 'string' ? { action, tool, args } : null;

const reading = {
  description: 'Reads one of the resources that the server lists.',
  input_schema: {
    type: 'object',
    properties: { uri: { type: 'string', description: 'URI of the resource' } },
    required: ['uri'],
  },
};

const prompting = {
  description: 'Gets one of the prompts that the server lists, filled in.',
  input_schema: {
    type: 'object',
    properties: {
      name: { type: 'string', description: 'name of the prompt' },
      arguments: { type: 'object', description: 'its arguments, each a text' },
    },
    required: ['name'],
  },
};

/** The first of a name counts, as it does where it is called. */
const uniqueByName = (tools: readonly Tool[]): Tool[] =>
  [...new Map([...tools].reverse().map((tool) => [tool.name, tool])).values()].reverse();

function freeName(wanted: string, taken: ReadonlySet<string>): string {
  let name = wanted;
  while (taken.has(name)) name = `mcp_${name}`;
  return name;
}

const declarationOf = ({ name, description, input_schema: schema }: Tool): ToolDeclaration => ({
  name,
  description,
  input_schema: asJson(schema),
});

/** What came over the wire is JSON, though a tool's type no longer says so. */
function asJson(schema: Record<string, unknown>): JsonObject {
  return isJsonObject(schema) ? schema : {};
}
