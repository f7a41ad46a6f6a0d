// Running other programs: quietly as one phase of the preparation, or as the program that takes our place.
import { spawn, spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { constants as os } from 'node:os';
import { delimiter, join } from 'node:path';
import { Problem, adviceFor } from './problem.mjs';

const heartbeatMs = 10_000;
const keptOutput = 64 * 1024;

/** What the terminal is told; the output of what we run stays clean on stdout. */
export function say(text) {
  process.stderr.write(`insightloop: ${text}\n`);
}

/**
 * Runs one phase of the preparation to its end: says its title and how long it took, shows that it is alive (the last line
 * of output on a terminal, else a line now and then), and prints its whole output only when it failed.
 * @param {string} title
 * @param {string[]} command the program and its arguments
 * @param {{ cwd: string, env: NodeJS.ProcessEnv }} options
 */
export async function runPhase(title, command, options) {
  const started = Date.now();
  const seconds = () => `${((Date.now() - started) / 1000).toFixed(1)} s`;
  say(`${title} …`);
  let output = '';
  const child = spawn(command[0], command.slice(1), { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  const keep = (chunk) => (output = (output + chunk).slice(-keptOutput));
  child.stdout.setEncoding('utf8').on('data', keep);
  child.stderr.setEncoding('utf8').on('data', keep);

  const terminal = process.stderr.isTTY === true;
  const alive = setInterval(
    () => {
      const now = `${seconds()}  ${output.trimEnd().split('\n').pop() ?? ''}`;
      if (terminal) process.stderr.write(`\r\x1b[2K  ${now.slice(0, (process.stderr.columns ?? 80) - 4)}`);
      else say(`  still at it, ${now}`);
    },
    terminal ? 250 : heartbeatMs,
  );
  const release = onSignals((signal) => child.kill(signal));
  const failure = await new Promise((resolve) => {
    child.on('error', (error) => resolve(error.message));
    child.on('close', (code, signal) => resolve(code === 0 ? undefined : (signal ?? `exit code ${code}`)));
  });
  const stoppedBy = release();
  clearInterval(alive);
  if (terminal) process.stderr.write('\r\x1b[2K');

  if (stoppedBy !== undefined) process.exit(128 + os.signals[stoppedBy]);
  if (failure === undefined) return say(`  done in ${seconds()}`);
  if (output.trim() !== '') process.stderr.write(`${output.trimEnd()}\n`);
  throw new Problem(`${title}: failed after ${seconds()} (${failure})`, adviceFor(`${output}\n${failure}`));
}

/**
 * Runs a program in our place, with our terminal, and ends as it ends.
 *
 * A `shielded` program leads a session of its own: what the terminal sends to everybody in the foreground (Ctrl-C) reaches
 * only us, and we pass each signal on once. It can then stop its own children in its own order, instead of finding them
 * gone; and it is told to stop when we are killed outright, where the system can do that (Linux with setpriv).
 * Others share our terminal, so there Ctrl-C has reached them already.
 * @param {string[]} command the program and its arguments
 * @param {{ cwd: string, env: NodeJS.ProcessEnv, shielded?: boolean }} options
 * @returns {Promise<number>} the exit code; 128 and the signal's number when a signal ended it
 */
export async function handOver(command, { cwd, env, shielded = false }) {
  const guarded = shielded ? [...deathGuard(env), ...command] : command;
  const child = spawn(guarded[0], guarded.slice(1), { cwd, env, stdio: 'inherit', detached: shielded });
  const release = onSignals((signal) => {
    const heard = signal === 'SIGINT' && !shielded && process.stdin.isTTY === true;
    if (!heard) child.kill(signal === 'SIGHUP' ? 'SIGTERM' : signal);
  });
  try {
    return await new Promise((resolve, reject) => {
      child.on('error', (error) => reject(new Problem(error.message, adviceFor(error.message))));
      child.on('exit', (code, signal) => resolve(code ?? 128 + os.signals[signal]));
    });
  } finally {
    release();
  }
}

const repeatMs = 500;

/**
 * Calls `act` for each signal that asks us to stop, and with SIGTERM when the npm that started us is gone (it passes on
 * SIGINT and SIGTERM, but neither SIGHUP nor, of course, SIGKILL). npm also repeats to us what the terminal has told us
 * itself, so the same signal within half a second is one wish, not two: programs that take a second Ctrl-C as "at once"
 * would else never stop in peace.
 * @returns {() => NodeJS.Signals | undefined} ends the listening and says which signal came last
 */
export function onSignals(act) {
  let last;
  const lastAt = new Map();
  const listener = (signal) => {
    const before = lastAt.get(signal) ?? -Infinity;
    if (performance.now() - before < repeatMs) return;
    lastAt.set(signal, performance.now());
    last = signal;
    act(signal);
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'];
  for (const signal of signals) process.on(signal, listener);
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.env.npm_lifecycle_event === undefined || process.ppid === parent) return;
    clearInterval(watch);
    listener('SIGTERM');
  }, 1000);
  return () => {
    clearInterval(watch);
    for (const signal of signals) process.off(signal, listener);
    return last;
  };
}

/** The words before a command that make the kernel send it SIGTERM when the process that started it dies. */
function deathGuard(env) {
  if (process.platform !== 'linux') return [];
  const guard = [onPath('setpriv', env) ?? 'setpriv', '--pdeathsig', 'TERM', '--'];
  // Tried first, for a setpriv that does not know the option (BusyBox) is worth no more than none.
  return spawnSync(guard[0], [...guard.slice(1), 'true']).status === 0 ? guard : [];
}

/** The full path of a program on the PATH of `env`. */
export function onPath(name, env) {
  return (env.PATH ?? '')
    .split(delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, name))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}
