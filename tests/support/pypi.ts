// A stand-in for PyPI: its JSON API and its integrity API, over projects that tests publish.
import { createHash } from 'node:crypto';
import { createServer, type Server, type ServerResponse } from 'node:http';

export interface PublishedProject {
  name: string;
  version: string;
  /** The long text, where `mcp-name:` stands. */
  description?: string;
  homePage?: string;
  /** By their labels. */
  projectUrls?: Record<string, string>;
  yanked?: string;
  /** `owner/name` at GitHub, from which a workflow attested to have built it. */
  attestedBy?: string;
}

export class Pypi {
  /** Path of each request, in order. */
  readonly requests: string[] = [];
  /** When set, every answer has this status. */
  status: number | null = null;
  readonly #projects = new Map<string, PublishedProject[]>();
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => this.#answer(request.url ?? '/', response));
  }

  /** Listens on a free port of the loopback interface. */
  static async start(): Promise<Pypi> {
    const pypi = new Pypi();
    await new Promise<void>((resolve) => pypi.#server.listen(0, '127.0.0.1', resolve));
    return pypi;
  }

  get url(): string {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('PyPI does not listen.');
    return `http://127.0.0.1:${address.port}`;
  }

  /** The version that was published last is the newest. */
  publish(project: PublishedProject): void {
    const key = normalName(project.name);
    this.#projects.set(key, [...(this.#projects.get(key) ?? []), project]);
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #answer(path: string, response: ServerResponse): void {
    this.requests.push(path);
    const send = (status: number, body: object, headers: Record<string, string> = {}): void => {
      response.writeHead(status, { 'content-type': 'application/json', ...headers });
      response.end(JSON.stringify(body));
    };
    if (this.status !== null) return send(this.status, { message: 'fault of a test' });
    const [, area, name = '', ...rest] = path.split('/').map(decodeURIComponent);
    if (area === 'pypi' && name !== normalName(name))
      return send(301, {}, { location: `/pypi/${[normalName(name), ...rest].join('/')}` });
    const releases = this.#projects.get(normalName(name)) ?? [];
    const version = area === 'pypi' && rest.length === 1 ? releases.at(-1)?.version : rest[0];
    const release = releases.findLast((one) => one.version === version);
    if (release === undefined) return send(404, { message: 'Not Found' });
    if (area === 'pypi') return send(200, projectPayload(release));
    const isAsked = area === 'integrity' && rest[1] === wheelOf(release) && rest[2] === 'provenance';
    if (!isAsked || release.attestedBy === undefined) return send(404, { message: 'Not Found' });
    send(200, provenancePayload(release.attestedBy));
  }
}

const normalName = (name: string): string => name.toLowerCase().replace(/[-_.]+/g, '-');

const wheelOf = ({ name, version }: PublishedProject): string =>
  `${normalName(name).replaceAll('-', '_')}-${version}-py3-none-any.whl`;

const projectPayload = (project: PublishedProject): object => {
  const { name, version, yanked } = project;
  const filename = wheelOf(project);
  const digest = (algorithm: string): string => createHash(algorithm).update(filename).digest('hex');
  return {
    info: {
      author: null,
      classifiers: [],
      description: project.description ?? '',
      description_content_type: 'text/markdown',
      home_page: project.homePage ?? null,
      license: null,
      name,
      package_url: `https://pypi.org/project/${name}/`,
      project_urls: project.projectUrls ?? null,
      requires_dist: ['mcp>=1.0'],
      requires_python: '>=3.10',
      summary: null,
      version,
      yanked: yanked !== undefined,
      yanked_reason: yanked ?? null,
    },
    last_serial: 1,
    urls: [
      {
        digests: { blake2b_256: digest('sha256'), md5: digest('md5'), sha256: digest('sha256') },
        filename,
        packagetype: 'bdist_wheel',
        python_version: 'py3',
        size: 1000,
        url: `https://files.pythonhosted.org/packages/${filename}`,
        yanked: yanked !== undefined,
      },
    ],
    vulnerabilities: [],
  };
};

const provenancePayload = (repository: string): object => ({
  version: 1,
  attestation_bundles: [
    {
      publisher: { kind: 'GitHub', repository, workflow: 'release.yml', environment: 'pypi', claims: null },
      attestations: [{ version: 1 }],
    },
  ],
});
