// Port: what the registries of packages and images (npm, PyPI, OCI) say of an identifier.

/** `identifier` as in a launch recipe: a plain name, checked by its rules before it comes here. */
export interface PackageRequest {
  method: 'npx' | 'uvx' | 'docker';
  identifier: string;
  /** A version, tag or null for the newest that is meant for everybody. */
  version: string | null;
}

/** What is known of one version. Everything but integrity and provenance is what its publisher wrote. */
export interface PackageFacts {
  state: 'found';
  /** Exactly one: what "newest" or a tag stood for. Of an image the tag, or null where it is named by digest. */
  version: string | null;
  /** The hash that the registry gives for what would be fetched: npm's integrity, a wheel's sha256, an image's digest. */
  integrity: string | null;
  /** Where it says it comes from, as an https address without `git+` and `.git`; null where it says nothing. */
  repository: string | null;
  /** The folder within that repository, where it says one. */
  directory: string | null;
  /** npm's `mcpName`, PyPI's `mcp-name:` line, an image's label `io.modelcontextprotocol.server.name`. */
  mcp_name: string | null;
  /**
   * The repository from which a build service attested to have built exactly this version, as an https address: npm
   * provenance, a PyPI attestation. Its publisher cannot make it up. Null where there is none.
   */
  provenance: string | null;
  /** Names of its programs; empty where unknown. */
  bins: string[];
  /** Words of its publisher that it should not be used any more. */
  deprecated: string | null;
}

export type PackageAnswer =
  | PackageFacts
  /** There is no such package, or no such version. */
  | { state: 'missing'; detail: string }
  /** Nothing could be learnt: no network, no registry, no npm. Proves nothing in either direction. */
  | { state: 'unreachable'; detail: string };

export interface PackageRegistry {
  /**
   * Never rejects but with the signal's reason when it aborts: what went wrong is part of the answer. npm is asked
   * through the operator's own npm, so that mirrors and credentials apply.
   */
  lookUp(request: PackageRequest, signal: AbortSignal): Promise<PackageAnswer>;
}
