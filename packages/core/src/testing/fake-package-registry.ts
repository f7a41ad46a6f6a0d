// Registries of packages and images without a network: the fake of the port PackageRegistry.
import type {
  PackageAnswer,
  PackageFacts,
  PackageRegistry,
  PackageRequest,
} from '../servers/package-registry.ts';

export interface PackageDraft extends Partial<Omit<PackageFacts, 'state' | 'version'>> {
  method: PackageRequest['method'];
  identifier: string;
  version: string;
}

export class FakePackageRegistry implements PackageRegistry {
  /** What was looked up, in order. */
  readonly requests: PackageRequest[] = [];
  readonly #packages = new Map<string, Map<string, PackageFacts>>();
  #unreachable: string | null = null;

  /** The version that was published last is the newest. */
  publish({ method, identifier, version, ...said }: PackageDraft): void {
    const key = `${method} ${identifier}`;
    const versions = this.#packages.get(key) ?? new Map<string, PackageFacts>();
    versions.set(version, {
      state: 'found',
      version,
      integrity: `sha256:${version}`,
      repository: null,
      directory: null,
      mcp_name: null,
      provenance: null,
      bins: [],
      deprecated: null,
      ...said,
    });
    this.#packages.set(key, versions);
  }

  /** Every look-up is answered so from now on; null: as it should be. */
  disconnect(detail: string | null): void {
    this.#unreachable = detail;
  }

  async lookUp(request: PackageRequest, signal: AbortSignal): Promise<PackageAnswer> {
    signal.throwIfAborted();
    this.requests.push(request);
    if (this.#unreachable !== null) return { state: 'unreachable', detail: this.#unreachable };
    const versions = this.#packages.get(`${request.method} ${request.identifier}`);
    const newest = [...(versions?.values() ?? [])].at(-1);
    const isNewest = request.version === null || request.version === 'latest';
    const found = isNewest ? newest : versions?.get(request.version ?? '');
    return structuredClone(found) ?? { state: 'missing', detail: `there is no ${request.identifier}` };
  }
}
