// What a process in a sandbox may see besides the system: checked, and each thing once.
import { realpath, stat } from 'node:fs/promises';
import { join, normalize } from 'node:path';
import { deploymentFailed, type SandboxMount } from '@insightloop/core';
import type { FileOwner } from './namespace-idmap.ts';
import { homeFolder, isOfSystem, reservedFolders, temporaryFolders } from './namespace-root.ts';
import { isWithin } from './proc-mounts.ts';

export interface Bind {
  /** Without links. */
  source: string;
  target: string;
  readOnly: boolean;
  kind: 'folder' | 'file';
  /** Whether the sandbox stands for the owner there. */
  isMapped: boolean;
  owner: FileOwner;
}

const privateFolders = [homeFolder, ...temporaryFolders];

/** @throws AppError DEPLOYMENT_FAILED when something cannot be shown, or not there */
export const resolveBinds = async (
  readOnly: readonly string[],
  mounts: readonly (SandboxMount & { isMapped: boolean })[],
): Promise<Bind[]> => {
  const wanted = [
    // What lies in the folders of the system is there in any case.
    ...readOnly
      .filter((path) => !isOfSystem(path))
      .map((path) => ({ source: path, target: path, readOnly: true, isMapped: false })),
    ...mounts,
  ];
  const binds = await Promise.all(wanted.map(resolveBind));
  const depth = ({ target }: Bind): number => target.split('/').length;
  return withoutRepetition(binds.sort((a, b) => depth(a) - depth(b)));
};

const resolveBind = async (mount: SandboxMount & { isMapped: boolean }): Promise<Bind> => {
  const { source, readOnly, isMapped } = mount;
  const target = normalize(mount.target).replace(/(.)\/$/, '$1');
  const isReserved =
    !target.startsWith('/') ||
    reservedFolders.some((folder) => isWithin(target, folder)) ||
    // A mount on one of these, or on what is above them, would cover them.
    [...reservedFolders, ...privateFolders].some((folder) => isWithin(folder, target));
  if (isReserved) throw deploymentFailed(`Nothing can be mounted at "${target}" in a sandbox.`, { target });
  return { ...(await lookAt(source)), target, readOnly, isMapped };
};

const lookAt = async (source: string): Promise<Pick<Bind, 'source' | 'kind' | 'owner'>> => {
  let found;
  try {
    const path = await realpath(source);
    found = { path, stats: await stat(path) };
  } catch (cause) {
    throw deploymentFailed(`"${source}" cannot be shown to a sandbox: it cannot be read.`, { source }, cause);
  }
  const { path, stats } = found;
  const { uid, gid, mode } = stats;
  const owner = { uid, gid, mode };
  if (stats.isDirectory()) return { source: path, kind: 'folder', owner };
  if (stats.isFile()) return { source: path, kind: 'file', owner };
  throw deploymentFailed(`"${source}" cannot be shown to a sandbox: it is neither a file nor a folder.`, {
    source,
  });
};

/** What is mounted inside another mount would depend on that one's files at this moment, links included. */
const withoutRepetition = (binds: readonly Bind[]): Bind[] => {
  const kept: Bind[] = [];
  for (const bind of binds) {
    const around = kept.find(({ target }) => isWithin(bind.target, target));
    if (around === undefined) {
      kept.push(bind);
      continue;
    }
    const shownThere = normalize(join(around.source, bind.target.slice(around.target.length)));
    if (bind.source === shownThere.replace(/(.)\/$/, '$1') && bind.readOnly === around.readOnly) continue;
    throw deploymentFailed(
      `"${bind.target}" cannot be mounted in a sandbox: it lies inside "${around.target}", which is mounted too.`,
      { target: bind.target },
    );
  }
  return kept;
};

/** Where a target lies in the volume of private files; null where it lies outside of it. */
export const pathInVolume = (target: string): string | null => {
  if (target.startsWith(`${homeFolder}/`)) return `home${target.slice(homeFolder.length)}`;
  const around = temporaryFolders.find((folder) => target.startsWith(`${folder}/`));
  return around === undefined ? null : `tmp${target.slice(around.length)}`;
};
