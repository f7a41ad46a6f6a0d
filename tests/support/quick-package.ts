// A deployable package that starts as fast as a process can: an MCP server of a few lines, from a stand-in registry.
import { readFile } from 'node:fs/promises';
import type { NpmRegistry } from './npm-registry.ts';

export const quickPackage = '@test/quick';

/** Its tools: `echo`. */
export async function publishQuickPackage(registry: NpmRegistry): Promise<void> {
  registry.publish({
    manifest: { name: quickPackage, version: '1.0.0', type: 'module', bin: 'server.mjs' },
    files: {
      'server.mjs':
        "#!/usr/bin/env node\nimport { serve } from './protocol.mjs';\nserve({ echo: ({ message }) => message });\n",
      'protocol.mjs': await readFile(new URL('plain-mcp-server.mjs', import.meta.url), 'utf8'),
    },
  });
}
