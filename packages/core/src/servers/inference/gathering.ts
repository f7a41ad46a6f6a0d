// Everything that the files of one server say, source by source, before anybody weighs it.
import { readConfigurationFile } from './configuration-files.ts';
import { linkedServers } from './deep-links.ts';
import { documentedVariables, isOfOtherPrograms } from './documented-variables.ts';
import {
  environmentBlock,
  type EnvironmentFile,
  isEnvironmentExample,
  readEnvironmentFile,
} from './environment-files.ts';
import { configuredServers } from './launcher-configs.ts';
import { parseLenientJson } from './lenient-json.ts';
import { type Manifest, readManifest } from './manifests.ts';
import { codeSpans, type MarkdownDocument, readMarkdown } from './markdown.ts';
import { normalised } from './relatedness.ts';
import { readRegistryDocument, type RegistryDocument } from './registry-documents.ts';
import { shellSightings } from './shell-lines.ts';
import { type Sighting, sighting, type VariableMention } from './sighting.ts';
import { readToml } from './toml.ts';
import { readYaml } from './yaml.ts';

export interface Gathered {
  readme: MarkdownDocument;
  manifests: Manifest[];
  documents: RegistryDocument[];
  sightings: Sighting[];
  configured: VariableMention[];
  documented: VariableMention[];
  /** From `.env.example`. */
  examples: VariableMention[];
  /** The example file and the blocks of a README that are like one, in this order. */
  environments: EnvironmentPlace[];
  /** `method identifier` of links to a package's page at its registry. */
  linked: Set<string>;
}

export interface EnvironmentPlace extends EnvironmentFile {
  file: string;
  headings: readonly string[];
  line: number;
}

export interface SourceFile {
  path: string;
  source: string;
}

const isReadme = (path: string): boolean => /(?:^|\/)readme(?:\.md|\.markdown|\.rst|\.txt)?$/i.test(path);

export function gather(files: readonly SourceFile[], registry: readonly unknown[]): Gathered {
  const readmes = files.filter(({ path }) => isReadme(path)).slice(0, 12);
  const parsed = readmes.map(({ path, source }) => ({ path, document: readMarkdown(source) }));
  const gathered: Gathered = {
    readme: joined(parsed.map(({ document }) => document)),
    manifests: [],
    documents: [],
    sightings: [],
    configured: [],
    documented: [],
    examples: [],
    environments: [],
    linked: new Set(),
  };
  for (const { path, document } of parsed) readDocument(gathered, path, document);
  for (const entry of registry.slice(0, 20)) addDocument(gathered, readRegistryDocument(entry, 'registry'));
  for (const { path, source } of files) {
    const name = path.slice(path.lastIndexOf('/') + 1);
    if (name === 'server.json') addDocument(gathered, readRegistryDocument(parseLenientJson(source), path));
    const manifest = readManifest(path, source);
    if (manifest) gathered.manifests.push(manifest);
    if (isEnvironmentExample(name)) addExample(gathered, path, source);
    const configuration = readConfigurationFile(path, source);
    gathered.sightings.push(...configuration.sightings);
    gathered.configured.push(...configuration.variables);
  }
  gathered.sightings.push(...manifestSightings(gathered.manifests));
  return gathered;
}

/** The example of the root; those further down belong to demonstrations. */
function addExample(gathered: Gathered, file: string, source: string): void {
  if (gathered.examples.length > 0) return;
  const environment = readEnvironmentFile(source);
  gathered.examples = environment.variables;
  gathered.environments.unshift({ ...environment, file, headings: [], line: 0 });
}

/** What example files and blocks like them set, the file first. */
export const environmentVariables = ({ environments }: Gathered): VariableMention[] =>
  environments.flatMap(({ variables }) => variables);

const joined = (documents: readonly MarkdownDocument[]): MarkdownDocument => ({
  title: documents[0]?.title ?? null,
  lines: documents.flatMap(({ lines }) => lines),
  blocks: documents.flatMap(({ blocks }) => blocks),
  tables: documents.flatMap(({ tables }) => tables),
});

function addDocument(gathered: Gathered, document: RegistryDocument | null): void {
  if (!document) return;
  gathered.documents.push(document);
  gathered.sightings.push(...document.sightings);
}

/** The most talkative README of a person shows a few hundred. */
const mostSightings = 3000;
const mostEnvironments = 200;

const environmentLanguages = /^(?:env|dotenv|ini|properties)$/;
const shellLanguages =
  /^(?:|sh|bash|zsh|shell|console|terminal|shellsession|powershell|ps1|pwsh|bat|batch|cmd|text|txt|plaintext|plain|fish|dos|none|markdown|md|diff)$/;

function readDocument(gathered: Gathered, file: string, document: MarkdownDocument): void {
  for (const { language, text, headings, line } of document.blocks) {
    if (gathered.sightings.length > mostSightings) break;
    const place = { source: 'configuration', file, headings, line } as const;
    if (environmentLanguages.test(language) || shellLanguages.test(language)) {
      const full = gathered.environments.length >= mostEnvironments;
      const environment = full || isOfOtherPrograms(headings) ? null : environmentBlock(text);
      if (environment) gathered.environments.push({ ...environment, file, headings, line });
    }
    if (language.startsWith('json') || /^\s{0,200}[{["/#]/.test(text.slice(0, 300))) {
      const found = configuredServers(parseLenientJson(text), place);
      gathered.sightings.push(...found);
      if (found.length > 0 || language.startsWith('json')) continue;
    }
    if (language === 'toml' || /^\s{0,20}\[(?:mcp_servers|mcp)\b/m.test(text.slice(0, 2000))) {
      gathered.sightings.push(...configuredServers(readToml(text), place));
    } else if (/^ya?ml$/.test(language)) {
      gathered.sightings.push(...configuredServers(readYaml(text), place));
    } else if (shellLanguages.test(language)) {
      const alone = /^\s{0,20}(https:\/\/[^\s"'`]{4,300})\s{0,20}$/.exec(text.slice(0, 500))?.[1];
      if (alone !== undefined) gathered.sightings.push(...endpointSighting(alone, file, headings, line));
      else gathered.sightings.push(...shellSightings(text, { ...place, source: 'shell' }));
    }
  }
  for (const { text, headings, line } of document.lines) {
    if (text.length > 8000 || gathered.sightings.length > mostSightings) continue;
    readLinks(gathered.linked, text);
    if (!text.includes('`')) continue;
    for (const span of codeSpans(text)) {
      if (span.startsWith('https://'))
        gathered.sightings.push(
          ...endpointSighting(span, file, headings, line).map((one) => ({
            ...one,
            warned_off: retired.test(text.slice(text.indexOf(span) + span.length).slice(0, 60)),
          })),
        );
      else if (
        /^(?:env |[A-Z_]{3,60}=\S{1,100} )?(?:npx|uvx|bunx|pnpm dlx|docker run|docker pull|npm i|pip install|uv tool|pipx|go install|cargo install) ?.{0,600}$/.test(
          span,
        )
      ) {
        const warned = warnings.test(text.slice(Math.max(0, text.indexOf(span) - 200), text.indexOf(span)));
        const found = shellSightings(span, { source: 'prose', file, headings, line });
        gathered.sightings.push(...found.map((one) => ({ ...one, warned_off: warned })));
      }
    }
  }
  gathered.sightings.push(...linkedServers(document.lines, file));
  gathered.documented.push(...documentedVariables(document));
}

/** What is said behind an address that one should not use any more. */
const retired =
  /^[^.;]{0,30}\b(?:(?:has been|have been|was|were|is|are)(?: now)? (?:removed|retired|discontinued|shut down|gone)|no longer)\b/i;

const warnings =
  /\b(?:do not|don[’']t|never|must not|should not|not to|avoid|unrelated|instead of)\b[^.]{0,160}$/i;

/** An address that can only be an MCP endpoint, written for people to copy. */
function endpointSighting(url: string, file: string, headings: readonly string[], line: number): Sighting[] {
  return /^https:\/\/(?:[^\s?#]{3,200}\/(?:mcp|sse)\/?(?:[?#]\S{0,200})?|mcp\.[\w-]{1,60}\.[\w.-]{2,60}\/?)$/.test(
    url,
  )
    ? [
        sighting({
          source: 'prose',
          file,
          headings,
          line,
          url,
          transport: /\/sse\/?$/.test(url) ? 'sse' : 'streamable-http',
        }),
      ]
    : [];
}

const registryPages: readonly { method: string; pattern: RegExp }[] = [
  {
    method: 'npx',
    pattern:
      /(?:npmjs\.com\/package|img\.shields\.io\/npm\/[a-z]{1,4}|badge\.fury\.io\/js|npmjs\.org\/package)\/((?:@|%40)?[\w.%-]{1,100}(?:\/[\w.-]{1,100})?)/gi,
  },
  {
    method: 'uvx',
    pattern:
      /(?:pypi\.org\/project|pypi\.python\.org\/pypi|img\.shields\.io\/pypi\/[a-z]{1,8}|badge\.fury\.io\/py)\/([\w.-]{1,100})/gi,
  },
  { method: 'docker', pattern: /hub\.docker\.com\/r\/([\w.-]{1,100}\/[\w.-]{1,100})/gi },
];

function readLinks(linked: Set<string>, text: string): void {
  if (linked.size > 200 || !/npm|pypi|docker\.com|fury\.io|shields/i.test(text)) return;
  for (const { method, pattern } of registryPages) {
    for (const [, raw = ''] of text.matchAll(pattern)) {
      const name = raw
        .replaceAll('%2F', '/')
        .replaceAll('%40', '@')
        .replace(/\.svg$|\/v$/, '')
        .toLowerCase();
      linked.add(`${method} ${name}`);
      linked.add(`${method} ${normalised(name)}`);
    }
  }
}

/** What the manifests alone say can be started. */
function manifestSightings(manifests: readonly Manifest[]): Sighting[] {
  return manifests.flatMap((manifest): Sighting[] => {
    const { ecosystem, file, name, programs, private: hidden, speaks_mcp: speaks, version } = manifest;
    if (name === null || hidden || programs.length === 0) return [];
    const says =
      speaks ||
      /mcp/i.test(name) ||
      manifest.keywords.some((word) => /^mcp|model-?context-?protocol/.test(word));
    if (!says) return [];
    if (ecosystem === 'npm')
      return [sighting({ source: 'manifest', file, words: ['npx', '-y', name], version })];
    return ecosystem === 'pypi'
      ? [sighting({ source: 'manifest', file, words: ['uvx', name], version })]
      : [];
  });
}
