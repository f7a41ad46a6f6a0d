// The port of the MCP endpoint, and the transports that are spoken of. Not every port in a README is one.
import { type Transport } from '../launch-recipe.ts';
import { type MergedVariable } from './environment.ts';
import { type MarkdownDocument } from './markdown.ts';
import { type Sighting, type VariableMention } from './sighting.ts';
import { wrappers } from './third-party.ts';

/** Databases, browsers' debugging, development servers, the inspector: what servers talk to, or are tried with. */
const othersPorts = new Set([
  22, 25, 53, 80, 443, 1433, 1521, 2375, 3306, 4317, 4318, 5173, 5432, 5672, 6274, 6277, 6333, 6379, 6443,
  7474, 7687, 8086, 8123, 9000, 9042, 9090, 9092, 9200, 9222, 9229, 11_211, 11_434, 19_530, 27_017,
]);

const ownPortVariable =
  /^(?:PORT|(?:\w{1,40}_)?MCP(?:_\w{1,40})?_PORT|(?:HTTP|SSE|SERVER|LISTEN|BIND|TRANSPORT|FASTMCP|UVICORN)_PORT|\w{1,40}_(?:HTTP|BIND|TRANSPORT|SERVER)_PORT)$/i;
/** A port on which a server can listen, and that no well-known program has. */
export const isOwnPort = (port: number): boolean => port >= 80 && port <= 65_535 && !othersPorts.has(port);

const notOurs = /callback|oauth|redirect|debug|inspector|database|websocket|\bws:|ollama|frontend|dashboard/i;

interface PortFacts {
  variables: readonly MergedVariable[];
  examples: readonly VariableMention[];
  /** What a Dockerfile and a compose file open. */
  declared: readonly number[];
  /** Whether a command starts somebody else's container. */
  isForeign: (words: readonly string[]) => boolean;
}

/** The port that most speaks for, or null. */
export function endpointPort(
  document: MarkdownDocument,
  sightings: readonly Sighting[],
  { variables, examples, declared, isForeign }: PortFacts,
): number | null {
  const votes = new Map<number, number>();
  const vote = (raw: string | number | null | undefined, weight: number): void => {
    const port = Number(raw);
    if (!Number.isInteger(port) || !isOwnPort(port)) return;
    votes.set(port, (votes.get(port) ?? 0) + weight);
  };
  for (const { name, default: fallback } of variables) if (ownPortVariable.test(name)) vote(fallback, 8);
  for (const { name, value } of examples) if (ownPortVariable.test(name)) vote(value, 4);
  for (const { text: raw } of document.lines) {
    if (raw.length > 4000 || notOurs.test(raw)) continue;
    // The numbers of an address are no ports.
    const text = raw.replace(/\b\d{1,3}(?:\.\d{1,3}){3}\b/g, 'localhost');
    if (/--port|\bport\b/i.test(text)) {
      // What is told to be the default beats an example that overrides it.
      vote(/\bdefaults?\b[^\d]{0,40}localhost:(\d{2,5})\b/i.exec(text)?.[1], 6);
      vote(/--port`?.{0,120}?default[^\d]{0,20}(\d{2,5})/i.exec(text)?.[1], 6);
      vote(
        /_PORT\b.{0,120}?default[^\d]{0,20}(\d{2,5})/i.exec(text)?.[1],
        ownPortVariable.test(/\b(\w{1,60}_PORT)\b/.exec(text)?.[1] ?? '') ? 6 : 0,
      );
      vote(
        /\bport[^\d]{1,30}(\d{4,5})\b[^\n]{0,20}default|default[^\d]{0,20}port[^\d]{0,20}(\d{4,5})/i.exec(
          text,
        )?.[1],
        3,
      );
    }
    vote(endpointOf(text), 2);
  }
  // Several open ports say nothing of which is ours.
  if (declared.length === 1) vote(declared[0], 2);
  for (const { text: whole } of document.blocks) {
    const text = whole.slice(0, 20_000);
    for (const match of text.matchAll(endpoints)) vote(match[1], 2);
    // A comment beside a command; and the one name that is too short to be known for a variable.
    if (text.includes('efault port'))
      for (const [line, port] of text.matchAll(/^.{0,200}\bdefault port\b[^\d\n]{0,12}(\d{4,5})\b/gim))
        if (!notOurs.test(line)) vote(port, 3);
    if (text.includes('PORT='))
      for (const [, port] of text.matchAll(/^[ \t]{0,8}(?:export )?PORT=["']?(\d{4,5})\b/gm)) vote(port, 2);
  }
  for (const { source, words, url, inputs } of sightings) {
    if (words.some((word) => wrappers.has(word))) continue;
    if (isForeign(words)) continue;
    for (const { name, default: fallback } of inputs) if (name === 'port') vote(fallback, 8);
    // Those of a README were counted with its blocks.
    if (url !== null && source !== 'configuration') vote(endpointOf(url), 8);
    for (const [at, word] of words.entries()) {
      if (word === '--port') vote(words[at + 1], 2);
      else vote(/^--port=(\d{2,5})$/.exec(word)?.[1], 2);
    }
    const published = words.indexOf('-p');
    // With -i it speaks over standard input: then the port is for something else, such as a login's way back.
    const interactive = words.some((word) => /^-[tdq]*i[tdq]*$|^--interactive$/.test(word));
    if (published !== -1 && words[0] === 'docker' && !interactive)
      vote(/:(\d{2,5})$/.exec(words[published + 1] ?? '')?.[1], 2);
  }
  const [best] = [...votes].sort((a, b) => b[1] - a[1]);
  return best && best[1] >= 2 ? best[0] : null;
}

const endpoint =
  /\bhttps?:\/\/(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1\]):(\d{2,5})\/(?:[\w-]{1,40}\/)?(?:mcp|sse)\b/;
const endpoints = new RegExp(endpoint, 'g');

const endpointOf = (text: string): string | undefined => endpoint.exec(text)?.[1];

export function spokenTransports(document: MarkdownDocument, sightings: readonly Sighting[]): Set<Transport> {
  const found = new Set<Transport>();
  for (const { source, transport, words, url, variables } of sightings) {
    if (source === 'registry' || source === 'server.json')
      for (const { name, description } of variables) speak(`${name} ${description ?? ''}`);
    if (transport !== null) found.add(transport);
    if (words.length > 0) for (const spoken of transportsOfArguments(words)) found.add(spoken);
    if (url !== null) found.add(transport ?? (/\/sse\/?$/.test(url) ? 'sse' : 'streamable-http'));
  }
  for (const { text } of [...document.lines, ...document.blocks]) speak(text);
  return found;

  function speak(text: string): void {
    const part = text.slice(0, 4000);
    if (/streamable[- _]?http|\btransports?\b[^\n]{0,80}\bhttp\b|\bhttp\b[^\n]{0,12}\btransport/i.test(part))
      found.add('streamable-http');
    if (
      /\bSSE\b[^\n]{0,40}(?:transport|mode|endpoint)|(?:transport|mode|protocol)[^\n]{0,80}\bSSE\b|:\d{2,5}\/sse\b/i.test(
        part,
      )
    )
      found.add('sse');
    if (/\bstdio\b/i.test(part)) found.add('stdio');
  }
}

/** What the arguments of a command ask for: `--transport http`, `sse`, `--port 3000`. */
export function transportsOfArguments(args: readonly string[]): Transport[] {
  for (const [at, word] of args.entries()) {
    const value = /^(?:--?(?:transport|mode|t|transport-type))(?:=(.{1,40}))?$/i.exec(word);
    const named = value ? (value[1] ?? args[at + 1] ?? '') : word.replace(/^--/, '');
    if (value || at > 0) {
      if (/^(?:streamable[-_]?http|streamablehttp|http|stream|http-stream)$/i.test(named))
        return ['streamable-http'];
      if (/^sse$/i.test(named)) return ['sse'];
      if (/^stdio$/i.test(named)) return ['stdio'];
    }
  }
  return args.some((word) => /^(?:--port|--http-port)(?:=|$)/.test(word)) ? ['streamable-http'] : [];
}
