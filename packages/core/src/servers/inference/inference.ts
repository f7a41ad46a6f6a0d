// What inference is given of a repository, and what it answers.
import { type LaunchRecipe, type LaunchRecipeInput, type Transport } from '../launch-recipe.ts';

/** Facts about a repository that its files do not tell. */
export interface RepositoryFacts {
  /** `owner/name`. */
  full_name: string;
  description?: string | null | undefined;
  topics?: readonly string[] | undefined;
  archived?: boolean | undefined;
  fork?: boolean | undefined;
  /** For a fork: its README is the original's, word for word; then its recipes are the original's as well. */
  readme_unchanged?: boolean | undefined;
}

export interface InferenceInput {
  repository: RepositoryFacts;
  /** Path in the repository → text. `filesToRead` says which ones matter. */
  files: ReadonlyMap<string, string>;
  /** Entries of the official MCP registry whose repository is this one, newest first. */
  registry?: readonly unknown[] | undefined;
}

/** The kinds of a server's page; only `server` deploys without a word more. */
export const repositoryKinds = ['server', 'gateway', 'framework', 'sdk', 'client', 'list', 'other'] as const;
export type RepositoryKind = (typeof repositoryKinds)[number];

export interface Evidence {
  /** The file, or `registry`. */
  from: string;
  detail: string;
}

/** A path of the host that a container needs to see: `{input}` stands for the source. */
export interface InferredMount {
  input: string;
  target: string;
  read_only: boolean;
}

/** A recipe before anybody has verified it. */
export interface InferredRecipe extends LaunchRecipeInput {
  transport: Transport;
  evidence: LaunchRecipe['evidence'];
  /** The repository's own manifest, server.json or registry entry names the package: one of the two directions. */
  named_by_repository: boolean;
  mounts: InferredMount[];
  /** Why it cannot be deployed unattended. */
  blockers: string[];
}

export const manualWays = ['source', 'go', 'cargo', 'brew', 'python', 'binary', 'build'] as const;
export type ManualWay = (typeof manualWays)[number];

/** A documented way that is no recipe: a person has to build or install something first. */
export interface ManualRecipe {
  via: ManualWay;
  command: string;
  args: string[];
  evidence: LaunchRecipe['evidence'];
}

export interface InferredServer {
  /** Best first. */
  recipes: InferredRecipe[];
  /** Best first; told to people, never run by us. */
  manual: ManualRecipe[];
  /** What the best way is; `manual` means that nothing is published that we could start. */
  best: 'recipe' | 'manual' | 'none';
  /** What its process reads, whatever way it is started. */
  env: LaunchRecipeInput['env'];
  required_env_any_of: string[][];
  /** Names only: the running server is the truth. */
  documented_tools: string[];
  /** Where its MCP endpoint listens when it serves HTTP. */
  default_port: number | null;
  transports: Transport[];
  /** Reasons that hold for every way to start it. Empty: it can be deployed unattended. */
  blockers: string[];
}

/** One server of a monorepo. */
export interface SubServer extends InferredServer {
  path: string;
  name: string;
  description: string | null;
}

export interface Inference extends InferredServer {
  kind: RepositoryKind;
  kind_evidence: Evidence[];
  /** It is archived, or says that it is deprecated: the words for it. */
  archived_note: string | null;
  sub_servers: SubServer[];
  /**
   * How one would start the program of a repository that is no server and no gateway: a framework's command line, a
   * template's generator. Not offered; for whoever insists with `allow_kind`.
   */
  withheld_recipes: InferredRecipe[];
}
