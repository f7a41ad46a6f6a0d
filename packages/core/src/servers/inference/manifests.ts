// A project's own manifests: what it is called where, whether it is published, what it runs, what it depends on.
import { parseLenientJson } from './lenient-json.ts';
import { field, isRecord, list, record, texts, words } from './reading.ts';
import { readToml } from './toml.ts';

export type Ecosystem = 'npm' | 'pypi' | 'go' | 'cargo' | 'other';

export interface Manifest {
  ecosystem: Ecosystem;
  file: string;
  name: string | null;
  version: string | null;
  description: string | null;
  repository: string | null;
  keywords: readonly string[];
  /** Names of its programs. */
  programs: readonly string[];
  /** It says itself that it is not published, or it cannot be. */
  private: boolean;
  /** It declares that publishing it is meant. */
  publishes: boolean;
  workspaces: boolean;
  /** It speaks MCP: depends on an SDK, or carries the registry's name. */
  speaks_mcp: boolean;
  mcp_name: string | null;
}

/** The manifest in a file, or null for what is none or cannot be read. */
export function readManifest(path: string, source: string): Manifest | null {
  switch (path.slice(path.lastIndexOf('/') + 1)) {
    case 'package.json':
      return npmManifest(path, parseLenientJson(source));
    case 'pyproject.toml':
      return pythonManifest(path, readToml(source));
    case 'Cargo.toml':
      return cargoManifest(path, readToml(source));
    case 'go.mod':
      return goManifest(path, source);
    case 'pubspec.yaml':
      return otherManifest(path, source);
    default:
      return null;
  }
}

const npmSdks =
  /^(?:@modelcontextprotocol\/(?:sdk|server|node|express|hono|core)|fastmcp|mcp-framework|@mastra\/mcp|xmcp|mcp-use|@vercel\/mcp-adapter|mcp-handler|easy-mcp|@rekog\/mcp-nest|tmcp|muppet)$/;

function npmManifest(file: string, value: unknown): Manifest | null {
  if (!isRecord(value)) return null;
  const name = words(field(value, 'name'))?.toLowerCase() ?? null;
  const bin = field(value, 'bin');
  const programs =
    typeof bin === 'string'
      ? [name?.slice(name.lastIndexOf('/') + 1) ?? '']
      : Object.keys(record(bin) ?? {}).filter((key) => key !== '');
  const dependencies = ['dependencies', 'peerDependencies', 'optionalDependencies'].flatMap((kind) =>
    Object.keys(record(field(value, kind)) ?? {}),
  );
  // A server that is bundled needs its SDK at build time only.
  const bundled = programs.length > 0 ? Object.keys(record(field(value, 'devDependencies')) ?? {}) : [];
  const mcpName = words(field(value, 'mcpName'));
  const repository = field(value, 'repository');
  return {
    ecosystem: 'npm',
    file,
    name,
    version: words(field(value, 'version')),
    description: words(field(value, 'description')),
    repository: words(repository) ?? words(field(repository, 'url')),
    keywords: texts(field(value, 'keywords')).map((word) => word.toLowerCase()),
    programs: programs.slice(0, 50),
    // Unity's packages use the same file name and are not npm's.
    private: field(value, 'private') === true || field(value, 'unity') !== undefined,
    publishes: isRecord(field(value, 'publishConfig')) || mcpName !== null,
    workspaces: field(value, 'workspaces') !== undefined,
    speaks_mcp:
      mcpName !== null || [...dependencies, ...bundled].some((dependency) => npmSdks.test(dependency)),
    mcp_name: mcpName,
  };
}

const pythonSdks = /^(?:mcp|fastmcp|modelcontextprotocol|mcp-sdk|fastapi-mcp|mcp-server-sdk)$/i;

function pythonManifest(file: string, value: unknown): Manifest | null {
  const project = record(field(value, 'project'));
  const poetry = record(field(field(value, 'tool'), 'poetry'));
  const about = project ?? poetry;
  if (!about) return null;
  const dependencies = project
    ? texts(field(project, 'dependencies'))
    : Object.keys(record(field(poetry, 'dependencies')) ?? {});
  const urls = record(field(about, 'urls')) ?? {};
  const addresses = [
    ...Object.entries(urls)
      .filter(([name]) => /source|repo|github|code|home/i.test(name))
      .map(([, address]) => words(address)),
    words(field(about, 'repository')),
    words(field(about, 'homepage')),
  ];
  const scripts = { ...record(field(project, 'scripts')), ...record(field(poetry, 'scripts')) };
  const classifiers = texts(field(about, 'classifiers'));
  return {
    ecosystem: 'pypi',
    file,
    name: words(field(about, 'name')),
    version: words(field(about, 'version')),
    description: words(field(about, 'description')),
    repository: addresses.find((address) => address !== null) ?? null,
    keywords: texts(field(about, 'keywords')).map((word) => word.toLowerCase()),
    programs: Object.keys(scripts).slice(0, 50),
    private: classifiers.some((classifier) => classifier.startsWith('Private')),
    publishes: false,
    workspaces: isRecord(field(field(field(value, 'tool'), 'uv'), 'workspace')),
    speaks_mcp: dependencies.some((dependency) =>
      pythonSdks.test(/^[\w.-]{1,100}/.exec(dependency.trim())?.[0] ?? ''),
    ),
    mcp_name: null,
  };
}

function cargoManifest(file: string, value: unknown): Manifest | null {
  const about = record(field(value, 'package'));
  if (!about) return null;
  const dependencies = Object.keys(record(field(value, 'dependencies')) ?? {});
  return {
    ecosystem: 'cargo',
    file,
    name: words(field(about, 'name')),
    version: words(field(about, 'version')),
    description: words(field(about, 'description')),
    repository: words(field(about, 'repository')),
    keywords: texts(field(about, 'keywords')),
    programs: list(field(value, 'bin')).flatMap((bin) => words(field(bin, 'name')) ?? []),
    private: field(about, 'publish') === false,
    publishes: false,
    workspaces: isRecord(field(value, 'workspace')),
    speaks_mcp: dependencies.some((dependency) =>
      /^(?:rmcp|rust-mcp-sdk|mcp-server|mcp-sdk|mcp-core|pmcp|mcpr)$/.test(dependency),
    ),
    mcp_name: null,
  };
}

function goManifest(file: string, source: string): Manifest | null {
  const name = /^module\s{1,20}(\S{1,300})/m.exec(source.slice(0, 4000))?.[1] ?? null;
  if (name === null) return null;
  return {
    ...nothing(file),
    ecosystem: 'go',
    name,
    repository: name.startsWith('github.com/') ? `https://${name.split('/').slice(0, 3).join('/')}` : null,
    speaks_mcp:
      /\s(?:github\.com\/mark3labs\/mcp-go|github\.com\/modelcontextprotocol\/go-sdk|github\.com\/metoro-io\/mcp-golang|trpc\.group\/trpc-go\/trpc-mcp-go)\s/.test(
        // Its own name is no dependency.
        source.slice(0, 64 * 1024).replace(/^module .{0,300}$/m, ''),
      ),
  };
}

const otherManifest = (file: string, source: string): Manifest => ({
  ...nothing(file),
  name: /^name:\s{0,20}(\S{1,200})/m.exec(source.slice(0, 4000))?.[1] ?? null,
  description: /^description:\s{0,20}["']?([^"'\n]{1,400})/m.exec(source.slice(0, 8000))?.[1] ?? null,
  private: true,
});

const nothing = (file: string): Manifest => ({
  ecosystem: 'other',
  file,
  name: null,
  version: null,
  description: null,
  repository: null,
  keywords: [],
  programs: [],
  private: false,
  publishes: false,
  workspaces: false,
  speaks_mcp: false,
  mcp_name: null,
});
