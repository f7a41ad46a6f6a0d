// An embedded PostgreSQL: a real server on a Unix socket of ours, which lives and dies with this process.
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { AppError, type Logger } from '@insightloop/core';
import { findBinaries, type PostgresBinaries } from './binaries.ts';
import { initdbCommand, postgresCommand, socketPort, superuser, unprivileged } from './commands.ts';
import { privateFolder, socketFolder } from './folders.ts';
import { createJournal } from './journal.ts';
import { keeperRefusals, startKeeper } from './keeper.ts';

/** What `pg` needs to connect. Nothing is left to PG… variables of the environment. */
export interface PostgresConnection {
  /** The folder of the socket. */
  host: string;
  port: number;
  user: string;
  database: string;
  ssl: false;
  options: string;
}

export interface PostgresExit {
  /** False where nobody asked for it. */
  stopped: boolean;
  /** The last lines of PostgreSQL's log. */
  lastLines: string[];
}

export interface EmbeddedPostgres {
  connection: PostgresConnection;
  /** A fast shutdown; resolves when every process of PostgreSQL is gone. May be called again. */
  stop(): Promise<void>;
  /** Resolves, never rejects, when every process of PostgreSQL is gone, for whatever reason. */
  exited: Promise<PostgresExit>;
}

export interface EmbeddedPostgresOptions {
  /** The cluster is made in its subfolder `postgres`; a missing folder is made, for our eyes only. */
  dataDir: string;
  /** Aborts the start. Once started, use `stop`. */
  signal?: AbortSignal | undefined;
  /** Gets PostgreSQL's log. */
  log?: Logger | undefined;
  /** Default: what `findBinaries` finds. */
  binaries?: PostgresBinaries | undefined;
}

/**
 * Starts PostgreSQL on a data directory, which it makes on the first start, and resolves when connections are accepted.
 * @throws AppError SERVICE_UNAVAILABLE when the directory is in use, no PostgreSQL runs here, or it does not start;
 *   the signal's reason when it aborts first
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const { signal, log } = options;
  const dataDir = resolve(options.dataDir);
  const binaries = options.binaries ?? (await findBinaries());
  const home = await privateFolder(join(dataDir, 'postgres'));
  const socket = await socketFolder(home);
  const asUser = await unprivileged(home);

  const journal = createJournal(log);
  const keeper = startKeeper(
    {
      home,
      initdb: [...asUser, ...initdbCommand(binaries)],
      postgres: [...asUser, ...postgresCommand(binaries, join(home, 'cluster'), socket.path)],
      socket: socket.path,
      scratch: socket.temporary ? socket.path : null,
    },
    (line) => journal.add(line),
  );
  let stopped = false;
  const stop = async (): Promise<void> => {
    stopped = true;
    keeper.requestStop();
    await keeper.closed;
  };

  const outcome = await Promise.race([journal.ready, keeper.closed, aborted(signal, keeper.closed)]);
  if (signal?.aborted) {
    await stop();
    signal.throwIfAborted();
  }
  if (typeof outcome === 'object')
    throw await startFailure({ dataDir, home, code: outcome.code, lines: journal.lines });

  return {
    connection: {
      host: socket.path,
      port: socketPort,
      user: superuser,
      database: 'postgres',
      ssl: false,
      // An error of a statement is answered to its client, which is us; in the server's log it would show data.
      options: '-c log_min_messages=log',
    },
    stop,
    exited: keeper.closed.then(() => ({ stopped, lastLines: [...journal.lines] })),
  };
}

/** Resolves when the signal aborts; listens no longer than until `over` resolves or it did. */
function aborted(signal: AbortSignal | undefined, over: Promise<unknown>): Promise<'aborted'> {
  return new Promise((accept) => {
    const onAbort = (): void => accept('aborted');
    if (signal?.aborted) onAbort();
    signal?.addEventListener('abort', onAbort, { once: true });
    void over.then(() => signal?.removeEventListener('abort', onAbort));
  });
}

interface FailedStart {
  dataDir: string;
  home: string;
  code: number | null;
  lines: readonly string[];
}

async function startFailure({ dataDir, home, code, lines }: FailedStart): Promise<AppError> {
  const holder = (await readFile(join(home, 'owner'), 'utf8').catch(() => 'unknown')).trim();
  const problem =
    code === keeperRefusals.owned
      ? `The data directory ${dataDir} is in use by process ${holder}.`
      : code === keeperRefusals.lingering
        ? `A PostgreSQL that was left behind on ${dataDir} does not end.`
        : code === keeperRefusals.foreign
          ? `Another PostgreSQL, process ${holder}, runs on ${dataDir}.`
          : `PostgreSQL did not start on ${dataDir}:\n${lines.join('\n')}\n`;
  return new AppError(
    'SERVICE_UNAVAILABLE',
    `${problem} Choose another data directory with INSIGHTLOOP_DATA_DIR, or set DATABASE_URL to a server of your own.`,
    { infrastructure: true },
  );
}
