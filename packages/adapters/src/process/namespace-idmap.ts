// Mounts on which the uid of a sandbox stands for the owner of the files, so that nothing of theirs must be changed.
import { execFile } from 'node:child_process';
import { chown, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { deploymentUnavailable } from '@insightloop/core';
import { removeTree } from './package-seal.ts';
import { shell, toolPath } from './sandbox-tools.ts';
import type { Walls } from './sandbox-walls.ts';

/** `mount`: util-linux 2.39 can do it. `perl`: it calls the kernel (5.12) itself. */
export type IdMapping = 'mount' | 'perl';

export interface FileOwner {
  uid: number;
  gid: number;
  /** Permissions of a file or folder, as in `stat`. */
  mode: number;
}

const othersMayRead = 0o4;
const othersMayWrite = 0o2;
const othersMayEnter = 0o1;

export interface Mapped {
  source: string;
  readOnly: boolean;
  kind: 'folder' | 'file';
  owner: FileOwner;
}

/**
 * Whether a mount is to be mapped. Root's files that can be written only where system calls are filtered: else what a
 * stranger makes there would belong to root, and a program with the setuid bit would be anybody's way to be root.
 * @throws AppError DEPLOYMENT_FAILED (infrastructure) when the sandbox could not use the mount
 */
export const isToBeMapped = (
  { source, readOnly, kind, owner }: Mapped,
  { idMapping, filter }: Pick<Walls, 'idMapping' | 'filter'>,
): boolean => {
  const isDangerous = owner.uid === 0 && !readOnly && filter === null;
  if (idMapping !== null && !isDangerous) return true;
  const wanted = othersMayRead | (readOnly ? 0 : othersMayWrite) | (kind === 'folder' ? othersMayEnter : 0);
  if ((owner.mode & wanted) === wanted) return false;
  const verb = readOnly ? 'read' : 'write';
  throw deploymentUnavailable(
    isDangerous
      ? `A sandboxed server cannot write in "${source}": it belongs to root. Give it to another user, or mount it read-only.`
      : `A sandboxed server cannot ${verb} in "${source}": it is not open to all users, and this machine cannot map owners (that takes util-linux 2.39 or perl).`,
    { source },
  );
};

/** For mount(8). */
export const idmapOption = ({ uid, gid }: Pick<FileOwner, 'uid' | 'gid'>, own: number): string =>
  `X-mount.idmap=u:${uid}:${own}:1 g:${gid}:${own}:1`;

/** What the perl script reads: fields that end with NUL, six for each mount. */
export const mappedFields = (
  { source, readOnly, owner }: Mapped,
  { target, own }: { target: string; own: number },
): string =>
  [source, target, readOnly ? '1' : '0', owner.uid, owner.gid, own].map((field) => `${field}\0`).join('');

/**
 * Reads mounts from stdin and makes them. The /proc must be that of its own pid namespace. A mount takes its mapping from a user namespace, which takes a process that
 * lives in it for so long. The numbers are those of open_tree, mount_setattr and move_mount, the same on every
 * architecture, and of their flags: clone and close-on-exec; nosuid, nodev, read-only and mapped; empty path.
 */
export const idmapScript = `
local $/ = "\\0";
my @fields = map { chomp; $_ } <STDIN>;
while (my ($source, $target, $read_only, $uid, $gid, $own) = splice @fields, 0, 6) {
  my $pid = open(my $child, '|-', 'unshare', '--user', 'cat') // die "unshare: $!";
  my $here = readlink "/proc/self/ns/user";
  for (my $tries = 0; (readlink("/proc/$pid/ns/user") // $here) eq $here; $tries++) {
    die "no user namespace" if $tries > 2000;
    select undef, undef, undef, 0.001;
  }
  for (['uid_map', $uid], ['gid_map', $gid]) {
    open(my $map, '>', "/proc/$pid/$$_[0]") or die "$$_[0]: $!";
    syswrite($map, "$$_[1] $own 1\\n") or die "$$_[0]: $!";
  }
  open(my $namespace, '<', "/proc/$pid/ns/user") or die "user namespace: $!";
  my $tree = syscall(428, -100, $source, 0x80001);
  die "$source: $!" if $tree < 0;
  my $attributes = pack('Q4', 0x100006 | $read_only, 0, 0, fileno $namespace);
  my $empty = '';
  syscall(442, $tree, $empty, 0x1000, $attributes, 32) == 0 or die "$source cannot be mapped: $!";
  syscall(429, $tree, $empty, -100, $target, 4) == 0 or die "$target: $!";
}
`;

const run = promisify(execFile);

/** mount(8) before 2.39 takes the option and does nothing, so that the owner must be looked at. */
const trialScripts: Record<IdMapping, string> = {
  mount: 'mount -o "bind,$1" "$2" "$3" && [ "$(stat -c %u "$3")" = 2 ]',
  perl: 'printf "%s\\0" "$2" "$3" 1 1 1 2 | perl -e "$1" && [ "$(stat -c %u "$3")" = 2 ]',
};

/** Which of the two works here, by trying; null where neither does. @param folder ours, on the disk that counts */
export const findIdMapping = async (folder: string): Promise<IdMapping | null> => {
  const source = join(folder, 'trial-mapping');
  const target = join(source, 'target');
  await mkdir(target, { recursive: true });
  await chown(source, 1, 1);
  const works = (mapping: IdMapping, first: string): Promise<boolean> =>
    run('unshare', ['--mount', shell, '-c', trialScripts[mapping], 'trial', first, source, target], {
      env: { PATH: toolPath, LC_ALL: 'C' },
    }).then(
      () => true,
      () => false,
    );
  try {
    if (await works('mount', idmapOption({ uid: 1, gid: 1 }, 2))) return 'mount';
    return (await works('perl', idmapScript)) ? 'perl' : null;
  } finally {
    await removeTree(source);
  }
};
