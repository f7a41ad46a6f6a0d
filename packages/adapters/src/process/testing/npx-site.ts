// A place to run npm packages in tests: a stand-in registry, the real npm, the real sandbox, folders of its own.
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { LaunchPlan, Workload } from '@insightloop/core';
import { NpmRegistry } from '../../../../../tests/support/npm-registry.ts';
import {
  createProcessRuntimes,
  type ProcessRuntimes,
  type ProcessRuntimesOptions,
} from '../package-runtimes.ts';
import { createProcessSandbox, type ProcessSandbox } from '../sandbox.ts';

/** What the registry may ask for with `registry.token`; npm finds it in its settings. */
export const token = 'operators-npm-token-0123456789';

/** What the contract asks of a program, and a child that must end with it. */
export const program = `#!/usr/bin/env node
const { createInterface } = require('node:readline');
process.stderr.write('ready\\n');
const commands = {
  say: (text) => process.stdout.write(text + '\\n'),
  log: (text) => process.stderr.write(text + '\\n'),
  mutter: (text) => process.stderr.write(text),
  env: (name) => process.stdout.write((process.env[name] ?? '') + '\\n'),
  args: () => process.stdout.write(JSON.stringify(process.argv.slice(2)) + '\\n'),
  exit: (code) => process.stderr.write('', () => process.exit(Number(code))),
  die: () => process.kill(process.pid, 'SIGKILL'),
  ignore: () => {
    process.on('SIGTERM', () => {});
    setInterval(() => {}, 1000);
    process.stdout.write('ignoring\\n');
  },
  see: (path) => {
    try { process.stdout.write(JSON.stringify(require('node:fs').readdirSync(path)) + '\\n'); }
    catch (error) { process.stdout.write(error.code + '\\n'); }
  },
  write: (path) => {
    try { require('node:fs').writeFileSync(path, 'x'); process.stdout.write('written\\n'); }
    catch (error) { process.stdout.write(error.code + '\\n'); }
  },
};
createInterface({ input: process.stdin }).on('line', (line) => {
  const [name, rest] = line.split(/ (.*)/s);
  commands[name]?.(rest ?? '');
});
`;

const limits = { memoryBytes: 512 * 1024 ** 2, cpus: 1, pids: 64, diskBytes: 1024 ** 3 };

let deployments = 0;
export const planFor = (changes: Partial<LaunchPlan> = {}): LaunchPlan => ({
  deploymentId: `deploy-${(deployments += 1)}`,
  serverId: 'server',
  method: 'npx',
  identifier: '@test/program',
  version: null,
  digest: null,
  bin: null,
  args: [],
  environment: {},
  secretInputs: [],
  transport: 'stdio',
  port: null,
  path: null,
  limits,
  mounts: [],
  allowScripts: false,
  allowUnisolated: false,
  ...changes,
});

export interface NpxSite {
  folder: string;
  registry: NpmRegistry;
  sandbox: ProcessSandbox;
  environment: Record<string, string | undefined>;
  runtimes: ProcessRuntimes;
  publish(version: string): void;
  close(): Promise<void>;
}

export const openNpxSite = async (): Promise<NpxSite> => {
  const folder = await mkdtemp(join(tmpdir(), 'npx-runtime-'));
  const registry = await NpmRegistry.start();
  const sandbox = createProcessSandbox({
    folder: join(folder, 'sandboxes'),
    instanceId: `test-${randomUUID()}`,
    logger: {
      warn: (fields, message) => {
        throw new Error(`${message} ${JSON.stringify(fields)}`);
      },
    },
  });
  const { PATH, HOME, NODE_EXTRA_CA_CERTS } = process.env;
  const environment = {
    PATH,
    HOME,
    NODE_EXTRA_CA_CERTS,
    npm_config_registry: registry.url,
    [`npm_config_${registry.url.replace('http:', '')}:_authToken`]: token,
  };
  const publish = (version: string): void => {
    registry.publish({
      manifest: { name: '@test/program', version, bin: 'program.js' },
      files: { 'program.js': program },
    });
  };
  publish('1.0.0');
  const close = async (): Promise<void> => {
    await registry.close();
    await rm(folder, { recursive: true });
  };
  const parts = { folder, registry, sandbox, environment, publish, close };
  return { ...parts, runtimes: runtimesOf(parts, {}) };
};

/** Other runtimes over the same folders. */
export const runtimesOf = (
  { folder, sandbox, environment }: Omit<NpxSite, 'runtimes'>,
  changes: Partial<ProcessRuntimesOptions>,
): ProcessRuntimes =>
  createProcessRuntimes({
    folder: join(folder, 'installs'),
    environment,
    sandbox,
    runBoxed: sandbox.runBoxed,
    clock: { now: () => Date.now() },
    ...changes,
  });

/** Sends one line and waits for the line that answers it. */
export const talkTo = ({ endpoint }: Workload): ((line: string) => Promise<string>) => {
  if (endpoint.transport !== 'stdio') throw new Error('It does not speak over stdio.');
  const lines = createInterface({ input: endpoint.stdout })[Symbol.asyncIterator]();
  return async (line) => {
    endpoint.stdin.write(`${line}\n`);
    const { value, done } = await lines.next();
    if (done === true) throw new Error('It ended without an answer.');
    return value;
  };
};
