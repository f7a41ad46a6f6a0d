// The fake sandbox passes the suite of the real one.
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { FakeSandbox, type FakeSandboxProgram } from './fake-sandbox.ts';
import { describeSandbox } from './sandbox-contract.ts';

const untilTold = async (terminated: AbortSignal): Promise<void> => {
  if (!terminated.aborted) await once(terminated, 'abort');
};

const programs: Record<string, FakeSandboxProgram> = {
  '/fake/echo': async ({ stdin, stdout }) => {
    for await (const chunk of stdin) stdout.write(chunk);
    return { kind: 'exit', code: 0 };
  },
  '/fake/fail': ({ stderr }) => {
    stderr.write('last words\n');
    return Promise.resolve({ kind: 'exit', code: 3 });
  },
  '/fake/suicide': () => Promise.resolve({ kind: 'signal', signal: 'SIGKILL' }),
  '/fake/polite': async ({ stdout, stderr, environment, terminated }) => {
    stdout.write(`ready\n${JSON.stringify(environment)}\n`);
    await untilTold(terminated);
    stderr.write('told to end\n');
    return { kind: 'exit', code: 0 };
  },
  '/fake/stubborn': ({ stdout }) => {
    stdout.write('ready\n');
    return new Promise(() => undefined);
  },
};

describeSandbox('the fake', () =>
  Promise.resolve({
    sandbox: new FakeSandbox({ programs }),
    program: (name) => ({ command: [`/fake/${name}`], readOnly: [] }),
    end: () => undefined,
  }),
);

it('refuses what it cannot isolate, like a machine without walls', async () => {
  const sandbox = new FakeSandbox({ programs, isolation: 'none' });
  const limits = { memoryBytes: 1, cpus: 1, pids: 1, diskBytes: 1 };
  const request = {
    deploymentId: 'deploy-1',
    command: ['/fake/fail'],
    environment: {},
    limits,
    mounts: [],
    readOnly: [],
    allowUnisolated: false,
  };
  const { signal } = new AbortController();
  await expect(sandbox.start(request, signal)).rejects.toMatchObject({ infrastructure: true });
  const child = await sandbox.start({ ...request, allowUnisolated: true }, signal);
  expect(child.isolation).toBe('none');
  expect(sandbox.requests).toHaveLength(1);
});
