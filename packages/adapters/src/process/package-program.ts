// How a file of an installed package is run: its interpreter, found now and run directly, without a shell or `env`.
import { access, constants, open, realpath } from 'node:fs/promises';
import { basename, delimiter, isAbsolute, join, relative, sep } from 'node:path';
import { deploymentFailed } from '@insightloop/core';

export interface Program {
  /** Absolute path of what is executed, then the arguments that come before the server's own. */
  command: string[];
  /** What must be readable where it runs, besides the installation. */
  readOnly: string[];
}

export interface Interpreters {
  /** The Node that runs scripts whose first line asks for `node`. */
  nodePath: string;
  /** Folders in which the other interpreters are looked for, in order. */
  searchPath: string[];
}

/** Where a clean system has its interpreters. */
export const systemPath = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

const maxFirstLineBytes = 512;
/** An interpreter may itself be a script: `tsx` asks for `node`. */
const maxDepth = 3;

/**
 * @param file absolute and without symbolic links
 * @throws AppError DEPLOYMENT_FAILED when its interpreter is not there, or nothing says how to run it
 */
export const programOf = async (file: string, interpreters: Interpreters, depth = 0): Promise<Program> => {
  const start = await firstBytes(file);
  if (machineCode.has(start.toString('hex', 0, 4))) return { command: [file], readOnly: [] };
  const line = /^#!\s*(.*?)\s*(?:\n|$)/.exec(start.toString('latin1'))?.[1];
  if (line === undefined) {
    if (/\.[cm]?js$/.test(file)) return nodeProgram(file, [], interpreters);
    throw deploymentFailed(`The program ${basename(file)} is not executable: it has no interpreter line.`);
  }
  const { name, args } = interpreterOf(line);
  if (name === 'node' || basename(name) === 'node') return nodeProgram(file, args, interpreters);
  const found = await findInterpreter(name, interpreters.searchPath);
  if (found === null || depth >= maxDepth) {
    throw deploymentFailed(
      `The program ${basename(file)} needs "${name}", which this machine does not have.`,
    );
  }
  const outer = await programOf(found, interpreters, depth + 1);
  return { command: [...outer.command, ...args, file], readOnly: [found, ...outer.readOnly] };
};

/** The first bytes of an ELF file, of a Mach-O file, and of one for several processors. */
const machineCode = new Set(['7f454c46', 'cffaedfe', 'cafebabe']);

const nodeProgram = (file: string, args: string[], { nodePath }: Interpreters): Program => ({
  command: [nodePath, ...args, file],
  readOnly: [nodePath],
});

const firstBytes = async (file: string): Promise<Buffer> => {
  const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(maxFirstLineBytes), 0, maxFirstLineBytes, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
};

/** `/usr/bin/env [-S] name args` and `/path/name arg`. */
const interpreterOf = (line: string): { name: string; args: string[] } => {
  const words = line.split(/\s+/);
  const [first = '', ...rest] = words;
  if (basename(first) !== 'env') return { name: first, args: rest };
  const [name = '', ...args] = rest[0] === '-S' ? rest.slice(1) : rest;
  return { name, args };
};

const findInterpreter = async (name: string, searchPath: string[]): Promise<string | null> => {
  if (name.includes('/') && !isAbsolute(name)) return null;
  return isAbsolute(name) ? executable(name) : findOnPath(name, searchPath.join(delimiter));
};

/** The real file behind a command, as a shell would find it; relative folders on the path are not looked into. */
export const findOnPath = async (name: string, path: string): Promise<string | null> => {
  for (const folder of path.split(delimiter)) {
    const found = isAbsolute(folder) ? await executable(join(folder, name)) : null;
    if (found !== null) return found;
  }
  return null;
};

const executable = async (path: string): Promise<string | null> => {
  try {
    const real = await realpath(path);
    await access(real, constants.X_OK);
    return real;
  } catch {
    return null;
  }
};

const maxTextBytes = 16 * 1024 * 1024;

/**
 * A text file out of a package, as large as such files are.
 * @throws Error where it is a link, or larger: the code of the package may have put it there for us to read
 */
export const readPackageText = async (path: string): Promise<string> => {
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stats = await handle.stat();
    if (!stats.isFile() || stats.size > maxTextBytes) throw new Error(`${path} is no file, or too large`);
    return await handle.readFile('utf8');
  } finally {
    await handle.close();
  }
};

export const isInside = (folder: string, path: string): boolean => {
  const way = relative(folder, path);
  return way !== '' && way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
};
