// Everything that discovery asks outside, as stand-ins on this machine, and the settings that lead the server to them.
import { GitHub } from './github/github.ts';
import { McpRegistry } from './mcp-registry.ts';
import { NpmRegistry } from './npm-registry.ts';
import { Pypi } from './pypi.ts';
import { npmFrom } from './rest.ts';

export interface DiscoveryOutside extends AsyncDisposable {
  github: GitHub;
  mcpRegistry: McpRegistry;
  npm: NpmRegistry;
  pypi: Pypi;
  /** For the server's environment. */
  env: Record<string, string>;
}

export async function startDiscoveryOutside(): Promise<DiscoveryOutside> {
  const [github, mcpRegistry, npm, pypi] = await Promise.all([
    GitHub.start(),
    McpRegistry.start(),
    NpmRegistry.start(),
    Pypi.start(),
  ]);
  return {
    github,
    mcpRegistry,
    npm,
    pypi,
    env: {
      GITHUB_API_URL: github.apiUrl,
      GITHUB_RAW_URL: github.rawUrl,
      MCP_REGISTRY_URL: mcpRegistry.url,
      PYPI_URL: pypi.url,
      ...npmFrom(npm),
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([github.close(), mcpRegistry.close(), npm.close(), pypi.close()]);
    },
  };
}

export interface FoundServer {
  id: string;
  name: string;
  kind: string;
  github_url: string | null;
  verified: boolean | null;
  sub_servers: { id: string; path: string }[];
  last_verdict: { status: string } | null;
  [field: string]: unknown;
}

export interface Discovered {
  servers: FoundServer[];
  total: number;
  page: number;
  has_more: boolean;
  incomplete: boolean;
  extra: number;
  warnings: string[];
}

/** A repository of a server that npm has: its manifest and README name the package. */
export const npmRepository = (fullName: string, packageName: string, more: object = {}) => ({
  full_name: fullName,
  description: `A server of ${fullName}`,
  topics: ['mcp', 'mcp-server'],
  language: 'TypeScript',
  stars: 50,
  files: {
    'README.md': `# ${fullName.split('/')[1] ?? ''}\n\nAn MCP server.\n\n## Installation\n\n\`\`\`json\n${JSON.stringify(
      { mcpServers: { it: { command: 'npx', args: ['-y', packageName] } } },
      null,
      2,
    )}\n\`\`\`\n\n## Tools\n\n- \`echo\`: says it again\n`,
    'package.json': JSON.stringify({
      name: packageName,
      version: '1.0.0',
      bin: 'server.mjs',
      dependencies: { '@modelcontextprotocol/sdk': '^1.0.0' },
    }),
  },
  ...more,
});
