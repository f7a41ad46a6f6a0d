// A place for sandboxes in tests: the real thing in folders of its own, and what it must not leave behind.
import { randomUUID } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { SandboxedProcess, SandboxRequest } from '@insightloop/core';
import { createProcessSandbox, type ProcessSandbox } from '../sandbox.ts';
import type { Without } from '../sandbox-detect.ts';

const program = fileURLToPath(new URL('sandboxed-program.ts', import.meta.url));

/** Runs the program of the tests in one of its modes. */
export const nodeCommand = (...args: string[]): Pick<SandboxRequest, 'command' | 'readOnly'> => ({
  command: [process.execPath, program, ...args],
  readOnly: [dirname(process.execPath), dirname(program)],
});

export const mebibyte = 1024 * 1024;
export const ordinaryLimits = { memoryBytes: 256 * mebibyte, cpus: 1, pids: 64, diskBytes: 64 * mebibyte };

export interface SandboxSite {
  sandbox: ProcessSandbox;
  /** Ours: with room for the secrets of a test. */
  folder: string;
  instanceId: string;
  start(request: Partial<SandboxRequest> & Pick<SandboxRequest, 'command'>): Promise<SandboxedProcess>;
  /** Puts the program of the tests into a sandbox of its own and answers the object that it says. */
  ask(...args: string[]): Promise<unknown>;
  /** @throws when a sandbox has left something, or complained */
  end(): Promise<void>;
}

export const openSandboxSite = async ({ without }: { without: Without }): Promise<SandboxSite> => {
  const folder = await mkdtemp(join(tmpdir(), 'sandbox-site-'));
  // Without a view of its own, a process goes through the folders of ours.
  await chmod(folder, 0o711);
  const data = join(folder, 'data');
  await mkdir(data, { mode: 0o711 });
  const instanceId = randomUUID();
  const complaints: unknown[] = [];
  const sandbox = createProcessSandbox({
    folder: join(data, 'sandboxes'),
    lockFolder: join(folder, 'locks'),
    instanceId,
    logger: { warn: (fields, message) => complaints.push({ fields, message }) },
    without,
  });
  const started = new Set<SandboxedProcess>();
  let count = 0;

  const start: SandboxSite['start'] = async (request) => {
    count += 1;
    const child = await sandbox.start(
      {
        deploymentId: `deploy-${count}`,
        environment: {},
        limits: ordinaryLimits,
        mounts: [],
        readOnly: nodeCommand('').readOnly,
        allowUnisolated: false,
        ...request,
      },
      new AbortController().signal,
    );
    started.add(child);
    void child.exited.then(() => started.delete(child));
    return child;
  };

  return {
    sandbox,
    folder: data,
    instanceId,
    start,
    async ask(...args) {
      const child = await start(nodeCommand(...args));
      const [output, complaint] = await Promise.all([
        firstLineOf(child.stdout),
        text(child.stderr),
        child.stop(20_000),
      ]);
      if (output === null) throw new Error(complaint);
      const said: unknown = JSON.parse(output);
      return said;
    },
    async end() {
      await Promise.all([...started].map((child) => child.stop(0)));
      const left = [...(await leftovers(instanceId)), ...(await readdir(join(data, 'sandboxes')))];
      await rm(folder, { recursive: true });
      if (left.length > 0 || complaints.length > 0) throw new Error(JSON.stringify({ left, complaints }));
    },
  };
};

/** Cgroups, mounts and loop devices that carry the mark of an instance. */
export const leftovers = async (instanceId: string): Promise<string[]> => {
  const groups = await readdir('/sys/fs/cgroup', { recursive: true });
  const mounts = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n');
  return [
    ...groups.filter((path) => path.includes(instanceId)),
    ...mounts.filter((line) => line.includes('sandbox-site-')),
  ];
};

/** The next lines, one at a time; null at the end. The rest of the stream stays to be read. */
export const linesOf = (stream: Readable): (() => Promise<string | null>) => {
  let rest = '';
  stream.setEncoding('utf8');
  const next = async (): Promise<string | null> => {
    const end = rest.indexOf('\n');
    if (end !== -1) {
      const line = rest.slice(0, end);
      rest = rest.slice(end + 1);
      return line;
    }
    const chunk: unknown = stream.read();
    if (typeof chunk === 'string') rest += chunk;
    else if (stream.readableEnded || stream.destroyed) return null;
    else {
      await somethingHappens(stream);
    }
    return next();
  };
  return next;
};

const somethingHappens = (stream: Readable): Promise<void> => {
  const events = ['readable', 'end', 'close'];
  return new Promise((accept) => {
    const finish = (): void => {
      for (const event of events) stream.off(event, finish);
      accept();
    };
    for (const event of events) stream.on(event, finish);
  });
};

export const firstLineOf = (stream: Readable): Promise<string | null> => linesOf(stream)();
