// The command lines of initdb and postgres: who runs them, with which settings.
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { PostgresBinaries } from './binaries.ts';

export const socketPort = 5432;
export const superuser = 'insightloop';

export function initdbCommand({ initdb, major }: PostgresBinaries): string[] {
  // The order of bytes, the same everywhere; from 17 on together with upper and lower case of all of Unicode.
  const locale = major >= 17 ? ['--locale-provider=builtin', '--builtin-locale=C.UTF-8'] : [];
  // No password and no comparison of user names: the folder and the socket are open to our own user id only, which
  // the kernel checks. "peer" would compare names, and neither a container's odd user id nor the stand-in that root
  // takes has a name worth comparing.
  const access = ['--auth-local=trust', '--auth-host=reject'];
  return [
    initdb,
    '-D',
    'cluster.new',
    '-U',
    superuser,
    ...access,
    '--encoding=UTF8',
    '--locale=C',
    ...locale,
  ];
}

export function postgresCommand(
  { postgres, major }: PostgresBinaries,
  cluster: string,
  socket: string,
): string[] {
  const settings = {
    listen_addresses: '',
    unix_socket_directories: `"${socket.replaceAll('"', '""')}"`,
    unix_socket_permissions: '0700',
    port: String(socketPort),
    shared_buffers: '16MB',
    // In the cluster, where the next start clears it away: /dev/shm would keep what a killed server left, and is small in
    // containers.
    dynamic_shared_memory_type: 'mmap',
    // Bounds both the disk that the log takes and the time that recovery takes.
    max_wal_size: '256MB',
    // Processes that would only wait here.
    max_logical_replication_workers: '0',
    ...(major >= 18 && { io_method: 'sync' }),
    timezone: 'UTC',
    log_timezone: 'UTC',
    log_line_prefix: '',
    log_checkpoints: 'off',
    logging_collector: 'off',
    log_destination: 'stderr',
  };
  return [
    postgres,
    '-D',
    cluster,
    ...Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`]),
  ];
}

/**
 * PostgreSQL refuses to run as root, so root hands it to another user id: that of an existing cluster, else 1, which
 * exists everywhere (initdb wants a name). It keeps the one power to pass file permissions, because the data directory,
 * or the home in which all lies, is closed to everyone else; `no_setuid_fixup` makes access(2) honour that power.
 */
export async function unprivileged(home: string): Promise<string[]> {
  if (process.getuid?.() !== 0) return [];
  const owner = await stat(join(home, 'cluster')).catch(() => null);
  const uid = owner?.uid ?? 1;
  const gid = owner?.gid ?? 1;
  const only = '-all,+dac_override';
  return [
    'setpriv',
    `--reuid=${uid}`,
    `--regid=${gid}`,
    '--clear-groups',
    '--securebits=+no_setuid_fixup',
    `--inh-caps=${only}`,
    `--ambient-caps=${only}`,
    `--bounding-set=${only}`,
  ];
}
