// The table of a sandbox's mounts, in the form that mount(8) reads: one process makes all of them.
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Bind } from './namespace-binds.ts';
import { devices, homeFolder, temporaryFolders } from './namespace-root.ts';
import { mountOf, type Mount } from './proc-mounts.ts';

/** They tell of the machine, or write to it. The kernel guards them too, and nobody needs them. */
const maskedFiles = [
  'kcore',
  'keys',
  'key-users',
  'kallsyms',
  'timer_list',
  'sched_debug',
  'sysrq-trigger',
  'kmsg',
];
const maskedFolders = ['acpi', 'asound', 'scsi', 'irq', 'bus', 'driver', 'fs'];

/** So much shared memory a sandbox can make; it counts as memory. */
const sharedMemoryBytes = 64 * 1024 * 1024;

export interface MountPlan {
  root: string;
  /** Of the host, shown at their own path. */
  systemFolders: readonly string[];
  /** The volume of private files: an image, mounted on the folder, or the plain folder. */
  volume: { folder: string; image: string | null };
  /** An empty folder that hides others. */
  empty: string;
  /** Whether it is root who mounts. */
  isPrivileged: boolean;
  binds: readonly Bind[];
  /** By which option of mount(8) a bind is mapped to the uid of the sandbox, or null. */
  mappingOption(bind: Bind): string | null;
  /** Ours, as they are now. */
  mounts: readonly Mount[];
}

interface Entry {
  source: string;
  target: string;
  type: string;
  options: readonly string[];
}

export const mountTable = async (plan: MountPlan): Promise<string> => {
  const { root, systemFolders, volume, empty, binds, mounts } = plan;
  const at = (path: string): string => join(root, path);
  const bind = (source: string, target: string, options: readonly string[]): Entry => {
    // Without privileges these can be added to a mount, but not be taken away from it.
    const inherited = mountOf(mounts, source)?.options.filter((option) => ['ro', 'noexec'].includes(option));
    const all = new Set(['bind', 'nosuid', ...options, ...(inherited ?? [])]);
    return { source, target, type: 'none', options: [...all] };
  };
  /** Without privileges nobody may uncover what is below a mount, so that it has to be shown too. */
  const withMountsBelow = (path: string): string[] =>
    !plan.isPrivileged && mounts.some(({ mountPoint }) => mountPoint.startsWith(`${path}/`)) ? ['rbind'] : [];
  const [files, folders] = await Promise.all([onlyThere(maskedFiles), onlyThere(maskedFolders)]);
  const entries: Entry[] = [
    bind(root, root, ['nodev', 'ro']),
    ...systemFolders.map((path) => bind(path, at(path), ['nodev', 'ro', ...withMountsBelow(path)])),
    ...imageEntries(volume),
    bind(join(volume.folder, 'home'), at(homeFolder), ['nodev']),
    ...temporaryFolders.map((path) => bind(join(volume.folder, 'tmp'), at(path), ['nodev'])),
    // The keeper has put that of the new pid namespace there.
    bind('/proc', at('proc'), ['nodev', 'noexec']),
    ...files.map((path) => bind('/dev/null', at(path), ['noexec'])),
    ...folders.map((path) => bind(empty, at(path), ['nodev', 'noexec', 'ro'])),
    {
      source: 'shm',
      target: at('dev/shm'),
      type: 'tmpfs',
      options: ['nosuid', 'nodev', 'noexec', 'mode=1777', `size=${sharedMemoryBytes}`],
    },
    {
      source: 'devpts',
      target: at('dev/pts'),
      type: 'devpts',
      options: ['newinstance', 'nosuid', 'noexec', 'ptmxmode=0666', 'mode=0620'],
    },
    ...devices.map((name) => bind(`/dev/${name}`, at(`dev/${name}`), ['noexec'])),
    ...binds.map((each) => {
      const mapping = plan.mappingOption(each);
      const options = ['nodev', ...(each.readOnly ? ['ro'] : []), ...(mapping === null ? [] : [mapping])];
      return bind(each.source, at(each.target), options);
    }),
  ];
  return entries.map(lineOf).join('');
};

const imageEntries = ({ folder, image }: MountPlan['volume']): Entry[] =>
  image === null
    ? []
    : [{ source: image, target: folder, type: 'ext4', options: ['loop', 'nosuid', 'nodev'] }];

const onlyThere = async (names: readonly string[]): Promise<string[]> => {
  const found = await Promise.all(
    names.map((name) =>
      lstat(`/proc/${name}`).then(
        () => `/proc/${name}`,
        () => null,
      ),
    ),
  );
  return found.filter((path) => path !== null);
};

/** A line of fstab(5). */
const lineOf = ({ source, target, type, options }: Entry): string =>
  `${escapeField(source)} ${escapeField(target)} ${type} ${escapeField(options.join(','))} 0 0\n`;

/** What would end a field, or begin a comment, stands as three octal digits. */
export const escapeField = (text: string): string =>
  text.replace(/[ \t\n\r\\#"]/g, (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`);
