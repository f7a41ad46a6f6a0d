// A stand-in for an npm registry: serves packages that tests make up, and answers as late and as badly as they ask.
import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { packTarball, type PackedFile } from './npm-tarball.ts';

export interface PackageManifest {
  name: string;
  version: string;
  [field: string]: unknown;
}

export interface PublishedPackage {
  manifest: PackageManifest;
  /** By path inside of the package; package.json is made from the manifest. */
  files?: Record<string, string | Buffer>;
  /** The repository, as an https address, from which a workflow attested to have built it. */
  attestedBy?: string;
}

export type RegistryFault =
  /** An answer with this status, such as 404 or 500. */
  | { kind: 'status'; status: number }
  /** Half of the answer, then the connection breaks. */
  | { kind: 'cut' }
  /** The whole answer, with other content than was promised. */
  | { kind: 'wrong-content' }
  /** Nothing for so long, then the answer. */
  | { kind: 'delay'; delayMs: number };

interface Release {
  manifest: PackageManifest;
  tarball: Buffer;
  attestedBy: string | null;
}

interface Hold {
  packageName: string;
  reached: () => void;
  released: Promise<void>;
}

export class NpmRegistry {
  /** Method and path of each request, in order. */
  readonly requests: string[] = [];
  /** When set, requests without this bearer token are 401. */
  token: string | null = null;
  readonly #packages = new Map<string, Map<string, Release>>();
  readonly #faults = new Map<string, RegistryFault>();
  readonly #holds: Hold[] = [];
  readonly #closed = new AbortController();
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch((error: unknown) => response.destroy(error as Error));
    });
  }

  /** Listens on a free port of the loopback interface. */
  static async start(): Promise<NpmRegistry> {
    const registry = new NpmRegistry();
    await new Promise<void>((resolve) => registry.#server.listen(0, '127.0.0.1', resolve));
    return registry;
  }

  /** Ends with a slash, as the setting `registry` wants it. */
  get url(): string {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('The registry does not listen.');
    return `http://127.0.0.1:${address.port}/`;
  }

  /** The version that was published last is `latest`. */
  publish({ manifest, files = {}, attestedBy }: PublishedPackage): void {
    const entries: PackedFile[] = Object.entries({
      'package.json': JSON.stringify(manifest, null, 2),
      ...files,
    }).map(([path, content]) => ({
      path: `package/${path}`,
      content: Buffer.from(content),
      executable: false,
    }));
    this.#add({ manifest, tarball: packTarball(entries), attestedBy: attestedBy ?? null });
  }

  /** Publishes all files of a folder that has a package.json; `changes` go over it. */
  async publishFolder(folder: string, changes: Partial<PackageManifest> = {}): Promise<void> {
    const files: Record<string, Buffer> = {};
    for (const path of await readdir(folder, { recursive: true })) {
      if ((await stat(join(folder, path))).isFile()) files[path] = await readFile(join(folder, path));
    }
    const { 'package.json': text = Buffer.from('{}'), ...rest } = files;
    const manifest = { ...(JSON.parse(text.toString()) as PackageManifest), ...changes };
    this.publish({ manifest, files: rest });
  }

  /** How the packument of a package (`name`) or its tarballs (`name.tgz`) are answered from now on; null as they should be. */
  breakWith(what: string, fault: RegistryFault | null): void {
    if (fault === null) this.#faults.delete(what);
    else this.#faults.set(what, fault);
  }

  /** The next request for a tarball of this package waits. */
  hold(packageName: string): { reached: Promise<void>; release(): void } {
    const reached = Promise.withResolvers<void>();
    const released = Promise.withResolvers<void>();
    this.#holds.push({ packageName, reached: reached.resolve, released: released.promise });
    return { reached: reached.promise, release: released.resolve };
  }

  /** How often tarballs of this package were asked for. */
  downloads(packageName: string): number {
    return this.requests.filter((request) => request.startsWith(`GET /${packageName}/-/`)).length;
  }

  async close(): Promise<void> {
    this.#closed.abort();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #add(release: Release): void {
    const { name, version } = release.manifest;
    const releases = this.#packages.get(name) ?? new Map<string, Release>();
    releases.set(version, release);
    this.#packages.set(name, releases);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = decodeURIComponent(new URL(request.url ?? '/', this.url).pathname);
    this.requests.push(`${request.method ?? ''} ${path}`);
    if (this.token !== null && request.headers.authorization !== `Bearer ${this.token}`) {
      return send(response, 401, { error: 'unauthorized' });
    }
    const attested = /^\/-\/npm\/v1\/attestations\/(.+)@([^@]+)$/.exec(path);
    if (attested !== null) return this.#serveAttestation(response, attested[1] ?? '', attested[2] ?? '');
    const [, name = '', version] =
      /^\/((?:@[^/]+\/)?[^/]+)(?:\/-\/.*?-(\d+\.\d+\.\d+.*)\.tgz)?$/.exec(path) ?? [];
    const releases = this.#packages.get(name);
    if (releases === undefined) return send(response, 404, { error: 'Not found' });
    if (version === undefined)
      return this.#serve(response, name, Buffer.from(this.#packument(name, releases)));
    const release = releases.get(version);
    if (release === undefined) return send(response, 404, { error: 'Not found' });
    await this.#waitFor(name);
    await this.#serve(response, `${name}.tgz`, release.tarball);
  }

  #serveAttestation(response: ServerResponse, name: string, version: string): void {
    const release = this.#packages.get(name)?.get(version);
    if (release === undefined || release.attestedBy === null)
      return send(response, 404, { error: 'Not found' });
    send(response, 200, attestationsOf(release, release.attestedBy));
  }

  async #waitFor(packageName: string): Promise<void> {
    const at = this.#holds.findIndex((hold) => hold.packageName === packageName);
    const [hold] = at === -1 ? [] : this.#holds.splice(at, 1);
    if (hold === undefined) return;
    hold.reached();
    await Promise.race([hold.released, aborted(this.#closed.signal)]);
  }

  async #serve(response: ServerResponse, what: string, content: Buffer): Promise<void> {
    const fault = this.#faults.get(what);
    if (fault?.kind === 'status')
      return send(response, fault.status, { error: `fault of a test: ${fault.status}` });
    if (fault?.kind === 'delay')
      await Promise.race([delay(fault.delayMs, response), aborted(this.#closed.signal)]);
    const sent =
      fault?.kind === 'wrong-content'
        ? packTarball([{ path: 'package/other', content, executable: false }])
        : content;
    response.writeHead(200, {
      'content-type': what.endsWith('.tgz') ? 'application/octet-stream' : 'application/json',
      'content-length': sent.length,
    });
    if (fault?.kind !== 'cut') return void response.end(sent);
    response.write(sent.subarray(0, sent.length / 2), () => response.destroy());
  }

  #attestationMark(name: string, version: string): object {
    return {
      url: `${this.url}-/npm/v1/attestations/${name.replace('/', '%2f')}@${version}`,
      provenance: { predicateType: 'https://slsa.dev/provenance/v1' },
    };
  }

  #packument(name: string, releases: Map<string, Release>): string {
    const versions = [...releases].map(([version, { manifest, tarball, attestedBy }]) => {
      const file = `${name.slice(name.indexOf('/') + 1)}-${version}.tgz`;
      const dist = {
        tarball: `${this.url}${name}/-/${file}`,
        shasum: createHash('sha1').update(tarball).digest('hex'),
        integrity: `sha512-${createHash('sha512').update(tarball).digest('base64')}`,
        ...(attestedBy === null ? {} : { attestations: this.#attestationMark(name, version) }),
      };
      return [version, { ...manifest, ...installScriptMark(manifest), dist }] as const;
    });
    const latest = [...releases.keys()].at(-1);
    return JSON.stringify({ name, 'dist-tags': { latest }, versions: Object.fromEntries(versions) });
  }
}

/** What npm's registry keeps for a release that a workflow built: a publication, and its provenance. */
const attestationsOf = ({ manifest, tarball }: Release, repository: string): object => {
  const sha512 = createHash('sha512').update(tarball).digest('hex');
  const subject = [
    { name: `pkg:npm/${manifest.name.replace('@', '%40')}@${manifest.version}`, digest: { sha512 } },
  ];
  const bundleOf = (predicateType: string, predicate: object): object => ({
    predicateType,
    bundle: {
      mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
      dsseEnvelope: {
        payloadType: 'application/vnd.in-toto+json',
        payload: Buffer.from(
          JSON.stringify({ _type: 'https://in-toto.io/Statement/v1', subject, predicateType, predicate }),
        ).toString('base64'),
        signatures: [{ sig: 'none', keyid: '' }],
      },
    },
  });
  const workflow = { ref: 'refs/heads/main', repository, path: '.github/workflows/release.yml' };
  return {
    attestations: [
      bundleOf('https://github.com/npm/attestation/tree/main/specs/publish/v0.1', { ...manifest }),
      bundleOf('https://slsa.dev/provenance/v1', { buildDefinition: { externalParameters: { workflow } } }),
    ],
  };
};

/** npm's short form of a packument says so of a package, and npm believes it. */
const installScriptMark = ({ scripts }: PackageManifest): { hasInstallScript?: true } => {
  const names = typeof scripts === 'object' && scripts !== null ? Object.keys(scripts) : [];
  return names.some((name) => /^(?:pre|post)?install$/.test(name)) ? { hasInstallScript: true } : {};
};

const send = (response: ServerResponse, status: number, body: object): void => {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
};

const delay = (ms: number, response: ServerResponse): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    response.on('close', () => {
      clearTimeout(timer);
      resolve();
    });
  });

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
