// Which entries of the official registry speak for a repository: anybody can write any repository's address into theirs.
import type { CodeRepository } from './code-host.ts';
import type { RegistryEntry } from './mcp-registry.ts';
import { keyOfFullName, repositoryKeyOf } from './repository-key.ts';
import { ownsHost } from './verification.ts';

export interface TrustSubject {
  repository: Pick<CodeRepository, 'full_name' | 'owner' | 'homepage'>;
  /** Names of entries that the repository's own files claim: `name` of its server.json, `mcpName` of its manifest. */
  claimedNames?: ReadonlySet<string>;
}

export const isAbout = (entry: RegistryEntry, fullName: string): boolean =>
  repositoryKeyOf(entry.repository_url) === keyOfFullName(fullName);

/**
 * The namespace is the repository's owner's, or the domain of its homepage, or its files claim the entry by name. An entry
 * in another namespace is somebody else's, whatever address it gives.
 */
export function speaksFor(entry: RegistryEntry, { repository, claimedNames }: TrustSubject): boolean {
  if (!isAbout(entry, repository.full_name)) return false;
  const [namespace = ''] = entry.name.split('/');
  if (namespace.toLowerCase() === `io.github.${repository.owner.toLowerCase()}`) return true;
  if (claimedNames?.has(entry.name)) return true;
  return !/^io\.github\./i.test(namespace) && ownsHost(entry.name, repository.homepage ?? '');
}

const claimingFiles = /(?:^|\/)(?:server|package)\.json$/;

/** Entry names that files of the repository claim; what cannot be read claims nothing. */
export function claimedNamesIn(files: ReadonlyMap<string, string>): Set<string> {
  const names = new Set<string>();
  for (const [path, text] of files) {
    if (!claimingFiles.test(path)) continue;
    const field = path.endsWith('server.json') ? 'name' : 'mcpName';
    const value = fieldOf(text, field);
    if (typeof value === 'string' && value.includes('/')) names.add(value);
  }
  return names;
}

function fieldOf(text: string, field: string): unknown {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null && Object.hasOwn(parsed, field)
      ? Object.entries(parsed).find(([key]) => key === field)?.[1]
      : undefined;
  } catch {
    return undefined;
  }
}
