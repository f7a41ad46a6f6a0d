// What a server offers: its tools, resources and prompts, listed whole and kept until it says that they changed.
import { z } from 'zod';
import { McpRequestError, isJsonObject, type JsonObject, type McpChannel } from './channel.ts';
import { schemaWithoutSecrets } from './schema-secrets.ts';

/** A listing that never ends would hold a start for ever. */
const maxPages = 100;

const listings = {
  tools: { method: 'tools/list', changed: 'notifications/tools/list_changed', capability: 'tools' },
  resources: {
    method: 'resources/list',
    changed: 'notifications/resources/list_changed',
    capability: 'resources',
  },
  resourceTemplates: {
    method: 'resources/templates/list',
    changed: 'notifications/resources/list_changed',
    capability: 'resources',
  },
  prompts: { method: 'prompts/list', changed: 'notifications/prompts/list_changed', capability: 'prompts' },
} as const;
type Listing = keyof typeof listings;
const listingNames: readonly Listing[] = ['tools', 'resources', 'resourceTemplates', 'prompts'];

export interface Catalogue extends Readonly<Record<Listing, readonly JsonObject[]>> {
  /** From each address that is listed without its secrets to the one that the server knows. */
  readonly hiddenUris: ReadonlyMap<string, string>;
}

/** The listing that a request asks for, when it asks for all of it. */
export const listingOf = (method: string, params: JsonObject | undefined): Listing | null =>
  params?.['cursor'] === undefined
    ? (listingNames.find((name) => listings[name].method === method) ?? null)
    : null;

const isListChanged = (method: string): boolean =>
  listingNames.some((name) => listings[name].changed === method);

export interface ListChanges {
  /** How often the server has said that its listings changed. */
  readonly count: number;
  /** Who is told of each change from now on. */
  onChange(listener: () => void): void;
}

/** Counts from the first moment: a server may well say so while its listings are read for the first time. */
export function watchListChanges(channel: McpChannel, signal: AbortSignal): ListChanges {
  let count = 0;
  let listener = (): void => undefined;
  const leave = channel.onNotification(({ method }) => {
    if (!isListChanged(method)) return;
    count += 1;
    listener();
  });
  signal.addEventListener('abort', leave, { once: true });
  return {
    get count() {
      return count;
    },
    onChange(told) {
      listener = told;
    },
  };
}

const page = z.looseObject({ nextCursor: z.string().optional() });
const item = z.custom<JsonObject>(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
);

export interface ReadOptions {
  signal: AbortSignal;
  /** For each page. */
  timeoutMs: number;
  /** Takes the deployment's secrets out of what the server says. */
  redact: (value: JsonObject) => JsonObject;
}

/**
 * Lists what the server declares. A listing that it declares and does not answer is empty: `resources/templates/list`
 * is missing in many servers that have resources.
 * @throws McpRequestError when the channel closes or nothing comes in time
 */
export async function readCatalogue(channel: McpChannel, options: ReadOptions): Promise<Catalogue> {
  const [tools, resources, resourceTemplates, prompts] = await Promise.all([
    readListing(channel, 'tools', options),
    readListing(channel, 'resources', options),
    readListing(channel, 'resourceTemplates', options),
    readListing(channel, 'prompts', options),
  ]);
  const clean = (items: JsonObject[]): JsonObject[] =>
    items.map((each) => withoutSecrets(each, options.redact));
  const cleanResources = clean(resources);
  return {
    tools: clean(tools),
    resources: cleanResources,
    resourceTemplates: clean(resourceTemplates),
    prompts: clean(prompts),
    hiddenUris: hiddenUris(resources, cleanResources),
  };
}

function hiddenUris(resources: readonly JsonObject[], shown: readonly JsonObject[]): Map<string, string> {
  const hidden = new Map<string, string>();
  for (const [index, { uri }] of resources.entries()) {
    const shownUri = shown[index]?.['uri'];
    // Of several that look the same without their secrets the first is the one that can be read.
    if (typeof uri === 'string' && typeof shownUri === 'string' && uri !== shownUri && !hidden.has(shownUri))
      hidden.set(shownUri, uri);
  }
  return hidden;
}

async function readListing(channel: McpChannel, name: Listing, options: ReadOptions): Promise<JsonObject[]> {
  const { method, capability } = listings[name];
  if (!(capability in channel.info.capabilities)) return [];
  const items: JsonObject[] = [];
  let cursor: string | undefined;
  for (let count = 0; count < maxPages; count += 1) {
    const result = await request(channel, method, {
      params: cursor === undefined ? {} : { cursor },
      options,
    });
    if (!result) return items;
    const found = z.array(item).safeParse(result[name]);
    if (found.success) items.push(...found.data);
    cursor = page.safeParse(result).data?.nextCursor;
    if (cursor === undefined || cursor === '') return items;
  }
  return items;
}

/**
 * A name and what a schema demands stay as they are: they are what callers send back, and the server would not know
 * others.
 */
function withoutSecrets(listed: JsonObject, redact: ReadOptions['redact']): JsonObject {
  const { name, inputSchema } = listed;
  const clean = redact(listed);
  if (clean === listed) return listed;
  return {
    ...clean,
    ...(name !== undefined && { name }),
    ...(isJsonObject(inputSchema) && { inputSchema: schemaWithoutSecrets(inputSchema, redact) }),
  };
}

/** Null where the server does not know the method, whatever it declared. */
async function request(
  channel: McpChannel,
  method: string,
  { params, options }: { params: JsonObject; options: ReadOptions },
): Promise<JsonObject | null> {
  try {
    const { signal, timeoutMs } = options;
    return await channel.request(method, params, { signal, timeoutMs });
  } catch (error) {
    if (error instanceof McpRequestError && error.failure === 'rpc') return null;
    throw error;
  }
}

export const namesIn = (items: readonly JsonObject[]): string[] =>
  items.flatMap(({ name, uri }) => (typeof name === 'string' ? name : typeof uri === 'string' ? uri : []));
