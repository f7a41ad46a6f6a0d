// The program that runs in our place ends as we are told to end, and we end as it ends.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { runPhase } from './processes.mjs';

const processes = new URL('processes.mjs', import.meta.url).href;
const started = [];

afterEach(() => {
  for (const pid of started.splice(0)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended, as it should.
    }
  }
});

/** A launcher that hands over to a program; resolves when the program says its own number. */
async function launch(program, { shielded = true, env = {} } = {}) {
  const code = `import { handOver } from ${JSON.stringify(processes)};
    const command = [process.execPath, '-e', process.argv[1]];
    process.exitCode = await handOver(command, { cwd: '.', env: process.env, shielded: ${shielded} });`;
  const launcher = spawn(
    process.execPath,
    ['--input-type=module', '-e', code, `${program}; console.log(process.pid)`],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, npm_lifecycle_event: undefined, ...env },
    },
  );
  started.push(launcher.pid);
  let output = '';
  launcher.stdout.setEncoding('utf8').on('data', (chunk) => (output += chunk));
  const exit = once(launcher, 'exit');
  const closed = once(launcher, 'close');
  await expect.poll(() => output).toMatch(/^\d+\n/);
  const pid = Number.parseInt(output, 10);
  started.push(pid);
  return { launcher, exit, closed, said: () => output.split('\n').slice(1, -1) };
}

/** Counts the signals that it gets and ends itself a little after the first. */
const counting = `for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => {
    console.log(signal);
    setTimeout(() => process.exit(7), 200).unref();
  });
  setInterval(() => {}, 1000)`;

describe.each([true, false])('a program (shielded: %s)', (shielded) => {
  it('is told once and gives its exit code', async () => {
    const { launcher, exit, closed, said } = await launch(counting, { shielded });
    launcher.kill('SIGTERM');
    launcher.kill('SIGTERM');
    expect(await exit).toEqual([7, null]);
    await closed;
    expect(said()).toEqual(['SIGTERM']);
  });

  it('that dies of a signal is told by the exit code', async () => {
    const { launcher, exit } = await launch(`setInterval(() => {}, 1000)`, { shielded });
    launcher.kill('SIGTERM');
    expect(await exit).toEqual([128 + 15, null]);
  });
});

it('a shielded program hears of Ctrl-C from us, another from the terminal itself', async () => {
  const shielded = await launch(counting);
  shielded.launcher.kill('SIGINT');
  expect(await shielded.exit).toEqual([7, null]);
  await shielded.closed;
  expect(shielded.said()).toEqual(['SIGINT']);
});

it.runIf(process.platform === 'linux')(
  'a shielded program is told when its launcher is killed outright',
  async () => {
    const { launcher, closed, said } = await launch(counting);
    launcher.kill('SIGKILL');
    await closed;
    expect(new Set(said())).toEqual(new Set(['SIGTERM']));
  },
);

describe('a phase', () => {
  const phase = (code) => runPhase('A phase', [process.execPath, '-e', code], { cwd: '.', env: process.env });

  it('that succeeds says nothing', async () => {
    await expect(phase(`console.log('fine')`)).resolves.toBeUndefined();
  });

  it('that fails says what to do', async () => {
    await expect(phase(`console.error('ENOSPC'); process.exit(3)`)).rejects.toMatchObject({
      message: expect.stringMatching(/^A phase: failed after .* \(exit code 3\)$/),
      advice: expect.stringContaining('disk is full'),
    });
  });
});
