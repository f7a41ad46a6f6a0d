// From a server's recipe and a caller's configuration to a launch plan: all checks that need no running part.
import { serverNotVerified, invalidConfiguration, type AppError } from '../errors.ts';
import type { LaunchRecipe } from '../servers/launch-recipe.ts';
import type { Server } from '../servers/server.ts';
import {
  checkCommandLine,
  checkEnvironment,
  checkPort,
  ConfigurationIssues,
  readLimits,
  type DeploymentConfiguration,
} from './configuration.ts';
import type { LaunchPlan } from './launch-plan.ts';
import type { MountRoots } from './mount-roots.ts';
import type { SandboxMount } from './sandbox.ts';

export interface PlanRequest {
  deploymentId: string;
  server: Server;
  /** Null takes the best deployable recipe. */
  method: string | null;
  configuration: DeploymentConfiguration;
  allowUnverified: boolean;
  allowKind: boolean;
}

/**
 * @throws AppError INVALID_CONFIGURATION listing everything that is wrong or missing; SERVER_NOT_VERIFIED
 */
export async function planLaunch(request: PlanRequest, mountRoots: MountRoots): Promise<LaunchPlan> {
  const { server, configuration } = request;
  const recipe = chooseRecipe(request);
  const issues = new ConfigurationIssues();
  const limits = readLimits(configuration, issues);
  checkPort(configuration, issues);
  checkEnvironment(configuration.environment ?? {}, issues);
  checkVersion(configuration, issues);
  const inputs = readInputs(recipe, configuration, issues);
  const environment = readEnvironment(recipe, { configuration, inputs, issues });
  const mounts = await readMounts({ recipe, configuration, inputs, issues }, mountRoots);
  const args = [
    ...recipe.package_args.flatMap((argument) => fillArgument(argument, inputs)),
    ...(configuration.args ?? []),
  ];
  checkCommandLine({ args, environment }, issues);
  issues.throwIfAny(server.id);
  const port = configuration.port ?? recipe.port;
  return {
    deploymentId: request.deploymentId,
    serverId: server.id,
    method: recipe.method,
    identifier: recipe.identifier,
    version: configuration.version ?? recipe.version,
    digest: digestOf(recipe, configuration),
    bin: recipe.bin,
    args,
    environment,
    secretInputs: secretsIn(recipe, inputs),
    transport: recipe.transport,
    port: recipe.transport === 'stdio' ? null : port,
    path: null,
    limits,
    mounts,
    allowScripts: configuration.security?.allow_scripts ?? false,
    allowUnisolated: configuration.security?.allow_unisolated ?? false,
  };
}

/** The hash that was verified must be that of what is fetched; a Python installer has another notion of it. */
const digestOf = (
  { method, integrity, version }: LaunchRecipe,
  { version: wanted }: DeploymentConfiguration,
): string | null => (method === 'uvx' || (wanted !== undefined && wanted !== version) ? null : integrity);

function chooseRecipe(request: PlanRequest): LaunchRecipe {
  const { server, method, allowUnverified, allowKind } = request;
  if (server.kind !== 'server' && !allowKind)
    throw invalidConfiguration(
      `"${server.id}" looks like a ${server.kind}, not like a server. Set allow_kind to deploy it all the same.`,
      { server_id: server.id, kind: server.kind },
    );
  const candidates = server.launch.filter((recipe) => method === null || recipe.method === method);
  const deployable = candidates.filter((recipe) => recipe.deployable);
  const recipe = deployable.find((candidate) => isVerified(candidate, request)) ?? deployable[0];
  if (!recipe) throw notDeployable(request, candidates);
  if (!isVerified(recipe, request) && !allowUnverified) throw notVerified(recipe, request);
  return recipe;
}

/** What was verified is a version: another one is as unknown as another package. */
const isVerified = (
  { verified, verified_by, version }: LaunchRecipe,
  { configuration: { version: wanted } }: PlanRequest,
): boolean => verified === true && (verified_by === 'operator' || wanted === undefined || wanted === version);

function notVerified(recipe: LaunchRecipe, { server, configuration }: PlanRequest): AppError {
  const { identifier, version, verified, evidence } = recipe;
  const reason =
    verified === true
      ? `only version ${version ?? 'unknown'} was verified, not ${configuration.version ?? 'another'}`
      : evidence.findLast(({ from }) => from === 'verification')?.detail;
  return serverNotVerified(
    `Nothing proves that ${identifier} belongs to "${server.id}"${reason ? ` (${reason})` : ''}. Set allow_unverified if you trust it.`,
    { server_id: server.id, identifier, reason: reason ?? null },
  );
}

function notDeployable({ server, method }: PlanRequest, candidates: readonly LaunchRecipe[]): AppError {
  const methods = [...new Set(server.launch.map((recipe) => recipe.method))];
  const blockers = [...new Set(candidates.flatMap((recipe) => recipe.blockers))];
  const details = { server_id: server.id, method, methods, blockers };
  if (candidates.length === 0 && method !== null && methods.length > 0)
    return invalidConfiguration(
      `"${server.id}" cannot be deployed by ${method}; its recipes are for ${methods.join(', ')}.`,
      details,
    );
  const why = blockers.length > 0 ? blockers.join('; ') : 'no recipe for it is known';
  return invalidConfiguration(`"${server.id}" cannot be deployed unattended: ${why}.`, details);
}

function checkVersion({ version }: DeploymentConfiguration, issues: ConfigurationIssues): void {
  if (version !== undefined && !/^[A-Za-z0-9][A-Za-z0-9._+!-]*$/.test(version))
    issues.add(
      ['version'],
      'invalid_value',
      `version ${JSON.stringify(version)} is neither a version nor a tag`,
    );
}

type Inputs = ReadonlyMap<string, string[]>;

interface ReadContext {
  recipe: LaunchRecipe;
  configuration: DeploymentConfiguration;
  inputs: Inputs;
  issues: ConfigurationIssues;
}

function readInputs(
  recipe: LaunchRecipe,
  configuration: DeploymentConfiguration,
  issues: ConfigurationIssues,
): Inputs {
  const given = new Map(Object.entries(configuration.inputs ?? {}));
  const values = new Map<string, string[]>();
  for (const input of recipe.inputs) {
    const path = ['inputs', input.name];
    const value = given.get(input.name) ?? input.default ?? [];
    const list = typeof value === 'string' ? [value] : value;
    if (input.required && list.length === 0)
      issues.add(path, 'missing', `input "${input.name}" is required: ${input.description ?? input.kind}`);
    if (!input.repeatable && list.length > 1)
      issues.add(path, 'too_many', `input "${input.name}" takes one value`);
    for (const text of list) {
      const problem = inputProblem(input.kind, text);
      if (problem) issues.add(path, 'invalid_value', `input "${input.name}" ${problem}`);
    }
    values.set(input.name, list);
    given.delete(input.name);
  }
  for (const name of given.keys())
    issues.add(['inputs', name], 'unknown_input', `there is no input ${JSON.stringify(name)}`);
  return values;
}

/** Arguments are no place for secrets, but many servers take them there. */
const secretsIn = (recipe: LaunchRecipe, inputs: Inputs): string[] =>
  recipe.inputs.flatMap(({ name, kind }) =>
    (inputs.get(name) ?? []).filter(
      (value) => kind === 'secret' || (URL.canParse(value) && new URL(value).password !== ''),
    ),
  );

const isPathKind = (kind: LaunchRecipe['inputs'][number]['kind']): boolean =>
  kind === 'path' || kind === 'file' || kind === 'directory';

function inputProblem(kind: LaunchRecipe['inputs'][number]['kind'], text: string): string | null {
  if (text === '') return 'is empty';
  if (text.includes('\0')) return 'contains NUL';
  if (kind === 'url' && !URL.canParse(text)) return `is no URL: ${JSON.stringify(text)}`;
  // A value that looks like a flag would change how the server is called instead of what it works on.
  if (kind !== 'secret' && text.startsWith('-')) return 'must not begin with "-"';
  return null;
}

/** An argument that is nothing but one input becomes as many arguments as the input has values. */
function fillArgument(argument: string, inputs: Inputs): string[] {
  const whole = /^\{([A-Za-z_][A-Za-z0-9_-]*)\}$/.exec(argument);
  const values = whole?.[1] === undefined ? undefined : inputs.get(whole[1]);
  return values ?? [fillText(argument, inputs)];
}

const fillText = (text: string, inputs: Inputs): string =>
  text.replace(
    /\{([A-Za-z_][A-Za-z0-9_-]*)\}/g,
    (placeholder, name: string) => inputs.get(name)?.join(',') ?? placeholder,
  );

function readEnvironment(
  recipe: LaunchRecipe,
  { configuration, inputs, issues }: Omit<ReadContext, 'recipe'>,
): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const variable of recipe.env)
    if (variable.default !== null) environment[variable.name] = fillText(variable.default, inputs);
  Object.assign(environment, configuration.environment);
  const isSet = (name: string): boolean => (environment[name] ?? '') !== '';
  for (const { name, required, description } of recipe.env)
    if (required && !isSet(name))
      issues.add(
        ['environment', name],
        'missing',
        `variable ${name} is required${description ? `: ${description}` : ''}`,
      );
  const sets = recipe.required_env_any_of;
  if (sets.length > 0 && !sets.some((names) => names.every(isSet)))
    issues.add(
      ['environment'],
      'missing',
      `one of these sets of variables is required: ${sets.map((names) => names.join(' and ')).join(', or ')}`,
    );
  return environment;
}

/** The mounts asked for, and one for each input that is a path: naming a path means that the server may use it. */
async function readMounts(
  { recipe, configuration, inputs, issues }: ReadContext,
  mountRoots: MountRoots,
): Promise<SandboxMount[]> {
  const wanted = [
    ...(configuration.mounts ?? []).map((mount, index) => ({
      path: ['mounts', index],
      source: mount.source,
      target: mount.target,
      readOnly: mount.read_only ?? true,
    })),
    ...recipe.inputs
      .filter((input) => isPathKind(input.kind))
      .flatMap((input) =>
        (inputs.get(input.name) ?? []).map((source) => {
          const mount = recipe.mounts.find((known) => known.input === input.name);
          return {
            path: ['inputs', input.name],
            source,
            target: mount?.target ?? source,
            readOnly: mount?.read_only ?? false,
          };
        }),
      ),
  ];
  const mounts: SandboxMount[] = [];
  for (const { path, source, target, readOnly } of wanted) {
    const checked = isPlainAbsolute(target)
      ? await mountRoots.check(source)
      : ({ ok: false, reason: `${JSON.stringify(target)} is not an absolute path without ".."` } as const);
    if (checked.ok) mounts.push({ source: checked.realPath, target, readOnly });
    else issues.add(path, 'forbidden_path', checked.reason);
  }
  return mounts;
}

const isPlainAbsolute = (path: string): boolean =>
  path.startsWith('/') &&
  !path.includes('\0') &&
  !path.split('/').some((part) => part === '..' || part === '.');
