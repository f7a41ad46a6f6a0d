// The keeper: a shell script that stands between us and PostgreSQL, holds the locks, and ends PostgreSQL when we end.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export interface KeeperPlan {
  /** Holds the locks, the cluster and, where its path is short enough, the socket. */
  home: string;
  /** Makes the cluster in `cluster.new`. */
  initdb: readonly string[];
  /** Runs it from `cluster`. */
  postgres: readonly string[];
  /** The folder of the socket: ours alone. */
  socket: string;
  /** A folder to remove at the end. */
  scratch: string | null;
}

export interface Keeper {
  /** Resolves when the keeper and every process of PostgreSQL are gone. */
  closed: Promise<{ code: number | null }>;
  /** Asks for a fast shutdown. May be called again. */
  requestStop(): void;
}

/** How the keeper ends when it refused to start anything. */
export const keeperRefusals = {
  /** Another process holds the data directory; its id stands in the file `owner`. */
  owned: 71,
  /** Nobody holds it, but the PostgreSQL of a former owner does not end. */
  lingering: 72,
  /** A PostgreSQL that we did not start runs on the cluster. */
  foreign: 73,
} as const;

export function startKeeper(plan: KeeperPlan, onLine: (line: string) => void): Keeper {
  const keeper = spawn('/bin/sh', ['-c', keeperScript(plan)], {
    stdio: ['pipe', 'ignore', 'pipe'],
    // A process group of its own: Ctrl-C reaches ours, and must not end the database before we are done with it.
    detached: true,
  });
  createInterface({ input: keeper.stderr }).on('line', onLine);
  keeper.on('error', (error) => onLine(error.message));
  // The keeper is gone, so there is nobody left to tell.
  keeper.stdin.on('error', () => undefined);
  return {
    // "close", not "exit": our pipe for errors is open in every process of PostgreSQL.
    closed: new Promise((accept) => keeper.once('close', (code) => accept({ code }))),
    requestStop() {
      if (!keeper.stdin.writableEnded) keeper.stdin.end('stop\n');
    },
  };
}

/**
 * Why a shell, and a lock of the kernel's: whatever way we end, SIGKILL included, our end of its standard input closes
 * (it then stops PostgreSQL), and a lock lasts exactly as long as somebody has the file open, so there is nothing
 * stale to judge by process ids, which are used again.
 * - `owner.lock` (descriptor 8) is open in the keeper alone and falls as soon as the owner ends or says stop. The
 *   owner's process id is for the message, and for patience with a keeper that has yet to notice its owner's death.
 * - `cluster.lock` (descriptor 9) is inherited by every process of PostgreSQL and falls when the last one is gone.
 *   Who holds it may remove what a dead one left, unless `postmaster.pid` names a PostgreSQL that somebody else
 *   started; where there is no /proc to tell, PostgreSQL's own lock in shared memory still keeps two apart.
 *
 * Shutdown is fast (SIGINT: clients are dropped, a checkpoint is written), then immediate (SIGQUIT: the next start
 * recovers from the log), then SIGKILL; nothing acknowledged is lost by any. We are given 10 s when we ask for the
 * stop, and half a second when we died. The cluster is made under another name and renamed, so that a half-made one is
 * never taken for whole.
 */
const keeperScript = ({ home, initdb, postgres, socket, scratch }: KeeperPlan): string => `
trap '' HUP INT TERM QUIT
exec 3<&0 </dev/null
umask 077
cd -P ${quote(home)} || exit
${scratch === null ? '' : `trap 'rm -rf ${quote(scratch).replaceAll("'", `'\\''`)}' EXIT`}

try_lock() {
  if command -v flock >/dev/null; then flock -n "$1"
  else perl -MFcntl=:flock -e 'open(my $file, ">&=", $ARGV[0]) && flock($file, LOCK_EX | LOCK_NB) || exit 1' "$1"
  fi
}
lock() {
  left=$2
  until try_lock "$1"; do
    left=$((left - 1))
    [ "$left" -gt 0 ] && kill -0 "$PPID" 2>/dev/null || return 1
    sleep 0.1
  done
}
gone_within() {
  left=$1
  while kill -0 "$child"; do
    left=$((left - 1))
    [ "$left" -gt 0 ] || return 1
    sleep 0.02
  done
}
watch() {
  child=$1
  (
    patience=25
    read -r word <&3 && patience=500
    exec 8>&-
    kill -INT "$child"
    gone_within "$patience" || kill -QUIT "$child"
    gone_within 15 || kill -KILL "$child"
  ) 9>&- 4>&2 2>/dev/null &
  watcher=$!
}
finish() {
  wait "$child"
  status=$?
  kill -KILL "$watcher" 2>/dev/null
  wait "$watcher" 2>/dev/null
  return "$status"
}

exec 8>>owner.lock 9>>cluster.lock || exit
lock 8 5 || { read -r owner <owner; ! kill -0 "$owner" 2>/dev/null && lock 8 150; } || exit ${keeperRefusals.owned}
echo "$PPID" >owner
lock 9 150 || exit ${keeperRefusals.lingering}

if [ -f cluster/postmaster.pid ]; then
  read -r pid <cluster/postmaster.pid
  if [ "$(readlink "/proc/$pid/cwd")" = "$PWD/cluster" ]; then
    echo "$pid" >owner
    exit ${keeperRefusals.foreign}
  fi
fi
rm -f cluster/postmaster.pid ${quote(socket)}/.s.PGSQL.*

if [ ! -d cluster ]; then
  rm -rf cluster.new
  env -i PATH="$PATH" LC_ALL=C TZ=UTC ${words(initdb)} 3<&- 8>&- >/dev/null &
  watch $!
  finish || exit
  mv cluster.new cluster || exit
fi

env -i PATH="$PATH" LC_ALL=C TZ=UTC ${words(postgres)} 3<&- 8>&- &
watch $!
exec 8>&-
finish
`;

const words = (command: readonly string[]): string => command.map(quote).join(' ');

const quote = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;
