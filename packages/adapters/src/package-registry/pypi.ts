// What PyPI says of a project, through its JSON API and its integrity API.
import type { HttpReader, PackageAnswer, PackageRequest } from '@insightloop/core';
import { z } from 'zod';
import { repositoryAddress } from './repository-address.ts';

export interface PypiContext {
  url: string;
  http: HttpReader;
  signal: AbortSignal;
}

/** Projects with thousands of releases list them all. */
const maxBytes = 16 * 1024 ** 2;

const project = z.object({
  info: z.object({
    version: z.string(),
    description: z.string().nullish(),
    home_page: z.string().nullish(),
    project_urls: z.record(z.string(), z.string()).nullish().catch(null),
    yanked: z.boolean().default(false),
    yanked_reason: z.string().nullish(),
  }),
  urls: z.array(
    z.object({
      packagetype: z.string(),
      filename: z.string(),
      digests: z.object({ sha256: z.string().optional() }),
    }),
  ),
});
type Project = z.output<typeof project>;

export async function lookUpPypi(
  { identifier, version }: PackageRequest,
  { url, http, signal }: PypiContext,
): Promise<PackageAnswer> {
  const path = [identifier, ...(version === null ? [] : [version])].map(encodeURIComponent).join('/');
  const answer = await http.read({ url: `${url}/pypi/${path}/json`, maxBytes, signal });
  if (answer.status === 404)
    return { state: 'missing', detail: 'PyPI has no such project, or no such version' };
  if (answer.status !== 200) return { state: 'unreachable', detail: `PyPI answered ${answer.status}` };
  const found = project.parse(JSON.parse(answer.text));
  const file = found.urls.find(({ packagetype }) => packagetype === 'bdist_wheel') ?? found.urls[0];
  // A version without files is a name and nothing else.
  if (file === undefined) return { state: 'missing', detail: 'PyPI has no file of this version' };
  const { info } = found;
  return {
    state: 'found',
    version: info.version,
    integrity: file.digests.sha256 === undefined ? null : `sha256:${file.digests.sha256}`,
    repository: repositoryOf(found),
    directory: null,
    mcp_name: /\bmcp-name:\s*([A-Za-z0-9.-]+\/[A-Za-z0-9._-]+)/.exec(info.description ?? '')?.[1] ?? null,
    provenance: await provenanceOf(
      `${url}/integrity/${[identifier, info.version, file.filename].map(encodeURIComponent).join('/')}/provenance`,
      { http, signal },
    ),
    bins: [],
    deprecated: info.yanked ? (info.yanked_reason ?? 'yanked') : null,
  };
}

/** Labels are free text; these are the ones that PyPI's own site shows with the mark of a repository (PEP 753). */
const labels = ['repository', 'source', 'sourcecode', 'github', 'code'];
const codeHosts = /^https:\/\/(?:github\.com|gitlab\.com|bitbucket\.org|codeberg\.org)\//;

function repositoryOf({ info }: Project): string | null {
  const urls = Object.entries(info.project_urls ?? {}).map(
    ([label, address]) => [label.toLowerCase().replace(/[^a-z]/g, ''), address] as const,
  );
  const named = labels.flatMap((label) => urls.filter(([known]) => known === label));
  const known = named.flatMap(([, address]) => repositoryAddress(address) ?? []);
  // What is not labelled as one still is one on a host of code: many give it as their home page.
  const others = [info.home_page ?? '', ...urls.map(([, address]) => address)]
    .flatMap((address) => repositoryAddress(address) ?? [])
    .filter((address) => codeHosts.test(address));
  return known[0] ?? others[0] ?? null;
}

const attested = z.object({
  attestation_bundles: z.array(
    z.object({ publisher: z.object({ kind: z.string(), repository: z.string().optional() }) }),
  ),
});

const publishers: Record<string, string> = { GitHub: 'https://github.com', GitLab: 'https://gitlab.com' };

/** PyPI has checked the attestation when it took it in. Null where there is none, or it cannot be had. */
async function provenanceOf(url: string, { http, signal }: Omit<PypiContext, 'url'>): Promise<string | null> {
  try {
    const headers = { accept: 'application/vnd.pypi.integrity.v1+json' };
    const { status, text } = await http.read({ url, headers, maxBytes: 1024 ** 2, signal });
    if (status !== 200) return null;
    const { attestation_bundles } = attested.parse(JSON.parse(text));
    const from = attestation_bundles.flatMap(({ publisher: { kind, repository } }) => {
      const host = publishers[kind];
      return host === undefined || repository === undefined ? [] : [`${host}/${repository}`];
    });
    return from[0] === undefined ? null : repositoryAddress(from[0]);
  } catch {
    signal.throwIfAborted();
    return null;
  }
}
