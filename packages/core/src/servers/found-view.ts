// What callers see of what was found: an entry of a listing, and the details of one server.
import { z } from 'zod';
import { finding, observedTool, verdict, type Finding } from './finding.ts';
import type { Found } from './discovery-store.ts';
import { launchRecipeView, viewOfRecipe, type LaunchRecipe, type LaunchRecipeView } from './launch-recipe.ts';
import { server, type Server } from './server.ts';

export const foundServer = z.object({
  id: z.string(),
  name: z.string(),
  description: z.string().nullable(),
  author: z.string().nullable(),
  github_url: z.string().nullable(),
  docker_image: z.string().nullable().describe('a published image of it'),
  stars: z.int().nullable(),
  language: z.string().nullable(),
  topics: z.array(z.string()),
  capabilities: z
    .object({ tools: z.array(z.string()), resources: z.array(z.string()), prompts: z.array(z.string()) })
    .describe('as it listed them when it ran, else as its files document them'),
  discovered_at: z.date(),
  kind: server.shape.kind.describe('only servers deploy without allow_kind'),
  source: z.enum(['github', 'registry', 'catalog', 'registered']),
  registry_name: z.string().nullable().describe('its name in the official MCP registry'),
  archived: z.boolean(),
  fork: z.boolean(),
  updated_at: z.date().nullable().describe('of the last push'),
  methods: z.array(z.string()).describe('by which it can be deployed unattended, best first'),
  verified: z.boolean().nullable().describe('of its best recipe; null: not known yet, details find out'),
  sub_servers: finding.shape.sub_servers.describe('of a monorepo: servers of their own'),
  last_verdict: verdict.nullable().describe('of the last proof'),
});
export type FoundServer = z.infer<typeof foundServer>;

const shownTool = z.object({
  name: z.string(),
  description: z.string().nullable(),
  input_schema: z.record(z.string(), z.unknown()).nullable(),
  source: z
    .enum(['documented', 'observed'])
    .describe('observed: listed by the running server; documented: a name in its files, perhaps stale'),
});

export const serverDetails = foundServer.extend({
  readme: z.string().nullable(),
  configuration: z.object({
    required_env: z.array(z.string()).describe('of the best recipe'),
    required_env_any_of: z.array(z.array(z.string())).describe('one of these sets must be given whole'),
    optional_env: z.array(z.string()),
    secret_env: z.array(z.string()),
    default_port: z.int().nullable(),
    protocols: z.array(z.string()),
    launch: z.array(launchRecipeView).describe('best first'),
    manual: finding.shape.manual.describe('ways that a person has to walk first; never run by us'),
    blockers: z.array(z.string()).describe('why it cannot be deployed unattended in any way'),
  }),
  kind_evidence: finding.shape.kind_evidence,
  archived_note: z.string().nullable(),
  tools: z.array(shownTool),
  observed_at: z.date().nullable(),
});
export type ServerDetails = z.infer<typeof serverDetails>;

export function viewOfFound({ server: found, finding: known }: Found): FoundServer {
  const launch = shownLaunch(found);
  return {
    id: found.id,
    name: found.name,
    description: found.description,
    author: known.author,
    github_url: known.github_url,
    docker_image: imageOf(found.launch),
    stars: known.stars,
    language: known.language,
    topics: known.topics,
    capabilities: {
      tools: known.observed?.tools.map(({ name }) => name) ?? known.documented_tools,
      resources: known.observed?.resources ?? [],
      prompts: known.observed?.prompts ?? [],
    },
    discovered_at: known.discovered_at,
    kind: found.kind,
    source: sourceOf(found, known),
    registry_name: known.registry_name,
    archived: known.archived || known.archived_note !== null,
    fork: known.fork,
    updated_at: known.pushed_at,
    methods: [...new Set(launch.filter(({ deployable }) => deployable).map(({ method }) => method))],
    verified: found.launch[0]?.verified ?? null,
    sub_servers: known.sub_servers,
    last_verdict: known.last_verdict,
  };
}

export function detailsOf(found: Found): ServerDetails {
  const { server: shown, finding: known } = found;
  const [best] = shown.launch;
  const env = best?.env ?? [];
  return {
    ...viewOfFound(found),
    readme: known.readme,
    configuration: {
      required_env: env.filter(({ required }) => required).map(({ name }) => name),
      required_env_any_of: best?.required_env_any_of ?? [],
      optional_env: env.filter(({ required }) => !required).map(({ name }) => name),
      secret_env: env.filter(({ secret }) => secret).map(({ name }) => name),
      default_port: known.default_port ?? best?.port ?? null,
      protocols: protocolsOf(found),
      launch: shownLaunch(shown),
      manual: known.manual,
      blockers: known.blockers,
    },
    kind_evidence: known.kind_evidence,
    archived_note: known.archived_note,
    tools: toolsOf(known),
    observed_at: known.observed?.at ?? null,
  };
}

/** A look-alike has recipes as well; none of them is offered. */
const shownLaunch = ({ kind, launch }: Server): LaunchRecipeView[] =>
  launch.map(viewOfRecipe).map((recipe) =>
    kind === 'server'
      ? recipe
      : {
          ...recipe,
          deployable: false,
          blockers: [...recipe.blockers, `it looks like a ${kind}, not like a server (see allow_kind)`],
        },
  );

/** With its tag or digest where one is known, as people write it. */
function imageOf(launch: readonly LaunchRecipe[]): string | null {
  const image = launch.find(({ method }) => method === 'docker');
  if (!image) return null;
  const lastPart = image.identifier.slice(image.identifier.lastIndexOf('/') + 1);
  return image.version !== null && !/[:@]/.test(lastPart)
    ? `${image.identifier}:${image.version}`
    : image.identifier;
}

function sourceOf(found: Server, known: Finding): FoundServer['source'] {
  if (found.source !== 'discovered') return found.source;
  return known.host_id === null && known.registry_name !== null ? 'registry' : 'github';
}

function protocolsOf({ server: shown, finding: known }: Found): string[] {
  const transports =
    known.transports.length > 0 ? known.transports : shown.launch.map((recipe) => recipe.transport);
  return [...new Set(transports.map((transport) => (transport === 'streamable-http' ? 'http' : transport)))];
}

/** What was observed is the truth, so documented names that it does not list are not shown beside it. */
function toolsOf({ observed, documented_tools: documented }: Finding): ServerDetails['tools'] {
  if (observed)
    return observed.tools.map((tool) => ({ ...observedTool.parse(tool), source: 'observed' as const }));
  return documented.map((name) => ({
    name,
    description: null,
    input_schema: null,
    source: 'documented' as const,
  }));
}
