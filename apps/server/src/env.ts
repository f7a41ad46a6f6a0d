// The only reader of the environment: every setting with its default, checked before anything starts.
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { isAbsolute, resolve } from 'node:path';
import { z } from 'zod';

const hourMs = 60 * 60 * 1000;
const dayMs = 24 * hourMs;

const list = z
  .string()
  .default('')
  .transform((text) => text.split(',').flatMap((part) => part.trim() || []));

/** As browsers write them: compared letter by letter, so a path or a last slash would never match. */
const isOrigin = (text: string): boolean => URL.canParse(text) && new URL(text).origin === text;

const isNetwork = (text: string): boolean => {
  const [address = '', prefix = '0', ...rest] = text.split('/');
  const bits = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1;
  return rest.length === 0 && /^\d{1,3}$/.test(prefix) && Number(prefix) <= bits;
};

const flag = z
  .enum(['true', 'false'])
  .default('false')
  .transform((text) => text === 'true');

const perHour = (requests: number) => z.coerce.number().int().min(0).default(requests);

const count = (otherwise: number) => z.coerce.number().int().min(1).max(1_000_000).default(otherwise);

const httpUrl = z.url({ protocol: /^https?$/ }).optional();

const schema = z.object({
  API_HOST: z.string().min(1).default('127.0.0.1'),
  API_PORT: z.coerce.number().int().min(0).max(65_535).default(8000),
  /** Base of every URL that we hand out. */
  INSIGHTLOOP_PUBLIC_URL: z.url({ protocol: /^https?$/ }).optional(),
  INSIGHTLOOP_DATA_DIR: z.string().min(1).default('.insightloop'),
  /** Names other than loopback, our own address and the public URL under which we are called. */
  INSIGHTLOOP_ALLOWED_HOSTS: list,
  INSIGHTLOOP_ALLOW_ANONYMOUS: flag,
  /** Hosts, as `name` or `name:port`, of remote servers that may be private and speak plain http. */
  INSIGHTLOOP_PRIVATE_HOSTS: list,
  CORS_ORIGINS: list.refine(
    (origins) => origins.every(isOrigin),
    'must be origins such as "https://app.example", without a path; "*" is none',
  ),
  /** Addresses or networks of proxies whose X-Forwarded-* headers count. */
  TRUST_PROXY: list.refine(
    (networks) => networks.every(isNetwork),
    'must be addresses or networks such as "10.0.0.0/8"',
  ),
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/ }).optional(),
  /** Where events are kept for all processes; without it in memory. */
  REDIS_URL: z.url({ protocol: /^rediss?$/ }).optional(),
  /** Seals what deployments must keep secret; without it a key file in the data directory does. */
  INSIGHTLOOP_SECRET_KEY: z.string().min(16).optional(),
  /** Absolute paths under which servers may be given files and folders. */
  INSIGHTLOOP_MOUNT_ROOTS: list.refine(
    (roots) => roots.every((root) => isAbsolute(root)),
    'must be absolute paths',
  ),
  /** For GitHub's higher limits; public repositories need no rights. */
  GITHUB_TOKEN: z
    .string()
    .regex(/^[\x21-\x7e]+$/, 'must be visible characters without spaces')
    .optional(),
  GITHUB_API_URL: httpUrl,
  /** Where files of repositories lie, as `/{owner}/{name}/{branch}/{path}`. */
  GITHUB_RAW_URL: httpUrl,
  MCP_REGISTRY_URL: httpUrl,
  PYPI_URL: httpUrl,
  /** For so long answers of GitHub are good without asking again. */
  DISCOVERY_CACHE_SECONDS: count(300),
  /** After so long what was discovered is read again, and its packages are looked up again. */
  DISCOVERY_REFRESH_HOURS: count(24),
  /** For the whole of a proof, installation included. */
  PROOF_TIMEOUT_SECONDS: count(600),
  /** Live deployments at most. */
  MAX_DEPLOYMENTS: count(50),
  MAX_INSTALLS: count(2),
  MAX_STARTS: count(4),
  INSTALL_TIMEOUT_SECONDS: count(600),
  HANDSHAKE_TIMEOUT_SECONDS: count(60),
  STOP_GRACE_SECONDS: count(5),
  /** Silence after which a running server is asked whether it lives. */
  HEALTH_INTERVAL_SECONDS: count(10),
  HEALTH_TIMEOUT_SECONDS: count(5),
  /** Days after which the installation of a package that nobody started is removed. */
  RETENTION_INSTALLS_DAYS: count(14),
  /** Hours for which events can be had again. */
  RETENTION_EVENTS_HOURS: count(24),
  GEMINI_API_KEY: z.string().min(1).optional(),
  GEMINI_MODEL: z.string().min(1).max(200).default('gemini-flash-latest'),
  /** Where the Gemini API is, when it is not Google's own address. */
  GOOGLE_GEMINI_BASE_URL: z.url({ protocol: /^https?$/ }).optional(),
  /** Tasks that are carried out at once. */
  MAX_TASKS: count(200),
  /** Days after which a task and what was told of it are deleted. */
  RETENTION_TASKS_DAYS: count(90),
  LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
  RATE_LIMIT_DISCOVERY: perHour(100),
  RATE_LIMIT_DEPLOYMENT: perHour(20),
  RATE_LIMIT_ORCHESTRATION: perHour(500),
  RATE_LIMIT_LOGS: perHour(1000),
});

/** Settings that may also come from a file named by `<NAME>_FILE`, as container secrets do. */
const secrets = [
  'DATABASE_URL',
  'REDIS_URL',
  'INSIGHTLOOP_SECRET_KEY',
  'GITHUB_TOKEN',
  'GEMINI_API_KEY',
] as const;

export interface Settings {
  host: string;
  port: number;
  publicUrl: string | null;
  dataDir: string;
  allowedHosts: string[];
  privateHosts: string[];
  corsOrigins: string[];
  trustProxy: string[];
  databaseUrl: string | null;
  redisUrl: string | null;
  secretKey: string | null;
  mountRoots: string[];
  githubToken: string | null;
  githubApiUrl: string | null;
  githubRawUrl: string | null;
  mcpRegistryUrl: string | null;
  pypiUrl: string | null;
  discoveryCacheMs: number;
  discoveryRefreshMs: number;
  proofTimeoutMs: number;
  maxDeployments: number;
  maxInstalls: number;
  maxStarts: number;
  installTimeoutMs: number;
  handshakeTimeoutMs: number;
  stopGraceMs: number;
  healthIntervalMs: number;
  healthTimeoutMs: number;
  unusedInstallsMs: number;
  keepEventsMs: number;
  /** Without a key there is no orchestration but of given plans. */
  gemini: { apiKey: string | null; model: string; baseUrl: string | undefined };
  maxTasks: number;
  tasksKeptMs: number;
  logLevel: z.output<typeof schema>['LOG_LEVEL'];
  /** PATH, HOME and npm's own settings: what leads installers to their programs and registries. */
  installerEnvironment: Record<string, string>;
  /** Requests per hour of each group. */
  rateLimits: Record<'discovery' | 'deployment' | 'orchestration' | 'logs', number>;
}

/** The settings are wrong in a way that a person must mend; the message says where. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
}

const loopback = /^(localhost|127(\.\d{1,3}){3}|::1)$/;

/** @throws SettingsError */
export function readSettings(environment: NodeJS.ProcessEnv = process.env): Settings {
  const parsed = schema.safeParse(withoutEmpty(withFiles(environment)));
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => `  ${issue.path.join('.')}: ${issue.message}`);
    throw new SettingsError(`The environment is not valid:\n${problems.join('\n')}`);
  }
  const env = parsed.data;
  if (!loopback.test(env.API_HOST) && !env.INSIGHTLOOP_ALLOW_ANONYMOUS)
    throw new SettingsError(
      `API_HOST=${env.API_HOST} would let anybody who reaches this machine deploy packages on it. ` +
        'Keep 127.0.0.1, or set INSIGHTLOOP_ALLOW_ANONYMOUS=true where something in front of us checks who calls.',
    );
  return {
    host: env.API_HOST,
    port: env.API_PORT,
    publicUrl: env.INSIGHTLOOP_PUBLIC_URL?.replace(/\/+$/, '') ?? null,
    dataDir: resolve(env.INSIGHTLOOP_DATA_DIR),
    allowedHosts: env.INSIGHTLOOP_ALLOWED_HOSTS,
    privateHosts: env.INSIGHTLOOP_PRIVATE_HOSTS,
    corsOrigins: env.CORS_ORIGINS,
    trustProxy: env.TRUST_PROXY,
    databaseUrl: env.DATABASE_URL ?? null,
    redisUrl: env.REDIS_URL ?? null,
    secretKey: env.INSIGHTLOOP_SECRET_KEY ?? null,
    mountRoots: env.INSIGHTLOOP_MOUNT_ROOTS,
    githubToken: env.GITHUB_TOKEN ?? null,
    githubApiUrl: env.GITHUB_API_URL ?? null,
    githubRawUrl: env.GITHUB_RAW_URL ?? null,
    mcpRegistryUrl: env.MCP_REGISTRY_URL ?? null,
    pypiUrl: env.PYPI_URL ?? null,
    discoveryCacheMs: env.DISCOVERY_CACHE_SECONDS * 1000,
    discoveryRefreshMs: env.DISCOVERY_REFRESH_HOURS * 60 * 60 * 1000,
    proofTimeoutMs: env.PROOF_TIMEOUT_SECONDS * 1000,
    maxDeployments: env.MAX_DEPLOYMENTS,
    maxInstalls: env.MAX_INSTALLS,
    maxStarts: env.MAX_STARTS,
    installTimeoutMs: env.INSTALL_TIMEOUT_SECONDS * 1000,
    handshakeTimeoutMs: env.HANDSHAKE_TIMEOUT_SECONDS * 1000,
    stopGraceMs: env.STOP_GRACE_SECONDS * 1000,
    healthIntervalMs: env.HEALTH_INTERVAL_SECONDS * 1000,
    healthTimeoutMs: env.HEALTH_TIMEOUT_SECONDS * 1000,
    unusedInstallsMs: env.RETENTION_INSTALLS_DAYS * dayMs,
    keepEventsMs: env.RETENTION_EVENTS_HOURS * hourMs,
    gemini: {
      apiKey: env.GEMINI_API_KEY ?? null,
      model: env.GEMINI_MODEL,
      baseUrl: env.GOOGLE_GEMINI_BASE_URL?.replace(/\/+$/, ''),
    },
    maxTasks: env.MAX_TASKS,
    tasksKeptMs: env.RETENTION_TASKS_DAYS * dayMs,
    logLevel: env.LOG_LEVEL,
    installerEnvironment: installerEnvironment(environment),
    rateLimits: {
      discovery: env.RATE_LIMIT_DISCOVERY,
      deployment: env.RATE_LIMIT_DEPLOYMENT,
      orchestration: env.RATE_LIMIT_ORCHESTRATION,
      logs: env.RATE_LIMIT_LOGS,
    },
  };
}

function withFiles(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const filled = { ...environment };
  for (const name of secrets) {
    const file = environment[`${name}_FILE`];
    if (!file || environment[name]) continue;
    try {
      filled[name] = readFileSync(file, 'utf8').trim();
    } catch (cause) {
      throw new SettingsError(`${name}_FILE names "${file}", which cannot be read.`, { cause });
    }
  }
  return filled;
}

/** An empty variable means the same as none: that is how compose files leave things out. */
const withoutEmpty = (environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));

/** Of the operator's environment only what installers are led by: our keys are none of their business. */
const forInstallers =
  /^(PATH|HOME|LANG|TZ|npm_config_.*|NPM_CONFIG_.*|UV_.*|PIP_.*|(HTTPS?|NO|ALL)_PROXY|(https?|no|all)_proxy|NODE_EXTRA_CA_CERTS|SSL_CERT_(FILE|DIR))$/;

const installerEnvironment = (environment: NodeJS.ProcessEnv): Record<string, string> =>
  Object.fromEntries(
    Object.entries(environment).flatMap(([name, value]) =>
      value !== undefined && forInstallers.test(name) ? [[name, value]] : [],
    ),
  );
