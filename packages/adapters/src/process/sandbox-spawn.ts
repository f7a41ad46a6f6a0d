// Starts the command lines of the sandbox as children of ours, and waits for the first word they say.
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { PassThrough, type Duplex, type Readable, type Writable } from 'node:stream';
import { toolPath } from './sandbox-tools.ts';

/** Descriptor 3: the script speaks there, and it closes when we end. */
const control = 3;

export interface Piped {
  child: ChildProcess;
  stdin: Writable;
  stdout: Readable;
  stderr: Readable;
  control: Duplex;
  /** Resolves when nobody can write to stdout and stderr any more, and all was taken over from them. */
  outputsClosed: Promise<void>;
  /** Ends them all the same. */
  cutOutputs(): void;
  /** How it ended, when it has. Never rejects. */
  exit: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

export interface SpawnRequest {
  command: readonly string[];
  /** Besides PATH and LC_ALL. */
  environment: Readonly<Record<string, string>>;
}

/**
 * A session of its own: Ctrl-C reaches our group, and must not end what we are to end in order.
 * @throws when there is no such program, or the machine cannot start another process
 */
export const spawnPiped = async ({ command, environment }: SpawnRequest): Promise<Piped> => {
  const [program = '', ...args] = command;
  const nothing = openSync('/dev/null', 'r+');
  let child;
  try {
    child = spawn(program, args, {
      cwd: '/',
      detached: true,
      env: { ...environment, PATH: toolPath, LC_ALL: 'C' },
      stdio: coverInherited(['pipe', 'pipe', 'pipe', 'pipe'], nothing),
    });
  } finally {
    closeSync(nothing);
  }
  const exit = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((accept) =>
    child.once('exit', (code, signal) => accept({ code, signal })),
  );
  await new Promise<void>((accept, reject) => {
    child.once('spawn', accept);
    child.once('error', reject);
  });
  const { stdin } = child;
  const channel = child.stdio[control];
  if (stdin === null || child.stdout === null || child.stderr === null || !isDuplex(channel))
    throw new Error('a child process has no pipes');
  const outputs = [child.stdout, child.stderr];
  // A pipe to a process breaks when that ends, which `exit` tells; without a listener it would end us too.
  for (const stream of [stdin, ...outputs, channel]) stream.on('error', () => undefined);
  return {
    child,
    stdin,
    stdout: keepUnread(child.stdout),
    stderr: keepUnread(child.stderr),
    control: channel,
    exit,
    outputsClosed: Promise.all(outputs.map(closeOf)).then(() => undefined),
    cutOutputs: () => outputs.forEach((stream) => stream.destroy()),
  };
};

/** When a process ends, Node throws away what nobody has read of its pipes by then; here it waits for its reader. */
const keepUnread = (source: Readable): Readable => {
  const kept = new PassThrough();
  source.pipe(kept);
  // Also when it was cut off.
  source.on('close', () => kept.end());
  return kept;
};

const closeOf = (stream: Readable): Promise<void> =>
  new Promise((accept) => {
    stream.once('close', accept);
  });

const isDuplex = (stream: unknown): stream is Duplex =>
  typeof stream === 'object' && stream !== null && 'write' in stream && 'read' in stream;

/**
 * Descriptors that we got from whoever started us, and that are not closed in children, are no business of a
 * stranger's: in the child each of them is /dev/null. Those that Node opens are closed by themselves.
 */
const coverInherited = (stdio: ('pipe' | 'ignore' | number)[], nothing: number) => {
  const covered = [...stdio];
  for (const descriptor of inheritedDescriptors()) {
    if (descriptor === nothing) continue;
    while (covered.length <= descriptor) covered.push('ignore');
    if (descriptor >= stdio.length) covered[descriptor] = nothing;
  }
  return covered;
};

const closesInChildren = 0o2000000;

/** About 20 µs for each descriptor of ours. */
const inheritedDescriptors = (): number[] => {
  const found: number[] = [];
  for (const name of namesIn('/proc/self/fdinfo')) {
    const info = textOf(`/proc/self/fdinfo/${name}`);
    const flags = /^flags:\s+([0-7]+)$/m.exec(info)?.[1];
    if (flags !== undefined && (Number.parseInt(flags, 8) & closesInChildren) === 0) found.push(Number(name));
  }
  return found;
};

/** Where there is no /proc there is no sandbox that this could weaken. */
const namesIn = (folder: string): string[] => {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
};

/** The descriptor that listed the folder is closed by now. */
const textOf = (path: string): string => {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
};

/** A word, or a line of them, is all that a script ever says. */
const maxWordBytes = 1024;

/**
 * The first line on descriptor 3, null when it closes without one.
 * @throws the signal's reason
 */
export const firstLine = async ({ control: channel }: Piped, signal: AbortSignal): Promise<string | null> => {
  signal.throwIfAborted();
  const { promise, resolve } = Promise.withResolvers<string | null>();
  let text = '';
  const onData = (chunk: Buffer): void => {
    text += chunk.toString('latin1');
    const end = text.indexOf('\n');
    if (end !== -1 || text.length > maxWordBytes) resolve(text.slice(0, end));
  };
  const onEnd = (): void => resolve(null);
  channel.on('data', onData);
  channel.on('close', onEnd);
  signal.addEventListener('abort', onEnd);
  try {
    const line = await promise;
    signal.throwIfAborted();
    return line;
  } finally {
    channel.off('data', onData);
    channel.off('close', onEnd);
    signal.removeEventListener('abort', onEnd);
  }
};

/** As much of a complaint as helps. */
const maxComplaintBytes = 4096;

/** Collects what a script complains of; ends with the stream. */
export const complaintsOf = (stream: Readable): (() => string) => {
  let text = '';
  stream.on('data', (chunk: Buffer) => {
    if (text.length < maxComplaintBytes) text += chunk.toString('utf8').slice(0, maxComplaintBytes);
  });
  return () => text.trim();
};
