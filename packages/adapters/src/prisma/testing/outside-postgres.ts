// A PostgreSQL as an operator would run one: over TCP, with a password, in a zone and a language of its own.
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unprivileged } from '../../postgres/commands.ts';
import { findBinaries } from '../../postgres/index.ts';
import { startKeeper } from '../../postgres/keeper.ts';

export interface OutsidePostgres {
  url: string;
  stop(): Promise<void>;
}

const password = 'p@ss:w/rd?';

/** The machine's own PostgreSQL where it has one, so that a second version is tried; else the one from npm. */
export async function startOutsidePostgres(): Promise<OutsidePostgres> {
  const debian = '/usr/lib/postgresql/15/bin';
  const binaries = existsSync(join(debian, 'initdb'))
    ? { initdb: join(debian, 'initdb'), postgres: join(debian, 'postgres') }
    : await findBinaries();
  const home = await realpath(await mkdtemp(join(tmpdir(), 'outside-postgres-')));
  await writeFile(join(home, 'password'), password);
  await mkdir(join(home, 'socket'));
  const port = await freePort();
  const asUser = await unprivileged(home);
  const settings = {
    listen_addresses: '127.0.0.1',
    port,
    unix_socket_directories: '',
    timezone: 'Asia/Kolkata',
    default_transaction_isolation: 'repeatable read',
  };

  const lines: string[] = [];
  const ready = Promise.withResolvers<'ready'>();
  const keeper = startKeeper(
    {
      home,
      initdb: [
        ...[
          ...asUser,
          binaries.initdb,
          '-D',
          'cluster.new',
          '-U',
          'operator',
          '--pwfile=password',
          '--no-sync',
        ],
        ...['--auth=scram-sha-256', '--encoding=UTF8', '--locale=C.UTF-8'],
      ],
      postgres: [
        ...[...asUser, binaries.postgres, '-D', join(home, 'cluster')],
        ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
      ],
      socket: join(home, 'socket'),
      scratch: home,
    },
    (line) => {
      lines.push(line);
      if (line.includes('ready to accept connections')) ready.resolve('ready');
    },
  );
  if ((await Promise.race([ready.promise, keeper.closed])) !== 'ready') throw new Error(lines.join('\n'));
  return {
    url: `postgresql://operator:${encodeURIComponent(password)}@127.0.0.1:${port}/postgres`,
    async stop() {
      keeper.requestStop();
      await keeper.closed;
      await rm(home, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((accept) => probe.listen(0, '127.0.0.1', accept));
  const address = probe.address();
  await new Promise((accept) => probe.close(accept));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
