// Install links: VS Code, Cursor, LM Studio, Goose and their redirects carry the whole configuration in their query.
import { configuredServers, type ConfigPlace, inputsOf } from './launcher-configs.ts';
import { parseLenientJson } from './lenient-json.ts';
import { type MarkdownLine } from './markdown.ts';
import { field, isRecord } from './reading.ts';
import { type Sighting, sighting } from './sighting.ts';

const marks =
  /mcp(?:\/|%2F|-)install|install[-/](?:mcp|extension)|goose:\/\/extension|goose-docs\.ai\/extension|extension\?cmd=|[?&](?:config|mcp)=/i;
const mostLinks = 200;

/** The servers that the links of a document install. */
export function linkedServers(lines: readonly MarkdownLine[], file: string): Sighting[] {
  const seen = new Set<string>();
  const found: Sighting[] = [];
  for (const { text, headings, line } of lines) {
    if (seen.size >= mostLinks || !marks.test(text)) continue;
    for (const [link] of text.matchAll(/[a-z][a-z+-]{2,20}:(?:\/\/)?[^\s"'<>()[\]`]{10,12000}/gi)) {
      if (seen.has(link) || !marks.test(link)) continue;
      seen.add(link);
      found.push(...serversOfLink(link, { source: 'deep-link', file, headings, line }, 0));
    }
  }
  return found;
}

function serversOfLink(link: string, place: ConfigPlace, depth: number): Sighting[] {
  if (depth > 3) return [];
  const question = link.indexOf('?');
  if (question === -1) return [];
  const query = link.slice(question + 1).replaceAll('&amp;', '&');
  const whole = jsonOf(query);
  if (whole !== undefined) return configuredServers(inContainer(whole, null), place);
  const parameters = new Map<string, string[]>();
  for (const pair of query.split('&').slice(0, 100)) {
    const equals = pair.indexOf('=');
    if (equals === -1) continue;
    const name = pair.slice(0, equals);
    parameters.set(name, [...(parameters.get(name) ?? []), pair.slice(equals + 1)]);
  }
  const one = (name: string): string | null => parameters.get(name)?.[0] ?? null;
  const name = decoded(one('name') ?? one('id') ?? '') || null;
  const command = one('cmd');
  if (command !== null) {
    const args = (parameters.get('arg') ?? []).map(decoded);
    return [sighting({ ...place, name, words: [decoded(command), ...args] })];
  }
  const config = one('config') ?? one('mcp');
  const value = config === null ? undefined : (jsonOf(config) ?? jsonOf(base64(decoded(config))));
  if (value !== undefined) {
    const inputs = jsonOf(one('inputs') ?? '');
    const servers = configuredServers(inContainer(value, name), place);
    return servers.map((server) => ({ ...server, inputs: [...server.inputs, ...inputsOf(inputs)] }));
  }
  const inner = one('url') ?? one('link') ?? one('redirect');
  return inner === null ? [] : serversOfLink(decoded(inner), place, depth + 1);
}

/** One server, put where the reader of configurations expects servers. */
function inContainer(value: unknown, name: string | null): unknown {
  if (!isRecord(value) || field(value, 'mcpServers', 'servers') !== undefined) return value;
  const own = name ?? field(value, 'name');
  return {
    inputs: field(value, 'inputs'),
    mcpServers: Object.fromEntries([[typeof own === 'string' ? own : 'server', value]]),
  };
}

function jsonOf(raw: string): unknown {
  const plain = decoded(raw);
  return plain.startsWith('{') || plain.startsWith('[') ? parseLenientJson(plain) : undefined;
}

function decoded(raw: string): string {
  try {
    return decodeURIComponent(raw);
  } catch {
    return raw;
  }
}

function base64(raw: string): string {
  const plain = raw.replaceAll('-', '+').replaceAll('_', '/').replace(/\s/g, '+');
  if (!/^[A-Za-z0-9+/]{8,20000}={0,2}$/.test(plain)) return '';
  try {
    return new TextDecoder().decode(Uint8Array.from(atob(plain), (char) => char.charCodeAt(0)));
  } catch {
    return '';
  }
}
