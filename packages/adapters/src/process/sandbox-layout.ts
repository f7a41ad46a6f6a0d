// The folder of a sandbox: its private files, its root, the table of its mounts, and its filter.
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SandboxMount } from '@insightloop/core';
import { pathInVolume, resolveBinds, type Bind } from './namespace-binds.ts';
import { idmapOption, isToBeMapped, mappedFields } from './namespace-idmap.ts';
import { mountTable } from './namespace-mounts.ts';
import { homeFolder, makeRootFolder, temporaryFolders } from './namespace-root.ts';
import { parseMounts } from './proc-mounts.ts';
import { filterProgram } from './sandbox-filter.ts';
import { makeVolume, volumeIn, type Volume } from './sandbox-volume.ts';
import type { Walls } from './sandbox-walls.ts';

export interface LayoutRequest {
  /** Of the sandbox; it is there. */
  folder: string;
  walls: Walls;
  /** Whose the private files are; null: ours. */
  uid: number | null;
  diskBytes: number;
  mounts: readonly SandboxMount[];
  readOnly: readonly string[];
  writable: readonly string[];
}

export interface Layout {
  volume: Volume;
  /** As the sandbox sees them. */
  home: string;
  temporary: string;
  filterFile: string;
}

const filterName = '.filter';

/** @throws AppError DEPLOYMENT_FAILED when something cannot be shown to the sandbox */
export const layOutSandbox = async (request: LayoutRequest): Promise<Layout> => {
  const { folder, walls, uid, diskBytes } = request;
  const hasView = walls.kind === 'namespaces';
  // Without a view of its own the process goes through this folder to its files.
  await chmod(folder, walls.kind === 'uid' ? 0o711 : 0o700);
  const binds = hasView ? await bindsOf(request) : [];
  const volume = volumeIn(folder, walls);
  await makeVolume(volume, { uid, bytes: diskBytes, targets: targetsInVolume(binds) });
  if (!hasView) {
    const filterFile = await writeFilter(folder);
    return {
      volume,
      home: join(volume.folder, 'home'),
      temporary: join(volume.folder, 'tmp'),
      filterFile,
    };
  }
  const root = join(folder, 'root');
  const targets = binds.filter(({ target }) => pathInVolume(target) === null);
  const systemFolders = makeRootFolder(root, uid ?? process.getuid?.() ?? 0, targets);
  await writeFilter(root);
  await writeMounts({ request, volume, root, systemFolders, binds });
  return { volume, home: homeFolder, temporary: temporaryFolders[0], filterFile: `/${filterName}` };
};

const bindsOf = ({ walls, mounts, readOnly, writable }: LayoutRequest): Promise<Bind[]> =>
  resolveBinds(readOnly, [
    ...mounts.map((mount) => ({ ...mount, isMapped: walls.ownUid })),
    ...writable.map((path) => ({ source: path, target: path, readOnly: false, isMapped: false })),
  ]);

const targetsInVolume = (binds: readonly Bind[]) =>
  binds.flatMap(({ target, kind }) => {
    const path = pathInVolume(target);
    return path === null ? [] : [{ path, kind }];
  });

/** For all to read: it is no secret, and the process is not ours any more when it takes it on. */
const writeFilter = async (folder: string): Promise<string> => {
  const file = join(folder, filterName);
  const program = filterProgram(process.arch);
  if (program !== null) {
    await writeFile(file, program);
    await chmod(file, 0o644);
  }
  return file;
};

interface MountsRequest {
  request: LayoutRequest;
  volume: Volume;
  root: string;
  systemFolders: readonly string[];
  binds: readonly Bind[];
}

/** For the keeper: what mount(8) makes, and what it cannot make. */
const writeMounts = async ({ request, volume, root, systemFolders, binds }: MountsRequest): Promise<void> => {
  const { folder, walls, uid } = request;
  const empty = join(folder, 'empty');
  await mkdir(empty);
  await chmod(empty, 0o555);
  const mapped = new Set(
    uid === null ? [] : binds.filter((bind) => bind.isMapped && isToBeMapped(bind, walls)),
  );
  const isByPerl = (bind: Bind): boolean => walls.idMapping === 'perl' && mapped.has(bind);
  const table = await mountTable({
    root,
    systemFolders,
    volume,
    empty,
    isPrivileged: walls.ownUid,
    binds: binds.filter((bind) => !isByPerl(bind)),
    mappingOption: (bind) => (uid !== null && mapped.has(bind) ? idmapOption(bind.owner, uid) : null),
    mounts: parseMounts(await readFile('/proc/self/mountinfo', 'utf8')),
  });
  await writeFile(join(folder, 'mounts'), table);
  const byPerl = binds.filter(isByPerl);
  if (uid === null || byPerl.length === 0) return;
  const fields = byPerl.map((bind) => mappedFields(bind, { target: join(root, bind.target), own: uid }));
  await writeFile(join(folder, 'mapped'), fields.join(''));
};
