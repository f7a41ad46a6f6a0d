// What the whole service says of a folder of repositories: a stand-in for GitHub over it, found and looked at through REST.
import type { Inference, InferredRecipe, InferredServer, Transport } from '@insightloop/core';
import { GitHub } from '../../tests/support/github/github.ts';
import { McpRegistry } from '../../tests/support/mcp-registry.ts';
import { NpmRegistry } from '../../tests/support/npm-registry.ts';
import { Pypi } from '../../tests/support/pypi.ts';
import { npmFrom, restOf, type Rest } from '../../tests/support/rest.ts';
import { startServer } from '../../tests/support/running-server.ts';

interface Details {
  id: string;
  kind: Inference['kind'];
  github_url: string;
  capabilities: { tools: string[] };
  configuration: {
    default_port: number | null;
    protocols: string[];
    launch: InferredRecipe[];
    manual: InferredServer['manual'];
    blockers: string[];
  };
  kind_evidence: Inference['kind_evidence'];
  archived_note: string | null;
  sub_servers: { id: string; name: string; path: string }[];
}

interface Listing {
  servers: { id: string; github_url: string | null }[];
  has_more: boolean;
}

/** Of each `owner/name`, and how long the details took in ms. */
export type ApiInferences = ReadonlyMap<string, { inference: Inference; ms: number }>;

/** No package is published: nothing is verified, and the order is that of inference. */
export async function inferencesThroughApi(folder: string): Promise<ApiInferences> {
  const outside = await Promise.all([GitHub.start(), McpRegistry.start(), NpmRegistry.start(), Pypi.start()]);
  const [github, mcpRegistry, npm, pypi] = outside;
  try {
    await github.addFolder(folder);
    github.token = 'token-of-the-bench';
    await using server = await startServer({
      env: {
        GITHUB_API_URL: github.apiUrl,
        GITHUB_RAW_URL: github.rawUrl,
        GITHUB_TOKEN: github.token,
        MCP_REGISTRY_URL: mcpRegistry.url,
        PYPI_URL: pypi.url,
        ...npmFrom(npm),
      },
    });
    return await inferencesOf(restOf(server.baseUrl));
  } finally {
    await Promise.all(outside.map((part) => part.close()));
  }
}

async function inferencesOf(rest: Rest): Promise<ApiInferences> {
  const found = new Map<string, { inference: Inference; ms: number }>();
  for (let page = 1, more = true; more; page += 1) {
    const request = {
      sources: ['github'],
      limit: 100,
      page,
      query: 'stars:>=0',
      include_archived: true,
      include_forks: true,
    };
    const { body } = await rest.post('/api/discover', request);
    const { servers, has_more: hasMore } = body as Listing;
    for (const { id, github_url: url } of servers) {
      const fullName = /^https:\/\/github\.com\/([^/]+\/[^/]+)$/.exec(url ?? '')?.[1];
      if (fullName === undefined) continue;
      const beginMs = performance.now();
      const inference = await inferenceOf(id, rest);
      found.set(fullName, { inference, ms: performance.now() - beginMs });
    }
    more = hasMore;
  }
  return found;
}

const detailsOf = async (id: string, rest: Rest): Promise<Details> => {
  const { status, body } = await rest.get(`/api/discover/${id}`);
  if (status !== 200) throw new Error(`details of ${id}: ${status} ${JSON.stringify(body)}`);
  return (body as { server: Details }).server;
};

async function inferenceOf(id: string, rest: Rest): Promise<Inference> {
  const details = await detailsOf(id, rest);
  const parts = await Promise.all(
    details.sub_servers.map(async (part) => ({
      ...serverOf(await detailsOf(part.id, rest)),
      path: part.path,
      name: part.name,
      description: null,
    })),
  );
  const { kind, kind_evidence, archived_note } = details;
  return {
    ...serverOf(details),
    kind,
    kind_evidence,
    archived_note,
    sub_servers: parts,
    withheld_recipes: [],
  };
}

function serverOf({ capabilities, configuration }: Details): InferredServer {
  const { launch, manual, default_port, protocols, blockers } = configuration;
  const transports = protocols.map((protocol) =>
    protocol === 'http' ? 'streamable-http' : protocol,
  ) as Transport[];
  return {
    recipes: launch,
    manual,
    best: launch.length > 0 ? 'recipe' : manual.length > 0 ? 'manual' : 'none',
    env: launch[0]?.env ?? [],
    required_env_any_of: launch[0]?.required_env_any_of ?? [],
    documented_tools: capabilities.tools,
    default_port,
    transports,
    blockers,
  };
}
