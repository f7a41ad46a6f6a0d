// Which program of an installed Python package is the server, and what the package's content was.
import { createHash } from 'node:crypto';
import { readdir, realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { deploymentFailed } from '@insightloop/core';
import { normalPythonName } from './package-name.ts';
import { isInside, readPackageText, type Program } from './package-program.ts';
import type { InstalledPackage } from './package-store.ts';

export const venvFolder = (folder: string): string => join(folder, 'venv');

type Located = Pick<InstalledPackage, 'folder' | 'name' | 'version'>;

/**
 * @param wanted the name of a program; null takes the only one, or the one that is named like the package
 * @throws AppError DEPLOYMENT_FAILED when there is no such program
 */
export const uvProgram = async (installed: Located, wanted: string | null): Promise<Program> => {
  const { folder, name, version } = installed;
  const metadata = await metadataFolder(installed);
  const entryPoints = await readPackageText(join(metadata, 'entry_points.txt')).catch(() => '');
  const names = consoleScripts(entryPoints);
  const program = choose(names, wanted, `${name}@${version}`);
  const python = join(venvFolder(folder), 'bin', 'python');
  const script = join(venvFolder(folder), 'bin', program);
  const real = await realpath(script).catch((cause: unknown) => {
    throw deploymentFailed(`The program "${program}" of ${name} is not installed.`, { program }, cause);
  });
  if (!isInside(folder, real))
    throw deploymentFailed(`The program "${program}" of ${name} lies outside of the package.`);
  const interpreter = await realpath(python).catch((cause: unknown) => {
    throw deploymentFailed(`The Python of ${name}@${version} is gone.`, {}, cause);
  });
  // By name of the environment's python: from it Python finds the environment. The script's first line is not needed.
  return { command: [python, real], readOnly: ownFolderOf(interpreter) };
};

/** A downloaded Python needs its whole folder; the machine's own is there anyway. */
const ownFolderOf = (interpreter: string): string[] => {
  const prefix = dirname(dirname(interpreter));
  return prefix === '/usr' || prefix === '/' ? [] : [prefix];
};

/**
 * Over what the wheel itself contained, so that the same release gives the same digest again; null where the
 * package keeps no record.
 */
export const uvDigest = async (installed: Located): Promise<string | null> => {
  const record = await readPackageText(join(await metadataFolder(installed), 'RECORD')).catch(() => null);
  if (record === null) return null;
  const lines = record
    .split(/\r?\n/)
    .filter((line) => line !== '' && !madeHere.test(line))
    .sort();
  return `record-sha256-${createHash('sha256').update(lines.join('\n')).digest('base64')}`;
};

/** Scripts with this machine's paths, compiled code, and notes of the installer. */
const madeHere =
  /^(?:\.\.\/|[^,]*\.pyc,|[^,/]*\.dist-info\/(?:RECORD|INSTALLER|REQUESTED|direct_url\.json|uv_cache\.json|uv_build\.json),)/;

const metadataFolder = async ({ folder, name, version }: Located): Promise<string> => {
  const wanted = `${normalPythonName(name)}-${version}`;
  const libraries = join(venvFolder(folder), 'lib');
  for (const python of await readdir(libraries).catch(() => [])) {
    const packages = join(libraries, python, 'site-packages');
    for (const entry of await readdir(packages).catch(() => [])) {
      const [found, number] = entry.replace(/\.dist-info$/, '').split('-');
      if (!entry.endsWith('.dist-info') || number !== version) continue;
      if (`${normalPythonName(found ?? '')}-${number}` === wanted) return join(packages, entry);
    }
  }
  throw deploymentFailed(`The installation of ${name}@${version} is not complete.`);
};

/** The names below `[console_scripts]` of an entry_points.txt. */
export const consoleScripts = (text: string): string[] => {
  const names: string[] = [];
  let inside = false;
  for (const raw of text.split(/\r?\n/)) {
    const line = raw.trim();
    const section = /^\[(.+)\]$/.exec(line)?.[1];
    if (section !== undefined) inside = section.trim() === 'console_scripts';
    else if (inside && /^[^#;=][^=]*=/.test(line)) names.push(line.slice(0, line.indexOf('=')).trim());
  }
  return names.filter((name) => /^[A-Za-z0-9._][A-Za-z0-9._-]*$/.test(name) && !/^\.+$/.test(name));
};

const choose = (names: string[], wanted: string | null, subject: string): string => {
  const details = { package: subject, programs: names };
  const [only] = names;
  if (only === undefined) throw deploymentFailed(`${subject} has no program that could be run.`, details);
  if (wanted !== null) {
    if (names.includes(wanted)) return wanted;
    throw deploymentFailed(`${subject} has no program "${wanted}", only ${names.join(', ')}.`, details);
  }
  const packageName = normalPythonName(subject.slice(0, subject.lastIndexOf('@')));
  const named = names.find((name) => normalPythonName(name) === packageName);
  if (named !== undefined) return named;
  if (names.length === 1) return only;
  throw deploymentFailed(
    `${subject} has several programs: ${names.join(', ')}. Say in "bin" which one is the server.`,
    details,
  );
};
