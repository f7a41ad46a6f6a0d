// Which program of an installed npm package is the server, by npm's own rules for `bin`.
import { realpath } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { deploymentFailed } from '@insightloop/core';
import { z } from 'zod';
import type { InstalledPackage } from './package-store.ts';
import { isInside, programOf, readPackageText, systemPath, type Program } from './package-program.ts';

const manifest = z.object({
  name: z.string(),
  version: z.string(),
  bin: z.union([z.string(), z.record(z.string(), z.string())]).optional(),
});

export const packageFolder = ({ folder, name }: Pick<InstalledPackage, 'folder' | 'name'>): string =>
  join(folder, 'node_modules', name);

/**
 * @param wanted the name of a program; null takes the only one, or the one that is named like the package
 * @throws AppError DEPLOYMENT_FAILED when there is no such program, or it lies outside of the package
 */
export const npmProgram = async (
  installed: InstalledPackage,
  wanted: string | null,
  nodePath: string,
): Promise<Program> => {
  const { name, version } = installed;
  const folder = await realpath(packageFolder(installed)).catch((cause: unknown) => {
    throw deploymentFailed(`The installation of ${name}@${version} is not complete.`, {}, cause);
  });
  if (!isInside(installed.folder, folder))
    throw deploymentFailed(`${name} lies outside of its own installation.`);
  const found = await readManifest(folder, name);
  if (found.version !== version) {
    throw deploymentFailed(`The installation of ${name}@${version} holds ${found.version}.`);
  }
  const programs = programsOf(found);
  const program = chooseProgram({ programs, wanted, name, version });
  const file = await realFile(folder, program, name);
  return programOf(file, {
    nodePath,
    searchPath: [join(installed.folder, 'node_modules', '.bin'), ...systemPath],
  });
};

const readManifest = async (folder: string, name: string): Promise<z.infer<typeof manifest>> => {
  try {
    return manifest.parse(JSON.parse(await readPackageText(join(folder, 'package.json'))));
  } catch (cause) {
    throw deploymentFailed(`The package.json of ${name} cannot be used.`, {}, cause);
  }
};

const unscoped = (name: string): string => name.slice(name.indexOf('/') + 1);

const programsOf = ({ name, bin }: z.infer<typeof manifest>): Map<string, string> =>
  new Map(typeof bin === 'string' ? [[unscoped(name), bin]] : Object.entries(bin ?? {}));

interface Choice {
  programs: Map<string, string>;
  wanted: string | null;
  name: string;
  version: string;
}

const chooseProgram = ({ programs, wanted, name, version }: Choice): string => {
  const names = [...programs.keys()];
  const details = { package: name, version, programs: names };
  if (names.length === 0)
    throw deploymentFailed(`${name}@${version} has no program that could be run.`, details);
  if (wanted !== null) {
    const program = programs.get(wanted);
    if (program !== undefined) return program;
    throw deploymentFailed(
      `${name}@${version} has no program "${wanted}", only ${names.join(', ')}.`,
      details,
    );
  }
  const files = new Set(programs.values());
  const [only] = files;
  const program = files.size === 1 ? only : programs.get(unscoped(name));
  if (program !== undefined) return program;
  throw deploymentFailed(
    `${name}@${version} has several programs: ${names.join(', ')}. Say in "bin" which one is the server.`,
    details,
  );
};

const realFile = async (folder: string, program: string, name: string): Promise<string> => {
  const details = { package: name, program };
  const outside = (): never => {
    throw deploymentFailed(`The program "${program}" of ${name} lies outside of the package.`, details);
  };
  const path = resolve(folder, program);
  if (!isInside(folder, path)) return outside();
  const real = await realpath(path).catch((cause: unknown) => {
    throw deploymentFailed(`The program "${program}" of ${name} is not in the package.`, details, cause);
  });
  return isInside(folder, real) ? real : outside();
};
