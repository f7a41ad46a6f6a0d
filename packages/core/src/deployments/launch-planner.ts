// From a server's recipe and a caller's configuration to a launch plan: all checks that need no running part.
import { serverNotVerified, invalidConfiguration } from '../errors.ts';
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
    digest: null,
    bin: recipe.bin,
    args,
    environment,
    secretInputs: recipe.inputs.flatMap(({ name, kind }) =>
      kind === 'secret' ? (inputs.get(name) ?? []) : [],
    ),
    transport: recipe.transport,
    port: recipe.transport === 'stdio' ? null : port,
    path: null,
    limits,
    mounts,
    allowScripts: configuration.security?.allow_scripts ?? false,
    allowUnisolated: configuration.security?.allow_unisolated ?? false,
  };
}

function chooseRecipe({ server, method, allowUnverified, allowKind }: PlanRequest): LaunchRecipe {
  if (server.kind !== 'server' && !allowKind)
    throw invalidConfiguration(
      `"${server.id}" looks like a ${server.kind}, not like a server. Set allow_kind to deploy it all the same.`,
      { server_id: server.id, kind: server.kind },
    );
  const methods = [...new Set(server.launch.map((recipe) => recipe.method))];
  const recipe = server.launch.find(
    (candidate) => (method === null || candidate.method === method) && candidate.deployable,
  );
  if (!recipe)
    throw invalidConfiguration(
      method === null
        ? `"${server.id}" has no recipe by which it can be deployed unattended.`
        : `"${server.id}" cannot be deployed by ${method}; its recipes are for ${methods.join(', ')}.`,
      { server_id: server.id, method, methods },
    );
  if (recipe.verified !== true && !allowUnverified)
    throw serverNotVerified(
      `Nothing proves that ${recipe.identifier} belongs to "${server.id}". Set allow_unverified if you trust it.`,
      { server_id: server.id, identifier: recipe.identifier },
    );
  return recipe;
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
        (inputs.get(input.name) ?? []).map((source) => ({
          path: ['inputs', input.name],
          source,
          target: source,
          readOnly: false,
        })),
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
