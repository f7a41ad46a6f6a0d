// The rules of docs/architecture.md, as questions to the modules: who may import whom, and what a file looks like.
import { posix } from 'node:path';
import type { Import, Module } from './architecture-modules.ts';

/** The folders that hold modules of ours. The project's own folder is not among them: it holds configuration. */
export const folders = ['packages', 'apps', 'tests', 'bench', 'prisma'] as const;

/** Which members each member knows. Nobody knows the server or the client but what tests and measures them. */
const knows: Record<string, readonly string[]> = {
  'packages/core': [],
  'packages/adapters': ['packages/core'],
  'packages/api': ['packages/core'],
  'packages/client': ['packages/api'],
  'apps/server': ['packages/core', 'packages/adapters', 'packages/api', 'prisma/seed.ts'],
  'prisma/seed.ts': [],
  // The developers' commands around the schema.
  prisma: ['packages/core', 'packages/adapters'],
  tests: [
    'packages/core',
    'packages/adapters',
    'packages/api',
    'packages/client',
    'apps/server',
    'prisma/seed.ts',
  ],
  bench: ['packages/core', 'packages/adapters', 'packages/api', 'packages/client', 'apps/server', 'tests'],
};

/** Core's rooms, each of which knows those before it. `top` is what stands in core's own folder, above all rooms. */
const rooms = [
  'errors',
  'platform',
  'telemetry',
  'servers',
  'mcp',
  'tools',
  'deployments',
  'tasks',
  'top',
  'testing',
];

const vagueNames = /^(utils?|helpers?|common|shared|misc|types?|constants?|managers?|base)$/;
const kebabCase = /^[a-z0-9]+(-[a-z0-9]+)*$/;

/** Everything in which the modules break a rule, as `path:line what`; empty when none does. */
export function violationsIn(modules: readonly Module[]): string[] {
  const ofModules = modules.flatMap((module) => [
    ...module.imports.flatMap((one) =>
      importRules.flatMap((rule) => told(module, one.line, rule(module, one))),
    ),
    ...fileRules.flatMap((rule) => told(module, 1, rule(module))),
    ...module.exportStars.flatMap((line) => told(module, line, 'exports with *: index files list names')),
    ...environmentReadsIn(module).flatMap((line) =>
      told(module, line, 'reads the environment: only apps/server/src/env.ts does'),
    ),
  ]);
  return [...ofModules, ...sharedLibrariesIn(modules)].sort();
}

const told = ({ path }: Module, line: number, problem: string | null): string[] =>
  problem === null ? [] : [`${path}:${line} ${problem}`];

type ImportRule = (module: Module, one: Import) => string | null;

/** The layers between the members. Tests keep to them too, but may use what tests/support holds for all. */
const memberLayers: ImportRule = (module, { target }) => {
  const [from, to] = [memberOf(module.path), memberOf(target)];
  if (to === undefined || from === undefined || from === to) return null;
  if (isTest(module) && target.startsWith('tests/support/')) return null;
  const known = knows[from] ?? [];
  return known.includes(to) ? null : `imports ${target}: of ours, ${from} knows [${known.join(', ')}]`;
};

const coreImports: ImportRule = (module, { target, typeOnly }) => {
  if (memberOf(module.path) !== 'packages/core' || isTest(module) || memberOf(target) !== undefined)
    return null;
  if (target.startsWith('node:'))
    return typeOnly ? null : `imports ${target}: core knows Node's types only, and the machine through ports`;
  return libraryOf(target) === 'zod' ? null : `imports ${target}: core imports zod and nothing else`;
};

const coreOrder: ImportRule = (module, { target }) => {
  const [from, to] = [roomOf(module.path), roomOf(target)];
  if (from === undefined || to === undefined || isTest(module)) return null;
  return rooms.indexOf(to) <= rooms.indexOf(from)
    ? null
    : `imports ${target}: the order of core is ${rooms.join(' ◄ ')}`;
};

/** Tests are free of it: the store's need a real PostgreSQL, which another adapter starts. */
const adapterIsolation: ImportRule = (module, { target }) => {
  const [from, to] = [adapterOf(module.path), adapterOf(target)];
  if (from === undefined || to === undefined || from === to || isTest(module)) return null;
  return `imports ${target}: an adapter never imports another adapter`;
};

const clientTypes: ImportRule = (module, { target, typeOnly }) =>
  memberOf(module.path) === 'packages/client' &&
  memberOf(target) === 'packages/api' &&
  !typeOnly &&
  !isTest(module)
    ? `imports values of ${target}: the client takes types only, or the server's code is shipped with it`
    : null;

/** Fakes and programs for tests stand in folders named `testing`, and in tests/support. */
const testCode: ImportRule = (module, { target }) =>
  isTestCode(target) && !isTest(module) && isShipped(module)
    ? `imports ${target}: only tests import what is made for tests`
    : null;

const importRules = [memberLayers, coreImports, coreOrder, adapterIsolation, clientTypes, testCode];

const firstLine = ({ firstLine }: Module): string | null =>
  /^(\/\/ |\/\*\* )\S/.test(firstLine) ? null : 'does not say in its first line what it is';

/** A vague word is refused where it is the whole name, or the noun at its end: `base.ts`, `task-manager.ts`. */
const names = ({ path }: Module): string | null => {
  const words = path.replace(/(\.integration)?(\.test|\.config)?\.ts$/, '').split('/');
  const wrong = words.find((word) => !kebabCase.test(word) || vagueNames.test(word.split('-').at(-1) ?? ''));
  return wrong === undefined ? null : `is named "${wrong}": names are kebab-case and say what the thing is`;
};

const fileRules = [firstLine, names];

const environmentReadsIn = (module: Module): number[] =>
  isShipped(module) && module.path !== 'apps/server/src/env.ts' && !isTest(module)
    ? module.environmentReads
    : [];

/** "Its one library": what two adapters both import is a sign that one does the other's work. */
function sharedLibrariesIn(modules: readonly Module[]): string[] {
  const users = new Map<string, Set<string>>();
  for (const module of modules) {
    const adapter = adapterOf(module.path);
    if (adapter === undefined || isTest(module)) continue;
    for (const { target } of module.imports) {
      const library = libraryOf(target);
      if (library !== undefined && library !== 'zod')
        users.set(library, (users.get(library) ?? new Set()).add(adapter));
    }
  }
  return [...users]
    .filter(([, adapters]) => adapters.size > 1)
    .map(
      ([library, adapters]) =>
        `packages/adapters: ${[...adapters].sort().join(' and ')} both import ${library}`,
    );
}

/** The member of the workspace to which a path or a package's name belongs. */
function memberOf(target: string): string | undefined {
  const scoped = /^@insightloop\/([^/]+)/.exec(target)?.[1];
  if (scoped !== undefined) return scoped === 'server' ? 'apps/server' : `packages/${scoped}`;
  return Object.keys(knows).find((member) => target === member || target.startsWith(`${member}/`));
}

/** The library of which a target is a part; undefined for our own modules and for Node's. */
const libraryOf = (target: string): string | undefined =>
  memberOf(target) !== undefined || target.startsWith('node:') || target.startsWith('.')
    ? undefined
    : /^(@[^/]+\/)?[^/]+/.exec(target)?.[0];

function roomOf(target: string): string | undefined {
  const path = /^packages\/core\/src\/(.+)$/.exec(target)?.[1];
  if (path === undefined) return undefined;
  if (path === 'errors.ts') return 'errors';
  return path.includes('/') ? path.split('/')[0] : 'top';
}

const adapterOf = (target: string): string | undefined =>
  /^(?:packages\/adapters\/src|@insightloop\/adapters)\/([^/]+)/.exec(target)?.[1];

const isShipped = ({ path }: Module): boolean => /^(packages|apps)\//.test(path);

const isTest = ({ path }: Module): boolean => path.endsWith('.test.ts') || isTestCode(path);

const isTestCode = (target: string): boolean =>
  posix.dirname(target).split('/').includes('testing') ||
  /^(@insightloop\/core\/testing$|tests\/)/.test(target);
