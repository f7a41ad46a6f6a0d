// What npm says of a package, and the repository that a build service attested for it.
import type { HttpReader, PackageAnswer, PackageRequest } from '@insightloop/core';
import { z } from 'zod';
import { repositoryAddress } from './repository-address.ts';

/** One release, as the fields that were asked for; or why there is none. */
export type NpmReply =
  | { state: 'found'; document: unknown }
  | { state: 'missing'; detail: string }
  | { state: 'unreachable'; detail: string };

/** Rejects with the signal's reason alone. */
export type AskNpm = (
  release: { name: string; version: string | null; fields: readonly string[] },
  signal: AbortSignal,
) => Promise<NpmReply>;

export interface NpmContext {
  askNpm: AskNpm;
  /** For attestations, which npm itself does not show. */
  http: HttpReader;
  signal: AbortSignal;
}

const fields = ['name', 'version', 'repository', 'mcpName', 'bin', 'deprecated', 'dist'];

/** What a publisher wrote may be anything; what is not as it should be is not there. */
const optional = <T extends z.ZodType>(schema: T) => schema.nullish().catch(null);

const release = z.object({
  name: z.string(),
  version: z.string(),
  repository: optional(
    z.union([
      z.string().transform((url) => ({ url, directory: null })),
      z.object({ url: z.string(), directory: optional(z.string()) }),
    ]),
  ),
  mcpName: optional(z.string()),
  bin: optional(z.union([z.string(), z.record(z.string(), z.string())])),
  deprecated: optional(z.string()),
  dist: z.object({
    integrity: optional(z.string()),
    attestations: optional(z.object({ url: z.url({ protocol: /^https?$/ }) })),
  }),
});

export async function lookUpNpm(
  { identifier, version }: PackageRequest,
  { askNpm, http, signal }: NpmContext,
): Promise<PackageAnswer> {
  const reply = await askNpm({ name: identifier, version, fields }, signal);
  if (reply.state !== 'found') return reply;
  const found = release.parse(reply.document);
  const integrity = found.dist.integrity ?? null;
  const attested = found.dist.attestations?.url;
  return {
    state: 'found',
    version: found.version,
    integrity,
    repository: repositoryAddress(found.repository?.url ?? ''),
    directory: found.repository?.directory ?? null,
    mcp_name: found.mcpName ?? null,
    provenance:
      attested === undefined || integrity === null
        ? null
        : await provenanceIn(attested, integrity, { http, signal }),
    bins: binsOf(found.bin ?? null, found.name),
    deprecated: found.deprecated ?? null,
  };
}

const binsOf = (bin: string | Record<string, string> | null, name: string): string[] => {
  if (bin === null) return [];
  return typeof bin === 'string' ? [name.slice(name.indexOf('/') + 1)] : Object.keys(bin);
};

const maxAttestationBytes = 1024 ** 2;

const bundles = z.object({
  attestations: z.array(
    z.object({
      predicateType: z.string(),
      bundle: z.object({ dsseEnvelope: z.object({ payload: z.base64() }) }),
    }),
  ),
});

/** An in-toto statement of SLSA provenance, in its versions 1 and 0.2. */
const statement = z.object({
  subject: z.array(z.object({ digest: z.object({ sha512: z.string().optional() }) })),
  predicate: z.object({
    buildDefinition: z
      .object({ externalParameters: z.object({ workflow: z.object({ repository: z.string() }) }) })
      .optional(),
    invocation: z.object({ configSource: z.object({ uri: z.string() }) }).optional(),
  }),
});

/**
 * The registry has checked the signatures when it took them in; we check that they are about this very file. Null where
 * they are not, or cannot be had: then the package is judged as one without.
 */
async function provenanceIn(
  url: string,
  integrity: string,
  { http, signal }: Omit<NpmContext, 'askNpm'>,
): Promise<string | null> {
  try {
    const { status, text } = await http.read({ url, maxBytes: maxAttestationBytes, signal });
    if (status !== 200) return null;
    const { attestations } = bundles.parse(JSON.parse(text));
    const slsa = attestations.find(({ predicateType }) =>
      predicateType.startsWith('https://slsa.dev/provenance/'),
    );
    if (slsa === undefined) return null;
    const payload = Buffer.from(slsa.bundle.dsseEnvelope.payload, 'base64').toString('utf8');
    const { subject, predicate } = statement.parse(JSON.parse(payload));
    const digests = subject.map(({ digest }) => digest.sha512?.toLowerCase());
    if (!digests.some((digest) => digest !== undefined && digest === sha512In(integrity))) return null;
    const source =
      predicate.buildDefinition?.externalParameters.workflow.repository ??
      predicate.invocation?.configSource.uri.replace(/@[^@/]*(?:\/[^@]*)?$/, '');
    return source === undefined ? null : repositoryAddress(source);
  } catch {
    signal.throwIfAborted();
    return null;
  }
}

const sha512In = (integrity: string): string | null => {
  const base64 = /(?:^|\s)sha512-([A-Za-z0-9+/=]+)/.exec(integrity)?.[1];
  return base64 === undefined ? null : Buffer.from(base64, 'base64').toString('hex');
};
