// npm as it runs in a box: by our Node, with the operator's settings in a file that only its own code can read.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { deploymentUnavailable } from '@insightloop/core';
import type { NpmPlaces } from './npm-commands.ts';
import { findNpm, findNpmrcs, readNpmrcs, type Npm } from './npm-executable.ts';
import { npmrcText, openProxies, readNpmSettings, type NpmSettings, type Variables } from './npm-settings.ts';
import type { InstallSession, SessionCommand } from './package-installer.ts';
import { systemPath } from './package-program.ts';
import { removeTree } from './package-seal.ts';

export interface NpmBoxOptions {
  /** The operator's: PATH and HOME lead to npm and its settings. */
  environment: Variables;
  /** The Node that runs npm and, later, the servers. */
  nodePath: string;
  /** npm's downloads; only the installer's uid writes there. */
  cacheFolder: string;
  installTimeoutMs: number;
  /** Where npm's configuration files are. */
  locate: (npm: Npm, signal: AbortSignal) => Promise<readonly string[]>;
}

/** Asks an npm only once, because it does not change its mind while we run. */
export const createNpmrcLocator = (environment: Variables): NpmBoxOptions['locate'] => {
  const known = new Map<string, readonly string[]>();
  return async (npm, signal) => {
    const key = `${npm.path}@${npm.version}`;
    const found = known.get(key) ?? (await findNpmrcs(npm, environment, signal));
    known.set(key, found);
    return found;
  };
};

export interface NpmBox {
  /** For commands that run npm's own code only: with credentials and the cache. */
  trusted(args: (places: NpmPlaces) => string[], folder?: string): SessionCommand;
  /** For commands that run code out of packages; from here on the credentials are gone. */
  untrusted(args: (places: NpmPlaces) => string[], folder: string): Promise<SessionCommand>;
}

/** @throws AppError DEPLOYMENT_FAILED (infrastructure) when npm or its settings cannot be used */
export const openNpmBox = async (session: InstallSession, options: NpmBoxOptions): Promise<NpmBox> => {
  const { environment, nodePath, cacheFolder, installTimeoutMs } = options;
  const npm = await findNpm(environment, session.signal);
  if (npm === null) throw deploymentUnavailable('npm is not on the PATH of this service.');
  const npmrcs = await readNpmrcs(await options.locate(npm, session.signal));
  const settings = await readSettings([ownDefaults(installTimeoutMs), ...npmrcs], environment);
  session.hide(settings.secrets);
  await mkdir(cacheFolder, { recursive: true, mode: 0o700 });
  const closed = join(session.privateFolder, 'closed');
  const npmrc = await writeSettings(settings, { folder: closed, withSecrets: true });

  const commandOf = (
    identity: SessionCommand['identity'],
    settingsFolder: string,
    args: string[],
  ): Omit<SessionCommand, 'workingFolder' | 'writable'> => ({
    identity,
    command: [nodePath, npm.cli, ...args],
    environment: {
      PATH: [dirname(nodePath), ...systemPath].join(':'),
      ...(settings.files.has(extraCertificates)
        ? { NODE_EXTRA_CA_CERTS: join(settingsFolder, fileNameOf(extraCertificates)) }
        : {}),
    },
    readOnly: [npm.folder, nodePath],
  });

  return {
    trusted: (args, folder) => ({
      ...commandOf('installer', closed, args({ npmrc, cache: cacheFolder })),
      workingFolder: folder ?? closed,
      writable: [...(folder === undefined ? [] : [folder]), closed, cacheFolder],
    }),
    async untrusted(args, folder) {
      await removeTree(closed);
      const open = join(session.privateFolder, 'open');
      const places = {
        npmrc: await writeSettings(settings, { folder: open, withSecrets: false }),
        cache: join(open, 'cache'),
      };
      const command = commandOf('scripts', open, args(places));
      return {
        ...command,
        environment: { ...command.environment, ...openProxies(environment) },
        workingFolder: folder,
        writable: [folder, open],
      };
    },
  };
};

/** Weaker than any setting of the operator: a dead registry is noticed soon, a slow one gets all the time there is. */
const ownDefaults = (installTimeoutMs: number): string =>
  [
    'fetch-retries=3',
    'fetch-retry-factor=2',
    'fetch-retry-mintimeout=500',
    'fetch-retry-maxtimeout=5000',
    `fetch-timeout=${installTimeoutMs}`,
  ].join('\n');

/** Certificates that Node trusts besides its own; the path is not one of npm's settings. */
const extraCertificates = 'NODE_EXTRA_CA_CERTS';

const readSettings = async (files: string[], environment: Variables): Promise<NpmSettings> => {
  try {
    const settings = await readNpmSettings({ files, environment });
    const extra = environment[extraCertificates];
    if (extra !== undefined && extra !== '')
      settings.files.set(extraCertificates, await readFile(extra, 'utf8'));
    return settings;
  } catch (cause) {
    throw deploymentUnavailable("A file that npm's configuration names cannot be read.", {}, cause);
  }
};

interface Destination {
  folder: string;
  withSecrets: boolean;
}

const writeSettings = async (
  settings: NpmSettings,
  { folder, withSecrets }: Destination,
): Promise<string> => {
  await mkdir(folder, { mode: 0o700 });
  const pathOf = (key: string): string => join(folder, fileNameOf(key));
  for (const [key, content] of settings.files) {
    if (withSecrets || !key.startsWith('//')) await writeFile(pathOf(key), content, { mode: 0o600 });
  }
  const npmrc = join(folder, 'npmrc');
  await writeFile(npmrc, npmrcText(settings, { withSecrets, pathOf }), { mode: 0o600 });
  return npmrc;
};

const fileNameOf = (key: string): string => `${key.replace(/[^A-Za-z0-9]/g, '_')}.pem`;
