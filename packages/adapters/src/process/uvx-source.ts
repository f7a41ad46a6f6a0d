// Python packages: the operator's uv in a box makes an environment and puts the package into it, wheels only by default.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { deploymentFailed, deploymentUnavailable, type ExitReason } from '@insightloop/core';
import type { Variables } from './npm-settings.ts';
import { findOnPath, systemPath } from './package-program.ts';
import type { InstallSession, PackageSource, SessionCommand } from './package-installer.ts';
import { normalPythonName, requirePythonPackage } from './package-name.ts';
import { createInstallProgress } from './package-progress.ts';
import { removeTree } from './package-seal.ts';
import { uvInstallArgs, uvResolveArgs, uvVenvArgs, type UvPlaces } from './uvx-commands.ts';
import { uvFailure } from './uvx-failure.ts';
import { uvDigest, uvProgram, venvFolder } from './uvx-program.ts';
import { readUvSettings, type UvSettings } from './uvx-settings.ts';

export interface UvSourceOptions {
  /** The operator's: PATH leads to uv, HOME to its settings. */
  environment: Variables;
  /** uv's downloads; only the installer's uid writes there. */
  cacheFolder: string;
  /** Where uv puts a Python that the machine lacks. */
  pythonFolder: string;
}

export const createUvSource = (options: UvSourceOptions): PackageSource => ({
  async available() {
    const uv = await findOnPath('uv', options.environment['PATH'] ?? '');
    if (uv !== null) return { ok: true };
    return {
      ok: false,
      reason: 'uv is not on the PATH of this service; install it to deploy Python packages.',
    };
  },
  requireValid: requirePythonPackage,
  isExact: (version) => version !== '',
  async resolve(session, { name }) {
    const uv = await openUvBox(session, options);
    const file = join(uv.folder, 'requirements.in');
    await writeFile(file, `${name}\n`);
    const make = (places: UvPlaces): string[] => uvResolveArgs(file, places, { allowBuilds: false });
    const { exit, stdout } = await session.run(uv.trusted(make));
    requireSuccess(session, exit, name);
    const [found, version] = (/^(\S+?)==(\S+)/m.exec(stdout) ?? []).slice(1);
    if (found === undefined || version === undefined || normalPythonName(found) !== normalPythonName(name)) {
      throw deploymentFailed(`uv could not say which version of ${name} is the newest.`, {
        output: session.output(),
      });
    }
    requirePythonPackage(name, version);
    return version;
  },
  async fill(session, key, folder) {
    const { name, version, allowScripts } = key;
    const uv = await openUvBox(session, options);
    const subject = `${name}@${version}`;
    const venv = venvFolder(folder);
    const python = join(venv, 'bin', 'python');
    const progress = createInstallProgress({
      subject,
      download: /^\s*(?:Downloaded|Built) /,
      report: (message) => session.report({ phase: 'install', message }),
    });
    try {
      const made = await session.run(uv.trusted((places) => uvVenvArgs(venv, places), folder));
      requireSuccess(session, made.exit, subject);
      const install = (places: UvPlaces): string[] =>
        uvInstallArgs({ python, name, version, allowBuilds: allowScripts }, places);
      const command = allowScripts ? await uv.untrusted(install, folder) : uv.trusted(install, folder);
      const { exit } = await session.run({ ...command, onLine: (line) => progress.line(line) });
      requireSuccess(session, exit, subject);
    } finally {
      progress.end();
    }
    return uvDigest({ folder, name, version });
  },
  program: uvProgram,
});

const requireSuccess = ({ limits, output }: InstallSession, exit: ExitReason, subject: string): void => {
  if (exit.kind === 'exit' && exit.code === 0) return;
  throw uvFailure({ exit, output: output(), subject, ...limits });
};

interface UvBox {
  /** For files that a trusted command reads. */
  folder: string;
  /** For commands that run uv's own code only: with credentials and the cache. */
  trusted(args: (places: UvPlaces) => string[], folder?: string): SessionCommand;
  /** For commands that run code out of packages; from here on the credentials are gone. */
  untrusted(args: (places: UvPlaces) => string[], folder: string): Promise<SessionCommand>;
}

const openUvBox = async (session: InstallSession, options: UvSourceOptions): Promise<UvBox> => {
  const { environment, cacheFolder, pythonFolder } = options;
  const uv = await findOnPath('uv', environment['PATH'] ?? '');
  if (uv === null) throw deploymentUnavailable('uv is not on the PATH of this service.');
  const settings = await readUvSettings(environment).catch((cause: unknown) => {
    throw deploymentUnavailable("uv's configuration cannot be read.", {}, cause);
  });
  session.hide(settings.secrets);
  const closed = join(session.privateFolder, 'closed');
  const closedFiles = await writeFiles(settings, closed, true);
  await mkdir(cacheFolder, { recursive: true, mode: 0o700 });
  // Servers run the Python that lies here.
  await mkdir(pythonFolder, { recursive: true, mode: 0o755 });

  const base = { PATH: systemPath.join(':'), UV_PYTHON_INSTALL_DIR: pythonFolder, UV_NO_ENV_FILE: '1' };
  return {
    folder: closed,
    trusted: (args, folder) => ({
      identity: 'installer',
      command: [uv, ...args({ cache: cacheFolder, config: closedFiles.config })],
      workingFolder: folder ?? closed,
      environment: { ...base, ...settings.environment, ...closedFiles.environment },
      readOnly: [uv],
      writable: [...(folder === undefined ? [] : [folder]), closed, cacheFolder, pythonFolder],
    }),
    async untrusted(args, folder) {
      await removeTree(closed);
      const open = join(session.privateFolder, 'open');
      const openFiles = await writeFiles(settings, open, false);
      return {
        identity: 'scripts',
        command: [uv, ...args({ cache: join(open, 'cache'), config: openFiles.config })],
        workingFolder: folder,
        environment: { ...base, ...settings.openEnvironment, ...openFiles.environment },
        readOnly: [uv, pythonFolder],
        writable: [folder, open],
      };
    },
  };
};

interface WrittenFiles {
  config: string | null;
  environment: Record<string, string>;
}

const writeFiles = async (
  { files }: UvSettings,
  folder: string,
  withSecrets: boolean,
): Promise<WrittenFiles> => {
  await mkdir(folder, { mode: 0o700 });
  const write = async (name: string, content: string | null): Promise<string | null> => {
    if (content === null) return null;
    await writeFile(join(folder, name), content, { mode: 0o600 });
    return join(folder, name);
  };
  // A uv.toml with a password in it stays out of reach of packages, with all it says.
  const isOpen = files.config !== null && !/\/\/[^/@\s]+@/.test(files.config);
  const config = withSecrets || isOpen ? await write('uv.toml', files.config) : null;
  const netrc = withSecrets ? await write('netrc', files.netrc) : null;
  const certificates = await write('certificates.pem', files.certificates);
  return {
    config,
    environment: {
      ...(netrc === null ? {} : { NETRC: netrc }),
      ...(certificates === null ? {} : { SSL_CERT_FILE: certificates }),
    },
  };
};
