// Port: which host paths a server may be given.

export type MountCheck =
  { ok: true; realPath: string; kind: 'file' | 'directory' } | { ok: false; reason: string };

export interface MountRoots {
  /** Resolves links and says whether what is meant lies under a root that the operator opened. */
  check(path: string): Promise<MountCheck>;
}
