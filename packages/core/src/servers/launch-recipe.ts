// A launch recipe: one way in which a server can be started, and the rules on what may stand in it.
import { z } from 'zod';
import { storableText } from './storable-text.ts';

export const launchMethods = ['npx', 'uvx', 'docker', 'remote'] as const;
export type LaunchMethod = (typeof launchMethods)[number];

/** What a caller may ask for. E2B is no recipe of its own: it runs the packages of others. */
export const deployMethods = ['docker', 'npx', 'e2b', 'uvx', 'remote'] as const;
export type DeployMethod = (typeof deployMethods)[number];

export const transports = ['stdio', 'streamable-http', 'sse'] as const;
export type Transport = (typeof transports)[number];

const inputKinds = ['string', 'path', 'file', 'directory', 'url', 'secret'] as const;

/** POSIX: letters, digits and underscore, not starting with a digit. */
const environmentName = z
  .string()
  .max(256)
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be letters, digits and underscores, not starting with a digit');

const environmentVariable = z.strictObject({
  name: environmentName,
  required: z.boolean().default(false),
  secret: z.boolean().default(false),
  default: storableText.max(4096).nullable().default(null),
  description: storableText.max(2000).nullable().default(null),
});

const launchInput = z.strictObject({
  name: z
    .string()
    .max(100)
    .regex(/^[A-Za-z_][A-Za-z0-9_-]*$/, 'must be letters, digits, - and _'),
  description: storableText.max(2000).nullable().default(null),
  kind: z.enum(inputKinds).default('string'),
  required: z.boolean().default(false),
  default: storableText.max(4096).nullable().default(null),
  repeatable: z.boolean().default(false),
});

/** What npm takes for a file beside it, wherever a name or a version could stand (npm-package-arg). */
const tarball = /\.(?:tgz|tar|tar\.gz)$/i;

/** What Python's installers take for a file beside them. */
const pythonArchive = /\.(?:whl|egg|zip|tgz|tar|tar\.[a-z0-9]+)$/i;

/**
 * What a caller may say of a recipe. `command` and `args` are derived from it and never accepted: a recipe names
 * a package, an image or an address, it is not a way to run anything at will.
 */
export const launchRecipeInput = z
  .strictObject({
    method: z.enum(launchMethods),
    identifier: z
      .string()
      .min(1)
      .max(2048)
      .describe('npm name (npx), PyPI name (uvx), OCI reference (docker) or https URL (remote)'),
    version: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9._+!-]{0,127}$/, 'must be a version or a tag')
      .refine((version) => !tarball.test(version), 'must be a version or a tag, not a file')
      .nullable()
      .default(null)
      .describe('null takes the newest when it is deployed; the deployment then pins it'),
    package_args: z.array(storableText.max(4096)).max(200).default([]).describe('{name} stands for an input'),
    bin: z
      .string()
      .regex(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,213}$/, 'must be the name of a program')
      .nullable()
      .default(null)
      .describe('which of the package’s programs, where it has several'),
    transport: z.enum(transports).optional().describe('stdio for packages and images, else streamable-http'),
    port: z.int().min(1).max(65535).nullable().default(null),
    env: z.array(environmentVariable).max(200).default([]),
    required_env_any_of: z
      .array(z.array(environmentName).min(1).max(50))
      .max(50)
      .default([])
      .describe('one of these sets must be given whole'),
    inputs: z.array(launchInput).max(100).default([]),
  })
  .superRefine((recipe, context) => {
    const problem = identifierProblem(recipe.method, recipe.identifier);
    if (problem) context.addIssue({ code: 'custom', path: ['identifier'], message: problem });
    if (recipe.method === 'remote' && recipe.transport === 'stdio')
      context.addIssue({ code: 'custom', path: ['transport'], message: 'a remote server has no stdio' });
    for (const [field, names] of [
      ['env', recipe.env.map((variable) => variable.name)],
      ['inputs', recipe.inputs.map((input) => input.name)],
    ] as const) {
      if (new Set(names).size !== names.length)
        context.addIssue({ code: 'custom', path: [field], message: 'the same name stands twice' });
    }
  });
export type LaunchRecipeInput = z.output<typeof launchRecipeInput>;

/** A recipe as it is stored: with what we know of its trustworthiness. */
export const launchRecipe = z.object({
  method: z.enum(launchMethods),
  identifier: z.string(),
  version: z.string().nullable(),
  package_args: z.array(z.string()),
  bin: z.string().nullable(),
  transport: z.enum(transports),
  port: z.int().nullable(),
  env: z.array(environmentVariable),
  required_env_any_of: z.array(z.array(z.string())),
  inputs: z.array(launchInput),
  verified: z.boolean().nullable().describe('null: not known'),
  verified_by: z.string().nullable(),
  named_by_repository: z
    .boolean()
    .default(false)
    .describe('its repository’s manifest, server.json or registry entry names it'),
  integrity: z
    .string()
    .nullable()
    .default(null)
    .describe('the hash of the version that was verified: nothing else is run under it'),
  deployable: z.boolean(),
  blockers: z.array(z.string()).default([]).describe('why it cannot be deployed unattended'),
  mounts: z
    .array(z.object({ input: z.string(), target: z.string(), read_only: z.boolean() }))
    .default([])
    .describe('where the server expects the paths that inputs name'),
  evidence: z.array(z.object({ from: z.string(), detail: z.string() })),
});
export type LaunchRecipe = z.infer<typeof launchRecipe>;

/** A recipe as it is shown: with the command line that it amounts to. */
export const launchRecipeView = launchRecipe.extend({
  command: z.string().nullable().describe('output only; null where nothing is run'),
  args: z.array(z.string()).describe('output only'),
});
export type LaunchRecipeView = z.infer<typeof launchRecipeView>;

export const viewOfRecipe = (recipe: LaunchRecipe): LaunchRecipeView => ({
  ...recipe,
  ...commandLine(recipe),
});

/** The recipe of an operator, who vouches for it. */
export const operatorRecipe = (input: LaunchRecipeInput): LaunchRecipe => ({
  ...input,
  transport: input.transport ?? (input.method === 'remote' ? 'streamable-http' : 'stdio'),
  verified: true,
  verified_by: 'operator',
  named_by_repository: false,
  integrity: null,
  deployable: true,
  blockers: [],
  mounts: [],
  evidence: [{ from: 'operator', detail: 'registered by the operator' }],
});

const npmName = /^(?:@[a-z0-9~][a-z0-9._~-]*\/)?[a-z0-9~][a-z0-9._~-]*$/;
const pypiName = /^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$/;
const ociReference = new RegExp(
  '^(?:(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)(?:\\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*(?::[0-9]+)?/)?' +
    '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*)*' +
    '(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@sha256:[0-9a-f]{64})?$',
);

/**
 * Why an identifier is not one of its method's, or null. Names only: never a path, a flag, a git address or a tarball.
 * Rules: npm's package.json documentation (name), PEP 508 (names), the OCI distribution specification (references).
 */
export function identifierProblem(method: LaunchMethod, identifier: string): string | null {
  switch (method) {
    case 'npx':
      return npmName.test(identifier) && !tarball.test(identifier) && identifier.length <= 214
        ? null
        : 'must be the name of an npm package, such as "@scope/name", without version, path or address';
    case 'uvx':
      return pypiName.test(identifier) && !pythonArchive.test(identifier) && identifier.length <= 214
        ? null
        : 'must be the name of a PyPI project, without version, path or address';
    case 'docker':
      return ociReference.test(identifier) && identifier.length <= 512
        ? null
        : 'must be an image reference, such as "host/name:tag" or "name@sha256:…"';
    case 'remote':
      return remoteUrlProblem(identifier);
  }
}

function remoteUrlProblem(identifier: string): string | null {
  // The URL parser drops spaces, line breaks and the like; what we store is what we judged.
  const url =
    /^[^\s\p{Cc}\p{Cs}]+$/u.test(identifier) && URL.canParse(identifier) ? new URL(identifier) : null;
  if (!url || (url.protocol !== 'https:' && url.protocol !== 'http:')) return 'must be an https URL';
  if (url.username || url.password) return 'must not contain credentials; pass them as inputs';
  if (url.hash) return 'must not contain a fragment';
  return null;
}

/** What a person would type to run the recipe. We do not run this line: the runtimes take the recipe itself. */
function commandLine(recipe: LaunchRecipe): { command: string | null; args: string[] } {
  const { identifier, version, bin, package_args } = recipe;
  switch (recipe.method) {
    case 'npx': {
      const spec = version ? `${identifier}@${version}` : identifier;
      const args = bin ? ['-y', `--package=${spec}`, '--', bin] : ['-y', '--', spec];
      return { command: 'npx', args: [...args, ...package_args] };
    }
    case 'uvx': {
      const spec = version ? `${identifier}==${version}` : identifier;
      return { command: 'uvx', args: ['--from', spec, '--', bin ?? identifier, ...package_args] };
    }
    case 'docker': {
      const port = recipe.port ? ['-p', `127.0.0.1:${recipe.port}:${recipe.port}`] : [];
      const variables = recipe.env.flatMap((variable) => ['-e', variable.name]);
      return {
        command: 'docker',
        args: ['run', '-i', '--rm', ...port, ...variables, '--', imageReference(recipe), ...package_args],
      };
    }
    case 'remote':
      return { command: null, args: [] };
  }
}

/** The image with its tag: a version adds one only where the identifier has neither tag nor digest. */
function imageReference({ identifier, version }: LaunchRecipe): string {
  const lastPart = identifier.slice(identifier.lastIndexOf('/') + 1);
  return version && !/[:@]/.test(lastPart) ? `${identifier}:${version}` : identifier;
}
