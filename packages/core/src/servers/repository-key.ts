// One spelling for a repository, whoever writes its address: what sources are joined by.

/**
 * `github.com/owner/name` in lower case, or null where the text names no repository. Takes what people and manifests
 * write: `git+https://…git`, `git@host:owner/name`, `github:owner/name`, a link into a folder of it.
 */
export function repositoryKeyOf(address: string | null | undefined): string | null {
  const text = address?.trim() ?? '';
  if (text === '' || text.length > 2048) return null;
  const short = /^(?:github:)?([\w.-]+\/[\w.-]+)$/.exec(text)?.[1];
  if (short !== undefined) return keyOf('github.com', short);
  const scp = /^(?:ssh:\/\/)?git@([\w.-]+)[:/](.+)$/.exec(text);
  if (scp) return keyOf(scp[1] ?? '', scp[2] ?? '');
  const url = text.replace(/^git\+/, '').replace(/^git:/, 'https:');
  if (!/^(?:https?|ssh):\/\//.test(url) || !URL.canParse(url)) return null;
  const { hostname, port, pathname } = new URL(url);
  // Another port is another service, whoever runs it.
  if (port !== '') return null;
  return keyOf(hostname.replace(/^www\./, ''), pathname);
}

function keyOf(host: string, path: string): string | null {
  const [owner = '', name = ''] = path.replace(/^\/+/, '').split(/[/?#]/);
  const bare = name.replace(/\.git$/, '');
  const isName = (text: string): boolean => /^[\w.-]+$/.test(text) && !/^\.+$/.test(text);
  return host !== '' && isName(owner) && isName(bare) ? `${host}/${owner}/${bare}`.toLowerCase() : null;
}

export const keyOfFullName = (fullName: string): string => `github.com/${fullName}`.toLowerCase();

/** `owner/name` of a repository at GitHub, in lower case; null for other hosts. */
export const githubNameOf = (key: string): string | null => /^github\.com\/(.+)$/.exec(key)?.[1] ?? null;
