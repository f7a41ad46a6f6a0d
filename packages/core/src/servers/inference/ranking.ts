// Which way is the best: sightings of one package are votes for it, and the more trusted ones count for more.
import { type Candidate } from './candidates.ts';
import { packageKey } from './contradictions.ts';
import { type Identity, isOwn } from './relatedness.ts';
import { type Source } from './sighting.ts';

/** All candidates of one package, image or address. */
export interface Group {
  candidates: readonly Candidate[];
  score: number;
  /** Its best way over standard input and output, and its best way over HTTP; at least one is there. */
  stdio: Candidate | null;
  http: Candidate | null;
}

export interface RankingFacts {
  identity: Identity;
  /** Identifiers to which the README links at their registry. */
  linked: ReadonlySet<string>;
  /** Packages, by `packageKey`, that the repository's other sources contradict. */
  contradicted: ReadonlySet<string>;
  /** Manifests that declare that they are published. */
  published: ReadonlySet<string>;
}

const trust: Readonly<Record<Source, number>> = {
  registry: 60,
  'server.json': 40,
  configuration: 14,
  'deep-link': 14,
  shell: 12,
  install: 8,
  manifest: 0,
  prose: 6,
};

const votes: Readonly<Record<Source, number>> = {
  registry: 4,
  'server.json': 2,
  configuration: 3,
  'deep-link': 3,
  shell: 3,
  install: 1,
  manifest: 0,
  prose: 1,
};

/** Best first. */
export function rankGroups(candidates: readonly Candidate[], facts: RankingFacts): Group[] {
  const groups = new Map<string, Candidate[]>();
  for (const candidate of candidates) {
    const key = `${candidate.method} ${candidate.identifier.toLowerCase().replace(/\/$/, '')}`;
    const known = groups.get(key);
    if (known) known.push(candidate);
    else groups.set(key, [candidate]);
  }
  const ranked = [...groups.values()].map((members): Group => {
    const usual = started(members.filter(({ aside }) => !aside));
    const counted = usual.length > 0 ? usual : members;
    return {
      candidates: counted,
      score: scoreOf(counted, facts) - (usual.length > 0 ? 0 : 15),
      stdio: bestVariant(
        counted.filter(({ transport, method }) => transport === 'stdio' && method !== 'remote'),
      ),
      http: bestVariant(
        counted.filter(({ transport, method }) => transport !== 'stdio' || method === 'remote'),
      ),
    };
  });
  return ranked.sort((a, b) => b.score - a.score);
}

/** A line that pulls an image says nothing of how it is started, where another line does. */
function started(members: readonly Candidate[]): readonly Candidate[] {
  const runs = members.filter(({ method, sighting }) => method !== 'docker' || sighting.source !== 'install');
  return runs.length > 0 ? runs : members;
}

function scoreOf(
  members: readonly Candidate[],
  { identity, linked, contradicted, published }: RankingFacts,
): number {
  const [first] = members;
  if (!first) return 0;
  const { method, identifier } = first;
  const name = identifier.toLowerCase();
  let score = Math.max(...members.map(({ sighting }) => trust[sighting.source]));
  // The second most trusted source counts as well: two that agree are better than one.
  score += Math.min(
    24,
    members.reduce((sum, { sighting }) => sum + votes[sighting.source], 0),
  );
  if (method !== 'remote' && isOwn(identity, identifier)) score += published.has(name) ? 18 : 12;
  if (linked.has(`${method} ${name}`)) score += 12;
  // More than every source together can give: perhaps it is somebody else's.
  if (contradicted.has(packageKey(first))) score -= 200;
  if (members.every(({ transport }) => transport !== 'stdio')) score -= 10;
  if (members.every(({ mounts, inputs }) => mounts.length > 0 || inputs.some(({ required }) => required)))
    score -= 4;
  // What runs elsewhere is nothing that we deploy: it is the best only where there is nothing else.
  if (method === 'remote') score -= 60;
  return score;
}

/** The variant with the most votes; one that gives the server free rein has to be asked for. */
function bestVariant(members: readonly Candidate[]): Candidate | null {
  const variants = new Map<string, { first: Candidate; weight: number }>();
  for (const candidate of members) {
    const key = candidate.args
      .map((word) => (word.includes('{') ? word.replace(/\{[^{}]{0,100}\}/g, '{}') : word))
      .join('\0');
    const known = variants.get(key);
    if (known) {
      known.weight += weightOf(candidate);
      if (votes[candidate.sighting.source] > votes[known.first.sighting.source]) known.first = candidate;
    } else variants.set(key, { first: candidate, weight: weightOf(candidate) + safetyOf(candidate.args) });
  }
  const [best] = [...variants.values()].sort(
    (a, b) => b.weight - a.weight || a.first.args.length - b.first.args.length,
  );
  return best?.first ?? null;
}

function weightOf({ sighting }: Candidate): number {
  if (sighting.source === 'registry' || sighting.source === 'server.json')
    return sighting.declares_args ? 30 : 1;
  // An installation names the package, not its arguments.
  if (sighting.source === 'install' || sighting.source === 'manifest') return 0.1;
  return sighting.source === 'configuration' || sighting.source === 'deep-link' ? 3 : votes[sighting.source];
}

const safetyOf = (args: readonly string[]): number => {
  const line = args.join(' ');
  if (/unrestricted|--(?:read-write|allow-write|allow-all|dangerously)|write-access/i.test(line)) return -1;
  return /read-?only|=restricted/i.test(line) ? 1 : 0;
};
