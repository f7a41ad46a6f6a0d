// What names say: `…-gateway` is a gateway, `gateway-mcp-server` a server for one.
import { type RepositoryKind } from './inference.ts';
import { type Manifest } from './manifests.ts';
import { tokensOf } from './relatedness.ts';
import { isNeverServer, wrappers } from './third-party.ts';

export interface Sign {
  kind: RepositoryKind;
  weight: number;
  detail: string;
}

const roles: Readonly<Record<string, RepositoryKind>> = {
  awesome: 'list',
  sdk: 'sdk',
  adapter: 'sdk',
  adapters: 'sdk',
  gateway: 'gateway',
  proxy: 'gateway',
  hub: 'gateway',
  router: 'gateway',
  bridge: 'gateway',
  aggregator: 'gateway',
  manager: 'gateway',
  supervisor: 'gateway',
  client: 'client',
  cli: 'client',
  chat: 'client',
  host: 'client',
  framework: 'framework',
  registry: 'other',
  inspector: 'other',
  template: 'other',
  boilerplate: 'other',
  starter: 'other',
  create: 'other',
  tutorial: 'other',
  course: 'other',
  beginners: 'other',
  examples: 'other',
  specification: 'other',
};

export function signsOfNames(fullName: string, manifests: readonly Manifest[]): Sign[] {
  const [, name = ''] = fullName.split('/', 2);
  const published = manifests.flatMap((manifest) =>
    manifest.private || manifest.name === null ? [] : [manifest.name],
  );
  const signs: Sign[] = [];
  for (const own of published) {
    if (wrappers.has(own)) signs.push({ kind: 'gateway', weight: 8, detail: `${own} carries other servers` });
    else if (isNeverServer(own))
      signs.push({ kind: roleIn(own) ?? 'other', weight: 8, detail: `${own} is a tool around servers` });
  }
  for (const [index, candidate] of [name, ...published.slice(0, 3)].entries()) {
    const tokens = tokensOf(candidate.slice(candidate.lastIndexOf('/') + 1));
    // "…-mcp-server", "server-…": the other words say what it is a server for.
    const isServer =
      tokens.includes('server') && tokens.at(-1) !== 'sdk' && !/^(?:create|awesome)$/.test(tokens[0] ?? '');
    for (const token of tokens) {
      const role = roleOf(token);
      const weight = (isServer ? 1 : 5) - (index > 0 ? 3 : 0);
      if (role && weight > 0)
        signs.push({ kind: role, weight, detail: `"${token}" in the name ${candidate}` });
    }
    if (isServer && index === 0)
      signs.push({ kind: 'server', weight: 2, detail: `"server" in the name ${candidate}` });
  }
  return signs;
}

const roleIn = (name: string): RepositoryKind | null =>
  tokensOf(name)
    .map(roleOf)
    .find((role) => role !== null) ?? null;

function roleOf(token: string): RepositoryKind | null {
  const plain = token.replace(/^(?:mcp|meta|super|multi)+|mcp$/g, '');
  return Object.hasOwn(roles, plain) ? (roles[plain] ?? null) : null;
}
