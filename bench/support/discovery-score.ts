// Scores one inference against the truth about its repository.
import { type Inference, type InferredRecipe, type InferredServer } from '@insightloop/core';
import { type ServerTruth, type Truth, type TruthRecipe } from './discovery-truth.ts';

/** Right ones of all: what recall, precision and the like are made of. */
export interface Share {
  right: number;
  of: number;
}

export interface Score {
  top: boolean;
  any: boolean;
  args: Share;
  requiredRecall: Share;
  requiredPrecision: Share;
  alternatives: Share;
  secrets: Share;
  transports: Share;
  port: Share;
  tools: Share;
  mustNot: string[];
  lookAlikeDeployable: boolean;
  kind: boolean;
  /** What is wrong, for a reader. */
  misses: string[];
}

export function scoreOf(truth: Truth, inference: Inference): Score {
  const mustNot = truth.must_not
    .filter((forbidden) => violates(forbidden, inference))
    .map(({ value, role }) => `${role} ${value}`);
  const kind = truth.kind === inference.kind;
  const lookAlikeDeployable = !truth.is_server && inference.kind === 'server';
  const pairs: [ServerTruth, InferredServer | undefined][] =
    truth.servers.length > 0
      ? truth.servers.map((server) => [
          server,
          inference.sub_servers.find(({ path }) => path === server.path),
        ])
      : [[truth, inference]];
  const judged = truth.is_server ? pairs.map(([server, found]) => scoreServer(server, found)) : [];
  const misses = [
    ...judged.flatMap((score) => score.misses),
    ...mustNot.map((hit) => `must not: ${hit}`),
    ...(kind ? [] : [`kind ${inference.kind}, truth ${truth.kind}`]),
  ];
  return {
    top: judged.length > 0 && judged.every((score) => score.top) && inference.kind === 'server',
    any: judged.every((score) => score.any),
    args: sum(judged.map((score) => score.args)),
    requiredRecall: sum(judged.map((score) => score.requiredRecall)),
    requiredPrecision: sum(judged.map((score) => score.requiredPrecision)),
    alternatives: sum(judged.map((score) => score.alternatives)),
    secrets: sum(judged.map((score) => score.secrets)),
    transports: sum(judged.map((score) => score.transports)),
    port: sum(judged.map((score) => score.port)),
    tools: sum(judged.map((score) => score.tools)),
    mustNot,
    lookAlikeDeployable,
    kind,
    misses,
  };
}

type ServerScore = Omit<Score, 'mustNot' | 'lookAlikeDeployable' | 'kind'>;

function scoreServer(truth: ServerTruth, found: InferredServer | undefined): ServerScore {
  const [best] = found?.recipes ?? [];
  const isManual = best === undefined && found?.best === 'manual';
  const rightWays = truth.recipes.filter((recipe) =>
    best ? sameWay(recipe, best) : isManual && sameManual(recipe, found),
  );
  const top = rightWays.some(({ preferred }) => preferred);
  const any =
    rightWays.length > 0 ||
    (found?.recipes ?? []).some((recipe) => truth.recipes.some((right) => sameWay(right, recipe)));
  const argsRight = best === undefined || rightWays.some((right) => sameArgs(right, best));
  const variables = new Map((found?.env ?? []).map((variable) => [variable.name, variable]));
  const required = [...variables.values()].filter((variable) => variable.required).map(({ name }) => name);
  const anyOf = new Set(truth.required_env_any_of.flat());
  const neutral = (name: string): boolean =>
    truth.neutral_env.includes(name) ||
    (typeof truth.neutral_env_regex === 'string' && new RegExp(truth.neutral_env_regex).test(name));
  const judgedRequired = required.filter((name) => !neutral(name));
  const wrongRequired = judgedRequired.filter(
    (name) => !truth.required_env.includes(name) && !truth.conditional_env.includes(name) && !anyOf.has(name),
  );
  const missedRequired = truth.required_env.filter((name) => !required.includes(name));
  const unmarked = truth.secret_env.filter((name) => variables.get(name)?.secret !== true);
  const common = new Set(truth.required_env);
  const alternatives = truth.required_env_any_of.map((set) => key(set, common));
  const foundAlternatives = new Set((found?.required_env_any_of ?? []).map((set) => key(set, common)));
  const missedTransports = truth.transports.filter(
    (transport) => !found?.transports.some((spoken) => spoken === transport),
  );
  const ports = [truth.default_port ?? null, ...truth.default_port_accept];
  const portRight = ports.includes(found?.default_port ?? null);
  const missedTools = truth.tools.filter((tool) => !found?.documented_tools.includes(tool));
  return {
    top,
    any,
    args: share(best !== undefined && argsRight ? 1 : 0, best === undefined ? 0 : 1),
    requiredRecall: share(truth.required_env.length - missedRequired.length, truth.required_env.length),
    requiredPrecision: share(judgedRequired.length - wrongRequired.length, judgedRequired.length),
    alternatives: share(alternatives.filter((set) => foundAlternatives.has(set)).length, alternatives.length),
    secrets: share(truth.secret_env.length - unmarked.length, truth.secret_env.length),
    transports: share(truth.transports.length - missedTransports.length, truth.transports.length),
    port: share(portRight ? 1 : 0, 1),
    tools: share(truth.tools.length - missedTools.length, truth.tools.length),
    misses: [
      ...(top
        ? []
        : [
            `top: ${best ? describe(best) : isManual ? `by hand, ${found.manual[0]?.via ?? ''}` : 'nothing'}`,
          ]),
      ...(argsRight || !top ? [] : [`args: ${best.package_args.join(' ')}`]),
      ...missedRequired.map((name) => `not required: ${name}`),
      ...wrongRequired.map((name) => `wrongly required: ${name}`),
      ...unmarked.map((name) => `secret not marked: ${name}${variables.has(name) ? '' : ' (not found)'}`),
      ...(portRight ? [] : [`port ${found?.default_port ?? 'none'}, truth ${ports.join(' or ')}`]),
      ...(missedTransports.length === 0 ? [] : [`transports missed: ${missedTransports.join(', ')}`]),
      ...(missedTools.length === 0 ? [] : [`tools missed: ${missedTools.length} of ${truth.tools.length}`]),
      ...(alternatives.every((set) => foundAlternatives.has(set))
        ? []
        : [
            `alternative sets missed: ${alternatives.filter((set) => !foundAlternatives.has(set)).length} of ${alternatives.length}`,
          ]),
    ],
  };
}

const share = (right: number, of: number): Share => ({ right, of });
const sum = (shares: readonly Share[]): Share => ({
  right: shares.reduce((total, { right }) => total + right, 0),
  of: shares.reduce((total, { of }) => total + of, 0),
});
export const sumOf = sum;
/** Nothing to find is all found. */
export const ratio = ({ right, of }: Share): number => (of === 0 ? 1 : right / of);

const key = (set: readonly string[], common: ReadonlySet<string>): string =>
  set
    .filter((name) => !common.has(name))
    .toSorted()
    .join();

const describe = ({ method, identifier, package_args: args }: InferredRecipe): string =>
  [method, identifier, ...args].join(' ');

const methodOf: Readonly<Record<string, string>> = { 'http-remote': 'remote' };

function sameWay(right: TruthRecipe, recipe: InferredRecipe): boolean {
  if ((methodOf[right.method] ?? right.method) !== recipe.method) return false;
  const named = right.package ?? right.image ?? right.url ?? '';
  return plain(named) === plain(recipe.identifier);
}

const plain = (identifier: string): string =>
  identifier
    .toLowerCase()
    .replace(/\[.*\]$/, '')
    .replace(/^docker\.io\//, '')
    .replace(/(?<=.)@[^/]*$/, '')
    .replace(/\/$/, '')
    .replaceAll('_', '-');

const sameManual = ({ method, via }: TruthRecipe, found: InferredServer): boolean =>
  method === 'other' && found.manual[0]?.via === via;

function sameArgs(
  { args, args_optional: optional, args_not_in_readme: unknown }: TruthRecipe,
  { package_args: found }: InferredRecipe,
): boolean {
  const shape = (words: readonly string[]): string =>
    words.map((word) => word.replace(/\{[^{}]*\}/g, '{}')).join(' ');
  return shape(args) === shape(found) || ((optional || unknown) && found.length === 0);
}

/** Whether an answer says what a naive extractor would say. */
function violates({ value, role }: { value: string; role: string }, inference: Inference): boolean {
  const servers: InferredServer[] = [inference, ...inference.sub_servers];
  const recipes = servers.flatMap((server) => server.recipes);
  const is = (recipe: InferredRecipe): boolean =>
    recipe.identifier === value || `${recipe.identifier}:${recipe.version ?? ''}` === value;
  switch (role) {
    case 'env':
      return servers.some(({ env }) => env.some(({ name }) => name === value));
    case 'default_port':
      return servers.some(({ default_port: port }) => String(port) === value);
    case 'method':
      return recipes.some(({ method }) => method === value);
    case 'npx':
    case 'uvx':
      return recipes.some((recipe) => recipe.method === role && is(recipe));
    case 'docker_image':
      return recipes.some((recipe) => recipe.method === 'docker' && is(recipe));
    case 'preferred_tag':
      return servers.some(({ recipes: [best] }) => best !== undefined && is(best));
    case 'bin':
      return recipes.some(({ bin }) => bin === value);
    case 'args': {
      const args = /\[.*?\]/.exec(value)?.[0] ?? value;
      return recipes.some(({ package_args: found }) => JSON.stringify(found) === args);
    }
    case 'command':
      return servers.some(({ manual }) => manual.some(({ command }) => command === value));
    case 'value':
      return JSON.stringify(recipes.map(({ package_args: args, env }) => [args, env])).includes(value);
    case 'cargo install':
      return servers.some(({ manual }) =>
        manual.some(({ command, args }) => command === 'cargo' && args.includes(value)),
      );
    default:
      return recipes.some(is);
  }
}
