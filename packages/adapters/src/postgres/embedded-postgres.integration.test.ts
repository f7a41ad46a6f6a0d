// The embedded PostgreSQL, with real processes: where it lies, who may have it, and how it ends.
import { execFile, fork, spawn, type ChildProcess } from 'node:child_process';
import { on, once } from 'node:events';
import { existsSync, readdirSync, readlinkSync } from 'node:fs';
import { chmod, chown, cp, mkdir, mkdtemp, readFile, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { AppError } from '@insightloop/core';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isReachable } from '../../../../tests/support/reach.ts';
import {
  findBinaries,
  startEmbeddedPostgres,
  type EmbeddedPostgres,
  type PostgresConnection,
} from './index.ts';
import type { OwnerOrders, OwnerReport } from './testing/owner-process.ts';

const root = process.getuid?.() === 0;
const nobody = 65534;

let home: string;
let dataDir: string;
const started: EmbeddedPostgres[] = [];
const owners: ChildProcess[] = [];

beforeEach(async () => {
  home = await realpath(await mkdtemp(join(tmpdir(), 'house-')));
  dataDir = join(home, 'data');
});

afterEach(async () => {
  for (const owner of owners.splice(0)) owner.kill('SIGKILL');
  await Promise.all(started.splice(0).map((embedded) => embedded.stop()));
  await until(() => processesIn(home).length === 0);
  await rm(home, { recursive: true });
});

const start = async (options: Partial<Parameters<typeof startEmbeddedPostgres>[0]> = {}) => {
  const embedded = await startEmbeddedPostgres({ dataDir, ...options });
  started.push(embedded);
  return embedded;
};

const cluster = (): string => join(dataDir, 'postgres/cluster');

describe('a start', () => {
  it('makes a cluster that only we can reach, over a socket only, and that keeps what it acknowledges', async () => {
    const { connection } = await start();

    expect((await stat(dataDir)).mode & 0o777).toBe(0o700);
    expect((await stat(connection.host)).mode & 0o777).toBe(0o700);
    expect((await stat(join(connection.host, '.s.PGSQL.5432'))).mode & 0o777).toBe(0o700);
    expect(await settings(connection)).toEqual({
      fsync: 'on',
      full_page_writes: 'on',
      synchronous_commit: 'on',
      data_checksums: 'on',
      listen_addresses: '',
      server_encoding: 'UTF8',
      shared_buffers: '16MB',
      timezone: 'UTC',
    });
    expect(await query(connection, `SELECT 'a' < 'Z' AS by_letter, lower('ÄÉ') AS lower`)).toEqual([
      { by_letter: false, lower: 'äé' },
    ]);
  });

  it('finds again what was written before a stop', async () => {
    const first = await start();
    await query(first.connection, 'CREATE TABLE kept AS SELECT 7 AS number');
    await Promise.all([first.stop(), first.stop()]);
    await first.stop();
    expect(await first.exited).toMatchObject({ stopped: true });
    expect(processesIn(home)).toEqual([]);
    expect(existsSync(join(first.connection.host, '.s.PGSQL.5432'))).toBe(false);

    const second = await start();
    expect(await query(second.connection, 'SELECT number FROM kept')).toEqual([{ number: 7 }]);
  });

  it('tells its log to the given logger, and nothing of the data in it', async () => {
    const lines: string[] = [];
    const tell = (_: object, message: string): void => void lines.push(message);
    const { connection } = await start({ log: { debug: tell, info: tell, warn: tell, error: tell } });
    expect(lines.join('\n')).toContain('database system is ready to accept connections');

    await query(connection, 'CREATE TABLE secrets (name TEXT PRIMARY KEY, value TEXT NOT NULL)');
    await expect(query(connection, `INSERT INTO secrets VALUES ('token', NULL)`)).rejects.toThrow(
      'null value',
    );
    await started[0]?.stop();
    expect(lines.join('\n')).not.toContain('token');
  });

  it.each([
    ['spaces, quotes and other letters', `a folder, it's "ours" – ü`],
    ['150 characters', 'x'.repeat(150)],
  ])('works in a path with %s', async (_, name) => {
    dataDir = join(home, name);
    const embedded = await start();
    const { connection } = embedded;
    expect(await query(connection, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    await embedded.stop();
    if (!connection.host.startsWith(home)) expect(existsSync(connection.host)).toBe(false);
  });

  it('that is aborted leaves nothing running', async () => {
    const abort = new AbortController();
    const starting = startEmbeddedPostgres({ dataDir, signal: abort.signal });
    await until(() => existsSync(join(dataDir, 'postgres/cluster.new')));
    abort.abort(new Error('changed our mind'));
    await expect(starting).rejects.toThrow('changed our mind');
    expect(processesIn(home)).toEqual([]);
    await start();
  });

  it('that fails says what PostgreSQL said', async () => {
    await (await start()).stop();
    await writeFile(join(cluster(), 'PG_VERSION'), '9\n');
    const failure = await start().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(AppError);
    expect(failure).toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
    expect(String(failure)).toMatch(/initialized by PostgreSQL version 9[\s\S]*DATABASE_URL/);
  });

  it('says when the data directory cannot be made', async () => {
    await writeFile(dataDir, 'a file');
    await expect(start()).rejects.toThrow(/cannot be used: .*INSIGHTLOOP_DATA_DIR/);
  });

  it.skipIf(!existsSync('/usr/lib/postgresql/15/bin/initdb'))('works with an older PostgreSQL', async () => {
    const folder = '/usr/lib/postgresql/15/bin';
    const { connection } = await start({
      binaries: { initdb: join(folder, 'initdb'), postgres: join(folder, 'postgres'), major: 15 },
    });
    expect(await query(connection, `SELECT 'a' < 'Z' AS by_letter`)).toEqual([{ by_letter: false }]);
  });
});

describe('its end', () => {
  it('comes within a second when its owner is killed, and the next start does not trip over it', async () => {
    const owner = await ownedElsewhere({ dataDir });
    expect(processesIn(cluster()).length).toBeGreaterThan(0);
    owner.kill('SIGKILL');
    await start();

    const long = { dataDir: join(home, 'x'.repeat(150)) };
    const other = await ownedElsewhere(long);
    const { host } = other.connection;
    other.kill('SIGKILL');
    await until(() => processesIn(long.dataDir).length === 0, 10_000);
    await until(() => !existsSync(host));
  });

  it('is told when nobody asked for it', async () => {
    const embedded = await start();
    const { connection, exited } = embedded;
    await expect(
      query(
        connection,
        `COPY (SELECT 1) TO PROGRAM 'kill -KILL $PPID; kill -KILL $(head -n 1 postmaster.pid)'`,
      ),
    ).rejects.toThrow();
    expect(await exited).toMatchObject({ stopped: false });
    await embedded.stop();
    await start();
  });

  it('loses nothing that was acknowledged, however often the owner is killed while it writes', async () => {
    let acknowledged = 0;
    for (let round = 1; round <= 3; round += 1) {
      const goal = acknowledged + 200;
      const owner = await ownedElsewhere({ dataDir, write: true });
      await new Promise<void>((accept) => {
        owner.process.on('message', (message: OwnerReport) => {
          if ('written' in message) acknowledged = message.written;
          if (acknowledged >= goal) accept();
        });
      });
      // Once only the owner, so that PostgreSQL still shuts down; then PostgreSQL with it, so that it must recover.
      owner.kill('SIGKILL');
      if (round > 1) killAllIn(dataDir);
      await once(owner.process, 'exit');
    }
    const { connection } = await start();
    const [row] = await query(connection, 'SELECT count(*)::int AS count, max(number) AS last FROM written');
    expect(row?.last).toBeGreaterThanOrEqual(acknowledged);
    expect(row?.count).toBe(row?.last);
  });
});

describe('a second process on the same data directory', () => {
  it('is refused with the id of the first, which does not notice', async () => {
    const { connection } = await start();
    await query(connection, 'CREATE TABLE kept AS SELECT 7 AS number');
    const refused = await ownedElsewhere({ dataDir }).catch((error: unknown) => error);
    expect(String(refused)).toContain(`The data directory ${dataDir} is in use by process ${process.pid}.`);
    expect(String(refused)).toMatch(/INSIGHTLOOP_DATA_DIR.*DATABASE_URL/);
    expect(await query(connection, 'SELECT number FROM kept')).toEqual([{ number: 7 }]);
  });

  it('is refused as well where flock is missing', async () => {
    await start();
    const path = await onlyThese(['env', 'perl', 'readlink', 'rm', 'setpriv', 'sleep']);
    const refused = await ownedElsewhere({ dataDir }, { PATH: path }).catch((error: unknown) => error);
    expect(String(refused)).toContain('is in use by process');
  });

  it('gets it alone when two make it at the same moment', async () => {
    const attempts = await Promise.allSettled([ownedElsewhere({ dataDir }), ownedElsewhere({ dataDir })]);
    expect(attempts.map((attempt) => attempt.status).sort()).toEqual(['fulfilled', 'rejected']);
  });

  it.runIf(isReachable)('is refused when somebody else runs a PostgreSQL on the cluster', async () => {
    await (await start()).stop();
    const { postgres } = await findBinaries();
    const asOwner = root ? ['setpriv', '--reuid=1', '--regid=1', '--clear-groups'] : [];
    // Its own keeper is not asked: this is what an administrator's pg_ctl does.
    for (const folder of [home, dataDir, join(dataDir, 'postgres')]) await chmod(folder, 0o755);
    const command = [...asOwner, postgres, '-D', cluster(), '-c', 'listen_addresses=', '-k', '.'];
    const foreign = spawn('env', command, { stdio: ['ignore', 'ignore', 'pipe'] });
    for await (const [line] of on(createInterface({ input: foreign.stderr }), 'line', { close: ['close'] }))
      if (String(line).includes('ready to accept connections')) break;

    await expect(start()).rejects.toThrow(`Another PostgreSQL, process ${foreign.pid}, runs on ${dataDir}`);
    expect(foreign.exitCode).toBeNull();
    foreign.kill('SIGINT');
    await once(foreign, 'exit');
    await start();
  });
});

describe('what a crash leaves behind', () => {
  it('is swept aside: a half-made cluster', async () => {
    const owner = forkOwner({ dataDir });
    await until(() => existsSync(join(dataDir, 'postgres/cluster.new/PG_VERSION')));
    const { ino } = await stat(join(dataDir, 'postgres/cluster.new'));
    owner.kill('SIGKILL');
    killAllIn(dataDir);
    expect(existsSync(join(dataDir, 'postgres/cluster.new'))).toBe(true);
    expect(existsSync(cluster())).toBe(false);

    // A few bytes of shared memory outlive it, under the inode of a folder that nobody will start on again.
    await promisify(execFile)('ipcrm', ['-M', String(ino)]).catch(() => undefined);

    const { connection } = await start();
    expect(await query(connection, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    expect(existsSync(join(dataDir, 'postgres/cluster.new'))).toBe(false);
  });

  it('is swept aside: a postmaster.pid whose process id now belongs to somebody else', async () => {
    const embedded = await start();
    const pidFile = await readFile(join(cluster(), 'postmaster.pid'), 'utf8');
    await embedded.stop();
    await writeFile(join(cluster(), 'postmaster.pid'), pidFile.replace(/^\d+/, String(process.pid)));
    await start();
  });
});

describe('users and homes', () => {
  it.runIf(root)('runs as root in a home that is closed to all others', async () => {
    await chmod(home, 0o700);
    const { connection } = await start();
    expect(await query(connection, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it.runIf(root)('runs as root with everything in the closed home of another user', async () => {
    const binaries = await copyBinaries();
    await chown(home, nobody, nobody);
    await chmod(home, 0o700);
    const { connection } = await start({ binaries });
    expect(await query(connection, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it.runIf(root)('runs as an ordinary user, and root can take over and give back', async () => {
    const binaries = await copyBinaries();
    await chmod(home, 0o711);
    await mkdir(dataDir, { mode: 0o700 });
    await chown(dataDir, nobody, nobody);
    const orders = { dataDir, binaries, uid: nobody };

    const owner = await ownedElsewhere(orders);
    await query(owner.connection, 'CREATE TABLE kept AS SELECT 7 AS number');
    await owner.release();
    const taken = await start({ binaries });
    expect(await query(taken.connection, 'SELECT number FROM kept')).toEqual([{ number: 7 }]);
    await taken.stop();
    const again = await ownedElsewhere(orders);
    expect(await query(again.connection, 'SELECT number FROM kept')).toEqual([{ number: 7 }]);
    await again.release();
  });
});

function forkOwner(orders: OwnerOrders, env?: NodeJS.ProcessEnv): ChildProcess {
  const script = fileURLToPath(new URL('testing/owner-process.ts', import.meta.url));
  const owner = fork(script, { execArgv: [], ...(env && { env }) });
  owners.push(owner);
  owner.send(orders);
  return owner;
}

/** An embedded PostgreSQL in a process of its own. */
async function ownedElsewhere(orders: OwnerOrders, env?: NodeJS.ProcessEnv) {
  const owner = forkOwner(orders, env);
  const connection = await new Promise<PostgresConnection>((accept, reject) => {
    owner.once('message', (report: OwnerReport) => {
      if ('ready' in report) accept(report.ready);
      else reject(new Error('failed' in report ? report.failed : 'wrote before it was ready'));
    });
    owner.once('exit', (code, signal) => reject(new Error(`the owner ended: ${code ?? signal}`)));
  });
  return {
    process: owner,
    connection,
    kill: (signal: NodeJS.Signals) => owner.kill(signal),
    release: async () => {
      owner.disconnect();
      await once(owner, 'exit');
    },
  };
}

async function copyBinaries() {
  const { initdb, major } = await findBinaries();
  const native = dirname(dirname(await realpath(initdb)));
  await cp(native, join(home, 'native'), { recursive: true, verbatimSymlinks: true });
  return { initdb: join(home, 'native/bin/initdb'), postgres: join(home, 'native/bin/postgres'), major };
}

/** A PATH on which only some programs are found. */
async function onlyThese(programs: string[]): Promise<string> {
  const folder = join(home, 'bin');
  await mkdir(folder);
  for (const program of programs) {
    const place = ['/usr/bin', '/bin'].map((bin) => join(bin, program)).find((path) => existsSync(path));
    if (place) await writeFile(join(folder, program), `#!/bin/sh\nexec ${place} "$@"\n`, { mode: 0o755 });
  }
  return folder;
}

async function query(connection: PostgresConnection, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client(connection);
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function settings(connection: PostgresConnection): Promise<Record<string, unknown>> {
  const names = ['fsync', 'full_page_writes', 'synchronous_commit', 'data_checksums', 'listen_addresses'];
  names.push('server_encoding', 'shared_buffers', 'timezone');
  const shown = await Promise.all(
    names.map((name) => query(connection, `SELECT current_setting('${name}') AS value`)),
  );
  return Object.fromEntries(names.map((name, index) => [name, shown[index]?.[0]?.value]));
}

/** Processes that stand in a folder or below it, the dead not counted. */
function processesIn(folder: string): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => {
      try {
        const place = pid > 0 ? readlinkSync(`/proc/${pid}/cwd`) : '';
        return place === folder || place.startsWith(`${folder}/`);
      } catch {
        return false;
      }
    });
}

function killAllIn(folder: string): void {
  for (const pid of processesIn(folder)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
    }
  }
}

async function until(condition: () => boolean, guardMs = 20_000): Promise<void> {
  const guard = AbortSignal.timeout(guardMs);
  while (!condition()) await sleep(5, undefined, { signal: guard });
}
