// What the operator's own npm says of a package, with their registry, mirrors and credentials.
import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { promisify } from 'node:util';
import { AppError, createSlots } from '@insightloop/core';
import { z } from 'zod';
import { isUnreachableCode } from './npm-failure.ts';
import { findNpm } from './npm-executable.ts';
import type { Variables } from './npm-settings.ts';
import { requireNpmPackage } from './package-name.ts';

export interface NpmLookUpOptions {
  /** The operator's: PATH and HOME lead to npm and its settings. */
  environment: Variables;
  /** What npm keeps of its answers, apart from the operator's own; made if need be. */
  cacheFolder: string;
}

export type NpmAnswer =
  /** The fields that were asked for, of one version. */
  | { state: 'found'; document: unknown }
  | { state: 'missing'; detail: string }
  | { state: 'unreachable'; detail: string };

/** Rejects with the signal's reason alone. A version of null is the newest. */
export type NpmLookUp = (
  release: { name: string; version: string | null; fields: readonly string[] },
  signal: AbortSignal,
) => Promise<NpmAnswer>;

const timeoutMs = 30_000;
const maxOutputBytes = 4 * 1024 ** 2;
/** Each is a Node of its own, for about half a second. */
const atOnce = 2;

/** Only what leads npm to its registry: the rest of our environment is none of its business. */
const passedOn =
  /^(?:PATH|HOME|PREFIX|npm_config_.*|(?:HTTPS?|NO|ALL)_PROXY|NODE_EXTRA_CA_CERTS|SSL_CERT_(?:FILE|DIR))$/i;

const run = promisify(execFile);

export function createNpmLookUp({ environment, cacheFolder }: NpmLookUpOptions): NpmLookUp {
  const slots = createSlots(atOnce);
  const env = {
    ...Object.fromEntries(Object.entries(environment).filter(([name]) => passedOn.test(name))),
    npm_config_logs_max: '0',
    npm_config_update_notifier: 'false',
    npm_config_fetch_retries: '1',
    npm_config_fetch_retry_mintimeout: '500',
    npm_config_fetch_timeout: '10000',
  };

  const view = async (args: string[], signal: AbortSignal): Promise<string> => {
    const npm = await findNpm(environment, signal);
    if (npm === null) throw new Error('npm is not on the PATH of this service');
    await mkdir(cacheFolder, { recursive: true, mode: 0o700 });
    // The root folder has no project whose configuration would count.
    const options = { env, signal, cwd: '/', timeout: timeoutMs, maxBuffer: maxOutputBytes };
    const { stdout } = await run(npm.path, args, options);
    return stdout;
  };

  return async ({ name, version, fields }, signal) => {
    try {
      requireNpmPackage(name, version);
    } catch (error) {
      return { state: 'missing', detail: error instanceof AppError ? error.message : String(error) };
    }
    const subject = `${name}@${version ?? 'latest'}`;
    const args = ['view', '--json', '--loglevel=silent', `--cache=${cacheFolder}`, '--', subject, ...fields];
    try {
      const stdout = await slots.use(() => view(args, signal), signal);
      // So older versions of npm say that there is no such version.
      if (stdout.trim() === '') return { state: 'missing', detail: `npm has no ${subject}` };
      return { state: 'found', document: JSON.parse(stdout) };
    } catch (error) {
      signal.throwIfAborted();
      return failureOf(error, subject);
    }
  };
}

/** With --json npm says on stdout what went wrong. */
const failed = z.object({ stdout: z.string() });
const said = z.object({ error: z.object({ code: z.string() }) });

function failureOf(error: unknown, subject: string): NpmAnswer {
  const { stdout = '' } = failed.safeParse(error).data ?? {};
  const code = said.safeParse(parsedJson(stdout)).data?.error.code ?? null;
  if (code === 'E404' || code === 'ETARGET' || code === 'ENOVERSIONS')
    return { state: 'missing', detail: `npm has no ${subject}, or keeps it private` };
  if (code !== null) {
    const what = isUnreachableCode(code) ? 'the npm registry cannot be reached' : 'npm could not ask';
    return { state: 'unreachable', detail: `${what} for ${subject} (${code})` };
  }
  const isOurs = error instanceof AppError || (error instanceof Error && !('stdout' in error));
  return { state: 'unreachable', detail: isOurs ? error.message : `npm did not answer for ${subject}` };
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
