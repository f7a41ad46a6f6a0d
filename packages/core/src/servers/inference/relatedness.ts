// Does an identifier belong to this repository, or does the README mention somebody else's program?
import { type Manifest } from './manifests.ts';

/** Words that half of all servers have in their names. */
const common = new Set(
  (
    'mcp mcps server servers model context protocol the for and with ai llm agent agents tool tools api app apps cli client core ' +
    'js ts node nodejs python py go golang rust java kotlin net dotnet npm pypi docker image official remote local open source oss lib src main dev ' +
    'official new my simple easy fast io com org github inc labs hq team project pro service services integration connector plugin ' +
    'stdio http sse'
  ).split(' '),
);

export interface Identity {
  owner: string;
  name: string;
  /** Words that tell this repository from others. */
  tokens: readonly string[];
  ownerTokens: readonly string[];
  /** Names that the repository gives itself: manifests, server.json. Lower case. */
  own: ReadonlySet<string>;
}

export function identityOf(
  fullName: string,
  manifests: readonly Manifest[],
  named: readonly string[],
): Identity {
  const [owner = '', name = ''] = fullName.split('/', 2);
  const own = new Set(named.map(normalised));
  for (const manifest of manifests) {
    if (manifest.name !== null && manifest.ecosystem !== 'go') own.add(normalised(manifest.name));
  }
  return {
    owner,
    name,
    tokens: distinctive(name),
    ownerTokens: distinctive(owner),
    own,
  };
}

/** PyPI knows no difference between `_`, `-` and `.`; nobody else minds. */
export const normalised = (identifier: string): string => identifier.toLowerCase().replace(/[._]/g, '-');

export const tokensOf = (raw: string): string[] =>
  raw
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((token) => token !== '');

const distinctive = (raw: string): string[] =>
  tokensOf(raw)
    .map((token) => (token.length > 5 ? token.replace(/^mcp|mcp$/g, '') : token))
    .filter((token) => token.length >= 2 && !common.has(token) && !/^\d+$/.test(token));

export const isOwn = (identity: Identity, identifier: string): boolean =>
  identity.own.has(normalised(identifier));

/**
 * The test that removes most false alarms. An identifier is related when the repository calls itself so, or when it
 * shares a word that tells the repository from others, or when its scope is the owner and nothing speaks against it.
 */
export function isRelated(identity: Identity, identifier: string): boolean {
  if (isOwn(identity, identifier)) return true;
  const flat = identifier.toLowerCase().replace(/[^a-z0-9]/g, '');
  const whole = flatten(identity.name);
  const name = flatten(identifier.slice(identifier.lastIndexOf('/') + 1));
  if (whole.length >= 4 && name.length >= 4 && (name.includes(whole) || whole === name)) return true;
  if (identity.tokens.length > 0) {
    if (identity.tokens.some((token) => token.length >= 3 && flat.includes(token))) return true;
    return identity.tokens.some((token) => token.length === 2 && tokensOf(identifier).includes(token));
  }
  // The repository's name says nothing ("servers", "mcp"): then the owner has to do.
  return identity.ownerTokens.some((token) => token.length >= 3 && flat.includes(token));
}

/** Whether the address of a hosted server belongs to the repository: its host or path names it or its owner. */
export function isRelatedHost(identity: Identity, url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { host, pathname } = new URL(url);
  if (isRelated(identity, `${host}${pathname}`)) return true;
  const flat = flatten(host);
  const owner = flatten(identity.owner);
  return (
    (owner.length >= 3 && flat.includes(owner)) ||
    identity.ownerTokens.some((token) => token.length >= 3 && flat.includes(token))
  );
}

const flatten = (raw: string): string => raw.toLowerCase().replace(/[^a-z0-9]/g, '');

/** What a package is for when its name says so: such a one is no server. */
export const isCompanion = (identifier: string): boolean =>
  /(?:^|[-_/])(?:sdk|client|cli|core|common|types|utils|shared|inspector|test|tests|example|examples|docs|ui|web|frontend)$/.test(
    identifier.toLowerCase(),
  ) && !identifier.toLowerCase().includes('server');
