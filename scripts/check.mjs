// `npm run check`: types, lint, format and dead code. All of them run, whatever fails, and a summary ends it.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { programOf } from './preparation.mjs';
import { onSignals } from './processes.mjs';

// Longest first, so that two at a time end together. More at a time would not be faster: each can fill a core and wants
// up to a gigabyte.
const checks = [
  { name: 'lint', tool: ['eslint', '--max-warnings=0', '.'] },
  { name: 'types', tool: ['typescript', '--noEmit', '--project', '.'], program: 'tsc' },
  { name: 'format', tool: ['prettier', '--check', '--log-level=warn', '.'] },
  { name: 'dead code', tool: ['knip', '--no-config-hints'] },
];
const atOnce = 2;

/**
 * Runs all checks and prints what each found, then one line for each.
 * @returns {Promise<number>} 0 only if every check passed
 */
export async function check(root, toolchain) {
  const waiting = [...checks];
  const running = new Set();
  const results = new Map();
  const release = onSignals((signal) => {
    for (const child of running) child.kill(signal);
    process.exit(128 + constants.signals[signal]);
  });
  const worker = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const result = await runCheck(root, toolchain, { ...next, running });
      results.set(next.name, result);
      if (!result.passed) process.stdout.write(`\n── ${next.name}\n${result.output.trimEnd()}\n`);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  release();

  process.stdout.write('\n');
  for (const { name } of checks) {
    const { passed, seconds } = results.get(name);
    process.stdout.write(
      `${passed ? 'passed' : 'FAILED'}  ${name.padEnd(10)} ${seconds.toFixed(1).padStart(6)} s\n`,
    );
  }
  return [...results.values()].every(({ passed }) => passed) ? 0 : 1;
}

async function runCheck(root, { node, env }, { tool: [name, ...rest], program, running }) {
  const started = Date.now();
  const colour = process.stdout.isTTY && env.NO_COLOR === undefined ? { FORCE_COLOR: '1' } : {};
  const child = spawn(node, [programOf(root, name, program ?? name), ...rest], {
    cwd: root,
    env: { ...env, ...colour },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  let output = '';
  const keep = (chunk) => (output += chunk);
  child.stdout.setEncoding('utf8').on('data', keep);
  child.stderr.setEncoding('utf8').on('data', keep);
  const passed = await new Promise((resolve) => {
    child.on('error', (error) => {
      output += error.message;
      resolve(false);
    });
    child.on('close', (code) => resolve(code === 0));
  });
  running.delete(child);
  return { passed, output, seconds: (Date.now() - started) / 1000 };
}
