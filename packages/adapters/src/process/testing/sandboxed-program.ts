// A program for tests to put into a sandbox: well-behaved, ill-behaved and hostile, by its first argument.
import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { connect, createServer } from 'node:net';

const [mode = '', ...args] = process.argv.slice(2);

/** The private one: without a view of its own, a sandbox shares /tmp with the machine. */
const temporary = process.env['TMPDIR'] ?? '/tmp';

const stayAlive = (): void => {
  setInterval(() => undefined, 1 << 30);
};

const say = (value: unknown): void => {
  process.stdout.write(`${JSON.stringify(value)}\n`);
};

/** What an attempt brought: "ok", or the code of its failure. */
const attempt = (action: () => unknown): string => {
  try {
    action();
    return 'ok';
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error);
  }
};

const connectTo = (address: { path: string } | { host: string; port: number }): Promise<string> =>
  new Promise((accept) => {
    const socket = connect(address);
    socket.once('connect', () => {
      socket.destroy();
      accept('ok');
    });
    socket.once('error', (error) => accept('code' in error ? String(error.code) : String(error)));
  });

/** The last line that a program wrote to stderr, or "ok" where it ended well. */
const run = (command: string, ...rest: string[]): string => {
  const { status, stderr, error } = spawnSync(command, rest, { encoding: 'utf8' });
  if (error) return error.message;
  return status === 0 ? 'ok' : (stderr.trim().split('\n').at(-1) ?? `status ${status}`);
};

const chunk = Buffer.alloc(1024 * 1024, 1);

const modes: Record<string, () => unknown> = {
  polite() {
    process.stdout.write(`ready\n${JSON.stringify(process.env)}\n`);
    process.once('SIGTERM', () => {
      process.stderr.write('told to end\n', () => process.exit(0));
    });
    stayAlive();
  },
  stubborn() {
    process.on('SIGTERM', () => undefined);
    process.stdout.write('ready\n');
    stayAlive();
  },
  /** Reads what it is told to read: {"path": …} */
  read() {
    say(Object.fromEntries(args.map((path) => [path, attempt(() => readFileSync(path))])));
  },
  list() {
    say(Object.fromEntries(args.map((path) => [path, listing(path)])));
  },
  write() {
    say(Object.fromEntries(args.map((path) => [path, attempt(() => writeFileSync(path, 'hostile'))])));
  },
  async connect() {
    say(Object.fromEntries(await Promise.all(args.map(async (path) => [path, await connectTo({ path })]))));
  },
  kill() {
    say(Object.fromEntries(args.map((pid) => [pid, attempt(() => process.kill(Number(pid), 'SIGKILL'))])));
  },
  /** Everything that needs privileges. */
  privileges() {
    say({
      status: readFileSync('/proc/self/status', 'utf8')
        .split('\n')
        .filter((line) => /^(Cap|NoNewPrivs|Groups|Seccomp:)/.test(line)),
      descriptors: readdirSync('/proc/self/fd').length,
      oomScore: readFileSync('/proc/self/oom_score_adj', 'utf8').trim(),
      mount: run('mount', '-t', 'tmpfs', 'none', '/tmp'),
      umount: run('umount', '/proc'),
      remount: run('mount', '-o', 'remount,rw', '/'),
      mknod: run('mknod', `${temporary}/disk`, 'b', '7', '0'),
      chroot: run('chroot', '/tmp', '/bin/true'),
      userNamespace: run('unshare', '--user', '--map-root-user', 'true'),
      mountNamespace: run('unshare', '--mount', 'true'),
      enterKeeper: run('nsenter', '--target', '1', '--mount', 'true'),
      trace: run('perl', '-e', `exit(syscall(${process.arch === 'x64' ? 101 : 117}, 16, 1, 0, 0) != 0)`),
      setuid: attempt(() => process.setuid?.(0)),
      setgid: attempt(() => process.setgid?.(0)),
      hostName: run('hostname', 'mine'),
      sysctl: attempt(() => writeFileSync('/proc/sys/kernel/core_pattern', '|/tmp/x')),
      namespaceLimit: attempt(() => writeFileSync('/proc/sys/user/max_user_namespaces', '99')),
      keeperEnvironment: attempt(() => readFileSync('/proc/1/environ')),
      keeperMemory: attempt(() => openSync('/proc/1/mem', 'r+')),
      keeperRoot: attempt(() => readdirSync('/proc/1/root/')),
      kernelMemory: attempt(() => readFileSync('/proc/kcore')),
      setuidBit: attempt(() => {
        writeFileSync(`${temporary}/program`, '');
        chmodSync(`${temporary}/program`, 0o4755);
      }),
      setgidFile: attempt(() => writeFileSync(`${temporary}/other`, '', { mode: 0o2755 })),
      lessOom: attempt(() => writeFileSync('/proc/self/oom_score_adj', '-1000')),
    });
  },
  killEverybody() {
    process.stdout.write(`${attempt(() => process.kill(-1, 'SIGKILL'))}\n`);
    stayAlive();
  },
  /** Forks until it may not, and says how far it came. */
  forkBomb() {
    const children = [];
    for (;;) {
      const child = spawn('/bin/sleep', ['1000'], { stdio: 'ignore' });
      child.on('error', () => undefined);
      if (child.pid === undefined) break;
      children.push(child);
    }
    say(children.length);
    stayAlive();
  },
  /** Every copy forks two more, as long as it can. */
  shellBomb() {
    process.stdout.write('ready\n');
    spawn('/bin/sh', ['-c', 'bomb() { bomb | bomb & }; while :; do bomb; done'], { stdio: 'ignore' });
    stayAlive();
  },
  fillDisk() {
    const [path = ''] = args;
    const descriptor = openSync(path, 'w');
    let written = 0;
    const failure = attempt(() => {
      for (;;) written += writeSync(descriptor, chunk);
    });
    closeSync(descriptor);
    say({ failure, written });
    process.exitCode = 5;
  },
  /** Files that have no name any more. */
  fillUnseen() {
    const [folder = '', count = '1'] = args;
    process.stdout.write('ready\n');
    for (let index = 0; index < Number(count); index += 1) {
      const path = `${folder}/unseen-${index}`;
      const descriptor = openSync(path, 'w');
      unlinkSync(path);
      for (let written = 0; written < 16; written += 1) writeSync(descriptor, chunk);
    }
    stayAlive();
  },
  fillInodes() {
    let count = 0;
    const failure = attempt(() => {
      mkdirSync(`${process.env['HOME'] ?? ''}/many`);
      for (;;) writeFileSync(`${process.env['HOME'] ?? ''}/many/${(count += 1)}`, '');
    });
    say({ failure });
  },
  hog() {
    process.stdout.write('ready\n');
    const kept: Buffer[] = [];
    setInterval(() => kept.push(Buffer.alloc(16 * 1024 * 1024, 1)), 1);
  },
  /** Only a child of it takes too much. */
  hogChild() {
    process.stdout.write('ready\n');
    spawn(process.execPath, [process.argv[1] ?? '', 'hog'], { stdio: 'ignore' });
    stayAlive();
  },
  /** A grandchild in a session of its own, without parent and pipes; says its name by a file that it keeps writing. */
  daemonize() {
    const script =
      'setsid sh -c "setsid sleep 4321 >/dev/null 2>&1 </dev/null & " >/dev/null 2>&1 </dev/null & wait';
    spawnSync('/bin/sh', ['-c', script], { stdio: 'ignore' });
    process.stdout.write('ready\n');
    if (args[0] === 'stay') stayAlive();
  },
  /** Ends, but somebody keeps its pipes for some seconds. */
  holdOutput() {
    const [seconds = '1000'] = args;
    const script = 'trap "" TERM HUP; sleep "$1"';
    spawn('/bin/sh', ['-c', script, 'holder', seconds], { stdio: 'inherit', detached: true }).unref();
    process.stdout.write('ready\n', () => process.exit(0));
  },
  stopItself() {
    process.stdout.write('ready\n', () => {
      process.kill(process.pid, 'SIGSTOP');
    });
    stayAlive();
  },
  orphans() {
    const [count = '1'] = args;
    for (let index = 0; index < Number(count); index += 1)
      spawnSync('/bin/sh', ['-c', '(sleep 0.01 &)'], { stdio: 'ignore' });
    setTimeout(() => {
      say(readdirSync('/proc').filter((name) => /^\d+$/.test(name)).length);
    }, 300);
    stayAlive();
  },
  burn() {
    process.stdout.write('ready\n');
    for (;;) rmSync('/nowhere', { force: true });
  },
  /** Connects to us by TCP, and keeps the connection or lets it go at once. */
  async dial() {
    const [port = '', host = '127.0.0.1', then = 'stay'] = args;
    const socket = connect({ port: Number(port), host });
    socket.on('error', () => undefined);
    await new Promise((accept) => socket.once('connect', accept));
    if (then === 'leave') socket.destroy();
    if (then === 'reset') socket.resetAndDestroy();
    process.stdout.write('ready\n');
    stayAlive();
  },
  listen() {
    const server = createServer();
    server.listen({ port: 0, host: '127.0.0.1' }, () => say(server.address()));
  },
};

const listing = (path: string): unknown => {
  try {
    return readdirSync(path).sort();
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error);
  }
};

await modes[mode]?.();
