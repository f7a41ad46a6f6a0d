// What a registry of images says of one: whether it is there, its digest, and the labels that its builder gave it.
import type { HttpAnswer, HttpReader, PackageAnswer, PackageRequest } from '@insightloop/core';
import { z } from 'zod';
import { imageReference, type ImageReference } from './image-reference.ts';
import { repositoryAddress } from './repository-address.ts';

export interface ImageContext {
  /** Guarded: a stranger's text names the host. */
  http: HttpReader;
  signal: AbortSignal;
}

const maxBytes = 4 * 1024 ** 2;

/** Indexes of several platforms first: their digest is the one that people pin. */
const accept = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ');

const manifest = z.object({
  manifests: z
    .array(
      z.object({
        digest: z.string(),
        platform: z.object({ os: z.string(), architecture: z.string() }).optional(),
      }),
    )
    .optional(),
  config: z.object({ digest: z.string() }).optional(),
  annotations: z.record(z.string(), z.string()).nullish(),
});
const config = z.object({
  config: z.object({ Labels: z.record(z.string(), z.string()).nullish() }).nullish(),
});

export async function lookUpImage(
  { identifier, version }: PackageRequest,
  { http, signal }: ImageContext,
): Promise<PackageAnswer> {
  const image = imageReference(identifier, version);
  const get = createImageReader(image, { http, signal });
  const top = await get(`manifests/${image.digest ?? image.tag}`);
  // Docker Hub also says 401 of an image that does not exist, even to one with a token for it.
  if (top.status === 404 || top.status === 401 || top.status === 403)
    return { state: 'missing', detail: `${image.host} has no such image, or keeps it private` };
  if (top.status !== 200) return { state: 'unreachable', detail: `${image.host} answered ${top.status}` };
  const labels = await labelsOf(manifest.parse(JSON.parse(top.text)), get);
  const source = labels['org.opencontainers.image.source'];
  return {
    state: 'found',
    version: image.digest === null ? image.tag : null,
    integrity: image.digest ?? top.headers.get('docker-content-digest'),
    repository: source === undefined ? null : repositoryAddress(source),
    directory: null,
    mcp_name: labels['io.modelcontextprotocol.server.name'] ?? null,
    provenance: null,
    bins: [],
    deprecated: null,
  };
}

type ReadImage = (path: string) => Promise<HttpAnswer>;

/** Those of any one platform: they do not differ. Annotations of the index stand in where it has no labels. */
async function labelsOf(
  top: z.output<typeof manifest>,
  get: ReadImage,
): Promise<Record<string, string | undefined>> {
  const platforms = top.manifests ?? [];
  const one = platforms.find(({ platform }) => platform?.os === 'linux') ?? platforms[0];
  const document = one === undefined ? top : await parsedAt(`manifests/${one.digest}`, manifest, get);
  const details = document?.config;
  const built = details === undefined ? null : await parsedAt(`blobs/${details.digest}`, config, get);
  return { ...top.annotations, ...document?.annotations, ...built?.config?.Labels };
}

async function parsedAt<T>(path: string, schema: z.ZodType<T>, get: ReadImage): Promise<T | null> {
  const { status, text } = await get(path);
  return status === 200 ? schema.parse(JSON.parse(text)) : null;
}

/** Asks once without, and then with the token that the registry's own authority gives to anybody. */
function createImageReader({ origin, name }: ImageReference, { http, signal }: ImageContext): ReadImage {
  let authorization: Record<string, string> = {};
  const read: ReadImage = (path) =>
    http.read({
      url: `${origin}/v2/${name}/${path}`,
      headers: { accept, ...authorization },
      maxBytes,
      // Blobs lie with other hosts, which must not see the token.
      redirects: 'any-origin',
      signal,
    });
  return async (path) => {
    const answer = await read(path);
    if (answer.status !== 401 || 'authorization' in authorization) return answer;
    const token = await anonymousToken(answer.headers.get('www-authenticate') ?? '', { http, signal });
    if (token === null) return answer;
    authorization = { authorization: `Bearer ${token}` };
    return read(path);
  };
}

const tokenAnswer = z.object({ token: z.string().optional(), access_token: z.string().optional() });

/** The challenge is `Bearer realm="…",service="…",scope="…"` (OCI distribution, token authentication). */
async function anonymousToken(challenge: string, { http, signal }: ImageContext): Promise<string | null> {
  if (!/^bearer /i.test(challenge)) return null;
  const said = Object.fromEntries(
    [...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, key = '', value = '']) => [key.toLowerCase(), value]),
  );
  const { realm = '', service, scope } = said;
  if (!URL.canParse(realm)) return null;
  const url = new URL(realm);
  if (service !== undefined) url.searchParams.set('service', service);
  if (scope !== undefined) url.searchParams.set('scope', scope);
  const { status, text } = await http.read({ url: url.href, maxBytes: 64 * 1024, signal });
  if (status !== 200) return null;
  const { token, access_token } = tokenAnswer.parse(JSON.parse(text));
  return token ?? access_token ?? null;
}
