// The operator's uv settings, as far as fetching packages needs them, in a form that can be put into a box.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Variables } from './npm-settings.ts';

export interface UvSettings {
  /** For uv's own code only. */
  environment: Record<string, string>;
  /** For code out of packages: nothing that holds a password. */
  openEnvironment: Record<string, string>;
  /** Contents by file name: configuration, credentials, certificates. */
  files: { config: string | null; netrc: string | null; certificates: string | null };
  secrets: string[];
}

/** Where packages and Pythons come from; the rest of uv's variables is about the operator's own projects. */
const passedOn =
  /^(?:UV_(?:DEFAULT_INDEX|INDEX|INDEX_URL|EXTRA_INDEX_URL|INDEX_STRATEGY|INDEX_[A-Z0-9_]+_(?:USERNAME|PASSWORD)|INSECURE_HOST|NATIVE_TLS|SYSTEM_CERTS|HTTP_TIMEOUT|HTTP_RETRIES|OFFLINE|EXCLUDE_NEWER|PRERELEASE|PYTHON|PYTHON_PREFERENCE|PYTHON_DOWNLOADS|PYTHON_INSTALL_MIRROR|PYPY_INSTALL_MIRROR)|(?:HTTP|HTTPS|ALL|NO)_PROXY|(?:http|https|all|no)_proxy)$/;
const secretName = /^UV_INDEX_[A-Z0-9_]+_(?:USERNAME|PASSWORD)$/;
const userInAddress = /\/\/([^/@\s]+)@/g;

/** @throws NodeJS.ErrnoException when a file is there and cannot be read */
export const readUvSettings = async (environment: Variables): Promise<UvSettings> => {
  const home = environment['HOME'] ?? '/';
  const configHome = environment['XDG_CONFIG_HOME'] ?? join(home, '.config');
  const files = {
    config: await readIfThere(environment['UV_CONFIG_FILE'] ?? join(configHome, 'uv', 'uv.toml')),
    netrc: await readIfThere(environment['NETRC'] ?? join(home, '.netrc')),
    certificates: await readIfThere(environment['SSL_CERT_FILE']),
  };
  const all = Object.entries(environment).flatMap(([name, value]): [string, string][] =>
    value !== undefined && value !== '' && passedOn.test(name) ? [[name, value]] : [],
  );
  const open = all.filter(([name, value]) => !secretName.test(name) && value.search(userInAddress) === -1);
  return {
    environment: Object.fromEntries(all),
    openEnvironment: Object.fromEntries(open),
    files,
    secrets: [
      ...all.flatMap(secretsOfVariable),
      ...secretsOfNetrc(files.netrc),
      ...usersIn(files.config ?? ''),
    ],
  };
};

const secretsOfVariable = ([name, value]: [string, string]): string[] =>
  secretName.test(name) ? [value] : usersIn(value);

const usersIn = (text: string): string[] =>
  [...text.matchAll(userInAddress)].flatMap(([, user = '']) => [user, user.slice(user.indexOf(':') + 1)]);

const secretsOfNetrc = (netrc: string | null): string[] =>
  [...(netrc ?? '').matchAll(/\bpassword\s+(\S+)/g)].map(([, password = '']) => password);

const readIfThere = async (path: string | undefined): Promise<string | null> => {
  if (path === undefined || path === '') return null;
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
};
