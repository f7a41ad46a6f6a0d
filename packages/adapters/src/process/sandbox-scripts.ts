// The shell texts of the sandbox, and the command lines that they run in. What differs comes as an argument, never as text.
import { idmapScript } from './namespace-idmap.ts';
import { filtering, type FilterMethod } from './sandbox-filter.ts';
import { shell } from './sandbox-tools.ts';

/**
 * Joins cgroups, then becomes the command. Node allows itself very many open files; others stumble over the number.
 * When the whole machine is out of memory, a stranger's process goes before any of ours.
 * Arguments: how many, their cgroup.procs files, the command.
 */
const joinScript = `
count=$1; shift
while [ "$count" -gt 0 ]; do
  echo 0 >"$1" || exit 125
  shift; count=$((count - 1))
done
ulimit -c 0
ulimit -S -n 1024
umask 022
[ -w /proc/self/oom_score_adj ] && echo 500 >/proc/self/oom_score_adj
exec "$@"
`;

export const joining = (procsFiles: readonly string[], command: readonly string[]): string[] => [
  ...[shell, '-c', joinScript, 'join', String(procsFiles.length)],
  ...procsFiles,
  ...command,
];

/** What a keeper answers on descriptor 3 when its walls stand, followed by its pid as we see it. */
export const readyWord = 'ready';
/** How flock ends when the lock is taken. */
export const takenStatus = 73;

/**
 * The first process of a pid namespace: builds the view, gives up all privileges, and then only waits. When our end of
 * descriptor 3 closes, however we end, it ends, and the kernel kills everything else in the namespace. The shell that
 * waits also reaps what is orphaned. Arguments: the folder of the sandbox, its host name, the image of its volume or
 * nothing, the script that maps mounts, the options of setpriv.
 * The /proc comes first, because whoever makes a user namespace for a mapped mount looks for its own processes there.
 * No journal and no reserve in the image: it outlives nothing, and nobody but the server writes there.
 */
const namespaceScript = `
read -r pid rest </proc/self/stat || exit 1
folder=$1; hostname=$2; image=$3; mapping=$4; shift 4
if [ -n "$image" ]; then
  mke2fs -q -F -t ext4 -b 4096 -m 0 -O ^has_journal -E lazy_itable_init=1,nodiscard -d "$folder/seed" "$image" || exit 1
fi
echo "$hostname" >/proc/sys/kernel/hostname
mount -t proc -o nosuid,nodev,noexec proc /proc || exit 1
mount --all --fstab "$folder/mounts" || exit 1
if [ -e "$folder/mapped" ]; then
  perl -e "$mapping" <"$folder/mapped" || exit 1
fi
cd "$folder/root" || exit 1
pivot_root . .old || exit 1
cd / || exit 1
umount --lazy /.old || exit 1
exec setpriv "$@" /bin/sh -c '
  echo "ready $1" >&3
  exec 2>/dev/null
  cat <&3 >/dev/null & wait $!
' keeper "$pid"
`;

/**
 * Without namespaces: waits in the same way, then kills everything that has the sandbox's uid. That is complete in one
 * go: nobody can fork past a signal to all. The same before, for what an earlier keeper may have left. Argument: the uid.
 */
const uidScript = `
read -r pid rest </proc/self/stat || exit 1
(exec setpriv --reuid "$1" --regid "$1" --clear-groups -- /bin/sh -c "$2" killer "$1")
echo "ready $pid" >&3
exec 2>/dev/null
cat <&3 >/dev/null
exec setpriv --reuid "$1" --regid "$1" --clear-groups -- /bin/sh -c "$2" killer "$1"
`;

/** Runs as the uid, or not at all: as root it would kill the machine. */
const killScript = `
while read -r key uid rest; do [ "$key" = Uid: ] && break; done </proc/self/status
[ "$uid" = "$1" ] && [ "$uid" -gt 0 ] && kill -s KILL -- -1
`;

/** Nothing that can be gained later, by whatever program is run. */
const droppedPrivileges = ['--no-new-privs', '--bounding-set=-all', '--inh-caps=-all', '--ambient-caps=-all'];

/** Whose rights a sandbox has outside of it: a uid of its own, or ours, which are few. */
export type Owner = { kind: 'uid'; uid: number; lockFile: string | null } | { kind: 'ourselves' };

export const namespaceKeeper = (
  owner: Owner,
  { folder, hostName, image }: { folder: string; hostName: string; image: string | null },
): string[] => [
  ...locked(owner),
  'unshare',
  ...(owner.kind === 'ourselves' ? ['--user', '--map-root-user'] : []),
  ...['--mount', '--uts', '--ipc', '--pid', '--fork', '--'],
  ...[shell, '-c', namespaceScript, 'keeper', folder, hostName, image ?? '', idmapScript],
  ...(owner.kind === 'ourselves' ? [] : ['--clear-groups']),
  ...droppedPrivileges,
  '--',
];

export const uidKeeper = (owner: Owner & { kind: 'uid' }): string[] => [
  ...locked(owner),
  ...[shell, '-c', uidScript, 'keeper', String(owner.uid), killScript],
];

/** The lock is open in the keeper, so it lasts exactly as long as the keeper does. */
const locked = (owner: Owner): string[] =>
  owner.kind === 'uid' && owner.lockFile !== null
    ? ['flock', '--nonblock', '--no-fork', `--conflict-exit-code=${takenStatus}`, owner.lockFile]
    : [];

/** What the last script says on descriptor 3 just before it becomes the server. */
export const execWord = 'exec';
export const missingWord = 'missing';

/** How the variables of the server travel through what runs with privileges: under names that mean nothing to it. */
export const variablePrefix = 'SANDBOX_VARIABLE_';

/**
 * Ends in the server itself. bash gives it variables of its own, which env takes away again. Arguments: its working folder, how many variables it has,
 * the command.
 */
const serverScript = `
cd "$1" || exit 126
${variablePrefix}COUNT=$2; shift 2
[ -f "$1" ] && [ -x "$1" ] || { echo missing >&3; exit 127; }
unset PWD OLDPWD SHLVL LC_ALL
while [ "$${variablePrefix}COUNT" -gt 0 ]; do
  ${variablePrefix}COUNT=$((${variablePrefix}COUNT - 1))
  eval "export \\"\\$${variablePrefix}$${variablePrefix}COUNT\\"" || exit 126
  unset "${variablePrefix}$${variablePrefix}COUNT"
done
unset ${variablePrefix}COUNT
echo exec >&3
case "\${BASH_VERSION:+bash}:$1" in
  bash:*=*) ;;
  bash:*) exec /usr/bin/env -u SHLVL -u _ "$@" 3>&- ;;
esac
exec "$@" 3>&-
`;

/**
 * Runs in a user namespace of its own in which there can be no other: the way to most holes of the kernel that need
 * privileges leads through one. There is no such file where the kernel has no user namespaces.
 */
const noNamespacesScript = `
if [ -e /proc/sys/user/max_user_namespaces ]; then
  echo 0 >/proc/sys/user/max_user_namespaces || exit 1
fi
exec "$@"
`;

export interface EnterRequest {
  owner: Owner;
  /** The first process of the namespaces, or null without them. */
  keeperPid: number | null;
  /** Whether the server gets a user namespace in which it can make no other. */
  sealUserNamespaces: boolean;
  /** Of system calls, in a file that the sandbox can read. */
  filter: { method: FilterMethod; file: string } | null;
  /** Options of prlimit. */
  limits: readonly string[];
  workingFolder: string;
  variables: number;
  command: readonly string[];
}

/** From our process to the server, through all that takes rights away. Each step becomes the next one. */
export const enterCommand = (request: EnterRequest): string[] => {
  const { owner, keeperPid, sealUserNamespaces, workingFolder, variables, command } = request;
  const inside = keeperPid !== null;
  const isOwnUser = owner.kind === 'ourselves';
  const uid = owner.kind === 'uid' ? String(owner.uid) : String(process.getuid?.() ?? 0);
  const gid = owner.kind === 'uid' ? String(owner.uid) : String(process.getgid?.() ?? 0);
  return [
    ...(inside ? ['nsenter', '--target', String(keeperPid)] : []),
    ...(inside && isOwnUser ? ['--user', '--preserve-credentials'] : []),
    ...(inside ? ['--mount', '--uts', '--ipc', '--pid', '--', 'unshare', '--cgroup', '--'] : []),
    ...(request.limits.length === 0 ? [] : ['prlimit', ...request.limits, '--']),
    ...(owner.kind === 'uid' ? ['setpriv', '--reuid', uid, '--regid', gid, '--clear-groups', '--'] : []),
    ...(sealUserNamespaces
      ? ['unshare', '--user', `--map-user=${uid}`, `--map-group=${gid}`, '--keep-caps', '--']
      : []),
    ...(sealUserNamespaces ? [shell, '-c', noNamespacesScript, 'seal'] : []),
    ...['setpriv', ...droppedPrivileges, '--'],
    ...(request.filter === null ? [] : filtering(request.filter.method, request.filter.file)),
    ...(inside ? ['setsid'] : []),
    ...[shell, '-c', serverScript, 'server', workingFolder, String(variables)],
    ...command,
  ];
};

/** Without walls: only what a process needs in order to have an environment, a folder and a group of its own. */
export const plainCommand = ({
  workingFolder,
  variables,
  command,
}: Pick<EnterRequest, 'workingFolder' | 'variables' | 'command'>): string[] => [
  ...[shell, '-c', serverScript, 'server', workingFolder, String(variables)],
  ...command,
];
