// A stand-in for a registry of images: manifests, configurations and anonymous tokens, over images that tests publish.
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

export interface PublishedImage {
  name: string;
  tag: string;
  labels?: Record<string, string>;
}

const anybodysToken = 'token-of-anybody';

export class ImageRegistry {
  /** Path and authorization of each request, in order. */
  readonly requests: { path: string; authorization: string | null }[] = [];
  /** When set, every answer has this status. */
  status: number | null = null;
  /** Content by `name@digest`, and digests by `name:tag`. */
  readonly #contents = new Map<string, { type: string; content: string }>();
  readonly #tags = new Map<string, string>();
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => this.#answer(request, response));
  }

  /** Listens on a free port of the loopback interface. */
  static async start(): Promise<ImageRegistry> {
    const registry = new ImageRegistry();
    await new Promise<void>((resolve) => registry.#server.listen(0, '127.0.0.1', resolve));
    return registry;
  }

  /** As it stands before the name of an image. */
  get host(): string {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('The registry does not listen.');
    return `127.0.0.1:${address.port}`;
  }

  /** An index of one platform. Its tag is `latest` too. Answers its digest. */
  publish({ name, tag, labels = {} }: PublishedImage): string {
    const put = (type: string, document: object): string => {
      const content = JSON.stringify(document);
      const digest = `sha256:${createHash('sha256').update(content).digest('hex')}`;
      this.#contents.set(`${name}@${digest}`, { type, content });
      return digest;
    };
    const platform = { architecture: 'amd64', os: 'linux' };
    const config = put('application/vnd.oci.image.config.v1+json', {
      ...platform,
      config: { Labels: { ...labels }, Cmd: ['serve'], Tag: tag },
    });
    const manifest = put('application/vnd.oci.image.manifest.v1+json', {
      schemaVersion: 2,
      config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: config, size: 1 },
      layers: [],
    });
    const index = put('application/vnd.oci.image.index.v1+json', {
      schemaVersion: 2,
      manifests: [
        { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest: manifest, size: 1, platform },
      ],
    });
    for (const alias of [tag, 'latest']) this.#tags.set(`${name}:${alias}`, index);
    return index;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { url: path = '/', headers } = request;
    const authorization = headers.authorization ?? null;
    this.requests.push({ path, authorization });
    const send = (status: number, body: string, more: Record<string, string> = {}): void => {
      response.writeHead(status, { 'content-type': 'application/json', ...more });
      response.end(body);
    };
    if (this.status !== null) return send(this.status, '{"errors":[]}');
    if (path.startsWith('/token'))
      return send(200, JSON.stringify({ token: anybodysToken, expires_in: 300 }));
    if (authorization !== `Bearer ${anybodysToken}`)
      return send(401, '{"errors":[{"code":"UNAUTHORIZED"}]}', {
        'www-authenticate': `Bearer realm="http://${this.host}/token",service="stand-in",scope="repository:any:pull"`,
      });
    const [, name = '', area, reference = ''] = /^\/v2\/(.+)\/(manifests|blobs)\/([^/]+)$/.exec(path) ?? [];
    const digest = reference.startsWith('sha256:') ? reference : this.#tags.get(`${name}:${reference}`);
    const found = this.#contents.get(`${name}@${digest ?? ''}`);
    if (found === undefined || digest === undefined)
      return send(404, '{"errors":[{"code":"MANIFEST_UNKNOWN"}]}');
    const type = area === 'blobs' ? 'application/octet-stream' : found.type;
    send(200, found.content, { 'content-type': type, 'docker-content-digest': digest });
  }
}
