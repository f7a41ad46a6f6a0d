// The real server as its own process, for tests of the whole: starts it, waits until it is ready, cleans up after it.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Generous: a first start makes a database on a machine that may be busy with other tests. */
const readyWithinMs = 90_000;
const stopWithinMs = 30_000;
const keptOutputChars = 64 * 1024;

/** What the server needs of the environment of the tests. All else could change what it does. */
const inherited = /^(PATH|HOME|TMPDIR|LANG|NODE_EXTRA_CA_CERTS|npm_config_.*|(https?|no)_proxy)$/i;

export interface StartOptions {
  /** On top of the defaults: a free port, quiet logs, rate limits out of the way. */
  env?: Record<string, string>;
  /** The caller's own folder, which is left alone; without it a new one that goes with the server. */
  dataDir?: string;
  /** A program that becomes the server, with its own arguments: the server's command line is appended. */
  command?: readonly string[];
}

export interface RunningServer extends AsyncDisposable {
  /** `http://127.0.0.1:<port>` */
  readonly baseUrl: string;
  readonly dataDir: string;
  readonly env: Readonly<Record<string, string>>;
  readonly pid: number;
  /** The last 64 KiB of what it wrote on stdout and stderr. */
  output(): string;
  /**
   * SIGTERM, and waits for the end; doing it twice does no harm.
   * @returns the exit code, or null when a signal ended it
   * @throws Error when it has not ended within 30 s; it is then killed
   */
  stop(): Promise<number | null>;
  /** SIGKILL, and waits for the end. */
  kill(): Promise<void>;
}

/** @throws Error with the server's last output when it ends or is not ready within 90 s; nothing is then left */
export async function startServer({
  env = {},
  dataDir,
  command = [],
}: StartOptions = {}): Promise<RunningServer> {
  const folder = dataDir ?? (await mkdtemp(join(tmpdir(), 'insightloop-test-')));
  const fullEnv = environmentOf(folder, env);
  const [program, ...rest] = [...command, process.execPath, join(root, 'apps/server/src/main.ts')] as const;
  const child = spawn(program, rest, {
    cwd: root,
    env: fullEnv,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  // For a run that is broken off, as far as an exiting process can.
  const endWithUs = () => {
    child.kill('SIGKILL');
    if (dataDir === undefined) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  process.once('exit', endWithUs);
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => resolve());
    child.once('error', () => resolve());
  });
  const cleaned = ended.then(async () => {
    process.off('exit', endWithUs);
    // Its database may need a moment longer to go, and still write while it does.
    if (dataDir === undefined) await rm(folder, { recursive: true, force: true, maxRetries: 50 });
  });
  const output = collect(child);

  const kill = async () => {
    child.kill('SIGKILL');
    await cleaned;
  };
  const stop = async () => {
    child.kill('SIGTERM');
    const inTime = await Promise.race([cleaned.then(() => true), sleep(stopWithinMs, false, { ref: false })]);
    if (inTime) return child.exitCode;
    await kill();
    throw new Error(`the server did not end within ${stopWithinMs} ms of SIGTERM:\n${output.text()}`);
  };

  try {
    const baseUrl = await readyAt(child, output);
    return {
      baseUrl,
      dataDir: folder,
      env: fullEnv,
      pid: child.pid ?? 0,
      output: output.text,
      stop,
      kill,
      async [Symbol.asyncDispose]() {
        await stop();
      },
    };
  } catch (problem) {
    await kill();
    throw new Error(`the server did not become ready; it said:\n${output.text()}`, { cause: problem });
  }
}

function environmentOf(dataDir: string, overrides: Record<string, string>): Record<string, string> {
  const passedOn = Object.entries(process.env).flatMap(([name, value]) =>
    value !== undefined && inherited.test(name) ? [[name, value] as const] : [],
  );
  const unlimited = '1000000000';
  return {
    ...Object.fromEntries(passedOn),
    INSIGHTLOOP_DATA_DIR: dataDir,
    API_HOST: '127.0.0.1',
    API_PORT: '0',
    LOG_LEVEL: 'warn',
    RATE_LIMIT_DISCOVERY: unlimited,
    RATE_LIMIT_DEPLOYMENT: unlimited,
    RATE_LIMIT_ORCHESTRATION: unlimited,
    RATE_LIMIT_LOGS: unlimited,
    ...overrides,
  };
}

interface Output {
  text(): string;
  /** Resolves with where the server says that it listens. */
  readonly address: Promise<string>;
}

function collect(child: ChildProcess): Output {
  let kept = '';
  let said = '';
  const address = Promise.withResolvers<string>();
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    said = (said + chunk).slice(-keptOutputChars);
    const found = /\bhttp:\/\/127\.0\.0\.1:\d+(?=\D)/.exec(said);
    if (found) address.resolve(found[0]);
  });
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      kept = (kept + chunk).slice(-keptOutputChars);
    });
  return { text: () => kept, address: address.promise };
}

async function readyAt(child: ChildProcess, output: Output): Promise<string> {
  const over = AbortSignal.timeout(readyWithinMs);
  const gone = once(child, 'close', { signal: over }).then(([code, signal]) => {
    throw new Error(`it ended with ${String(signal ?? code)}`);
  });
  const ready = output.address.then(async (baseUrl) => {
    while (!over.aborted) {
      const answer = await fetch(`${baseUrl}/readyz`, { signal: over }).catch(() => null);
      await answer?.body?.cancel();
      if (answer?.ok) return baseUrl;
      await sleep(20);
    }
    throw new Error(`it was not ready within ${readyWithinMs} ms`);
  });
  return Promise.race([ready, gone]);
}
