// Compiles the tools of real MCP servers for Gemini: installs each from npm, starts it, lists its tools, and says what
// would be refused. With --record, what they list becomes what the unit tests compile.
//
//   node bench/real-tools.ts [--record]
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { z } from 'zod';
import { compileTools } from '../packages/adapters/src/gemini/declarations.ts';
import { recordFile, type RecordedServer } from '../packages/adapters/src/gemini/testing/recorded-servers.ts';
import { refusalsOf } from '../packages/adapters/src/gemini/testing/refusals.ts';
import { judge, machineLine } from './support/report.ts';

/** They list their tools without credentials, network or a display, and none of them is larger than 75 MB installed. */
const servers: { name: string; version: string; args?: string[] }[] = [
  { name: '@antv/mcp-server-chart', version: '0.9.10' },
  { name: '@cyanheads/git-mcp-server', version: '2.15.3' },
  { name: '@kimtaeyoon83/mcp-server-youtube-transcript', version: '0.1.1' },
  { name: '@mcp-get-community/server-curl', version: '0.1.0' },
  { name: '@modelcontextprotocol/server-everything', version: '2026.8.31' },
  { name: '@modelcontextprotocol/server-filesystem', version: '2026.8.31', args: ['.'] },
  { name: '@modelcontextprotocol/server-github', version: '2025.4.8' },
  { name: '@modelcontextprotocol/server-memory', version: '2026.8.31' },
  { name: '@modelcontextprotocol/server-puppeteer', version: '2025.5.12' },
  { name: '@modelcontextprotocol/server-sequential-thinking', version: '2026.8.31' },
  { name: '@notionhq/notion-mcp-server', version: '2.5.2' },
  { name: '@playwright/mcp', version: '0.0.83', args: ['--headless'] },
  { name: '@upstash/context7-mcp', version: '4.1.1' },
  { name: 'chrome-devtools-mcp', version: '1.11.0' },
  { name: 'duckduckgo-mcp-server', version: '0.1.2' },
  { name: 'exa-mcp-server', version: '3.4.1' },
  { name: 'firecrawl-mcp', version: '3.26.0' },
  { name: 'mcp-shrimp-task-manager', version: '1.0.21' },
  { name: 'tavily-mcp', version: '0.2.22' },
];

const run = promisify(execFile);
const manifest = z.object({ bin: z.union([z.string(), z.record(z.string(), z.string())]) });

async function toolsOf({ name, version, args = [] }: (typeof servers)[number]): Promise<RecordedServer> {
  const folder = await mkdtemp(join(tmpdir(), 'insightloop-real-tools-'));
  const client = new Client({ name: 'bench', version: '1.0.0' });
  try {
    const npm = ['install', '--prefix', folder, '--no-save', '--ignore-scripts', '--omit=dev', '--no-audit'];
    await run('npm', [...npm, `${name}@${version}`], { cwd: folder });
    const root = join(folder, 'node_modules', name);
    const { bin } = manifest.parse(JSON.parse(await readFile(join(root, 'package.json'), 'utf8')));
    const [program = ''] = typeof bin === 'string' ? [bin] : Object.values(bin);
    await client.connect(
      new StdioClientTransport({
        command: process.execPath,
        args: [join(root, program), ...args],
        cwd: folder,
        env: { HOME: folder, PATH: [dirname(process.execPath), '/usr/bin', '/bin'].join(delimiter) },
        stderr: 'ignore',
      }),
    );
    const { tools } = await client.listTools();
    return {
      package: name,
      version,
      tools: tools.map((tool) => ({
        name: tool.name,
        description: tool.description ?? null,
        input_schema: JSON.parse(JSON.stringify(tool.inputSchema)),
      })),
    };
  } finally {
    await client.close();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

console.log(machineLine());
const recorded: RecordedServer[] = [];
for (const server of servers) {
  const listed = await toolsOf(server);
  recorded.push(listed);
  const began = performance.now();
  const { declarations } = compileTools(listed.tools);
  const took = performance.now() - began;
  const refusals = refusalsOf(declarations ?? []);
  const line = `${server.name} ${server.version}: ${listed.tools.length} tools compiled in ${took.toFixed(1)} ms`;
  judge(refusals.length > 0 ? `${line}; refused: ${refusals.join('; ')}` : line, refusals.length === 0);
}
if (process.argv.includes('--record'))
  await writeFile(recordFile, recorded.map((server) => `${JSON.stringify(server)}\n`).join(''));
