// Whether a package is the one of a repository: a security control, because anybody can publish under a name that a README mentions.
import type { PackageAnswer, PackageFacts, PackageRegistry } from './package-registry.ts';
import { repositoryKeyOf } from './repository-key.ts';
import type { LaunchRecipe } from './launch-recipe.ts';

export interface Claim {
  /** `github.com/owner/name` of the repository that the recipe was found in. */
  repositoryKey: string;
  /** Names that it had before, and that still lead to it: nobody has taken them since. */
  formerKeys: readonly string[];
  /** The repository's own manifest, server.json or registry entry names the package. README text is none of them. */
  namedByRepository: boolean;
  /** Names in the official registry whose entries are this repository's. */
  registryNames: readonly string[];
}

type Judgement = Pick<LaunchRecipe, 'verified' | 'verified_by'> & { detail: string };

/**
 * Both directions, or provenance: the repository names the package, and the package's metadata points back; or a build
 * service attested that exactly this version was built from the repository. Each alone proves nothing: a README can be
 * quoted, and `repository` is whatever the publisher writes.
 */
export function judge(facts: PackageAnswer, claim: Claim): Judgement {
  if (facts.state === 'unreachable')
    return {
      verified: null,
      verified_by: null,
      detail: `the package registry does not answer: ${facts.detail}`,
    };
  if (facts.state === 'missing') return { verified: false, verified_by: null, detail: facts.detail };
  const ours = new Set([claim.repositoryKey, ...claim.formerKeys]);
  const provenance = repositoryKeyOf(facts.provenance);
  if (provenance !== null && ours.has(provenance))
    return {
      verified: true,
      verified_by: 'provenance',
      detail: `built from ${claim.repositoryKey}, as attested`,
    };
  const pointsBack = pointsTo(facts, ours, claim);
  if (claim.namedByRepository && pointsBack)
    return {
      verified: true,
      verified_by: 'repository',
      detail: `named by the repository, and ${pointsBack}`,
    };
  if (claim.namedByRepository)
    return {
      verified: false,
      verified_by: null,
      detail: `the repository names it, but its metadata points to ${facts.repository ?? 'no repository'}`,
    };
  return {
    verified: false,
    verified_by: null,
    detail: pointsBack
      ? 'it claims this repository, but no manifest of the repository names it'
      : 'no manifest of the repository names it',
  };
}

function pointsTo(facts: PackageFacts, ours: ReadonlySet<string>, claim: Claim): string | null {
  const repository = repositoryKeyOf(facts.repository);
  if (repository !== null && ours.has(repository)) return 'its metadata points back';
  if (facts.mcp_name !== null && claim.registryNames.includes(facts.mcp_name))
    return `its name in the registry, ${facts.mcp_name}, is this repository’s`;
  return null;
}

/** Whether a namespace of the registry belongs to a host: `com.example/x` may name addresses under example.com. */
export function ownsHost(registryName: string, url: string): boolean {
  const [namespace = ''] = registryName.split('/');
  const domain = namespace.split('.').reverse().join('.').toLowerCase();
  if (!URL.canParse(url) || domain.split('.').length < 2) return false;
  const { hostname } = new URL(url);
  return hostname === domain || hostname.endsWith(`.${domain}`);
}

export interface VerifyOptions {
  packageRegistry: PackageRegistry;
  repositoryKey: string;
  registryNames: readonly string[];
  /** Whether another address leads to the same repository, because it was renamed. */
  isFormerName: (key: string) => Promise<boolean>;
  signal: AbortSignal;
}

/** The recipe with what could be learnt of it; the version and the hash that were verified are pinned. */
export async function verifyRecipe(recipe: LaunchRecipe, options: VerifyOptions): Promise<LaunchRecipe> {
  const { packageRegistry, repositoryKey, registryNames, signal } = options;
  if (recipe.method === 'remote') return verifiedRemote(recipe, registryNames);
  const { method, identifier, version, named_by_repository: namedByRepository } = recipe;
  const facts = await packageRegistry.lookUp({ method, identifier, version }, signal);
  const formerKeys = await formerKeysIn(facts, options);
  const claim = { repositoryKey, formerKeys, registryNames, namedByRepository };
  const { detail, ...judgement } = judge(facts, claim);
  const pinned =
    facts.state === 'found' && judgement.verified === true
      ? { version: facts.version ?? version, integrity: facts.integrity }
      : { integrity: null };
  return {
    ...recipe,
    ...judgement,
    ...pinned,
    ...(facts.state === 'missing' && { deployable: false, blockers: [...recipe.blockers, facts.detail] }),
    evidence: [...recipe.evidence, { from: 'verification', detail }],
  };
}

async function formerKeysIn(
  facts: PackageAnswer,
  { repositoryKey, isFormerName }: VerifyOptions,
): Promise<string[]> {
  if (facts.state !== 'found') return [];
  const named = [repositoryKeyOf(facts.repository), repositoryKeyOf(facts.provenance)];
  const others = new Set(named.flatMap((key) => (key === null || key === repositoryKey ? [] : key)));
  const former: string[] = [];
  for (const key of others) if (await isFormerName(key)) former.push(key);
  return former;
}

/** An address has no metadata that could point back: its domain must be the registry namespace's own. */
function verifiedRemote(recipe: LaunchRecipe, registryNames: readonly string[]): LaunchRecipe {
  const owner = recipe.named_by_repository
    ? registryNames.find((name) => ownsHost(name, recipe.identifier))
    : undefined;
  const detail = owner
    ? `the registry’s ${owner} belongs to its domain`
    : 'nothing proves whose address it is';
  return {
    ...recipe,
    verified: owner ? true : null,
    verified_by: owner ? 'registry' : null,
    evidence: [...recipe.evidence, { from: 'verification', detail }],
  };
}
