// Is it a server, or one of the things around servers: gateway, framework, SDK, client, list, or something else?
import { type Evidence, type RepositoryFacts, type RepositoryKind } from './inference.ts';
import { type Manifest } from './manifests.ts';
import { type MarkdownDocument } from './markdown.ts';
import { type Sign, signsOfNames } from './kind-names.ts';
import { rolePhrases, serverPhrase } from './kind-phrases.ts';
import { stripMarks } from './reading.ts';

export interface KindFacts {
  repository: RepositoryFacts;
  readme: MarkdownDocument;
  manifests: readonly Manifest[];
  /** The repository has a server.json or an entry in the registry. */
  registered: boolean;
  /** A recipe of its own package is documented. */
  own_recipe: boolean;
  documented_tools: number;
  sub_servers: number;
  /** Anything, published or to be built, that starts a program of it. */
  startable: boolean;
  /** Different servers of others that the README configures. */
  foreign_servers: number;
}

/** The words that decide are at the beginning, or in the description. */
const introduction = 700;

export interface KindVerdict {
  kind: RepositoryKind;
  evidence: Evidence[];
}

export function judgeKind(facts: KindFacts): KindVerdict {
  const said = [...signsOfNames(facts.repository.full_name, facts.manifests), ...signsOfWords(facts)];
  const signs = [...said, ...signsOfContent(facts, libraryRole(said))];
  const weights = new Map<RepositoryKind, number>();
  for (const { kind, weight } of signs) weights.set(kind, (weights.get(kind) ?? 0) + weight);
  const server = weights.get('server') ?? 0;
  weights.delete('server');
  const [role] = [...weights].sort((a, b) => b[1] - a[1]);
  // Signs of several roles speak against a server together, though each of them alone is weaker.
  const against =
    role === undefined ? 0 : [...weights.values()].reduce((sum, weight) => sum + weight / 2, role[1] / 2);
  const isRole = role !== undefined && against >= Math.max(4, server);
  const kind = isRole ? role[0] : server > 0 && speaksOfMcp(facts) ? 'server' : (role?.[0] ?? 'other');
  return {
    kind,
    evidence: signs
      .filter((sign) => sign.kind === kind)
      .sort((a, b) => b.weight - a.weight)
      .slice(0, 8)
      .map(({ detail }) => ({ from: 'repository', detail })),
  };
}

/** An SDK and a framework both show programs: which of the two it is, its words say. */
function libraryRole(signs: readonly Sign[]): RepositoryKind | null {
  const weight = (kind: RepositoryKind): number =>
    signs.reduce((sum, sign) => (sign.kind === kind ? sum + sign.weight : sum), 0);
  return weight('sdk') > weight('framework') ? 'sdk' : null;
}

/** Without a word of the protocol anywhere, a program that says how to run it is just a program. */
function speaksOfMcp({ repository, readme, manifests, registered }: KindFacts): boolean {
  const word = /mcp|model[- ]context[- ]protocol/i;
  const { full_name: fullName, description, topics } = repository;
  return (
    registered ||
    word.test(`${fullName} ${description ?? ''} ${topics?.join(' ') ?? ''}`) ||
    manifests.some(({ speaks_mcp: speaks, name }) => speaks || word.test(name ?? '')) ||
    readme.lines.some(({ text }) => word.test(text))
  );
}

function signsOfWords({ repository, readme, manifests }: KindFacts): Sign[] {
  const root = manifests.filter(({ file }) => !file.includes('/'));
  const descriptions = [
    repository.description ?? '',
    ...root.map(({ description }) => description ?? ''),
  ].filter((text) => text !== '');
  const intro = introductionOf(readme);
  const texts = [
    ...descriptions.map((text) => ({
      where: 'the description',
      text: text.slice(0, 400).toLowerCase(),
      factor: 1.5,
    })),
    { where: 'the title', text: (readme.title ?? '').toLowerCase(), factor: 1.2 },
    { where: 'the introduction', text: intro, factor: 0.8 },
  ];
  const signs: Sign[] = [];
  for (const { kind, weight, pattern } of rolePhrases) {
    for (const { where, text, factor } of texts) {
      const found = pattern.exec(text);
      if (
        !found ||
        /\bin (?:this|the) repository\b/.test(text.slice(Math.max(0, found.index - 40), found.index))
      )
        continue;
      const early = found.index < 260 ? 1 : 0.5;
      signs.push({
        kind,
        weight: weight * factor * early,
        detail: `${where} says "${found[0].slice(0, 80)}"`,
      });
      break;
    }
  }
  for (const { where, text, factor } of texts) {
    const found = serverPhrase.exec(text);
    // "Building an MCP server" is what the reader does.
    if (
      found &&
      !/\b(?:build|creat|develop|writ|implement|mak|test|deploy|host)\w*\s+(?:\w+\s+){0,3}$/.test(
        text.slice(0, found.index),
      )
    ) {
      signs.push({
        kind: 'server',
        weight: 3 * factor * (found.index < 200 ? 1 : 0.6),
        detail: `${where} says "${found[0].slice(0, 80)}"`,
      });
      break;
    }
  }
  return signs;
}

function introductionOf({ lines }: MarkdownDocument): string {
  let intro = '';
  for (const { text } of lines) {
    if (intro.length > introduction) break;
    if (/^(?:\[!\[|!\[|\||<img|\[[^\]]{1,100}\]:)/.test(text)) continue;
    intro += `${stripMarks(text.slice(0, 1500))}\n`;
  }
  return intro.slice(0, introduction).toLowerCase();
}

function signsOfContent(facts: KindFacts, role: RepositoryKind | null): Sign[] {
  const { repository, readme, manifests } = facts;
  const signs: Sign[] = [];
  const sign = (kind: RepositoryKind, weight: number, detail: string): void => {
    signs.push({ kind, weight, detail });
  };
  const named = manifests.find((manifest) => manifest.mcp_name !== null);
  if (named) sign('server', 3, `${named.file} carries mcpName`);
  if (facts.registered) sign('server', 3, 'server.json or an entry in the registry');
  if (facts.own_recipe) sign('server', 3, 'documents how to run its own package');
  if (facts.documented_tools > 0)
    sign('server', facts.documented_tools > 2 ? 2 : 1, `documents ${facts.documented_tools} tools`);
  if (facts.sub_servers > 1) sign('server', 9, `${facts.sub_servers} servers in folders of their own`);
  if (
    manifests.some(
      (manifest) => manifest.speaks_mcp && (manifest.programs.length > 0 || manifest.ecosystem === 'go'),
    )
  ) {
    sign('server', 2, 'depends on an MCP SDK and has a program');
  }
  if (repository.topics?.includes('mcp-server')) sign('server', 1, 'topic mcp-server');
  if (facts.foreign_servers >= 3) sign('gateway', 3, `configures ${facts.foreign_servers} servers of others`);
  const programs = readme.blocks.filter(
    ({ language, text }) => languages.test(language) && building.test(text.slice(0, 20_000)),
  ).length;
  if (programs > 0)
    sign(
      role === 'sdk' ? 'sdk' : 'framework',
      programs > 1 ? 5 : 3,
      `${programs} programs in its README build servers or clients`,
    );
  if (!facts.startable && readme.blocks.some(({ text }) => dependency.test(text.slice(0, 4000))))
    sign('framework', 5, 'is added to the dependencies of a program, and there is nothing to start');
  const links = outboundRepositories(readme, repository.full_name);
  if (links > 60) sign('list', 5, `links to ${links} other repositories`);
  for (const keyword of new Set(manifests.flatMap(({ keywords }) => keywords))) {
    if (/^(?:gateway|proxy|mcp-(?:gateway|proxy|hub|client|sdk|framework|servers-manager))$/.test(keyword)) {
      sign(
        keyword.includes('client') ? 'client' : /sdk|framework/.test(keyword) ? 'framework' : 'gateway',
        2,
        `keyword ${keyword}`,
      );
    }
  }
  return signs;
}

const languages =
  /^(?:go|golang|py|python|ts|typescript|tsx|js|javascript|mjs|rust|rs|java|kotlin|csharp|cs|c#|ruby|rb|php|swift|elixir|scala)$/;

/** How one adds a library to a program of one's own. */
const dependency =
  /<dependency>|\bimplementation\s{0,3}[("']|\bcargo add \S|\bgo get \S|\bcomposer require \S/;

/** What a library shows its users: how a server or a client is made. */
const building =
  /\bFastMCP\(|\bM(?:cp|CP)Server\(|@(?:mcp|server|app)\.(?:tool|resource|prompt)|NewMCPServer\(|mcp\.NewServer\(|\bnew Server\(|\bServerBuilder\b|\bClientSession\(|StdioServerParameters\(|#\[tool|\bMCPClient\(|\bMCPApp\(|\b(?:mcp|server)\.(?:add_?[tT]ool|registerTool|tool)\(|\bnew (?:MCP)?Client\(/;

function outboundRepositories({ lines }: MarkdownDocument, own: string): number {
  const found = new Set<string>();
  for (const { text } of lines) {
    for (const [, name = ''] of text.slice(0, 8000).matchAll(/github\.com\/([\w.-]{1,60}\/[\w.-]{1,80})/g)) {
      if (name.toLowerCase() !== own.toLowerCase() && found.size < 500) found.add(name.toLowerCase());
    }
  }
  return found.size;
}

/** The words with which a repository says that it is past its time; only its first lines count. */
export function archivedNote({ archived }: RepositoryFacts, { lines }: MarkdownDocument): string | null {
  if (archived === true) return 'The repository is archived.';
  for (const { text } of lines.slice(0, 25)) {
    const plain = stripMarks(text.slice(0, 500))
      .replace(/^[#>\s]+/, '')
      .trim();
    if (
      /\b(?:this|the) (?:\w+[ -]){0,4}(?:repo(?:sitory)?|project|server|package|repo)\b.{0,30}\b(?:is|has been|was) (?:now |officially )?(?:deprecated|archived|superseded|discontinued|unmaintained|abandoned|retired)\b|\bthis (?:repo(?:sitory)?|project) (?:(?:has|was|is|has been) )?moved\b|no longer (?:maintained|supported|developed)|^(?:\W{0,4})(?:deprecated|archived)\b/i.test(
        plain,
      )
    ) {
      return plain.slice(0, 300);
    }
  }
  return null;
}
