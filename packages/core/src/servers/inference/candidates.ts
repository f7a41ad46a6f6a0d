// Sightings that start something of this repository, brought into one form, and the ones that do not.
import { identifierProblem, type LaunchMethod, type Transport } from '../launch-recipe.ts';
import { recipeArguments, type RecipeInput } from './arguments.ts';
import { type Command, type Mount, readCommand } from './commands.ts';
import { type ManualRecipe } from './inference.ts';
import { type Manifest } from './manifests.ts';
import { usableVersion } from './package-specs.ts';
import { keptText } from './reading.ts';
import { isLocalHost, isPlaceholderHost } from './placeholders.ts';
import { transportsOfArguments } from './ports.ts';
import { type Identity, isCompanion, isOwn, isRelated, isRelatedHost } from './relatedness.ts';
import { mention, type Sighting, type VariableMention } from './sighting.ts';
import { isNeverImage } from './third-party.ts';

export interface Candidate {
  sighting: Sighting;
  method: LaunchMethod;
  identifier: string;
  version: string | null;
  bin: string | null;
  args: string[];
  inputs: RecipeInput[];
  transport: Transport;
  port: number | null;
  mounts: readonly Mount[];
  /** Variables of the example, those inside of its command included. */
  variables: Sighting['variables'];
  /** It stands where people are told how to work on the server, not how to use it. */
  aside: boolean;
}

export interface Sorted {
  candidates: Candidate[];
  manual: ManualRecipe[];
  /** Somebody else's packages and images that are started here. */
  foreign: Set<string>;
  /** A command that logs in once, interactively, before the first use. */
  login: string | null;
}

const asides =
  /\b(?:develop(?:ment|er|ers|ing)?|contribut\w*|troubleshoot\w*|debug\w*|test(?:s|ing)?|inspector|build(?:ing)? (?:from|it|locally|the)|local build|from source|example clients?|migrat\w*|evals?|related|alternatives?|acknowledg\w*|uninstall\w*|faq)\b|开发|贡献/i;

export const isAside = (headings: readonly string[]): boolean =>
  headings.some((heading) => asides.test(heading));

/** First arguments of a package's other errands. */
const errands =
  /^(?:auth|login|logout|authenticate|authorize|setup|init|install|configure|config|remove|uninstall|update|upgrade|version|help|--help|-h|--version|-v|doctor|test|list|add|tool-search|create|new|generate(?:-\w+)*)$/i;

export function sortSightings(
  sightings: readonly Sighting[],
  identity: Identity,
  { manifests, described }: { manifests: readonly Manifest[]; described: readonly VariableMention[] },
): Sorted {
  const sorted: Sorted = { candidates: [], manual: [], foreign: new Set(), login: null };
  const warned = new Set<string>();
  const known = new Set(
    [...sightings.flatMap(({ variables }) => variables), ...described].map(({ name }) => name),
  );
  for (const sighting of sightings) {
    const command = commandOf(sighting);
    if (!command) continue;
    const { started } = command;
    if (started.kind === 'manual') {
      sorted.manual.push(manualOf(sighting, command, started));
      continue;
    }
    const identifier = started.kind === 'remote' ? remoteAddress(started.url) : started.identifier;
    const method =
      started.kind === 'package' ? started.method : started.kind === 'image' ? 'docker' : 'remote';
    if (identifier === null || identifierProblem(method, identifier) !== null) continue;
    const machine =
      sighting.source === 'registry' || sighting.source === 'server.json' || sighting.source === 'manifest';
    if (!machine && !belongs(identity, method, identifier)) {
      if (sighting.source !== 'prose' && sighting.source !== 'install')
        sorted.foreign.add(`${method} ${identifier}`);
      continue;
    }
    if (/^(?:shell|prose|install)$/.test(sighting.source) && errands.test(command.args[0] ?? '')) {
      if (/^(?:auth|login|authenticate|authorize)$/i.test(command.args[0] ?? '')) {
        sorted.login ??= sighting.words.join(' ').slice(0, 200);
      }
      continue;
    }
    if (sighting.warned_off) warned.add(`${method} ${identifier.toLowerCase()}`);
    else sorted.candidates.push(candidateOf(sighting, command, { method, identifier, known, manifests }));
  }
  const isWarned = ({ method, identifier, sighting }: Candidate): boolean =>
    warned.has(`${method} ${identifier.toLowerCase()}`) && /^(?:prose|install|shell)$/.test(sighting.source);
  return { ...sorted, candidates: sorted.candidates.filter((candidate) => !isWarned(candidate)) };
}

function commandOf(sighting: Sighting): Command | null {
  if (sighting.words.length > 0) {
    const command = readCommand(sighting.words);
    return command && { ...command, args: [...command.args, ...sighting.more_args] };
  }
  return sighting.url === null
    ? null
    : { started: { kind: 'remote', url: sighting.url, wrapper: '' }, args: [], variables: [] };
}

/** The address without its query; null for one on this machine or on nobody's. */
function remoteAddress(raw: string): string | null {
  const plain = raw.split(/[?#]/, 1)[0] ?? '';
  if (/[{}<>$]|%7b/i.test(plain) || !URL.canParse(plain)) return null;
  const { hostname, protocol } = new URL(plain);
  if (protocol !== 'https:' || isLocalHost(hostname) || isPlaceholderHost(hostname)) return null;
  return plain;
}

function belongs(identity: Identity, method: LaunchMethod, identifier: string): boolean {
  if (method === 'remote') return isRelatedHost(identity, identifier);
  if (method === 'docker' && isNeverImage(identifier)) return false;
  return isOwn(identity, identifier) || (isRelated(identity, identifier) && !isCompanion(identifier));
}

function manualOf(
  sighting: Sighting,
  command: Command,
  started: Extract<Command['started'], { kind: 'manual' }>,
): ManualRecipe {
  return {
    via: started.via,
    command: keptText(started.command, 300),
    args: command.args.slice(0, 50).map((word) => keptText(word, 500)),
    evidence: [{ from: sighting.file, detail: evidenceOf(sighting) }],
  };
}

export const evidenceOf = ({ source, headings, line }: Sighting): string => {
  const where = headings.length > 0 ? ` under "${headings.at(-1) ?? ''}"` : '';
  return `${source}${where}${line > 0 ? `, line ${line}` : ''}`;
};

function candidateOf(
  sighting: Sighting,
  command: Command,
  about: {
    method: LaunchMethod;
    identifier: string;
    known: ReadonlySet<string>;
    manifests: readonly Manifest[];
  },
): Candidate {
  const { started } = command;
  const { method, identifier } = about;
  const names = [identifier, identifier.slice(identifier.lastIndexOf('/') + 1)];
  // A known mistake in server.json: the package stands once more among its own arguments.
  const own = names.includes(command.args[0] ?? '') ? command.args.slice(1) : command.args;
  const variables = [...sighting.variables, ...command.variables];
  const { args, inputs, moved } = recipeArguments(
    own,
    sighting.inputs,
    new Set([...about.known, ...variables.map(({ name }) => name)]),
  );
  const ports = started.kind === 'image' ? started.ports : [];
  return {
    sighting,
    method,
    identifier,
    version: versionOf(started, sighting),
    bin: started.kind === 'package' ? (started.bin ?? programOf(method, identifier, about.manifests)) : null,
    args,
    inputs,
    transport: transportOf(sighting, { args, method, published: ports.length > 0, variables }),
    port: portOf(args, ports),
    mounts: started.kind === 'image' ? started.mounts : [],
    variables: [...variables, ...moved.map((name) => mention(name, { value: '' }))],
    aside: isAside(sighting.headings),
  };
}

function versionOf(started: Command['started'], { version }: Sighting): string | null {
  return started.kind === 'package' || started.kind === 'image'
    ? (started.version ?? usableVersion(version))
    : null;
}

/** Which program of our own package it is, where its name does not say so. */
function programOf(method: LaunchMethod, identifier: string, manifests: readonly Manifest[]): string | null {
  const ecosystem = method === 'npx' ? 'npm' : 'pypi';
  const manifest = manifests.find(
    (candidate) => candidate.ecosystem === ecosystem && candidate.name === identifier,
  );
  if (!manifest) return null;
  const plain = identifier.slice(identifier.lastIndexOf('/') + 1);
  const { programs } = manifest;
  if (programs.includes(plain) || programs.length === 0) return null;
  // npx finds the only program by itself; uvx wants its name.
  if (method === 'npx' && programs.length === 1) return null;
  return (
    programs.find((name) => /mcp/i.test(name)) ??
    programs.find((name) => /server/i.test(name)) ??
    programs[0] ??
    null
  );
}

function transportOf(
  { transport, source, words }: Sighting,
  about: {
    args: readonly string[];
    method: LaunchMethod;
    published: boolean;
    variables: Sighting['variables'];
  },
): Transport {
  if (about.method === 'remote') return transport === 'sse' ? 'sse' : 'streamable-http';
  const [asked] = transportsOfArguments(['', ...about.args]);
  if (asked) return asked;
  for (const { name, value } of about.variables) {
    if (!/TRANSPORT|MODE$|HTTP_STREAMABLE/i.test(name) || value === null) continue;
    if (/^(?:http|streamable[-_]?http)$/i.test(value)) return 'streamable-http';
    if (/^sse$/i.test(value)) return 'sse';
    if (/HTTP_STREAMABLE/i.test(name) && /^(?:true|1)$/i.test(value)) return 'streamable-http';
  }
  if (source === 'registry' || source === 'server.json') return transport ?? 'stdio';
  const interactive = words.some((word) => /^-(?:[tdq]*i[tdq]*)$|^--interactive$/.test(word));
  return about.published && !interactive ? 'streamable-http' : 'stdio';
}

function portOf(args: readonly string[], published: readonly number[]): number | null {
  const at = args.findIndex((word) => /^--(?:http-)?port$/.test(word));
  const value =
    at === -1 ? args.find((word) => /^--(?:http-)?port=\d/.test(word))?.split('=')[1] : args[at + 1];
  const port = Number(value ?? published[0]);
  return Number.isInteger(port) && port > 0 && port < 65_536 ? port : null;
}
