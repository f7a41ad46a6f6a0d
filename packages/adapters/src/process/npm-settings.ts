// The operator's npm settings, as far as fetching packages needs them, in a form that can be put into a box.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

export type Variables = Readonly<Record<string, string | undefined>>;

export interface NpmSetting {
  /** As in .npmrc, with `[]` where the line adds to a list. */
  key: string;
  value: string;
  /** May be seen by an installer's own code only, never by code out of a package. */
  secret: boolean;
}

export interface NpmSettings {
  settings: NpmSetting[];
  /** Files that settings name, by the setting's key. */
  files: Map<string, string>;
  /** What must never be shown: tokens, passwords, keys. */
  secrets: string[];
}

/**
 * How a package is fetched, and which may be. Everything else of an .npmrc (cache, prefix, git, script-shell, …) is
 * about the operator's own machine and stays there.
 */
const openKeys = new Set([
  'registry',
  'replace-registry-host',
  'noproxy',
  'strict-ssl',
  'ca',
  'cafile',
  'maxsockets',
  'local-address',
  'fetch-retries',
  'fetch-retry-factor',
  'fetch-retry-mintimeout',
  'fetch-retry-maxtimeout',
  'fetch-timeout',
  'offline',
  'prefer-offline',
  'before',
  'min-release-age',
  'min-release-age-exclude',
  'legacy-peer-deps',
]);
const secretKeys = new Set([
  'proxy',
  'https-proxy',
  '_auth',
  '_authToken',
  '_password',
  'username',
  'email',
  'cert',
  'key',
]);
const scopeRegistry = /^@[^:/\s]+:registry$/;
/** `//host/path/:_authToken` and its siblings. */
const hostKey = /^\/\/[^\s]+:(?:_authToken|_auth|_password|username|email|always-auth|certfile|keyfile)$/;
/** Of these the setting holds a path, and the box gets a copy of the file. */
const fileKey = /(?:^cafile|:certfile|:keyfile)$/;
const hiddenKey = /(?:^|:)(?:_authToken|_auth|_password|key)$/;

export interface NpmSettingSources {
  /** Contents of the operator's configuration files, the weakest first. */
  files: string[];
  environment: Variables;
}

/** @throws NodeJS.ErrnoException when a file that a setting names cannot be read, except that a missing one is left out */
export const readNpmSettings = async ({ files, environment }: NpmSettingSources): Promise<NpmSettings> => {
  const raw = [
    ...proxiesOf(environment),
    ...files.flatMap(settingsOfFile),
    ...settingsOfEnvironment(environment),
  ];
  const result: NpmSettings = { settings: [], files: new Map(), secrets: [] };
  for (const { key, value: text } of raw) {
    const name = key.replace(/\[\]$/, '');
    const secret = secretKeys.has(name) || hostKey.test(name);
    if (!secret && !openKeys.has(name) && !scopeRegistry.test(name)) continue;
    const value = withVariables(text, environment);
    if (fileKey.test(name)) {
      const content = await readFile(fromHome(value, environment), 'utf8').catch(unlessMissing);
      if (content === null) continue;
      result.files.set(name, content);
    }
    result.secrets.push(...hiddenParts(name, value));
    result.settings.push({ key, value, secret });
  }
  return result;
};

/** The settings as an .npmrc; `withSecrets: false` is for code that is not npm's own. */
export const npmrcText = (
  { settings }: NpmSettings,
  options: { withSecrets: boolean; pathOf: (key: string) => string },
): string =>
  settings
    .filter(({ secret }) => options.withSecrets || !secret)
    .map(({ key, value }) => {
      const shown = fileKey.test(key)
        ? options.pathOf(key)
        : options.withSecrets
          ? value
          : withoutUser(value);
      return `${JSON.stringify(key)}=${JSON.stringify(shown)}\n`;
    })
    .join('');

/** Proxies for scripts of packages: a proxy that wants a password is left out, because they would read it. */
export const openProxies = (environment: Variables): Record<string, string> =>
  Object.fromEntries(
    ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'http_proxy', 'https_proxy', 'no_proxy'].flatMap((name) => {
      const value = environment[name];
      return value === undefined || value !== withoutUser(value) ? [] : [[name, value]];
    }),
  );

interface RawSetting {
  key: string;
  value: string;
}

const proxiesOf = (environment: Variables): RawSetting[] => {
  const http = environment['HTTP_PROXY'] ?? environment['http_proxy'];
  const https = environment['HTTPS_PROXY'] ?? environment['https_proxy'] ?? http;
  const none = environment['NO_PROXY'] ?? environment['no_proxy'];
  return [
    ...(https === undefined ? [] : [{ key: 'https-proxy', value: https }]),
    ...(http === undefined ? [] : [{ key: 'proxy', value: http }]),
    ...(none === undefined ? [] : [{ key: 'noproxy', value: none }]),
  ];
};

/** npm's rule: `npm_config_` in any case, then the key with `_` for `-`; keys of a host stay as they are. */
const settingsOfEnvironment = (environment: Variables): RawSetting[] =>
  Object.entries(environment).flatMap(([name, value]) => {
    const found = /^npm_config_(.+)$/i.exec(name)?.[1];
    if (found === undefined || value === undefined || value === '') return [];
    const key = found.startsWith('//') ? found : canonical(found.toLowerCase().replace(/(?!^)_/g, '-'));
    return [{ key, value }];
  });

const canonical = (key: string): string => (key === '_authtoken' ? '_authToken' : key);

const settingsOfFile = (content: string): RawSetting[] => {
  const settings: RawSetting[] = [];
  for (const line of content.split(/[\r\n]+/)) {
    if (/^\s*(?:[;#]|$)/.test(line)) continue;
    // npm knows no sections; what follows one is not a setting of npm.
    if (/^\s*\[[^\]]*\]\s*$/.test(line)) break;
    const at = line.indexOf('=');
    if (at === -1) settings.push({ key: iniText(line), value: 'true' });
    else settings.push({ key: iniText(line.slice(0, at)), value: iniText(line.slice(at + 1)) });
  }
  return settings;
};

/** A key or a value as the `ini` format writes it: quoted, or up to the first `;` or `#` without a backslash. */
const iniText = (raw: string): string => {
  const text = raw.trim();
  const quote = text.charAt(0);
  if (text.length > 1 && (quote === '"' || quote === "'") && text.endsWith(quote)) {
    const inner = text.slice(1, -1);
    if (quote === "'") return inner;
    try {
      return String(JSON.parse(text));
    } catch {
      return text;
    }
  }
  const end = /(?<!\\)(?:\\\\)*[;#]/.exec(text);
  const kept = end === null ? text : text.slice(0, end.index + end[0].length - 1);
  return kept.trim().replace(/\\([\\;#])/g, '$1');
};

/** `${NAME}` stays where there is no such variable, `${NAME?}` becomes nothing: npm's own rule. */
const withVariables = (text: string, environment: Variables): string =>
  text.replace(/\$\{([^${}?]+)(\?)?\}/g, (whole, name: string, optional: string | undefined) =>
    optional === undefined ? (environment[name] ?? whole) : (environment[name] ?? ''),
  );

const fromHome = (path: string, environment: Variables): string =>
  path.startsWith('~/') ? join(environment['HOME'] ?? '/', path.slice(2)) : path;

const unlessMissing = (error: unknown): null => {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
  throw error;
};

const hiddenParts = (key: string, value: string): string[] => {
  const user = /^[a-z]+:\/\/([^/@\s]+)@/i.exec(value)?.[1];
  const inUrl = user === undefined ? [] : [user, decoded(user.slice(user.indexOf(':') + 1))];
  if (!hiddenKey.test(key)) return inUrl;
  // Passwords are kept in base64, which is no secret form of them.
  return [value, Buffer.from(value, 'base64').toString('utf8'), ...inUrl];
};

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};

const withoutUser = (value: string): string => value.replace(/^([a-z]+:\/\/)[^/@\s]+@/i, '$1');
