// What running servers list is remembered for when they do not run: written one after the other, the newest of each server.
import type { Catalogue } from '../mcp/catalogue.ts';
import { namesIn } from '../mcp/catalogue.ts';
import { isJsonObject, type JsonObject } from '../mcp/channel.ts';
import type { Clock } from '../platform/clock.ts';
import type { Logger } from '../platform/logger.ts';
import type { Discovery } from '../servers/discovery.ts';
import type { Observed, ObservedTool } from '../servers/finding.ts';

export interface ObservedKeeper {
  keep(serverId: string, catalogue: Catalogue): void;
  /** Resolves when everything that was told is written, or has failed and is logged. */
  flush(): Promise<void>;
}

export interface ObservedPorts {
  discovery: Pick<Discovery, 'keepObserved'>;
  clock: Clock;
  logger: Logger;
}

const maxTools = 500;
const maxNames = 1_000;
const maxText = 4_000;
const maxSchemaText = 32 * 1024;

export function createObservedKeeper({ discovery, clock, logger }: ObservedPorts): ObservedKeeper {
  const waiting = new Map<string, Observed>();
  let writing: Promise<void> | null = null;

  const writeAll = async (): Promise<void> => {
    for (let [next] = waiting; next; [next] = waiting) {
      const [serverId, observed] = next;
      waiting.delete(serverId);
      await discovery.keepObserved(serverId, observed).catch((error: unknown) => {
        logger.warn({ server_id: serverId, err: error }, 'what a server lists could not be remembered');
      });
    }
    writing = null;
  };

  return {
    keep(serverId, catalogue) {
      waiting.set(serverId, observedIn(catalogue, new Date(clock.now())));
      writing ??= writeAll();
    },
    flush: () => writing ?? Promise.resolve(),
  };
}

export const observedIn = (catalogue: Catalogue, at: Date): Observed => ({
  at,
  tools: catalogue.tools.slice(0, maxTools).flatMap(toolIn),
  resources: namesIn(catalogue.resources).slice(0, maxNames),
  prompts: namesIn(catalogue.prompts).slice(0, maxNames),
});

/** A schema that is too large to keep, or has keys that serialisers refuse, is shown as the one that says nothing. */
function toolIn({ name, description, inputSchema }: JsonObject): ObservedTool[] {
  if (typeof name !== 'string') return [];
  const isKept = isJsonObject(inputSchema) && isPlain(inputSchema);
  return [
    {
      name: name.slice(0, 200),
      description: typeof description === 'string' ? description.slice(0, maxText) : null,
      input_schema: isKept ? inputSchema : { type: 'object' },
    },
  ];
}

/** JSON.stringify has a stack as well. */
function isPlain(value: JsonObject): boolean {
  try {
    const text = JSON.stringify(value);
    return text.length <= maxSchemaText && !/"(?:__proto__|constructor|prototype)":/.test(text);
  } catch {
    return false;
  }
}
