// The operator's own npm: where its code lies, and which configuration files it reads.
import { execFile } from 'node:child_process';
import { open, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { deploymentUnavailable } from '@insightloop/core';
import { z } from 'zod';
import type { Variables } from './npm-settings.ts';
import { findOnPath } from './package-program.ts';

export interface Npm {
  /** As it was found on the PATH: runs with the operator's own Node and settings. */
  path: string;
  /** The script that a Node can run anywhere. */
  cli: string;
  /** What must be readable for that. */
  folder: string;
  version: string;
}

const manifest = z.object({ name: z.literal('npm'), version: z.string() });

/** npm and a version manager's stand-in for it answer such questions in less than a second. */
const questionTimeoutMs = 30_000;

/** Null where the PATH has no npm. */
export const findNpm = async (environment: Variables, signal: AbortSignal): Promise<Npm | null> => {
  const path = await findOnPath('npm', environment['PATH'] ?? '');
  if (path === null) return null;
  const cli = (await isNodeScript(path)) ? path : await cliBehind(path, environment, signal);
  const folder = dirname(dirname(cli));
  try {
    const { version } = manifest.parse(JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')));
    return { path, cli, folder, version };
  } catch (cause) {
    throw deploymentUnavailable(`The npm at ${path} could not be understood.`, {}, cause);
  }
};

/** Where the operator's configuration files are, the weakest first. Asks npm, which takes a quarter of a second. */
export const findNpmrcs = async (
  npm: Npm,
  environment: Variables,
  signal: AbortSignal,
): Promise<string[]> => {
  const question = ['config', 'get', 'userconfig', 'globalconfig'];
  const answer = await ask(npm.path, question, { environment, signal });
  const pathOf = (key: string): string[] => new RegExp(`^${key}=(.+)$`, 'm').exec(answer)?.slice(1) ?? [];
  return [join(npm.folder, 'npmrc'), ...pathOf('globalconfig'), ...pathOf('userconfig')];
};

/** What they hold now; a file that is not there holds nothing. */
export const readNpmrcs = (paths: readonly string[]): Promise<string[]> =>
  Promise.all(paths.map(readIfThere));

const isNodeScript = async (path: string): Promise<boolean> => {
  const handle = await open(path);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(256), 0, 256, 0);
    return /^#![^\n]*\bnode\b/.test(buffer.toString('latin1', 0, bytesRead));
  } finally {
    await handle.close();
  }
};

/** Version managers put a stand-in on the PATH that starts the real one. */
const cliBehind = async (path: string, environment: Variables, signal: AbortSignal): Promise<string> => {
  const root = (await ask(path, ['root', '--global'], { environment, signal })).trim();
  return join(root, 'npm', 'bin', 'npm-cli.js');
};

const run = promisify(execFile);

/** Only what npm itself needs of our environment: it holds our own keys. */
const passedOn = /^(?:PATH|HOME|PREFIX|npm_config_.*)$/i;

const ask = async (
  path: string,
  args: string[],
  { environment, signal }: { environment: Variables; signal: AbortSignal },
): Promise<string> => {
  const known = Object.entries(environment).filter(([name]) => passedOn.test(name));
  // A question leaves no trace, and asks nobody for news.
  const env = { ...Object.fromEntries(known), npm_config_logs_max: '0', npm_config_update_notifier: 'false' };
  try {
    // The root folder has no project whose configuration would count.
    const { stdout } = await run(path, args, { env, signal, cwd: '/', timeout: questionTimeoutMs });
    return stdout;
  } catch (cause) {
    signal.throwIfAborted();
    throw deploymentUnavailable(`The npm at ${path} does not answer "npm ${args.join(' ')}".`, {}, cause);
  }
};

const readIfThere = async (path: string): Promise<string> => {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'EISDIR'))
      return '';
    throw deploymentUnavailable(`npm's configuration ${path} cannot be read.`, {}, error);
  }
};
