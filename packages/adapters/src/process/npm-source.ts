// npm packages: fetched without running any code of them, then their scripts, where they are allowed, in a box of their own.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { deploymentFailed, type ExitReason } from '@insightloop/core';
import { z } from 'zod';
import { createNpmrcLocator, openNpmBox, type NpmBoxOptions } from './npm-box.ts';
import { npmInstallArgs, npmRebuildArgs, npmViewArgs } from './npm-commands.ts';
import { findNpm } from './npm-executable.ts';
import { npmFailure } from './npm-failure.ts';
import { npmProgram } from './npm-program.ts';
import type { InstallSession, PackageSource } from './package-installer.ts';
import { isExactNpmVersion, requireNpmPackage } from './package-name.ts';
import { createInstallProgress } from './package-progress.ts';
import type { PackageKey } from './package-store.ts';

export type NpmSourceOptions = Omit<NpmBoxOptions, 'locate'>;

export const createNpmSource = (given: NpmSourceOptions): PackageSource => {
  const options: NpmBoxOptions = { ...given, locate: createNpmrcLocator(given.environment) };
  return {
    async available() {
      const npm = await findNpm(options.environment, new AbortController().signal).catch(
        (error: unknown) => error,
      );
      if (npm instanceof Error) return { ok: false, reason: npm.message };
      if (npm === null)
        return { ok: false, reason: 'npm is not on the PATH of this service; install Node.js with npm.' };
      return { ok: true };
    },
    requireValid: requireNpmPackage,
    isExact: isExactNpmVersion,
    async resolve(session, { name, version }) {
      const npm = await openNpmBox(session, options);
      const subject = `${name}@${version ?? 'latest'}`;
      const { exit, stdout } = await session.run(npm.trusted((places) => npmViewArgs(subject, places)));
      requireSuccess(session, exit, subject);
      const found = stdout.trim();
      if (isExactNpmVersion(found)) return found;
      throw deploymentFailed(`npm could not say which version ${subject} is.`, { output: session.output() });
    },
    async fill(session, key, folder) {
      const npm = await openNpmBox(session, options);
      const subject = `${key.name}@${key.version}`;
      await writeFile(join(folder, 'package.json'), '{ "private": true }\n');
      const progress = createInstallProgress({
        subject,
        download: /^npm http fetch GET 2\d\d /,
        report: (message) => session.report({ phase: 'install', message }),
      });
      try {
        const command = npm.trusted((places) => npmInstallArgs(subject, places), folder);
        const { exit } = await session.run({ ...command, onLine: (line) => progress.line(line) });
        requireSuccess(session, exit, subject);
      } finally {
        progress.end();
      }
      // Now, because scripts may change it.
      const digest = await digestIn(folder, key);
      if (!key.allowScripts) return digest;
      session.report({ phase: 'install', message: `running the scripts of ${subject}` });
      const { exit } = await session.run(await npm.untrusted(npmRebuildArgs, folder));
      requireSuccess(session, exit, subject);
      return digest;
    },
    program: (installed, bin) => npmProgram(installed, bin, options.nodePath),
  };
};

const requireSuccess = ({ limits, output }: InstallSession, exit: ExitReason, subject: string): void => {
  if (exit.kind === 'exit' && exit.code === 0) return;
  throw npmFailure({ exit, output: output(), subject, ...limits });
};

const lockFile = z.object({
  packages: z.record(
    z.string(),
    z.object({ version: z.string().optional(), integrity: z.string().optional() }),
  ),
});

const digestIn = async (folder: string, { name, version }: PackageKey): Promise<string | null> => {
  try {
    const lock = lockFile.parse(JSON.parse(await readFile(join(folder, 'package-lock.json'), 'utf8')));
    const entry = lock.packages[`node_modules/${name}`];
    if (entry?.version !== version) throw new Error(`the lock file has version ${entry?.version ?? 'none'}`);
    return entry.integrity ?? null;
  } catch (cause) {
    throw deploymentFailed(
      `npm left no usable record of what it installed for ${name}@${version}.`,
      {},
      cause,
    );
  }
};
