// Installs packages: once for all who ask at the same time, so many at once, within a limit of time, into the store.
import { randomUUID } from 'node:crypto';
import {
  deploymentFailed,
  type Availability,
  type ExitReason,
  type PrepareProgress,
  type ResourceLimits,
  type Slots,
} from '@insightloop/core';
import type { BoxedCommand, RunBoxed } from './package-box.ts';
import { createFlights, type FlightOptions } from './package-flights.ts';
import type { Program } from './package-program.ts';
import type { InstalledPackage, PackageKey, PackageStore } from './package-store.ts';
import { createOutputRedactor, createTranscript, type Transcript } from './package-transcript.ts';

export interface PackageRequest {
  name: string;
  /** Null takes the newest. */
  version: string | null;
  /** What the package must be; null takes what the registry has. */
  digest: string | null;
  allowScripts: boolean;
  allowUnisolated: boolean;
}

/** What is particular to one ecosystem. */
export interface PackageSource {
  available(): Promise<Availability>;
  /** @throws AppError INVALID_CONFIGURATION */
  requireValid(name: string, version: string | null): void;
  isExact(version: string): boolean;
  /** The exact version that is the newest, or that a tag stands for. */
  resolve(session: InstallSession, request: PackageRequest): Promise<string>;
  /** Fills the empty folder; returns the package's digest, null where the registry gives none. */
  fill(session: InstallSession, key: PackageKey, folder: string): Promise<string | null>;
  program(installed: InstalledPackage, bin: string | null): Promise<Program>;
}

export interface InstallSession {
  /** Ends with the caller, or when the time is up. */
  signal: AbortSignal;
  limits: ResourceLimits;
  /** Removed at the end of the session. */
  privateFolder: string;
  report(progress: PrepareProgress): void;
  /** From here on these are left out of whatever is shown. */
  hide(secrets: string[]): void;
  run(command: SessionCommand): Promise<{ exit: ExitReason; stdout: string }>;
  /** The last output lines of the last command, fit to be shown. */
  output(): string[];
}

export type SessionCommand = Pick<
  BoxedCommand,
  'identity' | 'command' | 'workingFolder' | 'environment' | 'readOnly' | 'writable'
> & { onLine?: (line: string) => void };

export interface PackageInstaller {
  available(): Promise<Availability>;
  /**
   * An installation that is there already is taken without asking the registry, where the version is exact.
   * @throws AppError INVALID_CONFIGURATION, DEPLOYMENT_FAILED with the last output lines in `details.output`
   */
  install(request: PackageRequest, options: FlightOptions<PrepareProgress>): Promise<InstalledPackage>;
  /** @throws AppError DEPLOYMENT_FAILED */
  program(installed: InstalledPackage, bin: string | null): Promise<Program>;
}

export interface PackageInstallerOptions {
  source: PackageSource;
  store: PackageStore;
  runBoxed: RunBoxed;
  /** Shared by all installers of this machine. What is there already needs none. */
  slots: Slots;
  /** Of an installation that has its place. */
  timeoutMs: number;
  limits: ResourceLimits;
}

export const createPackageInstaller = (options: PackageInstallerOptions): PackageInstaller => {
  const { source, store, slots } = options;
  const lookUps = createFlights<string, PrepareProgress>();
  const installs = createFlights<InstalledPackage, PrepareProgress>();

  const exactVersion = async (
    request: PackageRequest,
    flight: FlightOptions<PrepareProgress>,
  ): Promise<string> => {
    const { name, version } = request;
    if (version !== null && source.isExact(version)) return version;
    return lookUps.join(JSON.stringify([name, version]), flight, (shared) => {
      shared.onProgress({ phase: 'resolve', message: `looking up ${name}` });
      return withSession(options, request, shared, (session) => source.resolve(session, request));
    });
  };

  const installNow = async (
    key: PackageKey,
    request: PackageRequest,
    flight: FlightOptions<PrepareProgress>,
  ): Promise<InstalledPackage> => {
    flight.onProgress({ phase: 'install', message: `${key.name}@${key.version} waits for its turn` });
    const work = () =>
      withSession(options, request, flight, async (session) => {
        const folder = await store.begin(key);
        try {
          return await store.commit(key, await source.fill(session, key, folder));
        } catch (error) {
          await store.discard(key);
          throw error;
        }
      });
    return slots.use(work, flight.signal);
  };

  return {
    available: () => source.available(),
    program: (installed, bin) => source.program(installed, bin),
    async install(request, flight) {
      source.requireValid(request.name, request.version);
      const version = await exactVersion(request, flight);
      const key: PackageKey = { name: request.name, version, allowScripts: request.allowScripts };
      let installed = await store.find(key);
      installed ??= await installs.join(store.idOf(key), flight, async (shared) => {
        return (await store.find(key)) ?? installNow(key, request, shared);
      });
      requireDigest(installed, request.digest);
      await store.touch(installed.id);
      return installed;
    },
  };
};

const requireDigest = ({ name, version, digest }: InstalledPackage, wanted: string | null): void => {
  if (wanted === null || digest === wanted) return;
  throw deploymentFailed(
    `${name}@${version} is not the package that was deployed first: its content has changed.`,
    {
      package: `${name}@${version}`,
      digest: wanted,
      found: digest,
    },
  );
};

const withSession = async <T>(
  { store, runBoxed, timeoutMs, limits }: PackageInstallerOptions,
  request: PackageRequest,
  flight: FlightOptions<PrepareProgress>,
  work: (session: InstallSession) => Promise<T>,
): Promise<T> => {
  const clock = new AbortController();
  const signal = AbortSignal.any([flight.signal, clock.signal]);
  let redact = createOutputRedactor([]);
  let transcript: Transcript = createTranscript((text) => redact(text));
  const timer = setTimeout(() => {
    const message = `Installing ${request.name} took longer than ${timeoutMs / 1000} s.`;
    clock.abort(deploymentFailed(message, { package: request.name, output: transcript.lines() }));
  }, timeoutMs);
  const run = await store.openRun();
  try {
    return await work({
      signal,
      limits,
      privateFolder: run.folder,
      report: ({ message, ...rest }) => flight.onProgress({ ...rest, message: redact(message) }),
      hide: (secrets) => void (redact = createOutputRedactor(secrets)),
      output: () => transcript.lines(),
      async run({ onLine, ...command }) {
        const current = createTranscript((text) => redact(text), onLine);
        transcript = current;
        const exit = await runBoxed({
          ...command,
          name: `install-${randomUUID()}`,
          limits,
          allowUnisolated: request.allowUnisolated,
          signal,
          onOutput: (stream, chunk) => current.push(stream, chunk),
        });
        current.end();
        signal.throwIfAborted();
        return { exit, stdout: current.stdout() };
      },
    });
  } finally {
    clearTimeout(timer);
    await run.close();
  }
};
