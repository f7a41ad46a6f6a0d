// The parts of an image's name, and where its registry listens.

export interface ImageReference {
  host: string;
  origin: string;
  /** The repository within the registry. */
  name: string;
  tag: string;
  digest: string | null;
}

/** @param identifier an OCI reference that was checked to be one */
export function imageReference(identifier: string, version: string | null): ImageReference {
  const [named = '', digest = null] = identifier.split('@');
  const slash = named.lastIndexOf('/');
  const colon = named.indexOf(':', slash + 1);
  const path = colon === -1 ? named : named.slice(0, colon);
  const tag = colon === -1 ? (version ?? 'latest') : named.slice(colon + 1);
  const first = path.split('/')[0] ?? '';
  // What has neither a dot nor a port is a name at Docker Hub, except for this machine's own.
  const hasHost = path.includes('/') && (/[.:]/.test(first) || first === 'localhost');
  const host = hasHost ? first.toLowerCase() : 'docker.io';
  const rest = hasHost ? path.slice(first.length + 1) : path;
  const isHub = /^(?:index\.)?docker\.io$/.test(host);
  const isLocal = /^(?:localhost|127(?:\.\d{1,3}){3})(?::\d+)?$/.test(host);
  return {
    host,
    origin: isHub ? 'https://registry-1.docker.io' : `${isLocal ? 'http' : 'https'}://${host}`,
    name: isHub && !rest.includes('/') ? `library/${rest}` : rest,
    tag,
    digest,
  };
}
