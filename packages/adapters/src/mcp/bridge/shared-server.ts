// What a server behind a shared channel says of itself to each of its clients.
import { isJsonObject, type ChannelInfo, type JsonObject } from '@insightloop/core';

const shareable = ['tools', 'resources', 'prompts', 'completions'];

/**
 * Cut down to what needs no connection of one's own: no logging (its level is one for all), no resource
 * subscriptions and no tasks (their news has no address), no experiments.
 */
function sharedCapabilities(capabilities: JsonObject): JsonObject {
  const shared: JsonObject = {};
  for (const name of shareable) {
    const declared = capabilities[name];
    if (isJsonObject(declared)) shared[name] = declared['listChanged'] === true ? { listChanged: true } : {};
  }
  return shared;
}

export function selfDescription({ server, capabilities, instructions }: ChannelInfo): {
  serverInfo: JsonObject;
  capabilities: JsonObject;
  instructions?: string;
} {
  return {
    serverInfo: { ...server },
    capabilities: sharedCapabilities(capabilities),
    ...(instructions === null ? {} : { instructions }),
  };
}
