// The configuration of a deployment: its shape for the door, its rules for everything behind it.
import { z } from 'zod';
import { invalidConfiguration, type Issue } from '../errors.ts';
import type { ResourceLimits } from './sandbox.ts';

/** A value of the wrong type is a bad request; a value of the right type that makes no sense is told by `readLimits` and its kin. */
export const deploymentConfiguration = z.strictObject({
  port: z.number().optional().describe('where an HTTP server listens; for a stdio server, of its bridge'),
  memory_limit: z.string().optional().describe('such as "512m" or "1g"; 512m without it'),
  cpu_limit: z.string().optional().describe('cores, such as "0.5"; 1 without it'),
  environment: z
    .record(z.string(), z.string())
    .optional()
    .describe('reaches the server process only; kept encrypted and never shown again'),
  auto_restart: z.boolean().optional().describe('restart after a crash; true without it'),
  inputs: z
    .record(z.string(), z.union([z.string(), z.array(z.string())]))
    .optional()
    .describe('values for the inputs of the launch recipe'),
  args: z.array(z.string()).max(200).optional().describe('appended to the server’s own arguments'),
  mounts: z
    .array(z.strictObject({ source: z.string(), target: z.string(), read_only: z.boolean().optional() }))
    .max(50)
    .optional()
    .describe('host paths under one of INSIGHTLOOP_MOUNT_ROOTS that the server may see'),
  version: z.string().max(128).optional().describe('instead of the recipe’s; pinned once deployed'),
  security: z
    .strictObject({
      allow_scripts: z.boolean().optional().describe('run the package’s install scripts, in the box'),
      allow_unisolated: z
        .boolean()
        .optional()
        .describe('run it even where this machine cannot isolate processes'),
    })
    .optional(),
});
export type DeploymentConfiguration = z.output<typeof deploymentConfiguration>;

const mebibyte = 1024 * 1024;

export const defaultLimits: ResourceLimits = {
  memoryBytes: 512 * mebibyte,
  cpus: 1,
  pids: 256,
  diskBytes: 2048 * mebibyte,
};

/** Below it not even Node starts, and the failure would look like the server's. */
const minMemoryBytes = 16 * mebibyte;
const maxMemoryBytes = 1024 * 1024 * mebibyte;

const unitBytes: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  k: 1024,
  m: mebibyte,
  g: 1024 * mebibyte,
};

/** Docker's notation: a whole number with b, k, m or g. Null where it is none. */
export function parseMemory(text: string): number | null {
  const match = /^(\d{1,15})\s?(b|k|m|g)?(?:i?b)?$/i.exec(text.trim());
  const unit = unitBytes[match?.[2]?.toLowerCase() ?? ''];
  if (!match || unit === undefined) return null;
  const bytes = Number(match[1]) * unit;
  return bytes >= minMemoryBytes && bytes <= maxMemoryBytes ? bytes : null;
}

/** Null where it is no number of cores. */
export function parseCpus(text: string): number | null {
  if (!/^\d{1,4}(\.\d{1,4})?$/.test(text.trim())) return null;
  const cpus = Number(text);
  return cpus >= 0.01 && cpus <= 1024 ? cpus : null;
}

/** Collects everything that is wrong with a configuration, so that a caller mends it in one go. */
export class ConfigurationIssues {
  readonly #issues: Issue[] = [];

  add(path: (string | number)[], code: string, message: string): void {
    this.#issues.push({ path: ['configuration', ...path], code, message });
  }

  /** @throws AppError INVALID_CONFIGURATION when anything was added */
  throwIfAny(serverId: string): void {
    if (this.#issues.length === 0) return;
    throw invalidConfiguration(
      `The configuration cannot be used: ${this.#issues.map(({ message }) => message).join('; ')}.`,
      { server_id: serverId, issues: this.#issues },
    );
  }
}

export function readLimits(
  configuration: DeploymentConfiguration,
  issues: ConfigurationIssues,
): ResourceLimits {
  const { memory_limit: memory, cpu_limit: cpu } = configuration;
  const memoryBytes = memory === undefined ? defaultLimits.memoryBytes : parseMemory(memory);
  if (memoryBytes === null)
    issues.add(
      ['memory_limit'],
      'invalid_value',
      `memory_limit "${memory}" is no size such as "512m" (16m at least)`,
    );
  const cpus = cpu === undefined ? defaultLimits.cpus : parseCpus(cpu);
  if (cpus === null)
    issues.add(['cpu_limit'], 'invalid_value', `cpu_limit "${cpu}" is no number of cores such as "0.5"`);
  return {
    ...defaultLimits,
    memoryBytes: memoryBytes ?? defaultLimits.memoryBytes,
    cpus: cpus ?? defaultLimits.cpus,
  };
}

export function checkPort(configuration: DeploymentConfiguration, issues: ConfigurationIssues): void {
  const { port } = configuration;
  if (port === undefined) return;
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    issues.add(['port'], 'invalid_value', `port ${port} is not between 1 and 65535`);
}

const environmentNamePattern = /^[A-Za-z_][A-Za-z0-9_]{0,255}$/;

/** They change how a process is loaded or found instead of what a server does. */
const forbiddenNames = /^(NODE_OPTIONS|LD_.*|DYLD_.*|npm_config_.*|PATH|HOME)$/i;

export function checkEnvironment(
  environment: Readonly<Record<string, string>>,
  issues: ConfigurationIssues,
): void {
  for (const [name, value] of Object.entries(environment)) {
    if (!environmentNamePattern.test(name))
      issues.add(['environment', name], 'invalid_name', `${JSON.stringify(name)} is no name of a variable`);
    else if (forbiddenNames.test(name))
      issues.add(['environment', name], 'forbidden_name', `${name} may not be set`);
    if (value.includes('\0'))
      issues.add(['environment', name], 'invalid_value', `the value of ${JSON.stringify(name)} contains NUL`);
  }
}

/** What Linux takes for one argument, or one variable with its name, the closing NUL not counted. */
const maxStringBytes = 128 * 1024 - 1;
/** For all of them together; a system takes 2 MiB, and the programs around the server need some. */
const maxTogetherBytes = 1024 * 1024;

/** What no system would start: told before anything is installed. */
export function checkCommandLine(
  { args, environment }: { args: readonly string[]; environment: Readonly<Record<string, string>> },
  issues: ConfigurationIssues,
): void {
  let together = 0;
  const check = (text: string, path: (string | number)[], what: string): void => {
    const bytes = Buffer.byteLength(text);
    together += bytes + 1;
    if (bytes > maxStringBytes) issues.add(path, 'too_long', `${what} is longer than 128 KiB`);
  };
  for (const [index, argument] of args.entries()) {
    check(argument, ['args', index], `argument ${index + 1}`);
    if (argument.includes('\0'))
      issues.add(['args', index], 'invalid_value', `argument ${index + 1} contains NUL`);
  }
  for (const [name, value] of Object.entries(environment))
    check(`${name}=${value}`, ['environment', name], `variable ${JSON.stringify(name.slice(0, 100))}`);
  if (together > maxTogetherBytes)
    issues.add([], 'too_long', 'arguments and variables together are longer than 1 MiB');
}
