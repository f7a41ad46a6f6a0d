// A repository as tests make one up, for the fake of CodeHost and for stand-ins of real hosts.
import type { CodeRepository } from '../servers/code-host.ts';

export interface HostedRepository {
  facts: CodeRepository;
  /** Contents by path, from the root without a leading slash. */
  files: ReadonlyMap<string, string>;
}

export interface RepositoryDraft extends Partial<Omit<CodeRepository, 'owner' | 'name' | 'full_name'>> {
  /** `owner/name` */
  full_name: string;
  files?: Readonly<Record<string, string>>;
}

/** Everything that is not said is as dull as it can be. */
export function hostedRepository({ files = {}, ...draft }: RepositoryDraft): HostedRepository {
  const slash = draft.full_name.indexOf('/');
  return {
    facts: {
      host_id: numberOf(draft.full_name),
      owner: draft.full_name.slice(0, slash),
      name: draft.full_name.slice(slash + 1),
      html_url: `https://github.com/${draft.full_name}`,
      description: null,
      homepage: null,
      default_branch: 'main',
      stars: 0,
      language: null,
      topics: [],
      archived: false,
      fork: false,
      pushed_at: new Date('2026-01-01T00:00:00Z'),
      ...draft,
    },
    files: new Map(Object.entries(files)),
  };
}

/** The same for the same name, and hardly ever the same for two. */
function numberOf(text: string): number {
  let sum = 7;
  for (const character of text) sum = (sum * 31 + (character.codePointAt(0) ?? 0)) % 1_000_000_007;
  return sum;
}
