// What has to be true before a command can run, and how it is made true: each step only when its inputs changed.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { withLock } from './lock.mjs';
import { Problem } from './problem.mjs';
import { runPhase, say } from './processes.mjs';
import { fetchToolchain, findToolchain } from './toolchain.mjs';

const generated = 'packages/adapters/src/prisma/generated';
const sdk = 'packages/client';

/**
 * A step of the preparation. It is done when its outputs are there and were made from inputs with the same fingerprint.
 * @typedef {object} Step
 * @property {string} title
 * @property {(root: string) => string[]} inputs files and folders, whose content counts
 * @property {(root: string) => string[]} outputs what must be there
 * @property {(toolchain: ReturnType<typeof findToolchain>, root: string) => string[]} command
 * @property {string} [cwd] the folder to run it in, seen from the root
 */

/** Whatever the user's own settings are: all that the lock file names, no questions, one line of output per event. */
const installSettings = ['--optional', '--yes', '--reporter=append-only'];

/** @type {Record<string, Step>} */
const steps = {
  install: {
    title: 'Installing the packages',
    inputs: (root) => ['pnpm-lock.yaml', 'pnpm-workspace.yaml', ...manifests(root)],
    outputs: (root) =>
      manifests(root)
        .filter(hasDependencies(root))
        .map((file) => join(dirname(file), 'node_modules')),
    // The lock file is trusted, as the rest of the project is: its hashes are checked, but nobody is asked how old each
    // package is, which takes ten seconds and a registry that knows.
    command: ({ pnpm }) => [...pnpm, 'install', '--frozen-lockfile', '--trust-lockfile', ...installSettings],
  },
  generate: {
    title: 'Generating the database client',
    inputs: () => ['prisma/schema.prisma', 'prisma.config.ts', 'node_modules/prisma/package.json'],
    outputs: () => [generated],
    command: ({ node }, root) => [node, programOf(root, 'prisma'), 'generate'],
  },
  sdk: {
    title: 'Building the client package',
    inputs: (root) => [
      'pnpm-lock.yaml',
      'tsconfig.base.json',
      ...['package.json', 'tsconfig.json', 'tsup.config.ts'].map((name) => `${sdk}/${name}`),
      ...[sdk, 'packages/api', 'packages/core'].flatMap((member) => sourcesUnder(root, `${member}/src`)),
    ],
    outputs: () => [`${sdk}/dist`],
    command: ({ pnpm }) => [...pnpm, 'run', 'build'],
    cwd: sdk,
  },
};

/**
 * Makes everything ready for a command and returns the toolchain to run it with.
 * With nothing to do it takes no lock and starts no process: some tens of milliseconds.
 * @param {string} root the project's folder
 * @param {(keyof typeof steps)[]} names the steps that the command needs, in order
 */
export async function prepare(root, names) {
  const toolchain = findToolchain(root);
  const isStale = (name) => stampOf(root, name) !== fingerprint(root, name, toolchain);
  if (toolchain.missing.length === 0 && !names.some(isStale)) return toolchain;

  const wait = (pid) => say(`waiting for process ${pid}, which is preparing this folder …`);
  return await withLock(join(root, '.toolchain', 'locks'), wait, async () => {
    // Looked at again: the one we waited for has most likely done it.
    if (findToolchain(root).missing.length > 0) await fetchToolchain(root, toolchain);
    for (const name of names) {
      if (isStale(name)) await runStep(root, name, toolchain);
    }
    return toolchain;
  });
}

async function runStep(root, name, toolchain) {
  const step = steps[name];
  const before = fingerprint(root, name, toolchain);
  const env = {
    ...toolchain.env,
    // Production installs leave out the tools that generate and build; the variable is for the server alone.
    NODE_ENV: undefined,
    // The tools need not ask their makers whether there is a newer one.
    CHECKPOINT_DISABLE: '1',
  };
  await runPhase(step.title, step.command(toolchain, root), { cwd: join(root, step.cwd ?? '.'), env });
  const stamp = stampFile(root, name);
  mkdirSync(dirname(stamp), { recursive: true });
  // The state from before: what was edited while the step ran is a reason to run it again.
  writeFileSync(stamp, before);
}

const stampFile = (root, name) => join(root, '.toolchain', 'stamps', name);

/** The fingerprint from which the outputs were made; undefined when one of them is gone. */
function stampOf(root, name) {
  const file = stampFile(root, name);
  const complete = [file, ...steps[name].outputs(root).map((output) => join(root, output))].every(existsSync);
  return complete ? readFileSync(file, 'utf8') : undefined;
}

function fingerprint(root, name, toolchain) {
  const hash = createHash('sha256').update(`${toolchain.nodeVersion} ${process.platform}-${process.arch}\0`);
  for (const input of steps[name].inputs(root)) {
    const file = join(root, input);
    if (existsSync(file)) hash.update(`${input}\0`).update(readFileSync(file));
  }
  return hash.digest('hex');
}

/** The package.json of the root and of every member of the workspace. */
function manifests(root) {
  const workspace = readFileSync(join(root, 'pnpm-workspace.yaml'), 'utf8');
  const list = /^packages:\n((?: *- .*\n|\n)*)/m.exec(workspace)?.[1] ?? '';
  const members = [...list.matchAll(/- *['"]?([^'"\n]+)/g)].flatMap(([, pattern]) =>
    pattern.endsWith('/*') ? childrenOf(root, pattern.slice(0, -2)) : [pattern],
  );
  return ['package.json', ...members.map((member) => `${member}/package.json`)].filter((file) =>
    existsSync(join(root, file)),
  );
}

const childrenOf = (root, folder) =>
  readdirSync(join(root, folder))
    .sort()
    .map((name) => `${folder}/${name}`);

const hasDependencies = (root) => (manifest) => {
  const { dependencies, devDependencies } = JSON.parse(readFileSync(join(root, manifest), 'utf8'));
  return Object.keys({ ...dependencies, ...devDependencies }).length > 0;
};

/** The files below a folder that end up in a build: no tests. */
function sourcesUnder(root, folder) {
  const files = [];
  const visit = (path) => {
    for (const name of readdirSync(path).sort()) {
      const child = join(path, name);
      if (statSync(child).isDirectory()) visit(child);
      else if (!name.endsWith('.test.ts')) files.push(relative(root, child));
    }
  };
  if (existsSync(join(root, folder))) visit(join(root, folder));
  return files;
}

/** The script of an installed development tool; run with our Node it needs neither a shell nor the PATH. */
export function programOf(root, name, program = name) {
  const folder = join(root, 'node_modules', name);
  const file = join(folder, 'package.json');
  if (!existsSync(file)) {
    throw new Problem(
      `${name} is not installed`,
      'Delete the folders node_modules and .toolchain, then run it again.',
    );
  }
  const { bin } = JSON.parse(readFileSync(file, 'utf8'));
  return join(folder, typeof bin === 'string' ? bin : bin[program]);
}
