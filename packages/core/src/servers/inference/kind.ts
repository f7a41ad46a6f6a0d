// Is it a server, or one of the things around servers: gateway, framework, SDK, client, list, or something else?
import { type Evidence, type RepositoryFacts, type RepositoryKind } from './inference.ts';
import { type Manifest } from './manifests.ts';
import { type MarkdownDocument } from './markdown.ts';
import { stripMarks } from './reading.ts';
import { tokensOf } from './relatedness.ts';

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
  /** Different servers of others that the README configures. */
  foreign_servers: number;
}

interface Sign {
  kind: RepositoryKind;
  weight: number;
  detail: string;
}

/** Words of a name. `…-gateway` is one; `gateway-mcp-server` is a server for a gateway. */
const nameRoles: Readonly<Record<string, RepositoryKind>> = {
  awesome: 'list',
  sdk: 'sdk',
  gateway: 'gateway',
  proxy: 'gateway',
  hub: 'gateway',
  router: 'gateway',
  bridge: 'gateway',
  aggregator: 'gateway',
  manager: 'gateway',
  supervisor: 'gateway',
  client: 'client',
  chat: 'client',
  host: 'client',
  framework: 'framework',
  registry: 'other',
  inspector: 'other',
  template: 'other',
  boilerplate: 'other',
  starter: 'other',
  create: 'other',
  tutorial: 'other',
  course: 'other',
  examples: 'other',
  specification: 'other',
};

const mcp = '(?:mcp|model[- ]context[- ]protocol(?: \\(mcp\\))?)';
const servers = `(?:${mcp}[- ](?:\\w+[- ]){0,2}servers|${mcp} stdio servers|servers? (?:and|or|&) clients?|any ${mcp} server|multiple ${mcp}|mcps\\b)`;

const phrases: readonly { kind: RepositoryKind; weight: number; pattern: RegExp }[] = [
  {
    kind: 'list',
    weight: 5,
    pattern: new RegExp(
      `(?:curated |awesome )(?:list|collection)|\\b(?:list|directory|collection) of (?:\\w+ ){0,4}${servers}`,
    ),
  },
  {
    kind: 'sdk',
    weight: 5,
    pattern: new RegExp(
      `\\b${mcp} (?:\\w+ ){0,2}sdk\\b|\\bsdk (?:for|of|implementation)\\b|\\b(?:official )?(?:\\w+ )sdk for ${mcp}|\\bsdk\\b.{0,40}\\b(?:clients? and servers?|servers? and clients?)`,
    ),
  },
  {
    kind: 'sdk',
    weight: 3,
    pattern: new RegExp(`^${mcp} (?:implementation|library|bindings) (?:for|in) \\w+`),
  },
  {
    kind: 'framework',
    weight: 5,
    pattern: new RegExp(
      `\\b(?:framework|library|toolkit|way)\\b.{0,50}\\b(?:for |to )?(?:build|creat|develop|writ|implement)\\w*|\\b(?:build|create|develop|write|ship)(?:ing)? (?:\\w+[ ,]+){0,4}(?:${servers}|agents?\\b|ai apps)`,
    ),
  },
  { kind: 'framework', weight: 3, pattern: /\bframework\b/ },
  {
    kind: 'gateway',
    weight: 5,
    pattern: new RegExp(
      `\\b(?:aggregat|orchestrat|manag|coordinat|combin|centraliz|consolidat|multiplex|unif(?:y|ies)|federat|wrap|expos|convert|bridg|connect|deploy|host|run|configur|consum)\\w*\\b.{0,60}${servers}`,
    ),
  },
  {
    kind: 'gateway',
    weight: 5,
    pattern: new RegExp(
      `\\b${mcp}(?: server)? (?:gateway|proxy|aggregator|hub|manager|router|bridge|middleware|multiplexer|orchestrator)\\b|\\b(?:gateway|proxy|aggregator|hub|manager|router|bridge|coordinator|platform)\\b.{0,40}\\bfor\\b.{0,20}${servers}`,
    ),
  },
  {
    kind: 'gateway',
    weight: 4,
    pattern: new RegExp(
      `\\bprox(?:y|ies|ying) (?:\\w+ ){0,4}(?:requests?|${mcp})|\\bstdio\\b.{0,80}\\b(?:to|over|into)\\b.{0,30}\\b(?:sse|http|streamable|websocket)`,
    ),
  },
  {
    kind: 'gateway',
    weight: 4,
    pattern: new RegExp(
      `\\b(?:hub|manager|proxy) server for\\b|\\b${mcp} platform\\b|\\bmanager (?:\\w+ )?for ${mcp}`,
    ),
  },
  {
    kind: 'client',
    weight: 5,
    pattern: new RegExp(
      `\\b(?:ai |llm )?chat (?:client|app|application|ui|interface)\\b|\\bdesktop (?:ai )?(?:client|chat)\\b|\\b(?:an?|the|command[- ]line|cli|terminal|cross-platform) (?:\\w+ ){0,4}${mcp} (?:client|host)\\b|\\bclient (?:for|that connects to) (?:\\w+ ){0,3}${servers}`,
    ),
  },
  {
    kind: 'other',
    weight: 5,
    pattern: new RegExp(
      `\\b(?:registry|catalog|marketplace) (?:service |api )?(?:for|of) (?:\\w+ ){0,4}${servers}|\\b(?:scaffold|template|boilerplate|starter|generator)\\b|\\bcreate (?:a new |new )${mcp}|\\b(?:tutorial|course|workshop|specification)\\b|\\binspect(?:or|ing)? (?:\\w+ ){0,3}${servers}|\\b(?:test|debug|evaluat|scan)\\w* (?:\\w+ ){0,3}${servers}`,
    ),
  },
];

/** The words that decide are at the beginning, or in the description. */
const introduction = 700;

export interface KindVerdict {
  kind: RepositoryKind;
  evidence: Evidence[];
}

export function judgeKind(facts: KindFacts): KindVerdict {
  const signs = [...signsOfName(facts), ...signsOfWords(facts), ...signsOfContent(facts)];
  const weights = new Map<RepositoryKind, number>();
  for (const { kind, weight } of signs) weights.set(kind, (weights.get(kind) ?? 0) + weight);
  const server = weights.get('server') ?? 0;
  weights.delete('server');
  const [role] = [...weights].sort((a, b) => b[1] - a[1]);
  const kind =
    role && role[1] >= Math.max(4, server) ? role[0] : server > 0 ? 'server' : (role?.[0] ?? 'other');
  return {
    kind,
    evidence: signs
      .filter((sign) => sign.kind === kind)
      .sort((a, b) => b.weight - a.weight)
      .slice(0, 8)
      .map(({ detail }) => ({ from: 'repository', detail })),
  };
}

function signsOfName({ repository, manifests }: KindFacts): Sign[] {
  const [, name = ''] = repository.full_name.split('/', 2);
  const published = manifests.filter(({ private: hidden }) => !hidden).map((manifest) => manifest.name ?? '');
  const names = [name, ...published.slice(0, 3)];
  const signs: Sign[] = [];
  for (const [index, candidate] of names.entries()) {
    const tokens = tokensOf(candidate.slice(candidate.lastIndexOf('/') + 1));
    // "…-mcp-server", "server-…": the other words say what it is a server for.
    const isServer =
      tokens.includes('server') &&
      tokens.at(-1) !== 'sdk' &&
      tokens[0] !== 'create' &&
      tokens[0] !== 'awesome';
    for (const token of tokens) {
      const role = roleOf(token);
      if (role)
        signs.push({
          kind: role,
          weight: (isServer ? 1 : 5) - (index > 0 ? 3 : 0),
          detail: `"${token}" in the name ${candidate}`,
        });
    }
    if (isServer && index === 0)
      signs.push({ kind: 'server', weight: 2, detail: `"server" in the name ${candidate}` });
  }
  return signs.filter(({ weight }) => weight > 0);
}

function roleOf(token: string): RepositoryKind | null {
  const plain = token.replace(/^(?:mcp|meta|super|multi)+|mcp$/g, '');
  return Object.hasOwn(nameRoles, plain) ? (nameRoles[plain] ?? null) : null;
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
  for (const { kind, weight, pattern } of phrases) {
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
  const server = new RegExp(
    `\\b(?:${mcp}|model-context-protocol[ \\n]?\\(mcp\\)) (?:\\w+ ){0,2}server\\b(?!s)|\\bserver (?:implementing|for) (?:the )?${mcp}|\\b(?:as|an?) (?:\\w+ ){0,3}${mcp} server\\b`,
  );
  for (const { where, text, factor } of texts) {
    const found = server.exec(text);
    if (found) {
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
    if (/^(?:\[!\[|!\[|\||<(?!p\b|h\d)|\[[^\]]{1,100}\]:)/.test(text)) continue;
    intro += `${stripMarks(text.slice(0, 1500))}\n`;
  }
  return intro.slice(0, introduction).toLowerCase();
}

function signsOfContent(facts: KindFacts): Sign[] {
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
  if (facts.sub_servers > 1) sign('server', 6, `${facts.sub_servers} servers in folders of their own`);
  if (
    manifests.some(
      (manifest) => manifest.speaks_mcp && (manifest.programs.length > 0 || manifest.ecosystem === 'go'),
    )
  ) {
    sign('server', 2, 'depends on an MCP SDK and has a program');
  }
  if (repository.topics?.includes('mcp-server')) sign('server', 1, 'topic mcp-server');
  if (facts.foreign_servers >= 3) sign('gateway', 3, `configures ${facts.foreign_servers} servers of others`);
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
      /\b(?:this|the) (?:\w+[ -]){0,4}(?:repo(?:sitory)?|project|server|package|repo)\b.{0,30}\b(?:is|has been|was) (?:now |officially )?(?:deprecated|archived|superseded|discontinued|unmaintained)|no longer (?:maintained|supported|developed)|^(?:\W{0,4})(?:deprecated|archived)\b/i.test(
        plain,
      )
    ) {
      return plain.slice(0, 300);
    }
  }
  return null;
}
