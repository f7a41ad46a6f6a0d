// Where a package says that it comes from, in the one form in which addresses can be compared.

/** Of other hosts' own short forms; npm reads a bare `owner/name` as GitHub's. */
const shortHosts: Record<string, string> = {
  github: 'github.com',
  gitlab: 'gitlab.com',
  bitbucket: 'bitbucket.org',
};

/**
 * An https address without user, query, fragment and `.git`; a page within a repository of GitHub becomes the
 * repository's. Null where the text is no address of a repository.
 */
export function repositoryAddress(text: string): string | null {
  const plain = text.trim().replace(/^git\+/, '');
  const short = /^(?:(github|gitlab|bitbucket):)?([\w.-]+\/[\w.-]+?)(?:#.*)?$/.exec(plain);
  if (short !== null) return addressAt(shortHosts[short[1] ?? 'github'] ?? 'github.com', short[2] ?? '');
  // `git@host:owner/name`, which is no URL.
  const scp = /^[\w.-]+@([\w.-]+):(?!\/\/)(.+)$/.exec(plain);
  if (scp !== null) return addressAt(scp[1] ?? '', scp[2] ?? '');
  if (!URL.canParse(plain)) return null;
  const url = new URL(plain);
  if (!/^(?:https?|git|ssh):$/.test(url.protocol)) return null;
  // Of ssh the port says nothing about the web.
  return addressAt(/^https?:$/.test(url.protocol) ? url.host : url.hostname, url.pathname);
}

function addressAt(host: string, path: string): string | null {
  const name = host.toLowerCase().replace(/^www\./, '');
  const parts = path
    .replace(/[?#].*$/s, '')
    .split('/')
    .filter((part) => part !== '');
  const own = name === 'github.com' ? parts.slice(0, 2) : parts;
  if (name === '' || own.length < 2) return null;
  const address = `https://${name}/${own.join('/').replace(/\.git$/, '')}`;
  return URL.canParse(address) ? address : null;
}
