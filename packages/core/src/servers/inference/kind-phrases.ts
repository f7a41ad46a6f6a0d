// Phrases with which repositories say that they are something around servers. Tried on short, lower-case texts only.
import { type RepositoryKind } from './inference.ts';

export interface RolePhrase {
  kind: RepositoryKind;
  weight: number;
  pattern: RegExp;
}

const mcp = '(?:mcp \\(model[- ]context[- ]protocol\\)|mcp|model[- ]context[- ]protocol(?: \\(mcp\\))?)';
const servers = `(?:${mcp}[- ](?:\\w+[- ]){0,2}servers|${mcp} stdio servers|servers? (?:and|or|&) clients?|any ${mcp} server|multiple ${mcp}|mcps\\b)`;

const phrase = (kind: RepositoryKind, weight: number, ...alternatives: readonly string[]): RolePhrase => ({
  kind,
  weight,
  pattern: new RegExp(alternatives.join('|')),
});

/** "MCP server template": the word behind it says what it is. */
const alone =
  '(?! (?:template|boilerplate|starter|scaffold|skeleton|generator|framework|sdk|library|toolkit|inspector|tester|gateway|proxy|manager|hub|registry|directory|client|fleets?)\\b)';

/** "An MCP server for …": what a server says of itself. */
export const serverPhrase = new RegExp(
  [
    `\\b(?:${mcp}|model-context-protocol[ \\n]?\\(mcp\\)) (?:\\w+ ){0,2}server\\b(?!s)${alone}`,
    `\\bserver (?:implementing|for) (?:the )?${mcp}`,
    `\\b(?:as|an?) (?:\\w+ ){0,3}${mcp} server\\b${alone}`,
  ].join('|'),
);

export const rolePhrases: readonly RolePhrase[] = [
  phrase(
    'list',
    5,
    '(?:curated |awesome )(?:list|collection)',
    `\\b(?:list|directory|collection) of (?:\\w+ ){0,4}${servers}`,
  ),
  phrase(
    'sdk',
    5,
    `\\b${mcp} (?:\\w+ ){0,2}sdk\\b`,
    '\\bsdk (?:for|of|implementation)\\b',
    '\\bsdk\\b.{0,40}\\b(?:clients? and servers?|servers? and clients?)',
  ),
  phrase(
    'sdk',
    4,
    `\\bimplementation of (?:the )?${mcp}(?! server)`,
    `^${mcp} (?:implementation|library|bindings) (?:for|in) \\w+`,
    `\\b(?:library|crate|gem|bindings) (?:for|that|which|to)\\b.{0,60}${mcp}(?! server\\b)`,
    `\\b${mcp} (?:\\w+ )?(?:library|adapters?|bindings)\\b`,
  ),
  phrase(
    'framework',
    5,
    '\\b(?:framework|library|toolkit|way)\\b.{0,50}\\b(?:for |to )?(?:build|creat|develop|writ|implement)\\w*',
    `\\b(?:build|create|develop|write|ship)(?:ing)? (?:\\w+[ ,]+){0,4}(?:${servers}|agents?\\b|(?:ai|${mcp}) app(?:lication)?s)`,
    `\\b(?:turn|expos|convert|transform)\\w* (?:your|any|existing) .{0,60}\\binto (?:an? )?${mcp}`,
  ),
  phrase(
    'framework',
    6,
    `\\b(?:extension|library|package|module|starter|plugin|apis?)\\b.{0,80}\\b(?:enabl|allow|let|help)\\w* (?:you|developers|users|teams)(?: to)? (?:\\w+ ){0,2}(?:implement|build|creat|develop|writ)\\w* (?:[\\w-]+ ){0,3}${mcp}`,
  ),
  phrase('framework', 3, '\\bframework\\b'),
  // What one does with it, said of things that are the reader's.
  phrase('framework', 4, `^(?:expose|publish|serve) .{1,80}\\bas (?:an? )?${mcp} (?:servers?|tools?)\\b`),
  phrase(
    'gateway',
    5,
    `\\b(?:aggregat|orchestrat|manag|coordinat|combin|centraliz|consolidat|multiplex|unif(?:y|ies)|federat|wrap|expos|convert|bridg|connect|deploy|host|run|configur|consum)\\w*\\b.{0,60}${servers}`,
  ),
  phrase(
    'gateway',
    5,
    `\\b${mcp}(?: server)? (?:gateway|proxy|aggregator|hub|manager|router|bridge|middleware|multiplexer|orchestrator)\\b`,
    `\\b(?:gateway|proxy|aggregator|hub|manager|router|bridge|coordinator|platform)\\b.{0,40}\\bfor\\b.{0,20}${servers}`,
  ),
  phrase(
    'gateway',
    4,
    `\\bprox(?:y|ies|ying) (?:\\w+ ){0,4}(?:requests?|${mcp})`,
    '\\bstdio\\b.{0,80}\\b(?:to|over|into)\\b.{0,30}\\b(?:sse|http|streamable|websocket)',
    `\\bconnect\\w* (?:[\\w()]+ ){0,12}to (?:an? )?remote ${mcp} servers?`,
  ),
  phrase(
    'gateway',
    4,
    '\\b(?:hub|manager|proxy) server for\\b',
    `\\b${mcp} platform\\b`,
    `\\bmanager (?:\\w+ )?for ${mcp}`,
  ),
  phrase(
    'gateway',
    5,
    `\\b(?:infrastructure|firewall|(?:control|data|enforcement|governance|management|policy) plane) for (?:your |all )?${mcp}`,
  ),
  phrase(
    'gateway',
    4,
    `\\b${mcp}[- ]server fleets?\\b`,
    `\\bfleets? of ${mcp}`,
    `\\bupstream ${mcp} servers?\\b`,
  ),
  phrase(
    'client',
    5,
    '\\b(?:ai |llm )?chat (?:client|app|application|ui|interface)\\b',
    '\\bdesktop (?:ai )?(?:client|chat|assistant)\\b',
    `\\b(?:is an?|is the|command[- ]line|cli|terminal|cross-platform) (?:[\\w-]+ ){0,4}${mcp} (?:client|host)\\b`,
    `^(?:an? |the )?(?:[\\w-]+ ){0,4}${mcp} (?:client|host)\\b`,
    `\\bclient (?:for|that connects to) (?:\\w+ ){0,3}${servers}`,
    `\\b(?:cli|command[- ]line (?:interface|tool|client))\\b.{0,60}\\b(?:for|to|with|connects?) .{0,60}${servers}`,
  ),
  // What the reader is told to do with it outvotes what the result will be.
  phrase('other', 5, '\\b(?:from|use|using) this (?:repository as a |repo as a )?template\\b'),
  phrase(
    'other',
    5,
    `\\b(?:registry|catalog|marketplace) (?:service |api )?(?:for|of) (?:\\w+ ){0,4}${servers}`,
    '\\b(?:scaffold|boilerplate|starter|generator)\\b',
    '\\b(?:server|project|starter|repository|this) template\\b|\\btemplate (?:for|to|repository|project|server)\\b|\\btemplate$',
    `\\bcreat(?:e|es|ing) (?:an? )?(?:new )?(?:\\w+ )?${mcp} server(?:s| projects?)?\\b`,
    `\\b${mcp} server projects?\\b`,
    '\\b(?:tutorial|course|workshop|curriculum|specification)\\b',
    `\\b(?:inspect|test|debug|evaluat|scan|benchmark)\\w* (?:\\w+ ){0,3}${servers}`,
    `\\b(?:install|publish|find|discover)\\w* (?:\\w+ ){0,3}${servers}`,
  ),
];
