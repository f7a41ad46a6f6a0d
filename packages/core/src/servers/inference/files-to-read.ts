// Which files of a repository inference wants, so that it says the same of the API as of a folder on a disk.

/** At the root, whatever a listing says; a caller without a listing tries these. */
export const rootFilesToRead = [
  'README.md',
  'server.json',
  'package.json',
  'pyproject.toml',
  'mcp.json',
  '.mcp.json',
  'gemini-extension.json',
  'manifest.json',
  'smithery.yaml',
  '.env.example',
  'go.mod',
  'Cargo.toml',
] as const;

const wanted =
  /^(?:readme(?:\.md|\.markdown|\.rst|\.txt)?|server\.json|package\.json|pyproject\.toml|cargo\.toml|go\.mod|pubspec\.yaml|\.?mcp(?:[-_](?:config|settings|servers?))?\.json|\.mcp\.json\.example|claude_desktop_config(?:\.example)?\.json|gemini-extension\.json|manifest\.json|smithery\.ya?ml|dockerfile|(?:docker-)?compose\.ya?ml|\.?env[.-](?:example|sample|template|dist)|example\.env)$/i;

/** Below the root only what names a package, describes it, or says how it is configured. */
const wantedBelow =
  /^(?:readme\.md|server\.json|package\.json|pyproject\.toml|manifest\.json|smithery\.ya?ml)$/i;

const aside =
  /(?:^|\/)(?:\.[^/]+|node_modules|vendor|dist|build|tests?|__tests__|e2e|fixtures?|examples?|samples?|demos?|docs?|website|site|benchmarks?|scripts?|assets|templates?)(?:\/|$)/i;

/** Folders of packages: there a server may lie two levels down. */
const shelves = /^(?:packages|npm|python|servers?|src|apps|mcp|crates|js|typescript)$/i;

const most = 60;

/**
 * The paths to fetch, most telling first. `tree`: the paths of all files of the repository, as `git ls-tree -r` or
 * GitHub's trees give them. At most 60, so that a repository made to be large costs no more than another.
 */
export function filesToRead(tree: readonly string[]): string[] {
  const root: string[] = [];
  const below: string[] = [];
  for (const path of tree) {
    const parts = path.split('/');
    const name = parts.at(-1) ?? '';
    if (parts.length === 1) {
      if (wanted.test(name)) root.push(path);
    } else if (wantedBelow.test(name) && !aside.test(path.slice(0, path.lastIndexOf('/')))) {
      const [shelf = ''] = parts;
      const deep = /^(?:manifest\.json|smithery\.ya?ml)$/i.test(name) ? 4 : 3;
      if (parts.length === 2 || (parts.length <= deep && shelves.test(shelf))) below.push(path);
    }
  }
  const order = (path: string): number => path.split('/').length;
  return [...root, ...below.sort((a, b) => order(a) - order(b) || (a < b ? -1 : 1))].slice(0, most);
}
