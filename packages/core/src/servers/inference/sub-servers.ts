// Monorepos: folders that are servers of their own, and which files belong to which.
import { type SourceFile } from './gathering.ts';
import { type Manifest, readManifest } from './manifests.ts';

/** A folder that holds a server of its own. */
export interface ServerFolder {
  path: string;
  name: string;
}

const isReadme = (path: string): boolean => /(?:^|\/)readme(?:\.md|\.markdown|\.rst|\.txt)?$/i.test(path);

/**
 * The folders of a monorepo, or none where the repository is one server. A folder counts when it has a README and a
 * manifest of its own; two make a monorepo, unless the root is itself published.
 */
export function serverFolders(files: readonly SourceFile[]): ServerFolder[] {
  const byFolder = new Map<string, { manifest: Manifest | null; readme: boolean }>();
  for (const { path, source } of files) {
    const folder = path.slice(0, Math.max(0, path.lastIndexOf('/')));
    const known = byFolder.get(folder) ?? { manifest: null, readme: false };
    known.manifest ??= readManifest(path, source);
    known.readme ||= isReadme(path);
    byFolder.set(folder, known);
  }
  const root = byFolder.get('')?.manifest ?? null;
  if (root && !root.private && !root.workspaces && root.speaks_mcp && root.programs.length > 0) return [];
  const folders = [...byFolder].filter(([folder, { manifest, readme }]) => {
    if (folder === '' || folder.split('/').length > 2 || !readme || !manifest) return false;
    if (/(?:^|\/)(?:examples?|tests?|docs|templates?|samples?|demos?)(?:\/|$)/i.test(folder)) return false;
    return isServer(manifest);
  });
  if (folders.length < 2) return [];
  return folders.map(([path]) => ({ path, name: path.slice(path.lastIndexOf('/') + 1) }));
}

const isServer = ({ speaks_mcp: speaks, programs, private: hidden, name, ecosystem }: Manifest): boolean => {
  if (
    /(?:^|[-_/])(?:sdk|client|core|common|types|utils|shared|eslint-config|typescript-config|docs)$/.test(
      name ?? '',
    )
  )
    return false;
  // Hosted servers are private to npm and have no program; their README says where they are.
  return (speaks && (programs.length > 0 || ecosystem === 'go')) || hidden;
};

/** The files below a folder, as if it were the root. */
export const filesBelow = (files: readonly SourceFile[], folder: string): SourceFile[] =>
  files.flatMap(({ path, source }) =>
    path.startsWith(`${folder}/`) ? [{ path: path.slice(folder.length + 1), source }] : [],
  );
