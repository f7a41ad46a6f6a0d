// Where a repository's own sources disagree on what its package is called: a name that nobody confirms is not its own.
import { type LaunchMethod } from '../launch-recipe.ts';
import { type Candidate } from './candidates.ts';
import { type Gathered } from './gathering.ts';
import { type Manifest } from './manifests.ts';
import { normalised } from './relatedness.ts';
import { type RegistryDocument } from './registry-documents.ts';

/** What tells packages of one registry apart. */
export const packageKey = ({ method, identifier }: { method: LaunchMethod; identifier: string }): string =>
  `${method} ${method === 'uvx' ? normalised(identifier) : identifier.toLowerCase().replace(/\/$/, '')}`;

/**
 * Packages, by `packageKey`, that the manifest or server.json names alone while the other and the documentation agree
 * on another name. A security control: a manifest is often called by a short name that is not published, and that
 * somebody else has at the registry. What the documentation does not decide is decided by the manifest that carries the
 * registry's name, except against an entry of the registry, which was checked when it was made.
 */
export function contradictedNames(
  { manifests, documents }: Pick<Gathered, 'manifests' | 'documents'>,
  candidates: readonly Candidate[],
): Set<string> {
  const documented = new Map<string, number>();
  for (const candidate of candidates) {
    const { source } = candidate.sighting;
    if (source === 'registry' || source === 'server.json' || source === 'manifest') continue;
    const name = packageKey(candidate);
    documented.set(name, (documented.get(name) ?? 0) + 1);
  }
  const votes = (name: string): number => documented.get(name) ?? 0;
  const contradicted = new Set<string>();
  for (const manifest of manifests) {
    const own = nameOf(manifest);
    if (own === null) continue;
    for (const document of documents) {
      const isNamed = isOfName(document, manifest);
      if (!isNamed && !standsBeside(document, manifest)) continue;
      const declared = namesIn(document, own.split(' ', 1)[0] ?? '');
      if (declared.length === 0 || declared.includes(own)) continue;
      const confirmed = Math.max(...declared.map(votes));
      const registered = document.sightings.some(({ source }) => source === 'registry');
      if (confirmed > votes(own) || (registered && confirmed === votes(own))) contradicted.add(own);
      else if (isNamed) for (const name of declared) contradicted.add(name);
    }
  }
  return contradicted;
}

function nameOf({ ecosystem, name, private: hidden }: Manifest): string | null {
  if (name === null || hidden) return null;
  if (ecosystem === 'npm') return packageKey({ method: 'npx', identifier: name });
  return ecosystem === 'pypi' ? packageKey({ method: 'uvx', identifier: name }) : null;
}

const isOfName = ({ name }: RegistryDocument, { mcp_name: own }: Manifest): boolean =>
  own !== null && name?.toLowerCase() === own.toLowerCase();

const standsBeside = ({ sightings }: RegistryDocument, { file }: Manifest): boolean =>
  sightings.some(
    (sighting) => sighting.source === 'server.json' && folderOf(sighting.file) === folderOf(file),
  );

const folderOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')));

const namesIn = ({ sightings }: RegistryDocument, method: string): string[] =>
  sightings.flatMap(({ words }) => {
    const identifier = words.at(-1);
    if (identifier === undefined || words[0] !== method || (method !== 'npx' && method !== 'uvx')) return [];
    return [packageKey({ method, identifier })];
  });
