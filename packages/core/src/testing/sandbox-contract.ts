// What every Sandbox must do: the fake, and each kind of walls.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { ProcessRecord, Sandbox, SandboxedProcess, SandboxRequest } from '../deployments/sandbox.ts';
import { AppError } from '../errors.ts';

/** Programs that the subject must be able to run. */
export type SandboxProgram =
  /** Copies stdin to stdout and ends with it. */
  | 'echo'
  /** Writes "last words" to stderr and ends with status 3. */
  | 'fail'
  /** Ends itself with SIGKILL. */
  | 'suicide'
  /** Writes "ready" and its environment, one JSON object in a line, to stdout; ends with SIGTERM, not with stdin. */
  | 'polite'
  /** Writes "ready" to stdout; ends with neither. */
  | 'stubborn'
  /** Is not there. */
  | 'missing';

export interface SandboxSubject {
  sandbox: Sandbox;
  /** How a program is started, and what it must see for that. */
  program(name: SandboxProgram): Pick<SandboxRequest, 'command' | 'readOnly'>;
  end(): void | Promise<void>;
}

const mebibyte = 1024 * 1024;
/** So long may a process take to end by itself before it is pushed; far more than it needs. */
const longMs = 20_000;

export function describeSandbox(name: string, open: () => Promise<SandboxSubject>): void {
  describe(`the sandbox contract: ${name}`, () => {
    let subject: SandboxSubject;
    const started: SandboxedProcess[] = [];

    beforeEach(async () => {
      subject = await open();
    });
    afterEach(async () => {
      await Promise.all(started.splice(0).map((child) => child.stop(0)));
      await subject.end();
    });

    const start = async (
      program: SandboxProgram,
      change: Partial<SandboxRequest> = {},
      signal: AbortSignal = new AbortController().signal,
    ): Promise<SandboxedProcess> => {
      const child = await subject.sandbox.start(
        {
          deploymentId: 'deploy-1',
          ...subject.program(program),
          environment: {},
          limits: { memoryBytes: 256 * mebibyte, cpus: 1, pids: 64, diskBytes: 64 * mebibyte },
          mounts: [],
          allowUnisolated: true,
          ...change,
        },
        signal,
      );
      started.push(child);
      return child;
    };

    it('passes on what goes in and what comes out', async () => {
      const child = await start('echo');
      child.stdin.end('Grüße 🎉\n'.repeat(10_000));
      expect(await text(child.stdout)).toBe('Grüße 🎉\n'.repeat(10_000));
      expect(await child.exited).toEqual({ kind: 'exit', code: 0 });
    });

    it('tells how a process ended, and keeps its last words for who comes late', async () => {
      const child = await start('fail');
      expect(await child.exited).toEqual({ kind: 'exit', code: 3 });
      expect(await text(child.stderr)).toBe('last words\n');
    });

    it('tells by which signal a process ended', async () => {
      const child = await start('suicide');
      expect(await child.exited).toEqual({ kind: 'signal', signal: 'SIGKILL' });
    });

    it('gives a process its own environment and nothing of ours', async () => {
      const child = await start('polite', {
        environment: { TOKEN: 'a "b" $c\n`d`', EMPTY: '', HOME: '/ours', TMPDIR: '/ours' },
      });
      const environment: unknown = JSON.parse((await lines(child.stdout, 2))[1] ?? '');
      expect(environment).toEqual({
        TOKEN: 'a "b" $c\n`d`',
        EMPTY: '',
        HOME: expect.stringMatching(/^\/(?!ours)/) as string,
        TMPDIR: expect.stringMatching(/^\/(?!ours)/) as string,
        PATH: expect.stringMatching(/^\//) as string,
        LANG: expect.any(String) as string,
      });
    });

    it('lets a process end by itself when its stdin closes', async () => {
      const child = await start('echo');
      await child.stop(longMs);
      expect(await child.exited).toEqual({ kind: 'stopped' });
    });

    it('tells a process to end that does not mind its stdin', async () => {
      const child = await start('polite');
      await lines(child.stdout, 1);
      await child.stop(200);
      expect(await child.exited).toEqual({ kind: 'stopped' });
      expect(await text(child.stderr)).toBe('told to end\n');
    });

    it('ends a process that minds nothing', async () => {
      const child = await start('stubborn');
      await lines(child.stdout, 1);
      await child.stop(50);
      expect(await child.exited).toEqual({ kind: 'stopped' });
    });

    it('may be told to stop again and again, also when all is over', async () => {
      const child = await start('polite');
      await Promise.all([child.stop(100), child.stop(100)]);
      await child.stop(100);
      const other = await start('fail');
      await other.exited;
      await other.stop(100);
      expect(await other.exited).toEqual({ kind: 'exit', code: 3 });
    });

    it('knows what runs, and that it has ended', async () => {
      const child = await start('echo');
      expect(child.record.deploymentId).toBe('deploy-1');
      expect(await subject.sandbox.owned()).toEqual([child.record]);
      await child.stop(0);
      expect(await subject.sandbox.owned()).toEqual([]);
    });

    it('uses a name again when its process has ended, and not before', async () => {
      const child = await start('echo');
      await expect(start('echo')).rejects.toBeInstanceOf(AppError);
      await child.stop(0);
      await start('echo');
    });

    it('sweeps nothing that a record only resembles', async () => {
      const child = await start('echo');
      const { record } = child;
      const others: ProcessRecord[] = [
        { ...record, instanceId: 'another-instance' },
        { ...record, pid: record.pid + 1 },
        { ...record, startTime: `${record.startTime}0` },
        { ...record, bootId: 'another-boot' },
        { ...record, deploymentId: 'deploy-2' },
      ];
      for (const other of others) await subject.sandbox.sweep(other);
      expect(await subject.sandbox.owned()).toEqual([record]);
      child.stdin.end('still here');
      expect(await text(child.stdout)).toBe('still here');
    });

    it('measures what runs', async () => {
      const child = await start('polite');
      await lines(child.stdout, 1);
      const stats = await child.stats();
      expect(stats.processes).toBeGreaterThan(0);
      expect(stats.memoryBytes).toBeGreaterThan(0);
      expect(stats.residentBytes).toBeGreaterThan(0);
      expect(stats.cpuSeconds).toBeGreaterThanOrEqual(0);
      expect(stats.diskBytes).toBeGreaterThanOrEqual(0);
    });

    it('says that there is no such program, and leaves nothing', async () => {
      const failure = start('missing');
      await expect(failure).rejects.toMatchObject({ code: 'DEPLOYMENT_FAILED', infrastructure: false });
      expect(await subject.sandbox.owned()).toEqual([]);
    });

    it('refuses variables that no process can have', async () => {
      for (const environment of [{ 'A=B': '1' }, { 'A-B': '1' }, { A: 'nul\0' }, { '': '1' }] as const) {
        const failure = start('echo', { environment: { ...environment } });
        await expect(failure).rejects.toMatchObject({ code: 'DEPLOYMENT_FAILED' });
      }
      expect(await subject.sandbox.owned()).toEqual([]);
    });

    it('gives up a start that nobody wants any more', async () => {
      const controller = new AbortController();
      controller.abort(new Error('nobody wants it'));
      await expect(start('echo', {}, controller.signal)).rejects.toThrow('nobody wants it');
      expect(await subject.sandbox.owned()).toEqual([]);
    });

    it('does not take us for a process in a sandbox', () => {
      expect(subject.sandbox.ownsUid(process.getuid?.() ?? 0)).toBe(false);
    });
  });
}

/** The first lines that a process writes; the rest of the stream stays to be read. */
const lines = async (stream: Readable, count: number): Promise<string[]> => {
  const found: string[] = [];
  let rest = '';
  stream.setEncoding('utf8');
  while (found.length < count) {
    const chunk: unknown = stream.read();
    if (typeof chunk !== 'string') {
      if (stream.readableEnded) return found;
      await new Promise<void>((accept) => {
        const finish = (): void => {
          stream.off('readable', finish).off('end', finish);
          accept();
        };
        stream.on('readable', finish).on('end', finish);
      });
      continue;
    }
    rest += chunk;
    const parts = rest.split('\n');
    rest = parts.pop() ?? '';
    found.push(...parts);
  }
  return found;
};
