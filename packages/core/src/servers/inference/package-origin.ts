// Which packages the repository itself names. Text of a README does not count: anybody can claim an unclaimed name
// that it mentions.
import { type LaunchMethod } from '../launch-recipe.ts';
import { imageReference } from './container-run.ts';
import { type InferenceInput } from './inference.ts';
import { readManifest } from './manifests.ts';
import { parseLenientJson } from './lenient-json.ts';
import { cleanText, field, list, text, words } from './reading.ts';
import { readRegistryDocument } from './registry-documents.ts';
import { normalised } from './relatedness.ts';

export interface NamedBy {
  /** The file, or `registry`. */
  from: string;
  detail: string;
}

/** Packages that a repository names, by `comparable`. */
export type OwnNames = ReadonlyMap<string, NamedBy>;

/**
 * Where the repository itself names a package: its manifest's own name, its server.json, or an entry of the official
 * registry in its namespace. Null where nothing but text does. This is one of the two directions of verification;
 * the other, that the package points back, needs the registry of packages.
 */
export const namedBy = (
  names: OwnNames,
  { method, identifier }: { method: LaunchMethod; identifier: string },
): NamedBy | null => names.get(comparable(method, identifier)) ?? null;

/** Everything that the repository names, with the most trusted place of each. */
export function ownNames(
  { repository, registry }: Pick<InferenceInput, 'repository' | 'registry'>,
  files: readonly { path: string; source: string }[],
): OwnNames {
  const names = new Map<string, NamedBy>();
  const add = (name: string, by: NamedBy): void => {
    if (!names.has(name)) names.set(name, by);
  };
  const isForeign = (address: string | null): boolean =>
    address !== null && !sameRepository(address, repository.full_name);
  for (const entry of registry ?? []) {
    const document = readRegistryDocument(entry, 'registry');
    if (
      !document?.name ||
      !inNamespace(document.name, repository.full_name) ||
      isForeign(document.repository)
    )
      continue;
    for (const name of packagesOf(field(entry, 'server') ?? entry)) {
      add(name, { from: 'registry', detail: `the registry's entry ${document.name} names it` });
    }
  }
  for (const { path, source } of files) {
    if (path.slice(path.lastIndexOf('/') + 1) === 'server.json') {
      const value = parseLenientJson(source);
      const document = readRegistryDocument(value, path);
      if (!document || isForeign(document.repository)) continue;
      for (const name of packagesOf(value)) add(name, { from: path, detail: 'server.json names it' });
      continue;
    }
    const manifest = readManifest(path, source);
    if (!manifest?.name || manifest.private) continue;
    const method = manifest.ecosystem === 'npm' ? 'npx' : manifest.ecosystem === 'pypi' ? 'uvx' : null;
    if (method !== null)
      add(comparable(method, manifest.name), { from: path, detail: "it is the manifest's own name" });
  }
  return names;
}

/** `io.github.<owner>/…`: only that owner could register it. Other namespaces need proof of a domain, not of a repository. */
function inNamespace(registryName: string, fullName: string): boolean {
  const owner = /^io\.github\.([^/]{1,100})\//i.exec(registryName)?.[1];
  return owner !== undefined && owner.toLowerCase() === fullName.split('/', 1)[0]?.toLowerCase();
}

export const sameRepository = (address: string, fullName: string): boolean =>
  repositoryOf(address)?.toLowerCase() === fullName.toLowerCase();

/** `owner/name` of an address at GitHub, in any of the spellings that manifests use; null for another host. */
export function repositoryOf(address: string): string | null {
  const plain = address.trim().slice(0, 500);
  const short = /^(?:github:)?([\w.-]{1,100})\/([\w.-]{1,100})$/.exec(plain);
  const long =
    /^(?:git\+)?(?:https?|git|ssh|git\+ssh):\/\/(?:[\w-]{1,40}@)?(?:www\.)?github\.com[/:]([\w.-]{1,100})\/([\w.-]{1,100})(?:[/?#].{0,300})?$/i.exec(
      plain,
    ) ?? /^git@github\.com:([\w.-]{1,100})\/([\w.-]{1,100})$/i.exec(plain);
  const [, owner, name] = long ?? short ?? [];
  return owner === undefined || name === undefined ? null : `${owner}/${name.replace(/\.git$/i, '')}`;
}

const comparable = (method: LaunchMethod, identifier: string): string => {
  if (method === 'docker') return `docker ${imageReference(identifier)?.image ?? identifier}`;
  if (method === 'remote') return `remote ${identifier.replace(/\/$/, '')}`;
  return `${method} ${method === 'uvx' ? normalised(identifier) : identifier.toLowerCase()}`;
};

const methods: Readonly<Record<string, LaunchMethod>> = {
  npm: 'npx',
  pypi: 'uvx',
  oci: 'docker',
  docker: 'docker',
};

function packagesOf(document: unknown): Set<string> {
  const packages = list(field(document, 'packages')).flatMap((entry) => {
    const method = methods[text(field(entry, 'registryType', 'registry_type', 'registry_name')) ?? ''];
    const identifier = words(field(entry, 'identifier', 'name'));
    if (!method || identifier === null) return [];
    return [comparable(method, identifier.replace(/:\$\{?\w{0,60}\}?$/, ''))];
  });
  const remotes = list(field(document, 'remotes')).flatMap((entry) => {
    const url = words(field(entry, 'url'));
    return url === null ? [] : [comparable('remote', url)];
  });
  return new Set([...packages, ...remotes]);
}

/** The files, cleaned, shortest paths first: the root speaks for the repository. */
export const filesOf = ({ files }: InferenceInput): { path: string; source: string }[] =>
  [...files]
    .map(([path, source]) => ({ path, source: cleanText(source) }))
    .sort((a, b) => depthOf(a.path) - depthOf(b.path) || (a.path < b.path ? -1 : 1));

const depthOf = (path: string): number => path.split('/').length;
