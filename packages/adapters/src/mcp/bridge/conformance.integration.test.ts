// The protocol's own conformance suite at the bridge. What a shared connection cannot give is named here, and why.
import { ScriptedMcpServer } from '@insightloop/core/testing';
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { createMcpConnector } from '../connector.ts';
import { conformanceAnswers } from '../testing/conformance-answers.ts';
import { mount } from '../testing/mount.ts';
import { silent } from '../testing/silent-logger.ts';
import { createMcpBridge } from './bridge.ts';

const suite = fileURLToPath(import.meta.resolve('@modelcontextprotocol/conformance/dist/index.js'));

const notShared = [
  // The level of logging is one for all clients of a connection, and its messages have no address.
  'logging-set-level',
  'tools-call-with-logging',
  // Requests of the server to its client have no address either.
  'tools-call-sampling',
  'tools-call-elicitation',
  'elicitation-sep1034-defaults',
  'elicitation-sep1330-enums',
  // A subscription to a resource would tell every client what one of them watches.
  'resources-subscribe',
  'resources-unsubscribe',
  // The gate before all doors looks at Host and Origin.
  'dns-rebinding-protection',
];

it('passes the conformance suite, but for what cannot be shared', async () => {
  const server = new ScriptedMcpServer('legacy', conformanceAnswers);
  const connector = createMcpConnector({ client: { name: 'bridge', version: '1.0.0' }, logger: silent });
  const channel = await connector.connect(server.endpoint, {
    signal: new AbortController().signal,
    timeoutMs: 10_000,
  });
  const bridge = createMcpBridge({ open: async () => channel, logger: silent, newSessionId: randomUUID });
  const mounted = await mount(bridge);
  const folder = await mkdtemp(join(tmpdir(), 'conformance-'));
  try {
    const baseline = join(folder, 'baseline.yml');
    await writeFile(baseline, `server:\n${notShared.map((name) => `  - ${name}\n`).join('')}`);
    const args = ['server', '--url', mounted.url, '--suite', 'all', '--expected-failures', baseline];
    const { code, output } = await run([suite, ...args], folder);
    expect(code, output).toBe(0);
    expect(output).toContain('tools-call-with-progress');
  } finally {
    await mounted.end();
    await channel.close();
    await rm(folder, { recursive: true });
  }
});

function run(args: string[], cwd: string): Promise<{ code: number | string; output: string }> {
  return new Promise((resolve) => {
    const options = { cwd, env: { NO_COLOR: '1' }, timeout: 55_000, maxBuffer: 64 * 1024 * 1024 };
    execFile(process.execPath, args, options, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : (error.code ?? 'killed'), output: `${stdout}\n${stderr}` });
    });
  });
}
